"""Splits: every sample is tested once a repeat, groups never part, classes are spread evenly."""

import warnings
from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gexflow.cohorts.class_shares import take_groups
from gexflow.cohorts.site_folds import Sites, check_sites, join_sites, pack_units, unit_names
from gexflow.errors import InputError, plain

COLUMNS = ["sample", "group", "repeat", "fold", "part"]
_PUBLISHED_SHARE = 0.1  # of the samples of each class: test, and as many for validation


def split_samples(
    samples: list[str],
    labels: list[str],
    groups: list[str],
    folds: int,
    repeats: int,
    seed: int,
    validation: float,
    held_out: np.ndarray | None = None,
    draw: Callable[[np.ndarray, int], list[np.ndarray]] | None = None,
) -> pd.DataFrame:
    """Split samples for repeated cross-validation.

    Where no two samples share a group this is scikit-learn's `StratifiedKFold(shuffle=True)`, as published for
    GexpNet; else it is `StratifiedGroupKFold(shuffle=True)`. Repeat r uses the seed `seed + r - 1`.

    Parameters
    ----------
    samples, labels, groups : list of str, one a sample
    folds : int
        Test parts a repeat, from 2.
    repeats : int
        From 1.
    seed : int
        From 0.
    validation : float
        Share of the training samples to set aside in every fold, 0 for none; below 1. Whole groups; every class
        keeps at least one training group.
    held_out : bool array (samples,) or None
        Samples of whole groups with the part `holdout` in every fold; the others are split as if they were all.
    draw : function (rows, seed) -> list of int arrays, or None
        Draws the test parts of a repeat in another way: of the samples in `rows` (in rising order), the places in
        `rows` that each of the `folds` parts takes.

    Returns
    -------
    DataFrame
        Columns sample, group, repeat, fold (one running number from 1 over all repeats), part (train, validation,
        test, holdout); one row a sample and fold.

    Raises
    ------
    InputError
        There are more folds than groups, or no split keeps the promises above.
    """
    names, labels, groups = (np.asarray(list(map(str, column)), dtype=object) for column in (samples, labels, groups))
    rows = np.arange(len(names)) if held_out is None else np.flatnonzero(~held_out)
    count = len(set(groups[rows]))
    if not 2 <= folds <= count:
        raise InputError(f"run.folds is {folds}, but there are {count} groups of samples: set 2 to {count} folds.")
    if not 0 <= validation < 1:
        raise InputError(f"run.validation is {validation}, but must be a share from 0 to below 1.")
    tables = []
    for repeat in range(1, repeats + 1):
        drawn = seed + repeat - 1
        tests = draw(rows, drawn) if draw else _test_parts(labels[rows], groups[rows], folds, drawn)
        for number, test in enumerate(tests, (repeat - 1) * folds + 1):
            part = np.full(len(names), "holdout", dtype=object)
            part[rows] = "train"
            part[rows[test]] = "test"
            random = np.random.default_rng([drawn, number])
            part[take_groups(labels, groups, part == "train", validation, random)] = "validation"
            columns = {"sample": names, "group": groups, "repeat": repeat, "fold": number, "part": part}
            tables.append(pd.DataFrame(columns))
    splits = pd.concat(tables, ignore_index=True)
    check_splits(splits, dict(zip(names, labels, strict=True)), validation)
    return splits


def split_by_site(
    samples: list[str],
    labels: list[str],
    groups: list[str],
    sites: list[str] | None,
    folds: int,
    repeats: int,
    seed: int,
    validation: float,
    dataset: str,
    held_out: np.ndarray | None = None,
) -> tuple[pd.DataFrame, Sites]:
    """Split samples so that no site of a test part has trained, see `join_sites` and `pack_units`.

    Validation samples are drawn from the training part by group, as in the ordinary folds.

    Parameters
    ----------
    samples, labels, groups : list of str, one a sample
    sites : list of str, one a sample ("" where it is not known), or None
    folds, repeats, seed, validation, held_out
        As of `split_samples`.
    dataset : str
        Its name, for messages.

    Returns
    -------
    splits : DataFrame
        As of `split_samples`, and `unit`: what is independent of all else in a test, see `unit_names`.
    sites : Sites
        Of the samples that are not held out.
    """
    columns = [np.asarray(list(map(str, column)), dtype=object) for column in (samples, labels, groups)]
    rows = np.arange(len(samples)) if held_out is None else np.flatnonzero(~held_out)
    known = None if sites is None else np.asarray(list(map(str, sites)), dtype=object)[rows]
    inside = [column[rows] for column in columns]
    found = join_sites(*inside, known, dataset)

    def draw(_: np.ndarray, drawn: int) -> list[np.ndarray]:
        tested = pack_units(inside[1], found.units, folds, drawn, dataset)
        check_sites(tested, inside[1], found)
        return [np.flatnonzero(tested == fold) for fold in range(folds)]

    splits = split_samples(samples, labels, groups, folds, repeats, seed, validation, held_out, draw)
    names = dict(zip(inside[0], unit_names(found, inside[1], inside[2]), strict=True))
    return splits.assign(unit=splits["sample"].map(names).fillna(splits["group"])), found


