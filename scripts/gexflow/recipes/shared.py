"""What no fold changes, found once for all folds: the values before the first fitted step, and their order."""

from functools import cached_property

import numpy as np

from gexflow.recipes.order import order_genes, order_lines
from gexflow.recipes.sample_ranks import SampleRanks, rank_samples

_KEPT = 100_000_000  # values of a table whose order is kept: 200 MB


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

    def order_of(self, genes: np.ndarray, lines: np.ndarray) -> np.ndarray:
        """Return the order of some genes' values (genes, samples), which `lines` holds: unsigned or int64.

        That of a very large table is not kept, but found again: it would take half of the table's memory, to save a
        twentieth of a fold's time.
        """
        return self._order[genes] if self.values.size <= _KEPT else order_lines(lines)

    @cached_property
    def _order(self) -> np.ndarray:
        return order_genes(self.values)

    @cached_property
    def sample_ranks(self) -> SampleRanks:
        """Each sample's sorted values, and the ranks of its genes."""
        return rank_samples(self.values)
