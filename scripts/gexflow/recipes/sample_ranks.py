"""The order of each sample's values over the genes, which no fold changes."""

from dataclasses import dataclass

import numpy as np

from gexflow.recipes.blocks import LINE, in_blocks
from gexflow.recipes.order import order_lines, runs_of_equal


@dataclass
class SampleRanks:
    """Sorted values of each sample, and which place among them each gene takes.

    Attributes
    ----------
    ordered : float32 array (samples, genes), in rising order, missing values last
    ranks : uint16 array (samples, genes), uint32 from 65,536 genes on
        Place of a gene's value, from 0; among equal values any of theirs.
    ties : list of int arrays (2, runs), one a sample
        Where in `ordered` each run of two or more equal values begins, and where it ends (exclusive).
    known : int array (samples,), how many values are not missing
    """

    ordered: np.ndarray
    ranks: np.ndarray
    ties: list[np.ndarray]
    known: np.ndarray


def rank_samples(values: np.ndarray) -> SampleRanks:
    """Rank the genes within each sample (samples, genes)."""
    samples, genes = values.shape
    ordered = np.empty((samples, genes), dtype=np.float32)
    ranks = np.empty((samples, genes), dtype=np.uint16 if genes <= 1 << 16 else np.uint32)
    places_in_order = np.arange(genes, dtype=ranks.dtype)
    ties, known = [np.empty((2, 0), dtype=np.int32)] * samples, np.empty(samples, dtype=np.intp)

    def rank_block(block: slice) -> None:
        rows = np.ascontiguousarray(values[block])
        order = order_lines(rows)
        for sample, row, places in zip(range(block.start, block.stop), rows, order, strict=True):
            row.take(places, out=ordered[sample], mode="clip")
            ranks[sample, places] = places_in_order
            ties[sample] = runs_of_equal(ordered[sample])
        known[block] = genes - np.isnan(rows).sum(axis=1)

    in_blocks(rank_block, samples, genes, at_least=LINE)
    return SampleRanks(ordered, ranks, ties, known)
