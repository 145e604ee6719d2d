"""Samples that are one sample under two names, found on ranks; no fold may hold them on both of its sides."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import binom, norm

from gexflow.cohorts.ranks import expressed_genes, sample_ranks, screening_genes, spearman
from gexflow.errors import InputError

NEIGHBOUR = 3
COPIES = 9  # of one sample that may hide one another
SHARE = 0.25
LOWEST = 0.95
LOWEST_IN_SMALL_CLASS = 0.99
IDENTICAL = 0.999999
LEAST_GENES = 50
LEAST_GROUPS = 5
_CHANCE = 0.05
_MARGIN = 0.01
_ROUNDING = 1e-5  # of single precision
_MOST_PAIRS = 5000
_BLOCK = 512


@dataclass
class NearDuplicates:
    """What the search found.

    Attributes
    ----------
    pairs : list of (int, int, float)
        Row, row and Spearman's correlation over the expressed genes that both have; the most similar first.
    threshold : float or None
        The correlation that a typical sample needs (its median); None where the search cannot decide.
    by_class : dict of float
        The same for each class.
    why : str
        The rule in words.
    undecided : list of (int, int, float)
        Pairs that stand out, but not enough for so few genes; they are not joined.
    beside : int
        Samples whose nearest sample is the one beside them in the file; 0 where chance explains as many.
    """

    pairs: list[tuple[int, int, float]] = field(default_factory=list)
    threshold: float | None = None
    by_class: dict[str, float] = field(default_factory=dict)
    why: str = ""
    undecided: list[tuple[int, int, float]] = field(default_factory=list)
    beside: int = 0


def find_near_duplicates(
    values: np.ndarray, labels: list[str], groups: list[str], threshold: str | float = "auto"
) -> NearDuplicates:
    """Find pairs of samples of different groups that are one sample.

    The distance of two samples is 1 - Spearman's correlation. What distance different samples have depends on tissue,
    platform and number of genes, so every sample brings its own yardstick: the distance to its third-nearest sample of
    another group, nearly always one of its own class (a pair or triple of copies cannot spoil it; where up to nine
    copies lie close together, the first neighbour of its class behind them counts), or the median of these over the
    cohort where that is less. In a class with fewer than five groups a third neighbour says little: its
    samples take the lowest decile of all others, and need a correlation of 0.99 at least. Where no class has five,
    only identical orders count.

    A pair is one sample when its distance is below a share of the yardsticks of both. The share is a quarter, times
    exp(-z sqrt(2 / genes)) for the sampling error of a distance over so many genes, z being the normal quantile of
    0.05 / number of pairs. In genuine cohorts the nearest different samples come down to 0.39 of the yardstick over
    2,000 genes and to 0.33 over 90; a copy lies at 0.01 to 0.2.

    Parameters
    ----------
    values : float32 array (samples, genes)
        Missing values are NaN; it is read in blocks of samples and never copied as a whole.
    labels, groups : list of str
        One a sample.
    threshold : "auto" or float
        A number is taken as the lowest correlation of one sample under two names.

    Returns
    -------
    NearDuplicates

    Raises
    ------
    InputError
        A given threshold takes thousands of pairs for one sample.
    """
    expressed = expressed_genes(values)
    if threshold != "auto":
        return _above(values, expressed, groups, float(threshold))
    genes = screening_genes(expressed)
    if len(genes) < LEAST_GENES:
        return NearDuplicates(
            why=f"Not searched: {len(genes)} genes are too few to tell one sample from two (at least {LEAST_GENES})."
        )
    near, distances = _neighbours(sample_ranks(values, genes), groups)
    small = _small(labels, groups)
    share = share_of_distance(len(values) * (len(values) - 1) // 2, len(genes))
    yardstick = _yardsticks(_beyond_copies(near, distances, labels, share), small)
    lowest = np.where(small, LOWEST_IN_SMALL_CLASS, LOWEST)
    limits = np.clip(share * yardstick, 1 - IDENTICAL, 1 - lowest)
    found = NearDuplicates(threshold=round(float(1 - np.median(limits)), 6), by_class=_by_class(1 - limits, labels))
    found.beside = _nearest_beside(near[:, 0], labels)
    found.why = (
        f"Two samples of different groups are one where their rank distance (1 - Spearman) is below {share:.2g} of "
        f"the distance of each to its third-nearest sample of another group (or the first one behind up to {COPIES} "
        f"copies) over {len(genes)} genes, and the correlation is at least {LOWEST}; a typical sample needs "
        f"{found.threshold:.4f}."
    )
    for first, second in _candidates(near, distances, yardstick):
        similarity = spearman(values[first, expressed], values[second, expressed])
        smaller = min(yardstick[first], yardstick[second])
        if 1 - similarity <= min(limits[first], limits[second]):
            found.pairs.append((first, second, similarity))
        elif similarity >= LOWEST and 1 - similarity <= SHARE * smaller:
            found.undecided.append((first, second, similarity))
    found.pairs.sort(key=lambda pair: (-pair[2], pair[:2]))
    found.undecided.sort(key=lambda pair: (-pair[2], pair[:2]))
    return found


def _nearest_beside(nearest: np.ndarray, labels: list[str]) -> int:
    """Count the samples whose nearest one is beside them, as replicates of one patient mostly are in a file.

    By chance, in a file sorted by class, that happens to a sample with neighbours of its class once in half of their
    number; a count that is not far beyond that is 0.
    """
    codes = np.unique(labels, return_inverse=True)[1]
    count = int((np.abs(nearest - np.arange(len(nearest))) == 1).sum())
    same = np.diff(codes) == 0
    neighbours = np.concatenate([[0], same]) + np.concatenate([same, [0]])
    chance = float(np.mean(neighbours / np.maximum(np.bincount(codes)[codes] - 1, 1)))
    return count if binom.sf(count - 1, len(nearest), min(chance, 1.0)) < _CHANCE / 50 else 0


def _small(labels: list[str], groups: list[str]) -> np.ndarray:
    """Mark the samples of classes with few groups."""
    sizes = Counter(label for label, _ in set(zip(labels, groups, strict=True)))
    return np.array([sizes[label] < LEAST_GROUPS for label in labels])


def _beyond_copies(near: np.ndarray, distances: np.ndarray, labels: list[str], share: float) -> np.ndarray:
    """Return the distance of every sample to its third neighbour, or to the first one behind a tight cluster of copies.

    Copies end where the next neighbour is further away by more than `share` allows. It must be of the sample's own
    class: between classes such a gap is nothing special.
    """
    codes = np.unique(labels, return_inverse=True)[1]
    found = distances[:, min(NEIGHBOUR, distances.shape[1]) - 1].copy()
    for place in range(NEIGHBOUR, distances.shape[1]):
        gap = (distances[:, place - 1] < share * distances[:, place]) & (distances[:, place] < 1)
        gap &= codes[near[:, place]] == codes
        found[gap] = distances[gap, place]
    return found


def _yardsticks(third: np.ndarray, small: np.ndarray) -> np.ndarray:
    """Return for every sample the distance that different samples like it have."""
    if small.all():
        return np.zeros(len(third))
    others = third[~small]
    return np.where(small, np.quantile(others, 0.1), np.minimum(third, np.median(others)))


def share_of_distance(pairs: int, genes: int) -> float:
    """Return the share of the distance between different samples below which a pair is one sample."""
    z = norm.isf(_CHANCE / max(pairs, 1))
    return SHARE * float(np.exp(-z * np.sqrt(2 / genes)))


def _by_class(needed: np.ndarray, labels: list[str]) -> dict[str, float]:
    labels = np.asarray(labels)
    return {str(label): round(float(np.median(needed[labels == label])), 6) for label in np.unique(labels)}


def _similarities(ranks: np.ndarray, groups: list[str]) -> Iterator[tuple[int, np.ndarray]]:
    """Yield blocks of rows of the similarity matrix; -1 within a group."""
    codes = np.unique(groups, return_inverse=True)[1]
    for start in range(0, len(ranks), _BLOCK):
        block = ranks[start : start + _BLOCK] @ ranks.T
        block[codes[start : start + _BLOCK, None] == codes] = -1
        yield start, block


def _neighbours(ranks: np.ndarray, groups: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and distances of the nearest samples of other groups, nearest first."""
    wanted = min(COPIES + 1, len(ranks))
    near = np.empty((len(ranks), wanted), dtype=np.int64)
    distances = np.empty((len(ranks), wanted))
    for start, block in _similarities(ranks, groups):
        rows = slice(start, start + len(block))
        for rank in range(wanted):  # a few passes for the largest are far faster than sorting
            best = block.argmax(axis=1)
            near[rows, rank] = best
            distances[rows, rank] = np.maximum(1 - np.take_along_axis(block, best[:, None], axis=1)[:, 0], 0)
            np.put_along_axis(block, best[:, None], -2, axis=1)
    return near, distances


