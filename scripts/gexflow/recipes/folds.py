"""One fold of a cohort through a recipe: fitted on its training part, applied to all samples."""

from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gexflow.errors import InputError
from gexflow.recipes.recipe import apply_recipe, build_recipe, fit_recipe, kept_genes, step_table, store_recipe


def unconverged(recipe: Pipeline) -> list[str]:
    """Name the steps whose solver used up its iterations."""
    stopped = [name for name, step in recipe.steps if getattr(step, "n_iter_", 0) >= getattr(step, "max_iter", 1)]
    return [f"{name} did not converge: raise max_iter" for name in stopped]


@dataclass
class PreparedFold:
    """Features of all samples of a fold, the fitted recipe, and what each step did to the genes."""

    features: anndata.AnnData
    fitted: anndata.AnnData
    summary: pd.DataFrame
    recipe: Pipeline


def prepare_fold(cohort: anndata.AnnData, parts: np.ndarray, steps: list, fold: int) -> PreparedFold:
    """Fit a recipe to the training samples of a fold and prepare all samples.

    Parameters
    ----------
    cohort : AnnData
        X float32 (samples, genes), `obs["label"]`, `uns["scale"]`.
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
    try:
        recipe, notes = build_recipe(steps, str(cohort.uns["scale"]))
        fit_recipe(recipe, values[train], labels[train])
        features = apply_recipe(recipe, values)
    except InputError as error:
        raise InputError(f"fold {fold}, {error}") from None
    notes += unconverged(recipe)
    kept = kept_genes(recipe, cohort.n_vars)
    obs = cohort.obs[["label", "group"]].assign(part=pd.Categorical(parts))
    table = anndata.AnnData(features, obs=obs, var=cohort.var.iloc[kept][["symbol"]].copy())
    fitted = store_recipe(recipe, list(cohort.var_names))
    summary = step_table(recipe, cohort.n_vars)
    summary.insert(0, "fold", fold)
    summary["note"] = "; ".join(notes)
    return PreparedFold(table, fitted, summary, recipe)
