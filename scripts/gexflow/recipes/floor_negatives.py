"""floor_negatives: values below a floor that the training samples give, as old arrays need before a logarithm."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError
from gexflow.log import CAUTION
from gexflow.recipes.blocks import in_blocks
from gexflow.recipes.step import Step

_NOISE = 0.5  # largest share of negative values that symmetric noise explains


class FloorNegatives(Step):
    """Set negative linear values, and the noise beside them, to a floor learned from the training samples.

    Measured noise around zero is about symmetric: where many values are negative, as in the average differences of old
    Affymetrix arrays, the low positive values are as much noise as the negative ones. A logarithm would stretch them
    over many doublings, so that the genes that vary most are those that measure nothing. Then everything below a low
    quantile of the positive training values becomes that quantile. Where few values are negative, as after the batch
    correction of EB++, only they are moved, to 0; where none is, nothing is learned and the floor is 0, too.

    Parameters
    ----------
    share : float
        Up to this share of negative training values only they are moved. EB++ has below 0.3 %, average differences
        25 to 40 %: 5 % is far from both.
    quantile : float
        Of the positive training values, over all genes: the floor where more are negative. In cohorts like the
        leukaemias of Golub (1999, Science 286:531; HuGeneFL), where 100 is the usual floor (Dudoit 2002, JASA 97:77),
        a quarter of the positive values lies below about 100: 103 in the simulated cohort of the tests, 115 in an
        excerpt of the genuine set (57 genes of 4 samples).

    Attributes
    ----------
    floor_ : float64 array (genes,)
        The floor, one value for all genes.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("floor_",)

    def __init__(self, share: float = 0.05, quantile: float = 0.25):
        self.share = share
        self.quantile = quantile

    @classmethod
    def on_scale(cls, scale: str) -> tuple[bool, str, str]:
        """Leave logged values alone, whose negatives are no noise, and say so."""
        if scale in ("log2", "logratio"):
            return False, scale, f"floor_negatives left out: the values are on the {scale} scale already"
        if scale == "standardised":
            raise InputError("floor_negatives stands behind a step that standardises: put it before that step")
        return True, scale, ""

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self._learn_floor(X, np.ones(len(X), dtype=bool))

    def fit_rows(self, values: np.ndarray, train: np.ndarray, y: np.ndarray, symbols: np.ndarray) -> "FloorNegatives":
        """Learn from the samples that `train` marks, without a copy of them where few values are negative."""
        self._learn_floor(self._checked(values, reset=True), train)
        return self

    def _learn_floor(self, X: np.ndarray, train: np.ndarray) -> None:
        known, negative = np.zeros((2, X.shape[1]), dtype=np.int64)

        def count_block(block: slice) -> None:
            lines = X[:, block].T.compress(train, axis=1)
            known[block] = (~np.isnan(lines)).sum(axis=1)
            negative[block] = (lines < 0).sum(axis=1)

        in_blocks(count_block, X.shape[1], len(X))
        self.negative_ = float(negative.sum() / max(1, known.sum()))
        floor = _low_quantile(X, train, self.quantile) if self.negative_ > self.share else 0.0
        self.floor_ = np.full(X.shape[1], floor)

    def same_in_all_folds(self, X: np.ndarray) -> bool:
        """Say yes where no value of any sample is negative: then there is nothing to move."""
        return bool(np.nanmin(X, initial=0) >= 0)

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return np.maximum(X, self.floor_.astype(np.float32))  # a missing value stays missing

    def note(self, X: np.ndarray) -> str:
        """Give the share of negative training values, the threshold and the floor; count the values moved."""
        floor = np.float32(self.floor_[0])
        moved, known = int((floor > X).sum()), int((~np.isnan(X)).sum())
        if not moved:
            return ""
        many = self.negative_ > self.share
        note = (
            f"floor_negatives: {100 * self.negative_:.3g} % of the training values are negative, "
            f"{'more than' if many else 'at most'} {100 * self.share:g} %: "
            f"{moved:,} of {known:,} values below {floor:.4g} set to {floor:.4g}"
        )
        if many:
            note += f", the {self.quantile:g} quantile of the positive training values"
        if self.negative_ > _NOISE:
            note = (
                f"{CAUTION}{note}; noise makes half of them negative at most: are they ratios, on the scale logratio?"
            )
        return note


def _low_quantile(X: np.ndarray, train: np.ndarray, quantile: float) -> float:
    """Return a quantile of the positive values of the training samples: one of these values."""
    positive = X[(X > 0) & train[:, None]]
    if not positive.size:
        raise InputError(
            "floor_negatives finds no value above 0 in the training part: "
            "set the dataset's scale to log2 or logratio if the values are logged"
        )
    return float(np.quantile(positive, quantile, method="inverted_cdf", overwrite_input=True))
