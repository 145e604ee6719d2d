"""A recipe: a list of named steps as a scikit-learn Pipeline, what it learned as a table, and back."""

import json
from typing import Any

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gexflow.errors import InputError, nearest
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.selection import SelectLogistic, SelectVariance
from gexflow.recipes.step import Step
from gexflow.recipes.values import Clip, Cpm, Floor, ImputeMedian, Minmax, ToLog2, Zscore

STEPS: dict[str, type[Step]] = {
    "impute_median": ImputeMedian,
    "cpm": Cpm,
    "to_log2": ToLog2,
    "floor": Floor,
    "clip": Clip,
    "zscore": Zscore,
    "minmax": Minmax,
    "gene_quantile": GeneQuantile,
    "select_variance": SelectVariance,
    "select_logistic": SelectLogistic,
}


def build_recipe(steps: list, scale: str) -> tuple[Pipeline, list[str]]:
    """Make an unfitted recipe for values on `scale`.

    Parameters
    ----------
    steps : list
        As in config.yaml: a step's name, or {name: {parameter: value}}.
    scale : counts, linear, log2 or logratio

    Returns
    -------
    recipe : Pipeline
        Steps named `<position>_<name>`, positions from 1.
    notes : list of str
        What was left out, and why.
    """
    built, notes = [], []
    for position, entry in enumerate(steps, start=1):
        name, parameters = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if name not in STEPS:
            raise InputError(f'a recipe has the unknown step "{name}": {nearest(name, list(STEPS))}')
        applies, scale, note = STEPS[name].on_scale(scale)
        notes += [note] if note else []
        if applies:
            built.append((f"{position}_{name}", STEPS[name](**(parameters or {}))))
    return Pipeline(built), notes


def fit_recipe(recipe: Pipeline, values: np.ndarray, labels: np.ndarray) -> Pipeline:
    """Fit a recipe to the training samples of a fold: `values` (samples, genes) float32, `labels` (samples,)."""
    for name, step in recipe.steps:
        try:
            values = step.fit(values, labels).transform(values)
        except InputError as error:
            raise InputError(f"step {name}: {error}") from None
    return recipe


def apply_recipe(recipe: Pipeline, values: np.ndarray) -> np.ndarray:
    """Prepare any samples: (samples, genes) float32 to (samples, kept genes) float32, all finite."""
    for name, step in recipe.steps:
        try:
            values = step.transform(values)
        except InputError as error:
            raise InputError(f"step {name}: {error}") from None
    if not np.isfinite(values).all():
        raise InputError("the features hold missing or infinite values: begin the recipe with impute_median")
    return np.ascontiguousarray(values, dtype=np.float32)


def kept_genes(recipe: Pipeline, genes: int) -> np.ndarray:
    """Return the indices of the input genes that a fitted recipe keeps, in input order."""
    indices = np.arange(genes)
    for _, step in recipe.steps:
        indices = indices[getattr(step, "kept_", slice(None))]
    return indices


def step_table(recipe: Pipeline, genes: int) -> pd.DataFrame:
    """Return one row a step: step, genes_in, genes_out."""
    rows = []
    for name, step in recipe.steps:
        left = int(step.kept_.sum()) if hasattr(step, "kept_") else genes
        rows.append({"step": name.replace("_", " ", 1), "genes_in": genes, "genes_out": left})
        genes = left
    return pd.DataFrame(rows, columns=["step", "genes_in", "genes_out"])


def store_recipe(recipe: Pipeline, genes: list[str]) -> anndata.AnnData:
    """Put all that a fitted recipe learned into a table over all input genes (`fitted.h5ad`).

    `var["kept"]` marks the genes that remain; `<step>.<array>` in `var` (or `varm`, as genes x values) holds what a
    step learned, NaN where the gene did not reach it; `uns["steps"]` lists steps and parameters as JSON.
    """
    table = anndata.AnnData(shape=(0, len(genes)), var=pd.DataFrame(index=pd.Index(genes, dtype=str)))
    steps, reached = [], np.arange(len(genes))
    for name, step in recipe.steps:
        steps.append({"name": name, "parameters": step.get_params()})
        for key in step.per_gene:
            _store(table, f"{name}.{key.rstrip('_')}", np.asarray(getattr(step, key)), reached)
        reached = reached[getattr(step, "kept_", slice(None))]
    kept = np.zeros(len(genes), dtype=bool)
    kept[reached] = True
    table.var["kept"] = kept
    table.uns["steps"] = json.dumps(steps)
    return table


def _store(table: anndata.AnnData, name: str, learned: np.ndarray, reached: np.ndarray) -> None:
    """Spread an array over the genes that reached its step onto all genes."""
    if learned.ndim == 2:
        spread = np.full((table.n_vars, len(learned)), np.nan)
        spread[reached] = learned.T
        table.varm[name] = spread
        return
    spread = np.full(table.n_vars, np.nan)
    spread[reached] = learned
    table.var[name] = spread


def restore_recipe(table: anndata.AnnData) -> Pipeline:
    """Rebuild a fitted recipe from `store_recipe`'s table, ready for new samples with the same genes."""
    built, reached = [], np.arange(table.n_vars)
    for entry in json.loads(table.uns["steps"]):
        name = entry["name"]
        step = STEPS[name.split("_", 1)[1]](**entry["parameters"])
        step.n_features_in_ = len(reached)
        for key in step.per_gene:
            setattr(step, key, _restored(table, f"{name}.{key.rstrip('_')}", reached))
        built.append((name, step))
        reached = reached[getattr(step, "kept_", slice(None))]
    return Pipeline(built)


def _restored(table: anndata.AnnData, name: str, reached: np.ndarray) -> Any:
    if name in table.varm:
        return np.asarray(table.varm[name])[reached].T
    learned = table.var[name].to_numpy()[reached]
    return learned.astype(bool) if name.endswith(".kept") else learned
