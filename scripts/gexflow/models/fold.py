"""One fold as a model sees it."""

from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from gexflow.models.predictions import prediction_table


@dataclass
class Fold:
    """Features, labels and parts of all samples in one fold.

    Attributes
    ----------
    values : float32 array (samples, genes)
    samples, labels, parts : str arrays (samples,)
    classes : list of str
        All classes of the cohort, sorted.
    number : int
    """

    values: np.ndarray
    samples: np.ndarray
    labels: np.ndarray
    parts: np.ndarray
    classes: list[str]
    number: int

    @classmethod
    def read(cls, path: str | Path, number: int) -> "Fold":
        """Read a fold's features.h5ad."""
        columns = columns_of(anndata.read_h5ad(path))
        return cls(**columns, classes=sorted(set(columns["labels"])), number=number)

    @property
    def targets(self) -> np.ndarray:
        """Class numbers of all samples, int64 (samples,)."""
        return np.searchsorted(np.array(self.classes), self.labels)

    def part(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Return values and targets of one part."""
        rows = self.parts == name
        return self.values[rows], self.targets[rows]

    @property
    def held_out(self) -> np.ndarray:
        """Mask of the samples that don't train, bool (samples,)."""
        return self.parts != "train"

    def predictions(self, probabilities: np.ndarray) -> pd.DataFrame:
        """Return the table of predictions from the probabilities of the held-out samples."""
        rows = self.held_out
        columns = self.samples[rows], self.parts[rows], self.labels[rows]
        return prediction_table(*columns, probabilities, self.classes, self.number)


def columns_of(features: anndata.AnnData) -> dict[str, np.ndarray]:
    """Return values, samples, labels and parts of a table of features."""
    labels, parts = (features.obs[name].to_numpy().astype(str) for name in ("label", "part"))
    return {
        "values": features.X,
        "samples": features.obs_names.to_numpy(dtype=str),
        "labels": labels,
        "parts": parts,
    }
