"""The locked hold-out: samples that no fold trains, validates or tests on."""

import hashlib

import numpy as np
import pandas as pd

from gexflow.cohorts.class_shares import take_groups
from gexflow.errors import InputError, nearest


def choose_holdout(
    labels: np.ndarray,
    groups: np.ndarray,
    batches: np.ndarray | None,
    rule: dict,
    seed: int,
    dataset: str,
) -> np.ndarray:
    """Choose the samples of the hold-out: whole groups.

    Parameters
    ----------
    labels, groups : str arrays (samples,)
    batches : str array (samples,) or None
        "" where the batch is not known; None where the cohort knows none.
    rule : dict
        {"share": number}: that share of each class, rounded, as far as whole groups allow; drawn by the seed. Or
        {"batch": names}: all samples of these batches, and those that share a group with them. Empty for none.
    seed : int
    dataset : str
        Its name, for messages.

    Returns
    -------
    bool array (samples,)

    Raises
    ------
    InputError
        A batch is not known, or the rule takes no sample, or all of a class.
    """
    if not rule or rule.get("share") == 0:
        return np.zeros(len(labels), dtype=bool)
    if "batch" in rule:
        chosen = np.isin(groups, groups[_in_batches(batches, list(map(str, rule["batch"])), dataset)])
    else:
        everything = np.ones(len(labels), dtype=bool)
        chosen = take_groups(labels, groups, everything, rule["share"], np.random.default_rng([seed, 0]))
    if not chosen.any():
        raise InputError(
            f"Dataset {dataset}: the hold-out of {rule['share']} of each class is too small for one group: raise it."
        )
    lost = sorted(set(labels) - set(labels[~chosen]))
    if lost:
        raise InputError(
            f"Dataset {dataset}: the hold-out takes all samples of class {', '.join(lost)}, so that nothing is left to "
            f"learn it from: change datasets.{dataset}.holdout."
        )
    return chosen


def _in_batches(batches: np.ndarray | None, names: list[str], dataset: str) -> np.ndarray:
    known = sorted(set(() if batches is None else batches) - {""})
    if not known:
        raise InputError(
            f"Dataset {dataset} knows no batch of its samples: set datasets.{dataset}.holdout to a share, or name a "
            f"field as datasets.{dataset}.batch."
        )
    for name in names:
        if name not in known:
            raise InputError(f'Dataset {dataset} has no batch "{name}" to hold out: {nearest(name, known)}')
    return np.isin(batches, names)


def locked_samples(splits: pd.DataFrame) -> set[str]:
    """Return the samples of `splits.tsv` that are held out of every fold."""
    return set(splits["sample"][splits["part"] == "holdout"])


def holdout_facts(samples: np.ndarray, labels: np.ndarray, groups: np.ndarray, chosen: np.ndarray) -> dict:
    """Say how many samples, groups and samples of each class are held out, and which, as a digest of their names."""
    names = sorted(samples[chosen])
    return {
        "samples": len(names),
        "groups": len(set(groups[chosen])),
        "classes": {label: int((labels[chosen] == label).sum()) for label in sorted(set(labels))},
        "digest": hashlib.sha256("\n".join(names).encode()).hexdigest()[:16] if names else "",
    }
