"""Steps that change single values or whole samples, or fill and rescale genes."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError, counted
from gexflow.recipes.blocks import in_blocks
from gexflow.recipes.step import SampleWise, Step, counted_genes, empty_genes


class ImputeMedian(Step):
    """Fill missing values with the gene's median in the training samples.

    A gene without any value in the training samples has no median; it is left out.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("medians_", "kept_")

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self._learn_medians(X, np.ones(len(X), dtype=bool))

    def fit_rows(self, values: np.ndarray, train: np.ndarray, y: np.ndarray, symbols: np.ndarray) -> "ImputeMedian":
        """Learn from the samples that `train` marks, without a copy of them."""
        self._learn_medians(self._checked(values, reset=True), train)
        return self

    def _learn_medians(self, X: np.ndarray, train: np.ndarray) -> None:
        self.medians_ = np.empty(X.shape[1], dtype=np.float32)

        def learn_block(block: slice) -> None:
            self.medians_[block] = _medians(np.sort(X[:, block].T.compress(train, axis=1), axis=1))

        in_blocks(learn_block, X.shape[1], len(X))
        self.kept_ = ~np.isnan(self.medians_)
        if not self.kept_.any():
            raise InputError(f"impute_median kept no gene: none of {X.shape[1]:,} has a value in the training part")

    def same_in_all_folds(self, X: np.ndarray) -> bool:
        """Say yes where no value is missing: then there is nothing to fill."""
        return not np.isnan(X.sum(axis=0, dtype=np.float64)).any()

    def _apply(self, X: np.ndarray) -> np.ndarray:
        if self.kept_.all() and self.same_in_all_folds(X):
            return X
        filled = np.where(np.isnan(X), self.medians_, X)
        return filled if self.kept_.all() else filled[:, self.kept_]

    def note(self, X: np.ndarray) -> str:
        """Count the genes that are left out."""
        empty = int((~self.kept_).sum())
        return f"impute_median: {counted_genes(empty)} without a value in the training part left out" if empty else ""


