"""floor_negatives: values below a floor that the training samples give, as old arrays need before a logarithm."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError
from gexflow.log import CAUTION
from gexflow.recipes.blocks import in_blocks
from gexflow.recipes.step import Step
from gexflow.recipes.values import Clip, Floor, ToLog2

_HALF = 0.5  # largest share of negative values that symmetric noise explains
_LOGGED = 30  # no logged value is above it, and some intensity of every array is
_HIGHEST = 0.9  # highest quantile of the positive values, so that a tenth of them stays whatever the noise is


class FloorNegatives(Step):
    """Set negative linear values, and the noise beside them, to a floor learned from the training samples.

    Measured noise around zero is about symmetric: where values are negative, as in the average differences of old
    Affymetrix arrays, about as many of the low positive values are noise, too. A logarithm would stretch them over many
    doublings, so that the genes that vary most are those that measure nothing. The floor is therefore a low quantile of
    the positive training values, at `noise * negative / positive`, both counted over all genes: it follows the number
    of negative values, not their sizes, to which probes that bind the wrong gene give a long tail. It nears 0 as
    negative values become few. Where they are very few, as after the batch correction of EB++, only they are moved,
    to 0; where there is none, the floor is 0, too.

    Parameters
    ----------
    share : float
        Up to this share of negative training values only they are moved. EB++ has 0.24 to 0.3 %, left there by a
        correction and not by noise; average differences have 25 to 40 %.
    noise : float
        Share of the positive noise, taken to be as many values as are negative, that lies below the floor. Genes that
        are truly low lie there as well, so that the share is a little smaller than this. In simulated cohorts a higher
        one raises the held-out accuracy and loses weak markers; 0.75 keeps nine tenths of them unless the noise is as
        large as they are.

    Attributes
    ----------
    floor_ : float64 array (genes,)
        The floor, one value for all genes.
    moved_ : float64 array (genes,)
        Share of all training values below the floor, the same for all genes.

    Notes
    -----
    The floor comes out near the noise's standard deviation, or below it where few genes are silent. It is not
    calibrated on a genuine cohort: in one simulated like the leukaemias of Golub (1999, Science 286:531; HuGeneFL),
    with noise of 150 and 30 % negative values, it is 140; the floor commonly set by hand for the genuine ones is 100
    (Dudoit 2002, JASA 97:77).
    """

    per_gene: ClassVar[tuple[str, ...]] = ("floor_", "moved_")

    def __init__(self, share: float = 0.01, noise: float = 0.75):
        self.share = share
        self.noise = noise

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
        total = max(1, int(known.sum()))
        self.negative_ = float(negative.sum() / total)
        floor, moved, self.quantile_, self.largest_ = 0.0, self.negative_, 0.0, np.inf
        if self.negative_ > self.share:
            positive = _positive(X, train)
            self.quantile_ = min(_HIGHEST, self.noise * float(negative.sum()) / positive.size)
            self.largest_ = float(positive.max())
            floor = float(np.quantile(positive, self.quantile_, method="inverted_cdf", overwrite_input=True))
            moved = (total - int((positive >= floor).sum())) / total
        self.floor_ = np.full(X.shape[1], floor)
        self.moved_ = np.full(X.shape[1], moved)

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
            note += f", the {self.quantile_:.3g} quantile of the positive training values"
        doubt = self._doubt()
        return f"{CAUTION}{note}; {doubt}: are they on the scale logratio?" if doubt else note

    def _doubt(self) -> str:
        """Say why so many negative values may be no noise around zero; "" if they may be."""
        if self.negative_ > _HALF:
            return "noise makes half of them negative at most"
        return f"none of them is above {_LOGGED}" if self.largest_ <= _LOGGED else ""


def _positive(X: np.ndarray, train: np.ndarray) -> np.ndarray:
    """Return the positive values of the training samples, one after the other."""
    positive = X[(X > 0) & train[:, None]]
    if not positive.size:
        raise InputError(
            "floor_negatives finds no value above 0 in the training part: "
            "set the dataset's scale to log2 or logratio if the values are logged"
        )
    return positive


def hides_negatives(step: Step) -> bool:
    """Tell whether a step leaves no value below 0, so that nothing shows how large the noise is."""
    if isinstance(step, Clip):
        return step.low is not None and step.low >= 0
    return isinstance(step, Floor) and step.below >= 0 and step.to >= 0


def check_order(before: list[Step], applies: bool) -> str:
    """Refuse steps before floor_negatives that leave it nothing to do.

    Parameters
    ----------
    before : list of Step
        The steps before it that apply to the cohort's values.
    applies : bool
        Whether floor_negatives does.

    Returns
    -------
    note : str
        What to tell the user of a to_log2 before it; "" if there is none.
    """
    if any(isinstance(step, ToLog2) for step in before):
        return f"{CAUTION}floor_negatives left out, since it stands behind to_log2: put it before to_log2"
    if applies and any(map(hides_negatives, before)):
        raise InputError(
            "floor_negatives stands behind clip or floor, which leave no value below 0 for it to learn from: "
            "put floor_negatives before them, or leave them out"
        )
    return ""
