"""Step that keeps genes by their coefficients in a logistic regression of the classes."""

import warnings
from typing import ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, column_or_1d, validate_data

from gexflow.errors import InputError
from gexflow.recipes.multinomial import COPIED, fit_multinomial
from gexflow.recipes.selection import largest
from gexflow.recipes.step import Selection

_SMALL = 3e7  # samples x genes x classes up to which scikit-learn's solver is the fastest
_LARGE = 1e8  # samples x genes x classes from which a bfloat16 copy pays


class SelectLogistic(Selection):
    """Keep genes by the summed absolute coefficients of an L2 multinomial logistic regression (GexpNet, section 1).

    Classes are weighted inversely to their size. The study used scikit-learn's newton-cg; the optimum is unique, so
    another solver finds the same genes (see `multinomial`).

    Parameters
    ----------
    C : float
        Inverse strength of the penalty.
    keep : "median" or int
        Genes at or above the median of the summed |coefficients|, or that many of the largest.
    max_iter : int
        Bound on the solver's Newton steps.
    precision : auto, float32 or bfloat16
        Of the products that shape a step; gradients and the rule that ends the search are always float32. "auto"
        takes bfloat16 for large problems where the processor is fast at it, and scikit-learn's newton-cg for small
        ones.

    Attributes
    ----------
    coefficients_ : float64 array (genes,)
        Summed absolute coefficients.
    coef_, intercept_ : float arrays (classes, genes) and (classes,), with two classes (1, genes) and (1,)
        Of the regression; not part of `fitted.h5ad`.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("coefficients_", "kept_")
    allows_missing: ClassVar[bool] = False

    def __init__(self, C: float = 0.1, keep: str | int = "median", max_iter: int = 1000, precision: str = "auto"):
        self.C = C
        self.keep = keep
        self.max_iter = max_iter
        self.precision = precision

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        if y is None:
            raise InputError("select_logistic requires y to be passed, but the target y is None")
        y = column_or_1d(y, warn=True)
        check_consistent_length(X, y)
        check_classification_targets(y)
        classes, codes = np.unique(y, return_inverse=True)
        if self.keep != "median":
            largest(np.zeros(X.shape[1]), int(self.keep))  # refuses more genes than there are, before the work
        if self.precision == "auto" and X.size * len(classes) < _SMALL:
            self._fit_published(X, codes)
        else:
            low = _low_precision(self.precision, X.size, len(classes))
            fit = fit_multinomial(X, codes, self.C, self.max_iter, bfloat16=low)
            self.n_iter_ = fit.iterations
            self.stopped_ = "" if fit.converged else _stopped(fit.stalled)
            self.coef_, self.intercept_ = fit.coefficients, fit.intercept
        self.coefficients_ = np.abs(self.coef_).sum(axis=0, dtype=np.float64)
        if self.keep == "median":
            self.kept_ = self.coefficients_ >= np.median(self.coefficients_)
        else:
            self.kept_ = largest(self.coefficients_, int(self.keep))

    def _fit_published(self, X: np.ndarray, codes: np.ndarray) -> None:
        """Fit with the study's own solver, which is the fastest for small problems."""
        model = LogisticRegression(C=self.C, class_weight="balanced", solver="newton-cg", max_iter=self.max_iter)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say is in the note
            model.fit(super()._checked(X, reset=False), codes)
        self.n_iter_ = int(np.max(model.n_iter_))
        self.stopped_ = _stopped(stalled=False) if self.n_iter_ >= self.max_iter else ""
        self.coef_, self.intercept_ = model.coef_, model.intercept_

    def _checked(self, X: np.ndarray, reset: bool) -> np.ndarray:
        """Leave the search for missing values to the solver's first product when fitting."""
        if not reset:
            return super()._checked(X, reset)
        return validate_data(self, X, dtype=np.float32, ensure_all_finite=False)

    def note(self, X: np.ndarray) -> str:
        """Say whether the solver stopped before it converged."""
        return getattr(self, "stopped_", "")

    def __sklearn_tags__(self):
        """Tell scikit-learn that labels are needed."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags


def _stopped(stalled: bool) -> str:
    if stalled:
        return "select_logistic came no nearer in float32: put gene_quantile or zscore before it"
    return "select_logistic did not converge: raise max_iter"


def _low_precision(precision: str, size: int, classes: int) -> bool:
    """Say whether to take products in bfloat16."""
    if precision not in ("auto", "float32", "bfloat16"):
        raise InputError(f'select_logistic: precision "{precision}" is none of auto, float32, bfloat16')
    if precision != "auto":
        return precision == "bfloat16"
    if size * classes < _LARGE or size > COPIED:
        return False
    import torch

    names = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in names)
