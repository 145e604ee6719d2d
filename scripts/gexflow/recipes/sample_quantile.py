"""sample_quantile: every sample gets the distribution of the training samples (Bolstad et al. 2003)."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError
from gexflow.recipes.step import Step


class SampleQuantile(Step):
    """Map every sample onto the mean distribution of the training samples, from rank to rank.

    The target is the mean over the training samples of their sorted values. The smallest value of a sample becomes the
    smallest of the target, and so on; ties share the mean of their places. Missing values are skipped and stay missing:
    the known ones are spread evenly over the target. This is the quantile normalisation of Bolstad et al. (2003,
    Bioinformatics 19:185), whose target here never sees a test sample. It is not `gene_quantile`, which maps each gene.

    Attributes
    ----------
    target_ : float64 array (genes,)
        In rising order; its places are ranks, not genes.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("target_",)

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        total, count = np.zeros(X.shape[1]), 0
        for sample in X:
            known = np.sort(sample[~np.isnan(sample)])
            if known.size:
                total += _stretched(known.astype(np.float64), X.shape[1])
                count += 1
        if count == 0:
            raise InputError("no training sample has a value: sample_quantile has nothing to learn from")
        self.target_ = total / count

    def _apply(self, X: np.ndarray) -> np.ndarray:
        mapped = np.full(X.shape, np.nan, dtype=np.float32)
        for sample, row in zip(X, mapped, strict=True):
            known = ~np.isnan(sample)
            values = sample[known]
            if values.size:
                row[known] = _by_rank(values, _stretched(self.target_, values.size))
        return mapped


def _stretched(ordered: np.ndarray, length: int) -> np.ndarray:
    """Return the quantile function of sorted values at `length` evenly spaced places."""
    if len(ordered) == length:
        return ordered
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(ordered)), ordered)


def _by_rank(values: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Give the k-th smallest value the k-th place of the target; ties share the mean of their places."""
    order = np.argsort(values)
    ordered = values[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(values)))
    means = np.add.reduceat(target, starts) / lengths
    mapped = np.empty(len(values))
    mapped[order] = np.repeat(means, lengths)
    return mapped
