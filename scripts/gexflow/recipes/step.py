"""The contract of a recipe's step: a scikit-learn transformer that knows scales and can be stored."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import assert_all_finite, check_is_fitted, validate_data

from gexflow.errors import InputError, counted


def counted_genes(count: int) -> str:
    """Write a number of genes, for a note."""
    return counted(count, "gene")


@contextmanager
def empty_genes() -> Iterator[None]:
    """Let genes without a value have NaN for a mean or a range, without numpy's warnings: a later step drops them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        yield


class Step(TransformerMixin, BaseEstimator):
    """Base of all steps: `fit` on training samples, `transform` any samples.

    Input and output are float32 arrays of shape (samples, genes); missing values are NaN. A step that drops genes sets
    `kept_`, a bool array over its input genes.

    Attributes
    ----------
    per_gene : names of learned arrays whose last axis is the step's input genes
    shares : whether the step has `fit_shared`, which takes what it can from `SharedValues`
    """

    per_gene: ClassVar[tuple[str, ...]] = ()
    shares: ClassVar[bool] = False
    allows_missing: ClassVar[bool] = True

    @classmethod
    def on_scale(cls, scale: str) -> tuple[bool, str, str]:
        """Say how the step meets values on `scale` (counts, linear, log2, logratio, standardised).

        Returns
        -------
        applies : bool
            False if the step is to be left out on this scale.
        scale : str
            The scale of what the step gives.
        note : str
            What to tell the user; "" if nothing.
        """
        return True, scale, ""

    def fit(self, X: np.ndarray, y: np.ndarray | None = None, symbols: np.ndarray | None = None) -> "Step":
        """Learn from training samples (samples, genes); `symbols` (genes,) matter to collapse_genes alone."""
        self._learn(self._checked(X, reset=True), y)
        return self

    def fit_rows(self, values: np.ndarray, train: np.ndarray, y: np.ndarray, symbols: np.ndarray) -> "Step":
        """Learn from the samples of a table (samples, genes) that `train` (samples,) marks; `y` holds all labels."""
        return self.fit(values.T.compress(train, axis=1).T, y[train], symbols=symbols)

    def transform(self, X: np.ndarray) -> np.ndarray:
        """Apply what was learned to any samples (samples, genes)."""
        check_is_fitted(self, ("n_features_in_", *self.per_gene))
        return self._apply(self._checked(X, reset=False))

    def same_in_all_folds(self, X: np.ndarray) -> bool:
        """Tell whether the step makes the same of these samples (samples, genes), whichever of them train."""
        return False

    def note(self, X: np.ndarray) -> str:
        """Say what a user must be told of the fitted step's work on these samples (samples, genes); "" if nothing."""
        return ""

    def _checked(self, X: np.ndarray, reset: bool) -> np.ndarray:
        X = validate_data(self, X, reset=reset, dtype=np.float32, ensure_all_finite=False)
        try:
            assert_all_finite(X, allow_nan=True)
        except ValueError:
            raise InputError(
                f"{np.isinf(X).sum():,} of {X.size:,} values that reach it are infinite: "
                "mend them in the source, or mark them as missing"
            ) from None
        if not self.allows_missing and np.isnan(X).any():
            raise InputError("missing values (NaN) are not allowed here: put impute_median before this step")
        return X

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        """Learn nothing, unless a step says otherwise."""

    def _apply(self, X: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __sklearn_tags__(self):
        """Tell scikit-learn whether missing values are welcome, and that values become float32."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self.allows_missing
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class SampleWise(Step):
    """Base of the steps that learn nothing: what becomes of a sample depends on no other one."""

    def same_in_all_folds(self, X: np.ndarray) -> bool:
        """Say yes."""
        return True


class Selection(Step):
    """Base of the steps that only drop genes."""

    per_gene: ClassVar[tuple[str, ...]] = ("kept_",)

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return X[:, self.kept_]