def split_as_published(samples: list[str], labels: list[str], seed: int, dataset: str) -> pd.DataFrame:
    """Split samples once, as the transfer-learning study: 80 % train, 10 % validation, 10 % test, without patients.

    This leaks, since samples of a patient part; it is for the variant `{dataset}~published` alone. The study drew at
    random; here each class gives its tenth, rounded, and at least one sample to each part.

    Parameters
    ----------
    samples, labels : list of str, one a sample
    seed : int
        From 0.
    dataset : str
        Its name, for messages.

    Returns
    -------
    DataFrame
        As of `split_samples`, with one repeat of one fold; every sample is a group of its own.

    Raises
    ------
    InputError
        A class has fewer than three samples.
    """
    labels = np.asarray(list(map(str, labels)), dtype=object)
    parts = np.full(len(labels), "train", dtype=object)
    random = np.random.default_rng(seed)
    for label in sorted(set(labels)):
        rows = random.permutation(np.flatnonzero(labels == label))
        if len(rows) < 3:
            raise InputError(
                f"Dataset {dataset}: class {plain(label)} has {len(rows)} of the 3 samples that the published split "
                f"needs (train, validation, test): set `datasets.{dataset}.min_class_size: 3`, or `variants: []`."
            )
        size = max(1, round(_PUBLISHED_SHARE * len(rows)))
        parts[rows[:size]], parts[rows[size : 2 * size]] = "test", "validation"
    return pd.DataFrame({"sample": samples, "group": samples, "repeat": 1, "fold": 1, "part": parts})


def _test_parts(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> list[np.ndarray]:
    shared = len(set(groups)) < len(groups)
    splitter = StratifiedGroupKFold if shared else StratifiedKFold
    # Labels as numbers: scikit-learn treats texts and numbers alike, in order of appearance or alphabet.
    codes = np.unique(labels.astype(str), return_inverse=True)[1]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # classes below `folds` were noted when the cohort was built
        try:
            parts = splitter(folds, shuffle=True, random_state=seed).split(codes, codes, groups if shared else None)
            return [test for _, test in parts]
        except ValueError as error:
            raise InputError(f"The samples cannot be split into {folds} folds ({error}): set fewer folds.") from None


def check_splits(splits: pd.DataFrame, labels: dict[str, str], validation: float = 0.0) -> None:
    """Verify what every split promises; the hold-out has no part in a fold, but is the same in all.

    Parameters
    ----------
    splits : DataFrame
        With the columns of `split_samples`.
    labels : dict
        Label of every sample.
    validation : float
        Share that was asked for.

    Raises
    ------
    InputError
        A group is in two parts of a fold, a sample is held out in some folds only, or not in test exactly once a
        repeat, a training part lacks a class, or a part is empty.
    """
    parts = splits.groupby(["fold", "group"])["part"].nunique()
    if (parts > 1).any():
        fold, group = parts.idxmax()
        raise InputError(f'Fold {fold}: group "{group}" is in two parts; samples of one group must stay together.')
    held_out = splits["part"] == "holdout"
    touched = held_out.groupby(splits["sample"]).nunique() > 1
    if touched.any():
        raise InputError(f'Sample "{touched.idxmax()}" is held out in some folds only; it must be in all.')
    folds = splits[~held_out]
    tested = (folds["part"] == "test").groupby([folds["repeat"], folds["sample"]]).sum()
    if (tested != 1).any():
        repeat, sample = tested.index[int((tested != 1).to_numpy().argmax())]
        raise InputError(
            f'Repeat {repeat}: sample "{sample}" must be in one test part, but is in {tested[repeat, sample]}.'
        )
    wanted = set(labels.values())
    for fold, table in splits.groupby("fold"):
        found = set(table["part"])
        if "test" not in found:
            raise InputError(f"Fold {fold} has no test sample: the groups are too large for so many folds; set fewer.")
        lacking = wanted - {labels[sample] for sample in table["sample"][table["part"] == "train"]}
        if lacking:
            raise InputError(
                f"Fold {fold}: no training sample of class {', '.join(sorted(lacking))}: its groups are too few for "
                "these folds; set fewer folds, or leave the class out with min_class_size."
            )
        if validation > 0 and "validation" not in found:
            raise InputError(f"Fold {fold} has no validation sample: run.validation {validation} is too small a share.")
