"""Ranks of models over datasets, each family of datasets counted once (Demsar, JMLR 7, 2006)."""

from math import nan, sqrt

import numpy as np
import pandas as pd
from scipy import stats

from gexflow.evaluation.intervals import LEVEL
from gexflow.variants import control_of

FEWEST_FAMILIES = 5  # for a test
COLUMNS = ("family", "model", "rank", "datasets")


def rank_families(scores: pd.DataFrame, families: dict[str, str]) -> tuple[pd.DataFrame, list[str]]:
    """Rank the models that were run on every dataset, controls left out.

    Parameters
    ----------
    scores : DataFrame
        dataset, model, accuracy: one row each.
    families : {dataset: family}
        Datasets that share patients are one family, whose ranks are averaged.

    Returns
    -------
    DataFrame of family, model, rank (1 is best, ties share their mean), datasets
    list of str
        Models that are left out, since some dataset lacks them.
    """
    plain = scores[[not control_of(name) for name in scores["model"]]]
    wide = plain.pivot(index="dataset", columns="model", values="accuracy")[list(dict.fromkeys(plain["model"]))]
    everywhere = wide.dropna(axis="columns")
    ranks = (-everywhere).rank(axis="columns")
    names = pd.Series({dataset: families.get(dataset, dataset) for dataset in ranks.index})
    grouped = ranks.groupby(names, sort=False)
    table = grouped.mean().rename_axis("family").reset_index().melt("family", var_name="model", value_name="rank")
    table["datasets"] = table["family"].map(names.value_counts())
    return table[list(COLUMNS)], [name for name in wide if name not in everywhere]


def compare_ranks(ranks: pd.DataFrame) -> dict[str, float | int]:
    """Test whether models rank alike, and how far two mean ranks must be apart to differ.

    Parameters
    ----------
    ranks : DataFrame
        See `rank_families`.

    Returns
    -------
    dict
        families, models; `p_friedman`: Friedman's test with Iman and Davenport's F; `critical_difference`: Nemenyi's.
        Both NaN with fewer than five families or two models.
    """
    wide = ranks.pivot(index="family", columns="model", values="rank").to_numpy(dtype=np.float64)
    families, models = wide.shape
    facts = {"families": families, "models": models, "p_friedman": nan, "critical_difference": nan}
    if families < FEWEST_FAMILIES or models < 2:
        return facts
    spread = ((wide.mean(axis=0) - (models + 1) / 2) ** 2).sum()
    within = ((wide - (models + 1) / 2) ** 2).sum() - families * spread  # with tied ranks too
    if within <= 1e-12:
        return {**facts, "p_friedman": 0.0 if spread > 0 else 1.0, "critical_difference": _nemenyi(families, models)}
    f = (families - 1) * families * spread / within
    p = stats.f.sf(f, models - 1, (models - 1) * (families - 1))
    return {**facts, "p_friedman": float(p), "critical_difference": _nemenyi(families, models)}


def _nemenyi(families: int, models: int) -> float:
    quantile = stats.studentized_range.ppf(LEVEL, models, np.inf) / sqrt(2)
    return float(quantile * sqrt(models * (models + 1) / (6 * families)))
