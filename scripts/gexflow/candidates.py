"""Tuning as the config describes it: `tune` lists values of a model's settings, and each combination is a candidate.

Light: Snakemake reads it at every start and in every job.
"""

from collections.abc import Sequence
from copy import deepcopy
from itertools import product
from typing import Any

INNER_FOLDS = 3  # of the training part of a fold, where no validation samples choose
_AT_THE_EDGE = 2 / 3  # of the folds
# ends of what a setting can be; so is 0 wherever it is allowed
_NO_FURTHER = {("max_features", 1), ("min_samples_leaf", 1), ("heads", 1), ("heads", 4)}


def with_tune(schema: dict) -> dict:
    """Return the config's schema with a key `tune` wherever it names `tunable` settings.

    `tune` then takes a list of values for each of these settings, with the bounds of the setting itself.
    """
    schema = deepcopy(schema)
    for part in schema["$defs"].values():
        if "tunable" in part:
            lists = {key: {**_LIST, "items": part["properties"][key]} for key in part["tunable"]}
            part["properties"]["tune"] = {**_TUNE, "properties": lists}
    return schema


_TUNE = {
    "description": "Lists of values of the model's own settings, as {C: [0.01, 0.1, 1]}; every fold chooses among all "
    "combinations.",
    "type": "object",
    "minProperties": 1,
    "additionalProperties": False,
}
_LIST = {
    "description": "A list of 1 to 20 different values, the stronger regularisation first: ties go to the first.",
    "type": "array",
    "minItems": 1,
    "maxItems": 20,
    "uniqueItems": True,
}


def changes(settings: dict) -> list[dict]:
    """Return what each candidate of a model sets: keys by alphabet, values as listed, the last key varies fastest.

    A model without `tune` has one candidate, which sets nothing.
    """
    lists = sorted(settings.get("tune", {}).items())
    return [dict(zip((key for key, _ in lists), values, strict=True)) for values in product(*(v for _, v in lists))]


def candidates(settings: dict) -> list[dict]:
    """Return the settings of each candidate of a model, without `tune`, in the order of `changes`."""
    plain = {key: value for key, value in settings.items() if key != "tune"}
    return [{**plain, **change} for change in changes(settings)]


def inner_folds(settings: dict, validation: float) -> int:
    """Return the number of inner folds that choose a model's candidate; 0 for an untuned one, or one by validation.

    Parameters
    ----------
    settings : dict
        Of the model.
    validation : float
        `run.validation`, the share of the training samples set aside.
    """
    return INNER_FOLDS if "tune" in settings and not validation else 0


def edge_notes(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence for each setting of which most folds chose the smallest, or the largest, of the listed numbers.

    Most are two thirds. Where no smaller or larger value exists, as below a dropout of 0, there is nothing to note.

    Parameters
    ----------
    entries : sequence of dict
        `training.json` of every fold; those without `chosen` are left aside.
    """
    entries, notes = [entry for entry in entries if "chosen" in entry], []
    for name in entries[0]["chosen"] if entries else ():
        values = [row["settings"][name] for row in entries[0]["candidates"]]
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in values):
            continue
        for word, edge in (("smallest", min(values)), ("largest", max(values))):
            count = sum(entry["chosen"][name] == edge for entry in entries)
            wider = min(values) < max(values) and edge and (name, edge) not in _NO_FURTHER
            if wider and count >= _AT_THE_EDGE * len(entries):
                notes.append(
                    f"{name} was chosen at the {word} listed value, {edge}, in {count} of {len(entries)} folds: "
                    "a wider list may do better"
                )
    return notes
