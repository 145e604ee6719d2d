"""Tuning as the config describes it: `tune` lists values of a model's settings, and each combination is a candidate.

Light: Snakemake reads it at every start and in every job.
"""

from copy import deepcopy
from itertools import product

INNER_FOLDS = 3  # of the training part of a fold, where no validation samples choose


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
