"""Small cohorts of three classes, their splits and a recipe that chooses genes, for tests of tuning."""

import anndata
import numpy as np
import pandas as pd

from gexflow.cohorts.splits import split_samples

STEPS = [{"zscore": {}}, {"select_ftest": {"keep": 20}}]


def make_cohort(samples: int, genes: int, effect: float, groups: int = 0, seed: int = 1) -> anndata.AnnData:
    """Return a cohort of three classes; a tenth of the genes differ between them by `effect`."""
    rng = np.random.default_rng(seed)
    targets = np.arange(samples) % 3
    values = rng.normal(size=(samples, genes))
    values[:, : genes // 10] += effect * rng.normal(size=(3, genes // 10))[targets]
    group = [f"p{n // 3 % groups}" if groups else f"p{n}" for n in range(samples)]
    obs = pd.DataFrame({"label": pd.Categorical(np.array(["a", "b", "c"])[targets]), "group": group})
    obs.index = [f"s{n}" for n in range(samples)]
    var = pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(genes)])
    return anndata.AnnData(values.astype(np.float32), obs=obs, var=var, uns={"scale": "log2"})


def make_splits(cohort: anndata.AnnData, validation: float = 0.0, folds: int = 4) -> pd.DataFrame:
    columns = (list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"]))
    return split_samples(*columns, folds=folds, repeats=1, seed=5, validation=validation)


def parts_of(splits: pd.DataFrame) -> list[np.ndarray]:
    return [rows["part"].to_numpy(dtype=str) for _, rows in splits.groupby("fold")]
