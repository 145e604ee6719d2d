"""GexFlow's way from a cohort to the features of every fold, as rule `prepare_folds` goes it."""

from collections.abc import Iterator

import anndata
import numpy as np
import pandas as pd

from gexflow.recipes import folds


def cohort_of(values: np.ndarray | None, labels: np.ndarray, genes: int, scale: str) -> anndata.AnnData:
    """Return values float32 (samples, genes), or none yet, and class numbers (samples,) as a cohort."""
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
    """Yield the features of each fold; what does not depend on the fold is done once, where the library does so."""
    parts = parts_of(fold)
    if hasattr(folds, "prepare_folds"):
        yield from (one.features for one in folds.prepare_folds(cohort, parts, steps))
    else:
        for number, part in enumerate(parts, start=1):
            yield folds.prepare_fold(cohort, part, steps, number).features
