"""sample_rank: every value becomes its rank within its sample."""

import numpy as np

from gexflow.recipes.sample_quantile import map_to_target
from gexflow.recipes.sample_ranks import rank_samples
from gexflow.recipes.step import SampleWise
from gexflow.recipes.values import Standardising


class SampleRank(SampleWise, Standardising):
    """Replace each value by its rank among the genes of its sample, from 0 (the lowest) to 1. Learns nothing.

    Ties share the mean of their ranks. Missing values take no part; they become 0.5, the middle rank, which says
    neither low nor high. So do all genes of a sample whose values are all equal.
    """

    def _apply(self, X: np.ndarray) -> np.ndarray:
        samples = rank_samples(X)
        ranks = map_to_target(samples, np.linspace(0, 1, X.shape[1]), np.arange(len(X)))
        ranks[np.isnan(ranks)] = 0.5
        ranks[samples.known <= 1] = 0.5
        return ranks

    def note(self, X: np.ndarray) -> str:
        """Count the values, and the samples, of which no rank is known."""
        missing = np.isnan(X)
        flat = int((np.nanmax(X, axis=1, initial=-np.inf) <= np.nanmin(X, axis=1, initial=np.inf)).sum())
        told = [f"{missing.sum():,} of {X.size:,} values missing"] if missing.any() else []
        told += [f"{flat:,} of {len(X):,} samples with no two different values"] if flat else []
        return f"sample_rank: {' and '.join(told)} set to the middle rank, 0.5" if told else ""
