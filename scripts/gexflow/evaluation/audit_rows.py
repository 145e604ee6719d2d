"""The rows of the audit: what was checked, on what, and what came of it."""

from dataclasses import asdict, dataclass

import pandas as pd

from gexflow.errors import InputError

PASS, FINDING, NOTE, NOT_TESTABLE = "pass", "finding", "note", "not testable"
COLUMNS = ["check", "subject", "finding", "value", "expected", "detail"]


@dataclass(frozen=True)
class Row:
    """One line of the audit.

    Attributes
    ----------
    check : str
    subject : str
        The model or recipe that was looked at; "" where it is the cohort or its folds.
    finding : str
        pass; finding: a leak, as far as the audit can tell; note: something to know; not testable.
    value, expected : str
        What came out, and what does where nothing leaks or what it is to be compared with.
    detail : str
        A sentence.
    """

    check: str
    subject: str
    finding: str
    value: str
    expected: str
    detail: str


def audit_table(rows: list[Row]) -> pd.DataFrame:
    """Return the rows as a table with the columns `COLUMNS`."""
    return pd.DataFrame([asdict(row) for row in rows], columns=COLUMNS)


def flagged(rows: list[Row]) -> list[str]:
    """Return the checks that found something, with their subjects."""
    return [f"{row.check} ({row.subject})" if row.subject else row.check for row in rows if row.finding == FINDING]


def refuse_findings(rows: list[Row], dataset: str, table: str) -> None:
    """Raise an error that names all findings; `table` says where they are explained.

    Raises
    ------
    InputError
        If there is a finding.
    """
    names = flagged(rows)
    if names:
        raise InputError(
            f"The audit of {dataset} found: {'; '.join(names)}. Read {table}, mend the cause, or set "
            "evaluation.audit.strict to false to go on with these results"
        )


def share(value: float) -> str:
    """Write a share with three digits."""
    return f"{value:.3f}"
