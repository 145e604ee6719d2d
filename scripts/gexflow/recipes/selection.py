"""Steps that choose genes on the training samples."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError
from gexflow.recipes.step import Selection


def largest(scores: np.ndarray, count: int) -> np.ndarray:
    """Return a mask of the `count` largest scores; among equal scores the earlier genes are taken."""
    if count > len(scores):
        raise InputError(f"{count} genes were asked for, but only {len(scores)} are left at this step: choose fewer")
    mask = np.zeros(len(scores), dtype=bool)
    mask[np.argsort(-scores, kind="stable")[:count]] = True
    return mask


class DropMissing(Selection):
    """Leave out genes that are missing in more than `share` of the training samples.

    Where values are missing by batch, as in EB++, a gene filled with its median tells the batch. Put the step first.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("missing_", "kept_")

    def __init__(self, share: float = 0.2):
        self.share = share

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.missing_ = np.isnan(X).mean(axis=0)
        self.kept_ = self.missing_ <= self.share
        if not self.kept_.any():
            raise InputError(
                "drop_missing kept no gene: in the training part each is missing in at least "
                f"{100 * self.missing_.min():.3g} % of the samples; raise `share`"
            )


class SelectVariance(Selection):
    """Keep genes by their variance in the training samples: above `threshold`, or the `top` most variable ones.

    The variance is the population's (divided by n), as in scikit-learn's VarianceThreshold. `top` may exceed the number
    of genes: then all that vary are kept, since a recipe serves cohorts of several sizes.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("variances_", "kept_")

    def __init__(self, threshold: float | None = None, top: int | None = None):
        self.threshold = threshold
        self.top = top

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self.variances_ = np.nanvar(X, axis=0, dtype=np.float64)
        if self.top is not None:
            self.kept_ = largest(self.variances_, min(self.top, len(self.variances_))) & (self.variances_ > 0)
        else:
            self.kept_ = self.variances_ > (self.threshold or 0.0)
        if not self.kept_.any():
            raise InputError(
                "select_variance kept no gene: the largest variance in the training part is "
                f"{self.variances_.max():.3g}; "
                "lower `threshold`, or use `top`"
            )
