"""Splits: every sample is tested once a repeat, groups never part, classes are spread evenly."""

import warnings

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from gexflow.errors import InputError, plain
from gexflow.log import logger

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

    Returns
    -------
    DataFrame
        Columns sample, group, repeat, fold (one running number from 1 over all repeats), part (train, validation,
        test); one row a sample and fold.

    Raises
    ------
    InputError
        There are more folds than groups, or no split keeps the promises above.
    """
    names, labels, groups = (np.asarray(list(map(str, column)), dtype=object) for column in (samples, labels, groups))
    count = len(set(groups))
    if not 2 <= folds <= count:
        raise InputError(f"run.folds is {folds}, but there are {count} groups of samples: set 2 to {count} folds.")
    if not 0 <= validation < 1:
        raise InputError(f"run.validation is {validation}, but must be a share from 0 to below 1.")
    tables = []
    for repeat in range(1, repeats + 1):
        tests = _test_parts(labels, groups, folds, seed + repeat - 1)
        for number, test in enumerate(tests, (repeat - 1) * folds + 1):
            part = np.full(len(names), "train", dtype=object)
            part[test] = "test"
            random = np.random.default_rng([seed + repeat - 1, number])
            part[_set_aside(labels, groups, part == "train", validation, random)] = "validation"
            columns = {"sample": names, "group": groups, "repeat": repeat, "fold": number, "part": part}
            tables.append(pd.DataFrame(columns))
    splits = pd.concat(tables, ignore_index=True)
    check_splits(splits, dict(zip(names, labels, strict=True)), validation)
    logger.info("%d samples in %d groups, %d x %d folds", len(names), count, repeats, folds)
    return splits


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


def _set_aside(
    labels: np.ndarray, groups: np.ndarray, train: np.ndarray, share: float, random: np.random.Generator
) -> np.ndarray:
    """Choose whole groups until every class has given its share of training samples; return a mask."""
    chosen = np.zeros(len(labels), dtype=bool)
    if share == 0:
        return chosen
    table = pd.DataFrame({"group": groups[train], "label": labels[train]})
    counts = pd.crosstab(table["group"], table["label"])
    samples, kept = counts.to_numpy(), (counts > 0).sum().to_numpy()
    room = np.round(share * samples.sum(axis=0)).astype(int)
    taken = []
    for index in random.permutation(len(counts)):
        row = samples[index]
        present = row > 0
        if (row <= room).all() and (kept[present] > 1).all():
            room, kept = room - row, kept - present
            taken.append(counts.index[index])
    chosen[train] = table["group"].isin(taken).to_numpy()
    return chosen


def check_splits(splits: pd.DataFrame, labels: dict[str, str], validation: float = 0.0) -> None:
    """Verify what every split promises.

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
        A group is in two parts of a fold, a sample is not in test exactly once a repeat, a training part lacks a
        class, or a part is empty.
    """
    parts = splits.groupby(["fold", "group"])["part"].nunique()
    if (parts > 1).any():
        fold, group = parts.idxmax()
        raise InputError(f'Fold {fold}: group "{group}" is in two parts; samples of one group must stay together.')
    tested = (splits["part"] == "test").groupby([splits["repeat"], splits["sample"]]).sum()
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
