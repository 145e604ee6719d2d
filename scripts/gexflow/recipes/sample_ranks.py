"""The order of each sample's values over the genes, which no fold changes."""

from dataclasses import dataclass

import numpy as np

from gexflow.recipes.blocks import in_blocks
from gexflow.recipes.order import order_lines


@dataclass
class SampleRanks:
    """Sorted values of each sample, and which place among them each gene takes.

    Attributes
    ----------
    ordered : float32 array (samples, genes), in rising order, missing values last
    ranks : uint16 array (samples, genes), uint32 from 65,536 genes on
        Place of a gene's value, from 0; among equal values any of theirs.
    tied : bool array (samples,)
        Whether two values of the sample are equal.
    known : int array (samples,), how many values are not missing
    """

    ordered: np.ndarray
    ranks: np.ndarray
    tied: np.ndarray
    known: np.ndarray


def rank_samples(values: np.ndarray) -> SampleRanks:
    """Rank the genes within each sample (samples, genes)."""
    samples, genes = values.shape
    ordered = np.empty((samples, genes), dtype=np.float32)
    ranks = np.empty((samples, genes), dtype=np.uint16 if genes <= 1 << 16 else np.uint32)
    tied, known = np.empty(samples, dtype=bool), np.empty(samples, dtype=np.intp)

    def rank_block(block: slice) -> None:
        rows = np.ascontiguousarray(values[block])
        order = order_lines(rows)
        rows = np.take_along_axis(rows, order, axis=1)
        np.put_along_axis(ranks[block], order, np.arange(genes, dtype=ranks.dtype)[None], axis=1)
        ordered[block] = rows
        tied[block] = (rows[:, 1:] == rows[:, :-1]).any(axis=1)
        known[block] = genes - np.isnan(rows).sum(axis=1)

    in_blocks(rank_block, samples, genes)
    return SampleRanks(ordered, ranks, tied, known)
