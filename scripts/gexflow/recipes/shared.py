"""What no fold changes, found once for all folds: the values before the first fitted step, and their order."""

from functools import cached_property

import numpy as np

from gexflow.recipes.order import order_genes
from gexflow.recipes.sample_ranks import SampleRanks, rank_samples


class SharedValues:
    """The values of all samples of a cohort, as they reach the first step whose result depends on the fold.

    The order of a gene's values, and that of a sample's, say nothing about a fold: a step takes from them what belongs
    to the training samples alone.

    Attributes
    ----------
    values : float32 array (samples, genes)
    """

    def __init__(self, values: np.ndarray):
        self.values = values

    @cached_property
    def missing(self) -> np.ndarray:
        """Genes with a missing value, bool (genes,)."""
        return np.isnan(self.values.sum(axis=0, dtype=np.float64))

    @cached_property
    def order(self) -> np.ndarray:
        """The order of each gene's values, uint16 or uint32 (genes, samples)."""
        return order_genes(self.values)

    @cached_property
    def sample_ranks(self) -> SampleRanks:
        """Each sample's sorted values, and the ranks of its genes."""
        return rank_samples(self.values)
