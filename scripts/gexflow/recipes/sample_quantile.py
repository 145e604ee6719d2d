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
        return self._map(rank_samples(X), np.arange(len(X)))

    def fit_shared(self, shared: SharedValues, rows: np.ndarray, training: int) -> np.ndarray:
        """Fit to the first `training` of `rows` and map all of them, with the ranks that all folds share.

        Equal to `fit(values[rows[:training]])` and `transform(values[rows])`.

        Parameters
        ----------
        shared : SharedValues
        rows : int array (samples,)
            A permutation of the samples.
        training : int

        Returns
        -------
        mapped : float32 array (samples, genes), in the order of `rows`
        """
        self.n_features_in_ = shared.values.shape[1]
        self._learn_target(shared.sample_ranks, rows[:training])
        return self._map(shared.sample_ranks, rows)

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

    def _map(self, samples: SampleRanks, rows: np.ndarray) -> np.ndarray:
        mapped = np.empty((len(rows), samples.ordered.shape[1]), dtype=np.float32)

        def map_block(block: slice) -> None:
            for row, line in zip(rows[block], mapped[block], strict=True):
                places = self._places(samples, row)
                places.take(samples.ranks[row], out=line, mode="clip")

        in_blocks(map_block, len(rows), mapped.shape[1])
        return mapped

    def _places(self, samples: SampleRanks, row: int) -> np.ndarray:
        """Return the mapped values of a sample in rising order, float32 (genes,); those of missing values are NaN."""
        known, genes = samples.known[row], len(self.target_)
        target = _stretched(self.target_, known)
        if samples.tied[row]:
            target = _shared_means(samples.ordered[row, :known], target)
        places = np.full(genes, np.nan, dtype=np.float32)
        places[:known] = target
        return places


def _stretched(ordered: np.ndarray, length: int) -> np.ndarray:
    """Return the quantile function of sorted values at `length` evenly spaced places."""
    if len(ordered) == length:
        return ordered
    return np.interp(np.linspace(0, 1, length), np.linspace(0, 1, len(ordered)), ordered)


def _shared_means(ordered: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Give equal values the mean of their places in the target."""
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.append(starts, len(ordered)))
    return np.repeat(np.add.reduceat(target, starts) / lengths, lengths)
