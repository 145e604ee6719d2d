"""gene_quantile: each gene mapped onto a normal or uniform distribution."""

from typing import ClassVar

import numpy as np

from gexflow.recipes.blocks import LINE, in_blocks
from gexflow.recipes.normal_scores import BOUND, normal_scores
from gexflow.recipes.order import order_genes, order_lines, runs_of_equal
from gexflow.recipes.shared import SharedValues
from gexflow.recipes.values import Standardising

_LARGEST = 1000
_TILE = 256  # samples transposed at a time: so many lines of the processor's first cache


class GeneQuantile(Standardising):
    """Map each gene through the training samples' empirical quantiles onto a normal or uniform distribution.

    The definition is scikit-learn's `QuantileTransformer(subsample=None)` in float64: `n_quantiles` = 1000, or the
    number of training samples if smaller; ties take the mean of both interpolations; values beyond the training range
    take its ends. This is not between-sample quantile normalisation (Bolstad 2003), which is `sample_quantile`.

    Parameters
    ----------
    output : "normal" or "uniform"
    ties : "ends" or "midrank"
        Where many training samples share the smallest (or largest) value, as RNA-seq its zeros: "ends", as
        scikit-learn, maps it to the end of the distribution (-5.2 of the normal one), far from all other values;
        "midrank" to the middle of its own share.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("quantiles_",)
    shares: ClassVar[bool] = True

    def __init__(self, output: str = "normal", ties: str = "ends"):
        self.output = output
        self.ties = ties

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.quantiles_ = np.empty((min(_LARGEST, len(X)), X.shape[1]))

        def learn_block(block: slice) -> None:
            ordered = np.sort(X[:, block].T, axis=1)  # missing values stand last
            self.quantiles_[:, block] = _quantiles(ordered, len(self.quantiles_)).T

        in_blocks(learn_block, X.shape[1], len(X))

    def _apply(self, X: np.ndarray) -> np.ndarray:
        mapped = np.empty(X.shape[::-1], dtype=np.float32)

        def map_block(block: slice) -> None:
            order = order_genes(X[:, block])
            ordered = _ordered(np.ascontiguousarray(X[:, block].T), order)
            self._map(ordered, self.quantiles_[:, block].T, order, mapped[block])

        in_blocks(map_block, X.shape[1], len(X))
        return mapped.T

    def fit_shared(
        self,
        shared: SharedValues,
        train: np.ndarray,
        rows: np.ndarray,
        fill: np.ndarray | None = None,
        kept: np.ndarray | None = None,
    ) -> np.ndarray:
        """Fit to training samples and map samples, with the order that all folds share.

        Equal to `fit(values[train])` and `transform(values[rows])`.

        Parameters
        ----------
        shared : SharedValues
        train : bool array (samples,)
        rows : int array
            The samples wanted.
        fill : float array (genes,) or None
            What takes the place of a gene's missing values; only these genes are sorted again.
        kept : bool array (genes,) or None
            The genes wanted; None: all. Nothing is learned of others, their quantiles are NaN.

        Returns
        -------
        mapped : float32 array (rows, genes wanted), in the order of `rows`
        """
        self.n_features_in_ = genes = shared.values.shape[1]
        if fill is None and shared.missing.any():
            mapped = self.fit(shared.values[train]).transform(shared.values[rows])
            return mapped if kept is None else mapped[:, kept]
        self.quantiles_ = np.full((min(_LARGEST, int(train.sum())), genes), np.nan)
        return self._map_shared(shared, train, rows, fill, kept, self.quantiles_)

    def map_training(self, shared: SharedValues, train: np.ndarray, fill: np.ndarray | None = None) -> np.ndarray:
        """Return what `fit_shared` gives of the training samples, and keep nothing: for a choice of genes."""
        if fill is None and shared.missing.any():
            return self.fit_transform(shared.values[train])
        return self._map_shared(shared, train, np.flatnonzero(train), fill)

    def _map_shared(
        self,
        shared: SharedValues,
        train: np.ndarray,
        rows: np.ndarray,
        fill: np.ndarray | None,
        kept: np.ndarray | None = None,
        learned: np.ndarray | None = None,
    ) -> np.ndarray:
        """Map samples by the quantiles of the training samples, which `learned` (quantiles, genes) gets, if any."""
        samples = len(train)
        genes = np.arange(shared.values.shape[1]) if kept is None else np.flatnonzero(kept)
        wanted, places = np.zeros(samples, dtype=bool), np.zeros(samples, dtype=np.intp)
        wanted[rows], places[rows] = True, np.arange(len(rows))
        count = min(_LARGEST, int(train.sum()))
        mapped = np.empty((len(rows), len(genes)), dtype=np.float32)

        def map_block(block: slice) -> None:
            part = genes[block]
            values, gaps = np.ascontiguousarray(shared.values.T[part]), shared.missing[part]
            order = shared.order_of(part, values)
            if gaps.any():
                values = np.where(np.isnan(values), fill[part, None], values)
                order = np.where(gaps[:, None], order_lines(values), order)
            ordered = _ordered(values, order)
            training = np.flatnonzero(train.take(order)).reshape(len(order), -1)
            quantiles = _quantiles_of_whole(ordered, count, training)
            if learned is not None:
                learned[:, part] = quantiles.T
            if len(rows) < samples:
                here = wanted.take(order)
                ordered, order = ordered[here].reshape(len(order), -1), order[here].reshape(len(order), -1)
            lines = np.empty((len(part), len(rows)), dtype=np.float32)
            self._map(ordered, quantiles, places.take(order), lines)
            for tile in range(0, len(rows), _TILE):
                mapped[tile : tile + _TILE, block] = lines[:, tile : tile + _TILE].T

        in_blocks(map_block, len(genes), samples, at_least=LINE)
        return mapped

    def _map(self, ordered: np.ndarray, quantiles: np.ndarray, places: np.ndarray, mapped: np.ndarray) -> None:
        """Map sorted values (genes, samples) and put each at its place (genes, samples) in `mapped`."""
        last = max(1, quantiles.shape[1] - 1)
        values = ordered.astype(np.float64)
        positions = _positions(values, quantiles)
        if self.ties == "ends":
            margin = BOUND if self.output == "normal" else 0.0
            np.copyto(positions, last, where=values + margin >= quantiles[:, -1:])
            np.copyto(positions, 0, where=values - margin <= quantiles[:, :1])
        scores = normal_scores(positions, last) if self.output == "normal" else positions / last
        lines = np.arange(len(mapped))[:, None] * mapped.shape[1]
        mapped.reshape(-1)[lines + places] = scores


def _ordered(lines: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Return the values of each gene (genes, samples) in their order (genes, samples)."""
    return lines.take(order + np.arange(len(lines))[:, None] * lines.shape[1])


