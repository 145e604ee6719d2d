"""Folds by site: sites are packed into folds, so that no test site has trained."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from gexflow.errors import InputError, plain, shorten

LEAST_SITES = 3  # of a class: with two, a fold that tests one of them leaves a single one to train
_PASSES = 50
_MOST_EXCHANGED = 3000  # units; more are so small that moves suffice, and pairs would take long
_SHOWN = 10


@dataclass
class Sites:
    """What has to stay together where folds are made by site.

    Attributes
    ----------
    units : int array (samples,)
        Samples of one unit stay together: all of a site, and of the sites that groups join to it.
    sites : str array (samples,)
        "" where the site of a sample is not known.
    across : list of str
        Classes that are tested across sites.
    split : dict
        {class: its number of sites} of the others, under three: they are split by group.
    """

    units: np.ndarray
    sites: np.ndarray
    across: list[str]
    split: dict[str, int]

    def facts(self) -> dict:
        """Return what card, log and report say of it."""
        return {
            "sites": len(set(self.sites) - {""}),
            "unknown": int((self.sites == "").sum()),
            "across": self.across,
            "split_by_group": self.split,
        }


def join_sites(
    samples: np.ndarray, labels: np.ndarray, groups: np.ndarray, sites: np.ndarray | None, dataset: str
) -> Sites:
    """Find what has to stay together for folds by site.

    Samples of a site stay together, and those of a group; a group over two sites joins them. A class with samples at
    fewer than three sites (joined ones count once) cannot be tested across them: its samples stay with their group
    alone, so that its sites may train and test. A sample whose site is not known stays with its group alone, too.

    Parameters
    ----------
    samples, labels, groups : str arrays (samples,)
    sites : str array (samples,) or None
        "" where a site is not known; None where the cohort knows none.
    dataset : str
        Its name, for messages.

    Raises
    ------
    InputError
        No site is known, only one is, or no class has samples at three.
    """
    way_out = f"name another field as datasets.{dataset}.batch, or take sites out of datasets.{dataset}.variants"
    known = sorted(set(() if sites is None else sites) - {""})
    if not known:
        raise InputError(
            f"Dataset {dataset} knows no site (batch) of its samples, so it has no folds by site: {way_out}."
        )
    if len(known) == 1:
        only = plain(known[0])
        raise InputError(f"Dataset {dataset} has a single site (batch), {only}, so it has no folds by site: {way_out}.")
    joined = _components(samples, groups, sites, sites != "")
    counts = {label: len(set(joined[(labels == label) & (sites != "")])) for label in sorted(set(labels))}
    across = [label for label, count in counts.items() if count >= LEAST_SITES]
    if not across:
        listed = ", ".join(f"{plain(label)} {count}" for label, count in list(counts.items())[:_SHOWN])
        raise InputError(
            f"Dataset {dataset}: no class has samples at {LEAST_SITES} sites that no patient joins (sites of a class: "
            f"{listed}), so none can be tested across sites: {way_out}."
        )
    units = _components(samples, groups, sites, (sites != "") & np.isin(labels, across))
    return Sites(units, sites, across, {label: count for label, count in counts.items() if count < LEAST_SITES})


def _components(samples: np.ndarray, groups: np.ndarray, sites: np.ndarray, by_site: np.ndarray) -> np.ndarray:
    """Number what groups, and sites where `by_site` says so, hold together: in the order of the samples' names."""
    group = np.unique(groups, return_inverse=True)[1]
    site = np.unique(sites, return_inverse=True)[1]
    rows, nodes = np.arange(len(samples)), len(samples) + group.max() + 1
    start = np.concatenate([rows, rows[by_site]])
    end = np.concatenate([len(samples) + group, nodes + site[by_site]])
    size = nodes + site.max() + 1
    graph = coo_matrix((np.ones(len(start), dtype=bool), (start, end)), shape=(size, size))
    found = connected_components(graph, directed=False)[1][: len(samples)]
    in_order = np.argsort(samples, kind="stable")
    _, first, code = np.unique(found[in_order], return_index=True, return_inverse=True)
    units = np.empty(len(samples), dtype=int)
    units[in_order] = np.argsort(np.argsort(first))[code]
    return units


