"""Near-duplicates join groups: what the cohort keeps, what the card lists, what the log says."""

from collections import Counter

import numpy as np

from gexflow.cohorts.near_duplicates import NearDuplicates, find_near_duplicates
from gexflow.log import CAUTION


def join_groups(groups: list[str], pairs: list[tuple]) -> list[str]:
    """Join the groups of near-duplicates; a joined group has the name of its first sample's group.

    Parameters
    ----------
    groups : list of str
    pairs : list of tuples
        Each begins with two rows.
    """
    leader = {group: group for group in groups}
    first = {group: row for row, group in reversed(list(enumerate(groups)))}

    def find(group: str) -> str:
        while leader[group] != group:
            leader[group] = leader[leader[group]]
            group = leader[group]
        return group

    for pair in pairs:
        one, other = sorted((find(groups[pair[0]]), find(groups[pair[1]])), key=first.__getitem__)
        leader[other] = one
    return [find(group) for group in groups]


def join_near_duplicates(
    values: np.ndarray, samples: list[str], labels: list[str], groups: list[str], setting: str | float, group_key: str
) -> tuple[list[str], dict, list[str]]:
    """Search a cohort for near-duplicates and join their groups.

    Parameters
    ----------
    setting : "auto", "off" or float
        The dataset's `near_duplicates`.
    group_key : str
        Config key of a group rule that is asked for where samples look like replicates; "" where there is one.

    Returns
    -------
    groups : list of str
    found : dict
        For the card: threshold, threshold_by_class, why, count, pairs (the first 50; those of different labels lead),
        different_labels, joined_groups, undecided.
    notes : list of str
    """
    if setting == "off":
        off = NearDuplicates(why="Not searched: near_duplicates is off.")
        return groups, _summary(off, samples, labels, groups, groups), []
    found = find_near_duplicates(values, labels, groups, setting)
    joined = join_groups(groups, found.pairs)
    summary = _summary(found, samples, labels, groups, joined)
    return joined, summary, _notes(summary) + _replicate_notes(found.beside, len(samples), group_key)


def _summary(
    found: NearDuplicates, samples: list[str], labels: list[str], groups: list[str], joined: list[str]
) -> dict:
    pairs = sorted(found.pairs, key=lambda pair: labels[pair[0]] == labels[pair[1]])
    sizes = Counter(new for _, new in set(zip(groups, joined, strict=True)))
    return {
        "threshold": found.threshold,
        "threshold_by_class": found.by_class,
        "why": found.why,
        "count": len(pairs),
        "pairs": [_named(pair, samples, labels) for pair in pairs[:50]],
        "different_labels": sum(labels[first] != labels[second] for first, second, _ in pairs),
        "joined_groups": sum(size > 1 for size in sizes.values()),
        "undecided": [_named(pair, samples, labels) for pair in found.undecided[:50]],
    }


def _named(pair: tuple[int, int, float], samples: list[str], labels: list[str]) -> dict:
    first, second, similarity = pair
    return {
        "samples": [samples[first], samples[second]],
        "labels": [labels[first], labels[second]],
        "similarity": round(similarity, 6),
    }


def _replicate_notes(beside: int, samples: int, group_key: str) -> list[str]:
    if not group_key or 2 * beside <= samples:
        return []
    return [
        f"{CAUTION}the sample nearest to {beside} of {samples} samples is the one beside it in the file, as "
        f"replicates or several samples of one patient are: if they are, set {group_key}, or they may stand on both "
        "sides of a split."
    ]


def _notes(summary: dict) -> list[str]:
    notes = []
    if summary["count"]:
        names = "; ".join(" and ".join(pair["samples"]) for pair in summary["pairs"][:5])
        more = f" and {summary['count'] - 5} more" if summary["count"] > 5 else ""
        notes.append(f"Near-duplicates share a group now: {summary['count']} pairs ({names}{more}).")
    if summary["different_labels"]:
        notes.append(
            f"{summary['different_labels']} pairs of near-duplicates have different labels: at least one is wrong."
        )
    if summary["undecided"]:
        names = "; ".join(" and ".join(pair["samples"]) for pair in summary["undecided"][:5])
        notes.append(f"Too few genes to tell whether these are one sample, so they are not joined: {names}.")
    return notes