def _quantiles(ordered: np.ndarray, count: int) -> np.ndarray:
    """Return `count` even quantiles of sorted values (genes, samples), float64; missing values stand last."""
    if not np.isnan(ordered[:, -1]).any():
        return _quantiles_of_whole(ordered, count)
    known = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    quantiles = np.full((len(ordered), count), np.nan)
    for number in np.unique(known[known > 0]):
        lines = known == number
        quantiles[lines] = _quantiles_of_whole(ordered[lines, :number], count)
    return quantiles


def _quantiles_of_whole(ordered: np.ndarray, count: int, chosen: np.ndarray | None = None) -> np.ndarray:
    """Interpolate between neighbours, as numpy's "linear" method.

    `chosen` (genes, values) holds the places in the flat table of the sorted values that count; None: all do.
    """
    last = (ordered if chosen is None else chosen).shape[1] - 1
    places = np.linspace(0, 1, count) * last
    below = places.astype(np.intp)
    low, high = (_columns(ordered, chosen, at) for at in (below, np.minimum(below + 1, last)))
    quantiles = low.astype(np.float64)
    quantiles += (high - quantiles) * (places - below)
    if (quantiles[:, 1:] < quantiles[:, :-1]).any():  # rounding in the interpolation can make neighbours swap
        np.maximum.accumulate(quantiles, axis=1, out=quantiles)
    return quantiles


def _columns(ordered: np.ndarray, chosen: np.ndarray | None, at: np.ndarray) -> np.ndarray:
    return ordered.take(at, axis=1) if chosen is None else ordered.take(chosen.take(at, axis=1))


def _positions(values: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Return where sorted values stand among the quantiles of their gene: 0 at the first, count - 1 at the last.

    Between two quantiles a value's position is interpolated; among equal ones it is the middle of theirs, as the mean
    of both interpolations of scikit-learn is.

    Parameters
    ----------
    values : float64 array (genes, samples), sorted along the samples, missing ones last
    quantiles : float64 array (genes, quantiles), sorted
    """
    numbers = np.arange(float(quantiles.shape[1]))
    positions = np.empty_like(values)
    for line, gene, marks in zip(positions, values, quantiles, strict=True):
        line[:] = np.interp(gene, marks, numbers)  # of equal quantiles it takes the last
    for gene in np.flatnonzero((quantiles[:, 1:] == quantiles[:, :-1]).any(axis=1)):
        _centre_ties(positions[gene], values[gene], quantiles[gene])
    return positions


def _centre_ties(positions: np.ndarray, values: np.ndarray, quantiles: np.ndarray) -> None:
    """Put the values of one gene that equal several quantiles in the middle of these."""
    begins, ends = runs_of_equal(quantiles)
    first = values.searchsorted(quantiles[begins], "left")
    lengths = values.searchsorted(quantiles[begins], "right") - first
    starts = np.cumsum(lengths) - lengths
    places = np.repeat(first - starts, lengths) + np.arange(lengths.sum())
    positions[places] = np.repeat((begins + ends - 1) / 2, lengths)
