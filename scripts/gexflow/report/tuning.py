"""What the report says of tuned models: what their folds chose, among what, and on which samples."""

from collections import Counter
from typing import Any

from gexflow.candidates import edge_notes
from gexflow.report.words import counted


def tuned(entries: list[dict[str, Any]]) -> str:
    """Return the choices of all folds of a model in words; "" if it is not tuned.

    Parameters
    ----------
    entries : list of dict
        `training.json` of every fold.
    """
    entries = [entry for entry in entries if "chosen" in entry]
    if not entries:
        return ""
    counts = Counter(_words(entry["chosen"]) for entry in entries)
    candidates = [_words(row["settings"]) for row in entries[0]["candidates"]]
    # in the order of the candidates, not of the folds
    chosen = [f"{words} in {counts[words]}" for words in candidates if counts[words]]
    words = (
        f"tuned by log loss on {_samples(entries[0]['chosen_by'])}, {counted(len(candidates), 'candidate')}; chosen "
        f"{', '.join(chosen)} of {len(entries)} folds"
    )
    return "; ".join([words, *edge_notes(entries)])


def _samples(chosen_by: str) -> str:
    inner = chosen_by == "inner cross-validation"
    return "the held-out samples of an inner cross-validation" if inner else f"the {chosen_by} of each fold"


def _words(settings: dict[str, Any]) -> str:
    return " and ".join(f"{name} {value}" for name, value in settings.items())
