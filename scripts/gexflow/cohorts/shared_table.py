"""The table of what cohorts share, read by the report."""

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


def shared_rows(found: Shared, names: tuple[str, str], sizes: list[int], families: dict[str, str]) -> list[dict]:
    """Return two rows: what the first cohort shares with the second, and the second with the first.

    Parameters
    ----------
    found : Shared
        From `shared_samples` of the two.
    names : two str
        The datasets.
    sizes : two int
        Their samples.
    families : dict
        Family of each dataset.
    """
    one_family = families[names[0]] == families[names[1]]
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
            "note": found.note or _note(count, one_family, names),
        }
        for here, count in enumerate((found.first, found.second))
    ]


def shared_sentence(found: Shared, names: tuple[str, str], note: str) -> str:
    """Return what the log says of two cohorts, `note` being that of their rows."""
    searched = "" if found.note else f"{len(found.pairs)} pairs of one sample over {found.genes_in_common} genes"
    return f"{names[0]} and {names[1]}: {'; '.join(filter(None, (searched, note)))}"


def _note(count: int, one_family: bool, names: tuple[str, str]) -> str:
    if count and not one_family:
        return f"families differ although samples are shared: give {names[0]} and {names[1]} one family"
    if one_family and not count:
        return "one family by the config; no shared sample found"
    return ""