def unit_names(found: Sites, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return a name for the unit of each sample: its first site, or the group where no site holds it together.

    Parameters
    ----------
    found : Sites
    labels, groups : str arrays (samples,)

    Returns
    -------
    str array (samples,)
    """
    bound = (found.sites != "") & np.isin(labels, found.across)
    names = np.where(bound, "site " + found.sites, groups)
    table = pd.DataFrame({"unit": found.units, "other": ~bound, "name": names}).sort_values(["unit", "other", "name"])
    return table.groupby("unit")["name"].first().loc[found.units].to_numpy()


def pack_units(labels: np.ndarray, units: np.ndarray, folds: int, seed: int, dataset: str) -> np.ndarray:
    """Pack units into folds so that each class is spread as evenly as may be.

    Evenness is the sum, over classes and folds, of the squared share of the class that the fold holds. Units
    are placed one after the other, large ones first (within a factor of two in random order), where they raise it
    least. Then single units move, and two units change places, as long as that lowers it. So in the end no move of one
    unit does: where every unit holds one class, a class has at most as many samples more in one fold than in another as
    its largest unit has.

    Parameters
    ----------
    labels : str array (samples,)
    units : int array (samples,)
        From 0, without gaps.
    folds, seed : int
    dataset : str
        Its name, for messages.

    Returns
    -------
    int array (samples,)
        The fold, from 0, that tests a sample. It depends on the seed, not on the order of the samples, if the numbers
        of the units do not.

    Raises
    ------
    InputError
        There are fewer units than folds.
    """
    classes, codes = np.unique(labels.astype(str), return_inverse=True)
    counts = np.zeros((units.max() + 1, len(classes)))
    np.add.at(counts, (units, codes), 1)
    if len(counts) < folds:
        raise InputError(
            f"Dataset {dataset} has {len(counts)} sites that no patient joins, too few for {folds} folds: set "
            f"`datasets.{dataset}.folds` to {len(counts)} at most, or take sites out of datasets.{dataset}.variants."
        )
    random = np.random.default_rng([seed, folds])
    shares, sizes = counts / counts.sum(axis=0), counts.sum(axis=1)
    weights = (shares**2).sum(axis=1)
    order = random.permutation(len(counts))
    order = order[np.argsort(-np.floor(np.log2(weights[order])), kind="stable")]
    held, samples = np.zeros((folds, len(classes))), np.zeros(folds)
    fold_of = np.empty(len(counts), dtype=int)
    for unit in order:
        fold_of[unit] = min(range(folds), key=lambda fold: (round(held[fold] @ shares[unit], 12), samples[fold], fold))
        held[fold_of[unit]] += shares[unit]
        samples[fold_of[unit]] += sizes[unit]
    _improve(shares, fold_of, held, order)
    return fold_of[units]


def _improve(shares: np.ndarray, fold_of: np.ndarray, held: np.ndarray, order: np.ndarray) -> None:
    """Move single units, then exchange pairs, in place, as long as evenness gains by it."""
    pairs = len(order) <= _MOST_EXCHANGED
    for _ in range(_PASSES):
        moved = False
        for unit in order:
            moved |= _move(unit, shares, fold_of, held) or (pairs and _exchange(unit, shares, fold_of, held))
        if not moved:
            return


def _move(unit: int, shares: np.ndarray, fold_of: np.ndarray, held: np.ndarray) -> bool:
    own, share = fold_of[unit], shares[unit]
    costs = held @ share
    costs[own] -= share @ share
    best = int(costs.argmin())
    if costs[best] >= costs[own] - 1e-12:
        return False
    held[own] -= share
    held[best] += share
    fold_of[unit] = best
    return True


def _exchange(unit: int, shares: np.ndarray, fold_of: np.ndarray, held: np.ndarray) -> bool:
    """Let a unit change places with the one of another fold with which that gains most."""
    own, difference = fold_of[unit], shares - shares[unit]
    # the fold of the unit becomes held + d, that of the other one held - d
    gains = difference @ held[own] - (difference * held[fold_of]).sum(axis=1) + (difference**2).sum(axis=1)
    gains[fold_of == own] = np.inf
    other = int(gains.argmin())
    if gains[other] >= -1e-12:
        return False
    held[own] += difference[other]
    held[fold_of[other]] -= difference[other]
    fold_of[unit], fold_of[other] = fold_of[other], own
    return True


def evenness(labels: np.ndarray, fold_of: np.ndarray) -> float:
    """Return what `pack_units` lowers: the sum, over classes and folds, of the squared share of a class in a fold."""
    table = np.zeros((fold_of.max() + 1, len(set(labels))))
    np.add.at(table, (fold_of, np.unique(labels.astype(str), return_inverse=True)[1]), 1)
    return float(((table / table.sum(axis=0)) ** 2).sum())


def check_sites(tested: np.ndarray, labels: np.ndarray, found: Sites) -> None:
    """Refuse folds in which a site of a class that is tested across sites trains and is tested.

    Parameters
    ----------
    tested : int array (samples,)
        The fold that tests a sample.
    labels : str array (samples,)
    found : Sites
    """
    bound = (found.sites != "") & np.isin(labels, found.across)
    for site in sorted(set(found.sites[bound])):
        folds = set(tested[bound & (found.sites == site)])
        if len(folds) > 1:
            raise InputError(f"Site {shorten(site)} is tested in {len(folds)} folds, but must be in one.")


def tested_in(splits: pd.DataFrame, labels: dict[str, str]) -> dict[str, int]:
    """Return, for each class that some folds do not test, how many of all do."""
    tests = splits[splits["part"] == "test"]
    folds = tests.groupby(tests["sample"].map(labels))["fold"].nunique()
    return {str(label): int(count) for label, count in folds.items() if count < splits["fold"].nunique()}


def said(facts: dict) -> list[str]:
    """Return the sentences that log and report say of folds by site, from `Sites.facts`."""
    lines = []
    if facts["split_by_group"]:
        listed = ", ".join(f"{plain(name)} ({count})" for name, count in facts["split_by_group"].items())
        lines.append(
            f"Not tested across sites, since they have samples at fewer than {LEAST_SITES} (number of sites): "
            f"{listed}. They are split by group, and their sites may train and test."
        )
    if facts["unknown"]:
        lines.append(f"The site of {facts['unknown']} samples is not known: they stay with their group alone.")
    return lines
