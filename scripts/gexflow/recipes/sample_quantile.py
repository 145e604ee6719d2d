"""sample_quantile: every sample gets the distribution of the training samples (Bolstad et al. 2003)."""

from typing import ClassVar

import numpy as np

from gexflow.errors import InputError
from gexflow.recipes.blocks import in_blocks
from gexflow.recipes.sample_ranks import SampleRanks, rank_samples
from gexflow.recipes.shared import SharedValues
from gexflow.recipes.step import Step


class SampleQuantile(Step):
    """Map every sample onto the mean distribution of the training samples, from rank to rank.

    The target is the mean over the training samples of their sorted values. The smallest value of a sample becomes the
    smallest of the target, and so on; ties share the mean of their places. Missing values are skipped and stay missing:
    the known ones are spread evenly over the target. This is the quantile normalisation of Bolstad et al. (2003,
    Bioinformatics 19:185), whose target here never sees a test sample. It is not `gene_quantile`, which maps each gene.

    Attributes
    ----------
    target_ : float64 array (genes,)
        In rising order; its places are ranks, not genes.
    """

    per_gene: ClassVar[tuple[str, ...]] = ("target_",)
    shares: ClassVar[bool] = True

    def _learn(self, X: np.ndarray, y: np.ndarray | None) -> None:
        self._learn_target(rank_samples(X), np.arange(len(X)))

    def _apply(self, X: np.ndarray) -> np.ndarray:
        return map_to_target(rank_samples(X), self.target_, np.arange(len(X)))

    def fit_shared(self, shared: SharedValues, train: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Fit to training samples and map all samples, with the ranks that all folds share.

        Equal to `fit(values[train])` and `transform(values[rows])`.

        Parameters
        ----------
        shared : SharedValues
        train : bool array (samples,)
        rows : int array (samples,)
            A permutation of the samples.

        Returns
        -------
        mapped : float32 array (samples, genes), in the order of `rows`
        """
        self.n_features_in_ = shared.values.shape[1]
        self._learn_target(shared.sample_ranks, np.flatnonzero(train))
        return map_to_target(shared.sample_ranks, self.target_, rows)

    def _learn_target(self, samples: SampleRanks, rows: np.ndarray) -> None:
        genes = samples.ordered.shape[1]
        total, count = np.zeros(genes), 0
        for row in rows:
            known = samples.known[row]
            if known:
                total += _stretched(samples.ordered[row, :known], genes)
                count += 1
        if count == 0:
            raise InputError("no training sample has a value: sample_quantile has nothing to learn from")
        self.target_ = total / count


def map_to_target(samples: SampleRanks, target: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Give the places of each sample, from its lowest value to its highest, the values of a target.

    Parameters
    ----------
    samples : SampleRanks
    target : float array (genes,), in rising order
    rows : int array
        The samples wanted.

    Returns
    -------
    mapped : float32 array (rows, genes)
        Ties share the mean of their places. Missing values stay missing; the known ones are spread over the target.
    """
    genes = samples.ordered.shape[1]
    mapped = np.empty((len(rows), genes), dtype=np.float32)
    values, sums = target.astype(np.float32), _sums(target)

    def map_block(block: slice) -> None:
        wanted = rows[block]
        table = np.tile(values, (len(wanted), 1))  # what each place of a sample gets
        whole = samples.known[wanted] == genes
        lines = np.flatnonzero(whole)
        _share_ties(table, lines, [samples.ties[row] for row in wanted[lines]], sums)
        for line in np.flatnonzero(~whole):
            known = samples.known[wanted[line]]
            stretched = _stretched(target, known)
            table[line, :known], table[line, known:] = stretched, np.nan
            _share_ties(table, np.array([line]), [samples.ties[wanted[line]]], _sums(stretched))
        places = np.add(samples.ranks[wanted], np.arange(len(wanted))[:, None] * genes, dtype=np.intp)
        table.reshape(-1).take(places, out=mapped[block], mode="clip")

    in_blocks(map_block, len(rows), genes)
    return mapped


def _sums(values: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(values)])


def _share_ties(table: np.ndarray, lines: np.ndarray, ties: list[np.ndarray], sums: np.ndarray) -> None:
    """Give each run of tied places, in these lines of a table (samples, places), the mean of its values.

    `ties` holds begins and ends a line, `sums` the running sum of the values.
    """
    counts = [runs.shape[1] for runs in ties]
    if not sum(counts):
        return
    begins, ends = np.concatenate(ties, axis=1)
    lengths = ends - begins
    means = (sums[ends] - sums[begins]) / lengths
    starts = np.repeat(lines * table.shape[1], counts) + begins
    places = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    table.reshape(-1)[places] = np.repeat(means, lengths)


def _stretched(ordered: np.ndarray, length: int) -> np.ndarray:
    """Return the quantile function of sorted values at `length` evenly spaced places."""
    if len(ordered) == length:
        return ordered
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(ordered)), ordered)
