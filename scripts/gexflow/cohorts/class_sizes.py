"""Which classes are large enough to be cross-validated.

The size of a class is the number of its groups (samples, where each is a group of its own): all samples of a group fall
into the same test part.
"""

import pandas as pd

from gexflow.errors import InputError, plain

_SHOWN = 10
_FEW = 2  # test samples of a class in a fold: its recall there is 0, a half or 1


def small_classes(labels: list[str], groups: list[str], least: int) -> list[str]:
    """Return the classes with fewer than `least` groups; `labels` and `groups` have one entry a sample."""
    sizes = _sizes(labels, groups)
    return sizes.index[sizes["groups"] < least].tolist()


def check_class_sizes(labels: list[str], groups: list[str], folds: int, least: int | None, dataset: str) -> str:
    """Refuse classes with fewer groups than folds, unless the user set `least` (`min_class_size`).

    Returns
    -------
    str
        Which classes some test parts lack, for the log; "" if none.

    Raises
    ------
    InputError
        A class is too small and `least` is None.
    """
    sizes = _sizes(labels, groups)
    scarce = sizes[sizes["groups"] < folds]
    if scarce.empty:
        return ""
    if least is not None:
        return f"Some of the {folds} test parts lack classes with fewer groups than folds: {_listed(scarce)}."
    raise InputError(
        f"Dataset {dataset} has {len(scarce)} of {len(sizes)} classes too small for {folds} folds "
        f"(samples: {_listed(scarce)}): {_ways_out(sizes, scarce, folds, dataset)}."
    )


def few_tested(splits: pd.DataFrame, labels: dict[str, str]) -> dict[str, int]:
    """Return the smallest number of test samples in a fold of each class that has at most two there, fewest first.

    Folds that test a class on no sample are left aside.

    Parameters
    ----------
    splits : DataFrame
        With the columns sample, fold and part.
    labels : dict
        Label of every sample.
    """
    tests = splits[splits["part"] == "test"]
    sizes = tests.groupby([tests["sample"].map(labels), "fold"]).size()
    least = sizes.groupby(level=0).min()
    return {str(label): int(count) for label, count in least.sort_values(kind="stable").items() if count <= _FEW}


def few_tested_note(few: dict[str, int]) -> str:
    """Return the sentence that the log says of `few_tested`; "" where there is no such class."""
    if not few:
        return ""
    names = ", ".join(f"{plain(label)} {count}" for label, count in list(few.items())[:_SHOWN])
    more = f" and {len(few) - _SHOWN} more" if len(few) > _SHOWN else ""
    return (
        f"Some folds test only one or two samples of a class (smallest number: {names}{more}): in a fold, its recall "
        "and precision can take only few values."
    )


def _ways_out(sizes: pd.DataFrame, scarce: pd.DataFrame, folds: int, dataset: str) -> str:
    ways = []
    if scarce["groups"].min() >= 2:
        ways.append(f"`datasets.{dataset}.folds: {scarce['groups'].min()}` to keep them")
    if len(sizes) - len(scarce) >= 2:
        ways.append(f"`datasets.{dataset}.min_class_size: {folds}` to leave them out")
    elif (sizes["groups"] >= 2).sum() >= 2:
        ways.append(f"`datasets.{dataset}.min_class_size: 2` to keep those of two or more")
    return "set " + ", or ".join(ways) if ways else "merge classes with label.map, or find more samples"


def _sizes(labels: list[str], groups: list[str]) -> pd.DataFrame:
    table = pd.DataFrame({"label": labels, "group": groups})
    return table.groupby("label")["group"].agg(samples="size", groups="nunique").sort_values(["groups", "samples"])


def _listed(sizes: pd.DataFrame) -> str:
    parts = []
    for label, row in sizes.head(_SHOWN).iterrows():
        groups = "" if row["groups"] == row["samples"] else f" in {row['groups']} groups"
        parts.append(f"{plain(label)} {row['samples']}{groups}")
    return ", ".join(parts) + (f" and {len(sizes) - _SHOWN} more" if len(sizes) > _SHOWN else "")
