"""GexFlow's way from a cohort to the features of every fold, as rule `prepare_folds` goes it."""

from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd

from gexflow.memory import keep_freed_memory
from gexflow.recipes.folds import prepare_folds


def cohort_of(values: np.ndarray | None, labels: np.ndarray, genes: int, scale: str) -> anndata.AnnData:
    """Return values float32 (samples, genes), or none yet, and class numbers (samples,) as a cohort.

    Each gene's values lie side by side, as `files.read_by_gene` hands a cohort over.
    """
    values = None if values is None else np.asfortranarray(values)
    classes = [f"C{number:02d}" for number in labels]
    samples = [f"S{number}" for number in range(len(labels))]
    symbols = [f"G{number}" for number in range(genes)]
    obs = pd.DataFrame({"label": pd.Categorical(classes), "group": samples}, index=samples)
    var = pd.DataFrame({"symbol": symbols}, index=symbols)
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": scale})


def parts_of(fold: np.ndarray) -> list[np.ndarray]:
    """Return one str array (samples,) a fold: test for the samples of that fold, train for the others."""
    return [np.where(fold == number, "test", "train") for number in range(fold.max() + 1)]


def prepared(cohort: anndata.AnnData, fold: np.ndarray, steps: list) -> Iterator[anndata.AnnData]:
    """Yield the features of each fold; what no fold changes is done once."""
    keep_freed_memory()
    folds = prepare_folds(cohort, parts_of(fold), steps)
    for _ in range(fold.max() + 1):
        yield next(folds).features  # kept by nobody here, as in the rule's script