def _medians(ordered: np.ndarray) -> np.ndarray:
    """Return the medians of sorted values (genes, samples); missing ones stand last. NaN where all are missing."""
    known = ordered.shape[1] - np.isnan(ordered).sum(axis=1)
    lines = np.arange(len(ordered))
    low, high = ordered[lines, np.maximum(known - 1, 0) // 2], ordered[lines, known // 2]
    return np.where(known > 0, (low + high) / 2, np.nan)


class Cpm(SampleWise):
    """Counts per million: divide by the sample's sum over all genes, times 10^6. Learns nothing."""

    @classmethod
    def on_scale(cls, scale: str) -> tuple[bool, str, str]:
        """Accept counts only."""
        if scale != "counts":
            raise InputError(f"cpm needs counts, but the values are on the {scale} scale: use a recipe without cpm")
        return True, "linear", ""

    def _apply(self, X: np.ndarray) -> np.ndarray:
        sums = np.nansum(X, axis=1, dtype=np.float64, keepdims=True)
        if (sums <= 0).any():
            raise InputError(
                f"cpm: no counts at all in {counted(int((sums <= 0).sum()), 'sample')}: leave such samples out"
            )
        return (X * (1e6 / sums)).astype(np.float32)


class ToLog2(SampleWise):
    """log2(x + offset) of counts or linear values; logged data are left alone. Learns nothing."""

    def __init__(self, offset: float = 1.0):
        self.offset = offset

    @classmethod
    def on_scale(cls, scale: str) -> tuple[bool, str, str]:
        """Leave logged values alone and say so; say where counts were not brought to one depth."""
        if scale in ("log2", "logratio"):
            return False, scale, f"to_log2 left out: the values are on the {scale} scale already"
        if scale == "standardised":
            raise InputError("to_log2 stands behind a step that standardises: put it before that step")
        note = (
            "to_log2 met raw counts: samples differ in sequencing depth, put `cpm` first" if scale == "counts" else ""
        )
        return True, "log2", note

    def _apply(self, X: np.ndarray) -> np.ndarray:
        if np.nanmin(X, initial=0) + self.offset <= 0:
            raise InputError(self._without_logarithm(X))
        return np.log2(X + np.float32(self.offset))

    def _without_logarithm(self, X: np.ndarray) -> str:
        """Say how many values have no logarithm, and what to do: only where none is negative is it the offset."""
        low, smallest = int((X + self.offset <= 0).sum()), np.nanmin(X)
        remedy = (
            "put `floor_negatives` before it (and `ties: midrank` in gene_quantile, if there are many), or set the "
            "dataset's scale to log2 or logratio if it is logged"
        )
        return (
            f"to_log2 with offset {self.offset:g} finds no logarithm for {low:,} of {X.size:,} values, "
            f"the smallest {smallest:g}: {'set an offset above 0' if smallest >= 0 else remedy}"
        )


class Floor(SampleWise):
    """Set values below a bound to one value, as the image study does below 1. Learns nothing."""

    def __init__(self, below: float = 1.0, to: float = 0.0):
        self.below = below
        self.to = to

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return np.where(self.below > X, np.float32(self.to), X)


class Clip(SampleWise):
    """Move values outside [low, high] to the nearer bound; null means no bound. Learns nothing."""

    def __init__(self, low: float | None = None, high: float | None = None):
        self.low = low
        self.high = high

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return X if self.low is None and self.high is None else np.clip(X, self.low, self.high)

    def note(self, X: np.ndarray) -> str:
        """Count the values that are moved, among those that are not missing."""
        total = int((~np.isnan(X)).sum())
        bounds = (("below", self.low, np.less), ("above", self.high, np.greater))
        counts = [(side, bound, int(beyond(X, bound).sum())) for side, bound, beyond in bounds if bound is not None]
        moved = [f"{n:,} of {total:,} values {side} {bound:g} set to {bound:g}" for side, bound, n in counts if n]
        return f"clip: {', '.join(moved)}" if moved else ""


class Standardising(Step):
    """Base of the steps after which values have no unit any more."""

    @classmethod
    def on_scale(cls, scale: str) -> tuple[bool, str, str]:
        """Accept any scale."""
        return True, "standardised", ""


class Zscore(Standardising):
    """Subtract the gene's mean and divide by its standard deviation, both of the training samples.

    A gene that is constant in the training samples becomes 0 there: it is only centred. One without a value there stays
    missing.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("means_", "deviations_")

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        with empty_genes():
            self.means_ = np.nanmean(X, axis=0, dtype=np.float64)
            deviations = np.nanstd(X, axis=0, dtype=np.float64)
        # rounding leaves a tiny deviation in a constant gene; to divide by it would blow noise up
        constant = deviations <= 10 * np.finfo(np.float32).eps * np.abs(self.means_)
        self.deviations_ = np.where(constant, 1.0, deviations)
        self.constant_ = int(constant.sum())

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return ((X - self.means_) / self.deviations_).astype(np.float32)

    def note(self, X: np.ndarray) -> str:
        """Count the genes that are only centred."""
        count = getattr(self, "constant_", 0)
        return f"zscore: {counted_genes(count)} constant in the training part only centred" if count else ""


class Minmax(Standardising):
    """Map the training samples' range to 0..1, one range for all genes (the image study) or one a gene.

    Unseen values beyond that range are not clipped. A range of one value is only moved to 0; a gene without a value in
    the training samples stays missing.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("low_", "range_")

    def __init__(self, per: str = "all"):
        self.per = per

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        axis = 0 if self.per == "gene" else None
        with empty_genes():
            low, high = np.nanmin(X, axis=axis), np.nanmax(X, axis=axis)
        self.low_ = np.broadcast_to(low, X.shape[1]).astype(np.float64)
        span = np.broadcast_to(high, X.shape[1]).astype(np.float64) - self.low_
        self.range_ = np.where(span > 0, span, 1.0)
        self.constant_ = int((span == 0).sum())

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return ((X - self.low_) / self.range_).astype(np.float32)

    def note(self, X: np.ndarray) -> str:
        """Count the genes that are only moved."""
        count = getattr(self, "constant_", 0)
        return f"minmax: {counted_genes(count)} constant in the training part only moved to 0" if count else ""
