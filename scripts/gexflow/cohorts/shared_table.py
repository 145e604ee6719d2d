"""The table of what cohorts share, read by the report."""

import json

from gexflow.cohorts.shared_samples import Shared

COLUMNS = [
    "dataset",
    "other",
    "genes_in_common",
    "shared",
    "of",
    "largest_similarity",
    "threshold",
    "same_family",
    "note",
]


def shared_rows(found: Shared, names: tuple[str, str], sizes: list[int], settings: dict) -> list[dict]:
    """Return two rows: what the first cohort shares with the second, and the second with the first.

    Parameters
    ----------
    found : Shared
        From `shared_samples` of the two.
    names : two str
        The datasets.
    sizes : two int
        Their samples.
    settings : dict
        `families` of the datasets by their names, and `tests`, the external ones, as pairs [train, test].
    """
    families = settings["families"]
    one_family = families[names[0]] == families[names[1]]
    tested = tested_of(names, settings["tests"])
    return [
        {
            "dataset": names[here],
            "other": names[1 - here],
            "genes_in_common": found.genes_in_common,
            "shared": count,
            "of": sizes[here],
            "largest_similarity": found.largest,
            "threshold": found.threshold,
            "same_family": "yes" if one_family else "no",
            "note": found.note or _note(count, one_family, names, tested),
        }
        for here, count in enumerate((found.first, found.second))
    ]


def tested_of(names: tuple[str, str], tests: list[list[str]]) -> str:
    """Return which of two datasets is an external test of the other one; "" for neither."""
    return next((names[1 - here] for here in (0, 1) if [names[here], names[1 - here]] in tests), "")


def shared_sentence(
    found: Shared, names: tuple[str, str], note: str, tested: str = "", samples: list[str] | None = None
) -> str:
    """Return what the log says of two cohorts, `note` being that of their rows.

    Parameters
    ----------
    found : Shared
    names : two str
        The datasets.
    note : str
    tested : str
        From `tested_of`: the samples that it shares with the other dataset are listed, as YAML takes them.
    samples : list of str
        All sample ids of `tested`.
    """
    searched = "" if found.note else f"{len(found.pairs)} pairs of one sample over {found.genes_in_common} genes"
    sentence = f"{names[0]} and {names[1]}: {'; '.join(filter(None, (searched, note)))}"
    if not tested or not found.pairs:
        return sentence
    rows = sorted({pair[names.index(tested)] for pair in found.pairs})
    return f"{sentence}: {json.dumps([samples[row] for row in rows], ensure_ascii=False)}"


def _note(count: int, one_family: bool, names: tuple[str, str], tested: str) -> str:
    if count and tested:
        other = names[1 - names.index(tested)]
        return (
            f"{tested} is an external test of {other} and shares samples with it: exclude them with "
            f"datasets.{tested}.exclude (the log of find_shared_samples lists them)"
        )
    if count and not one_family:
        return f"families differ although samples are shared: give {names[0]} and {names[1]} one family"
    if one_family and not count:
        return "one family by the config; no shared sample found"
    return ""
