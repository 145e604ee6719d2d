"""One fold of a cohort through a recipe: fitted on its training part, applied to all samples."""

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gexflow.errors import InputError
from gexflow.recipes.collapse import CollapseGenes, first_columns
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, kept_genes, step_table, store_recipe


@dataclass
class PreparedFold:
    """Features of all samples of a fold, the fitted recipe, and what each step did and has to say."""

    features: anndata.AnnData
    fitted: anndata.AnnData
    summary: pd.DataFrame
    recipe: Pipeline


def prepare_fold(cohort: anndata.AnnData, parts: np.ndarray, steps: list, fold: int) -> PreparedFold:
    """Fit a recipe to the training samples of a fold and prepare all samples.

    Parameters
    ----------
    cohort : AnnData
        X float32 (samples, genes), `obs["label"]`, `var["symbol"]` ("" where a gene has none), `uns["scale"]`.
    parts : str array (samples,)
        train, validation, test or holdout, in the cohort's order. Only "train" rows reach a fitted value.
    steps : list
        As in config.yaml.
    fold : int

    Raises
    ------
    InputError
        If a class has no training sample, or a step cannot work on these values; names the fold.
    """
    train = parts == "train"
    labels = cohort.obs["label"].to_numpy().astype(str)
    absent = sorted(set(labels) - set(labels[train]))
    if absent:
        raise InputError(f"fold {fold}: no training sample of class {', '.join(absent)}: use fewer folds")
    values = np.asarray(cohort.X, dtype=np.float32)
    symbols = cohort.var["symbol"].astype(str).to_numpy(dtype=object)
    try:
        recipe, notes = build_recipe(steps, str(cohort.uns["scale"]))
        fit_recipe(recipe, values[train], labels[train], symbols)
        features = apply_recipe(recipe, values, notes)
    except InputError as error:
        raise InputError(f"fold {fold}, {error}") from None
    obs = cohort.obs[["label", "group"]].assign(part=pd.Categorical(parts))
    var = cohort.var.iloc[shown_genes(recipe, symbols)][["symbol"]].copy()
    summary = step_table(recipe, cohort.n_vars, notes)
    summary.insert(0, "fold", fold)
    table = anndata.AnnData(features, obs=obs, var=var)
    return PreparedFold(table, store_recipe(recipe, list(cohort.var_names)), summary, recipe)


def shown_genes(recipe: Pipeline, symbols: np.ndarray) -> np.ndarray:
    """Return, for every feature, the index of the cohort's gene that it is named after.

    A collapsed gene is named after the cohort's first probe of its symbol, whichever probe lends it a place in this
    fold: so its attributions meet over the folds.
    """
    kept = kept_genes(recipe, len(symbols))
    collapsed = any(isinstance(step, CollapseGenes) for _, step in recipe.steps)
    return first_columns(symbols)[kept] if collapsed else kept


def candidate_genes(recipe: Pipeline, symbols: np.ndarray) -> np.ndarray:
    """Return the indices of the cohort's genes that a feature of any fold can be named after, in rising order."""
    for _, step in recipe.steps:
        if isinstance(step, CollapseGenes):
            first = first_columns(symbols)
            return np.unique(first if step.unmapped == "keep" else first[symbols != ""])
    return np.arange(len(symbols))