def _candidates(near: np.ndarray, distances: np.ndarray, yardstick: np.ndarray) -> list[tuple[int, int]]:
    """Return the pairs that are worth an exact look: the screening is allowed to err by a factor of two."""
    close = distances <= np.maximum(2 * SHARE * yardstick[:, None], _ROUNDING)
    pairs = {(min(row, other), max(row, other)) for row, place in np.argwhere(close) for other in [near[row, place]]}
    return sorted((int(first), int(second)) for first, second in pairs)


def _above(values: np.ndarray, expressed: np.ndarray, groups: list[str], lowest: float) -> NearDuplicates:
    """Find the pairs above a threshold that the user gave."""
    candidates: list[tuple[int, int]] = []
    for start, block in _similarities(sample_ranks(values, screening_genes(expressed)), groups):
        rows, others = np.nonzero(block >= lowest - _MARGIN)
        kept = rows + start < others
        candidates += zip((rows[kept] + start).tolist(), others[kept].tolist(), strict=True)
        if len(candidates) > _MOST_PAIRS:
            raise InputError(
                f"near_duplicates {lowest:g} would take more than {_MOST_PAIRS} pairs of samples for one sample: "
                "set a higher number, or auto."
            )
    exact = ((one, other, spearman(values[one, expressed], values[other, expressed])) for one, other in candidates)
    pairs = sorted((pair for pair in exact if pair[2] >= lowest), key=lambda pair: (-pair[2], pair[:2]))
    return NearDuplicates(pairs, lowest, why=f"Spearman's correlation of at least {lowest:g}, as given in the config.")
