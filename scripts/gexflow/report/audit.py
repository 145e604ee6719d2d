"""The audit in the report: its rows, what it found said aloud, and what a reader needs to read it."""

from collections.abc import Iterator
from typing import Any

from gexflow.report.words import MISSING, known

# What each check asks, in the order of the audit; a planted leak has its name behind it.
ASKED = {
    "split": "the folds part no sample, group or near-duplicate, test every sample once, and train on every class",
    "fold purity": "a recipe learns the same, bit for bit, with noise in place of all samples that do not train",
    "permuted labels": "the pipeline (a network untuned) refitted on permuted labels is at chance; a group counts once",
    "permuted within batches": "the same within each batch: does the result know more than batches tell?",
    "target proxies": "no column is the label as a number",
    "near-perfect genes": "genes that tell a class from the rest by themselves are counted",
    "batch alone": "what site, plate or platform tell of the class without any gene",
    "random genes": "what as many genes drawn at random reach (a network untuned)",
    "planted leak": "a leak planted by intention (LEAKY, ranked nowhere) is seen by the audit",
}


def audit_rows(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return the audit of a dataset: `rows` as the page prints them, `findings` and `asked` (check and question)."""
    rows = [
        {key: value if known(value) else "" for key, value in row.items()}
        | {"loud": row["finding"] == "finding", "value": row["value"] if known(row["value"]) else MISSING}
        for row in dataset["audit"]
    ]
    kinds = {row["check"].split(":")[0] for row in rows}
    return {
        "rows": rows,
        "findings": [row for row in rows if row["loud"]],
        "asked": [(name, question) for name, question in ASKED.items() if name in kinds],
    }


def audit_caveats(dataset: dict[str, Any]) -> Iterator[str]:
    """Yield what the audit found."""
    for row in dataset["audit"]:
        if row["finding"] == "finding":
            subject = f" ({row['subject']})" if known(row["subject"]) else ""
            yield f"{row['check']}{subject}: {row['detail']}"
