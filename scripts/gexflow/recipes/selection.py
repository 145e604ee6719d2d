"""Steps that choose genes on the training samples."""

from typing import ClassVar

import numpy as np
from sklearn.utils.validation import check_consistent_length, column_or_1d

from gexflow.errors import InputError
from gexflow.recipes.step import Selection, counted_genes, empty_genes

_SAMPLES_AT_A_TIME = 32  # blocks that stay in the cache


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


class SelectFTest(Selection):
    """Keep genes by the F of a one-way analysis of variance over the classes, in the training samples.

    F is the mean square between the classes over that within them, as in scikit-learn's `f_classif`; it is infinite
    where a gene is constant within every class. A gene that is constant in all training samples has no F and is never
    kept. Values are centred before they are squared, in float64, a few samples at a time: no float64 copy is made.

    Parameters
    ----------
    keep : "median" or int
        Genes at or above the median F of those that have one, or that many of the largest.

    Attributes
    ----------
    f_values_ : float64 array (genes,), NaN where a gene is constant
    """

    per_gene: ClassVar[tuple[str, ...]] = ("f_values_", "kept_")
    allows_missing: ClassVar[bool] = False

    def __init__(self, keep: str | int = "median"):
        self.keep = keep

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        if y is None:
            raise InputError("select_ftest requires y to be passed, but the target y is None")
        labels = column_or_1d(y)
        check_consistent_length(X, labels)
        self.f_values_ = f_values(X, np.unique(labels, return_inverse=True)[1])
        varying = ~np.isnan(self.f_values_)
        count = int(varying.sum())
        if count == 0:
            raise InputError(
                f"select_ftest kept no gene: each of the {varying.size:,} is constant in the training part"
            )
        if self.keep != "median" and self.keep > count:
            raise InputError(
                f"{self.keep:,} genes were asked for, but only {count:,} of the {varying.size:,} that reach it vary "
                "in the training part: choose fewer"
            )
        self.kept_ = np.zeros(varying.size, dtype=bool)
        f = self.f_values_[varying]
        self.kept_[varying] = f >= np.median(f) if self.keep == "median" else largest(f, int(self.keep))

    def note(self, X: np.ndarray) -> str:
        """Count the genes without an F."""
        constant = int(np.isnan(self.f_values_).sum())
        without = f"select_ftest: {counted_genes(constant)} constant in the training part left out: no F"
        return without if constant else ""

    def __sklearn_tags__(self):
        """Tell scikit-learn that labels are needed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def f_values(X: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return the F of a one-way analysis of variance of every gene.

    Parameters
    ----------
    X : float32 array (samples, genes), without missing values
    classes : int array (samples,), 0 to one less than the number of classes

    Returns
    -------
    float64 array (genes,)
        NaN where a gene is constant, infinite where it is constant within every class. Both are exact: sums of one
        float32 value are exact in float64.

    Raises
    ------
    InputError
        If there is one class only, or no class with two samples.
    """
    sizes = np.bincount(classes)
    if len(sizes) < 2:
        raise InputError("select_ftest met one class only in the training part: F compares at least two")
    if len(sizes) == len(X):
        raise InputError("select_ftest met one sample a class in the training part: F needs a class with two")
    means, within = np.empty((len(sizes), X.shape[1])), np.zeros(X.shape[1])
    for number, size in enumerate(sizes):
        members = np.flatnonzero(classes == number)
        blocks = [members[start : start + _SAMPLES_AT_A_TIME] for start in range(0, size, _SAMPLES_AT_A_TIME)]
        means[number] = sum(X[rows].sum(axis=0, dtype=np.float64) for rows in blocks) / size
        for rows in blocks:
            within += np.square(X[rows] - means[number]).sum(axis=0)
    between = sizes @ (means - sizes @ means / len(X)) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        return between / (len(sizes) - 1) / (within / (len(X) - len(sizes)))


class SelectRandom(Selection):
    """Keep genes drawn at random: the control that asks what a choice of genes gives.

    Parameters
    ----------
    keep : "half" or int
        Half of the genes that reach the step, rounded up, or that many.
    seed : int
        The same seed draws the same places among as many genes, whatever the samples.
    """

    def __init__(self, keep: str | int = "half", seed: int = 0):
        self.keep = keep
        self.seed = seed

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        count = (X.shape[1] + 1) // 2 if self.keep == "half" else int(self.keep)
        self.kept_ = largest(np.random.default_rng(self.seed).random(X.shape[1]), count)


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
        with empty_genes():
            self.variances_ = np.nanvar(X, axis=0, dtype=np.float64)
        if self.top is not None:
            self.kept_ = largest(self.variances_, min(self.top, len(self.variances_))) & (self.variances_ > 0)
        else:
            self.kept_ = self.variances_ > (self.threshold or 0.0)
        if not self.kept_.any():
            raise InputError(
                "select_variance kept no gene: the largest variance in the training part is "
                f"{np.max(self.variances_, where=~np.isnan(self.variances_), initial=0):.3g}; "
                "lower `threshold`, or use `top`"
            )

    def note(self, X: np.ndarray) -> str:
        """Count the genes without a value, and say where fewer genes than `top` vary."""
        total, kept, empty = self.kept_.size, int(self.kept_.sum()), int(np.isnan(self.variances_).sum())
        notes = []
        if empty:
            notes.append(f"{counted_genes(empty)} without a value in the training part left out")
        if self.top is not None and kept < self.top:
            notes.append(f"`top` is {self.top:,}, but only {kept:,} of {counted_genes(total)} vary: all of them kept")
        return f"select_variance: {', '.join(notes)}" if notes else ""
