"""A recipe: a list of named steps as a scikit-learn Pipeline, what it learned as a table, and back."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gexflow.errors import InputError, nearest
from gexflow.recipes.collapse import CollapseGenes
from gexflow.recipes.floor_negatives import FloorNegatives, check_order
from gexflow.recipes.logistic_selection import SelectLogistic
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.sample_quantile import SampleQuantile
from gexflow.recipes.sample_rank import SampleRank
from gexflow.recipes.selection import DropMissing, SelectFTest, SelectRandom, SelectVariance
from gexflow.recipes.step import Step
from gexflow.recipes.values import Clip, Cpm, Floor, ImputeMedian, Minmax, ToLog2, Zscore

STEPS: dict[str, type[Step]] = {
    "drop_missing": DropMissing,
    "impute_median": ImputeMedian,
    "cpm": Cpm,
    "to_log2": ToLog2,
    "floor": Floor,
    "clip": Clip,
    "floor_negatives": FloorNegatives,
    "collapse_genes": CollapseGenes,
    "zscore": Zscore,
    "minmax": Minmax,
    "gene_quantile": GeneQuantile,
    "sample_quantile": SampleQuantile,
    "sample_rank": SampleRank,
    "select_variance": SelectVariance,
    "select_random": SelectRandom,
    "select_ftest": SelectFTest,
    "select_logistic": SelectLogistic,
}

# learned arrays that are no floats, although the table holds them as such, beside the NaN of genes that did not reach
# the step
_STORED_AS_FLOAT = {"kept": bool, "gene": np.int64}


def build_recipe(steps: list, scale: str) -> tuple[Pipeline, dict[str, str]]:
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
    notes : {step: text}
        What the scale of the values means for a step: why it was left out, or what to mind.

    Raises
    ------
    InputError
        A step is unknown, cannot meet the scale, or stands where it could do nothing.
    """
    built, notes = [], {}
    for position, entry in enumerate(steps, start=1):
        name, parameters = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if name not in STEPS:
            raise InputError(f'a recipe has the unknown step "{name}": {nearest(name, list(STEPS))}')
        applies, scale, note = STEPS[name].on_scale(scale)
        if STEPS[name] is FloorNegatives:
            note = check_order([step for _, step in built], applies) or note
        if applies:
            built.append((f"{position}_{name}", STEPS[name](**(parameters or {}))))
        if note:
            notes[f"{position}_{name}"] = note
    return Pipeline(built), notes


def fit_recipe(recipe: Pipeline, values: np.ndarray, labels: np.ndarray, symbols: np.ndarray | None = None) -> Pipeline:
    """Fit a recipe to the training samples of a fold.

    Parameters
    ----------
    recipe : Pipeline
    values : float32 array (samples, genes)
    labels : str array (samples,)
    symbols : str array (genes,), "" where a gene has none
        They follow the genes that reach a step. None: no gene has one.
    """
    reached = np.full(values.shape[1], "", dtype=object) if symbols is None else np.asarray(symbols, dtype=object)
    for name, step in recipe.steps:
        fit_step(name, step, values, labels, reached)
        values = apply_step(name, step, values)
        reached = reached[getattr(step, "kept_", slice(None))]
    return recipe


def apply_recipe(recipe: Pipeline, values: np.ndarray) -> np.ndarray:
    """Prepare any samples: (samples, genes) float32 to (samples, kept genes) float32, all finite."""
    for name, step in recipe.steps:
        values = apply_step(name, step, values)
    return check_features(recipe, np.ascontiguousarray(values, dtype=np.float32))


def fit_step(name: str, step: Step, values: np.ndarray, labels: np.ndarray | None, symbols: np.ndarray) -> None:
    """Fit one step of a recipe to training samples (samples, genes that reach it)."""
    with naming_step(name):
        step.fit(values, labels, symbols=symbols)


def apply_step(name: str, step: Step, values: np.ndarray, notes: dict[str, str] | None = None) -> np.ndarray:
    """Apply one fitted step to any samples.

    A map given as `notes`, from `build_recipe`, receives by the step's name what the step says of its work on them.
    """
    with naming_step(name):
        if notes is not None:
            add_note(notes, name, step.note(values))
        return step.transform(values)


def add_note(notes: dict[str, str], name: str, note: str) -> None:
    """Add what a step says to what `build_recipe` said of it."""
    notes[name] = "; ".join(filter(None, (notes.get(name, ""), note)))


@contextmanager
def naming_step(name: str) -> Iterator[None]:
    """Say the step in its complaint."""
    try:
        yield
    except InputError as error:
        raise InputError(f"step {name}: {error}") from None


def check_features(recipe: Pipeline, features: np.ndarray) -> np.ndarray:
    """Return what a recipe gave (samples, kept genes) if all of it is finite."""
    if not np.isfinite(features.sum()) and not np.isfinite(features).all():  # the sum is quick, and may overflow
        raise InputError(_unfinished(recipe, features))
    return features


def _unfinished(recipe: Pipeline, values: np.ndarray) -> str:
    """Say what keeps the features from being finite."""
    end = f"step {recipe.steps[-1][0]} gives" if recipe.steps else "no step applies, and there are"
    infinite, missing = int(np.isinf(values).sum()), int(np.isnan(values).sum())
    if infinite:
        return f"{end} {infinite:,} infinite of {values.size:,} values: take out genes that hardly vary before it"
    return f"{end} {missing:,} missing of {values.size:,} values: begin the recipe with impute_median"


def kept_genes(recipe: Pipeline, genes: int) -> np.ndarray:
    """Return the indices of the input genes that a fitted recipe keeps, in input order."""
    indices = np.arange(genes)
    for _, step in recipe.steps:
        indices = indices[getattr(step, "kept_", slice(None))]
    return indices


def step_table(recipe: Pipeline, genes: int, notes: dict[str, str]) -> pd.DataFrame:
    """Return one row a step, those left out with a note among them: step, genes_in, genes_out, note."""
    steps, rows = dict(recipe.steps), []
    for name in sorted({*steps, *notes}, key=lambda name: int(name.split("_")[0])):
        kept = getattr(steps.get(name), "kept_", None)
        left = genes if kept is None else int(kept.sum())
        shown = name.replace("_", " ", 1)
        rows.append({"step": shown, "genes_in": genes, "genes_out": left, "note": notes.get(name, "")})
        genes = left
    return pd.DataFrame(rows, columns=["step", "genes_in", "genes_out", "note"])


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
        whole = len(reached) == table.n_vars  # then the table shares the step's memory
        spread = learned.T if whole else np.full((table.n_vars, len(learned)), np.nan)
        if not whole:
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
    return learned.astype(_STORED_AS_FLOAT.get(name.rsplit(".", 1)[1], learned.dtype))
