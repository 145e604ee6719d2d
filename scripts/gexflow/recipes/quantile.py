"""gene_quantile: each gene mapped onto a normal or uniform distribution."""

from typing import ClassVar

import numpy as np

from gexflow.recipes.blocks import LINE, cut, in_blocks
from gexflow.recipes.normal_scores import BOUND, normal_scores
from gexflow.recipes.order import order_genes, order_lines, runs_of_equal
from gexflow.recipes.shared import SharedValues
from gexflow.recipes.values import Standardising

_LARGEST = 1000


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
        self, shared: SharedValues, train: np.ndarray, rows: np.ndarray, fill: np.ndarray | None = None
    ) -> np.ndarray:
        """Fit to training samples and map all samples, with the order that all folds share.

        Equal to `fit(values[train])` and `transform(values[rows])`.

        Parameters
        ----------
        shared : SharedValues
        train : bool array (samples,)
        rows : int array (samples,)
            A permutation of the samples.
        fill : float array (genes,) or None
            What takes the place of a gene's missing values; only these genes are sorted again.

        Returns
        -------
        mapped : float32 array (samples, genes), in the order of `rows`
        """
        if fill is None and shared.missing.any():
            return self.fit(shared.values[train]).transform(shared.values[rows])
        samples, genes = shared.values.shape
        self.n_features_in_ = genes
        places = np.empty(samples, dtype=np.intp)
        places[rows] = np.arange(samples)
        self.quantiles_ = np.empty((min(_LARGEST, int(train.sum())), genes))
        mapped = np.empty((samples, genes), dtype=np.float32)

        def map_part(part: slice, lines: np.ndarray) -> None:
            values, gaps = np.ascontiguousarray(shared.values[:, part].T), shared.missing[part]
            order = shared.order_of(part, values)
            if gaps.any():
                values = np.where(np.isnan(values), fill[part, None], values)
                order = np.where(gaps[:, None], order_lines(values), order)
            ordered = _ordered(values, order)
            quantiles = _quantiles(ordered[train.take(order)].reshape(len(order), -1), len(self.quantiles_))
            self.quantiles_[:, part] = quantiles.T
            self._map(ordered, quantiles, places.take(order), lines)

        def map_block(block: slice) -> None:
            lines = np.empty((block.stop - block.start, samples), dtype=np.float32)
            for part in cut(block, samples):
                map_part(part, lines[part.start - block.start : part.stop - block.start])
            mapped[:, block] = lines.T

        in_blocks(map_block, genes, samples, at_least=LINE)
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


def _quantiles_of_whole(ordered: np.ndarray, count: int) -> np.ndarray:
    """Interpolate between neighbours, as numpy's "linear" method."""
    places = np.linspace(0, 1, count) * (ordered.shape[1] - 1)
    below = places.astype(np.intp)
    above = np.minimum(below + 1, ordered.shape[1] - 1)
    quantiles = ordered.take(below, axis=1).astype(np.float64)
    quantiles += (ordered.take(above, axis=1) - quantiles) * (places - below)
    if (quantiles[:, 1:] < quantiles[:, :-1]).any():  # rounding in the interpolation can make neighbours swap
        np.maximum.accumulate(quantiles, axis=1, out=quantiles)
    return quantiles


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
