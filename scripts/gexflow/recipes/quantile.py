"""gene_quantile: each gene mapped onto a normal or uniform distribution."""

from typing import ClassVar

import numpy as np
from scipy.special import ndtri

from gexflow.recipes.values import Standardising

# scikit-learn's bound, within which a value counts as the smallest or largest of the training samples
_BOUND = 1e-7
_LARGEST = 1000


class GeneQuantile(Standardising):
    """Map each gene through the training samples' empirical quantiles onto a normal or uniform distribution.

    The definition is scikit-learn's `QuantileTransformer(subsample=None)` in float64: `n_quantiles` = 1000, or the
    number of training samples if smaller; ties take the mean of both interpolations; values beyond the training range
    take its ends. This is not between-sample quantile normalisation (Bolstad 2003).

    Parameters
    ----------
    output : "normal" or "uniform"
    """

    per_gene: ClassVar[tuple[str, ...]] = ("quantiles_",)

    def __init__(self, output: str = "normal"):
        self.output = output

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        references = np.linspace(0, 1, min(_LARGEST, len(X)))
        quantiles = np.nanquantile(X.astype(np.float64), references, axis=0)
        # rounding in the interpolation can make neighbours swap
        self.quantiles_ = np.maximum.accumulate(quantiles, axis=0)

    def _apply(self, X: np.ndarray) -> np.ndarray:
        references = np.linspace(0, 1, len(self.quantiles_))
        mapped = np.empty(X.shape, dtype=np.float32)
        for gene, quantiles in enumerate(self.quantiles_.T):
            mapped[:, gene] = self._map_gene(X[:, gene].astype(np.float64), quantiles, references)
        return mapped

    def _map_gene(self, values: np.ndarray, quantiles: np.ndarray, references: np.ndarray) -> np.ndarray:
        up = np.interp(values, quantiles, references)
        down = np.interp(-values, -quantiles[::-1], -references[::-1])
        share = 0.5 * (up - down)
        margin = _BOUND if self.output == "normal" else 0.0
        share[values + margin >= quantiles[-1]] = 1.0
        share[values - margin <= quantiles[0]] = 0.0
        if self.output == "uniform":
            return share
        ends = ndtri(_BOUND - np.spacing(1)), ndtri(1 - (_BOUND - np.spacing(1)))
        return np.clip(ndtri(share), *ends)
