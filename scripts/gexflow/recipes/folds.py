"""A cohort through a recipe, fold by fold: fitted on the training part, applied to all samples."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from gexflow.audit_names import LEAK_DISTRIBUTION, LEAK_SELECTION
from gexflow.errors import InputError
from gexflow.recipes.collapse import CollapseGenes, first_columns, placed_columns
from gexflow.recipes.in_place import drop_columns, reorder_rows
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.recipe import (
    add_note,
    apply_step,
    build_recipe,
    check_features,
    fit_step,
    kept_genes,
    naming_step,
    step_table,
    store_recipe,
)
from gexflow.recipes.shared import SharedValues
from gexflow.recipes.step import Selection
from gexflow.recipes.ties import describe_ties
from gexflow.recipes.values import Cpm, ImputeMedian


@dataclass
class PreparedFold:
    """Features of all samples of a fold, the fitted recipe, and what each step did and has to say."""

    features: anndata.AnnData
    fitted: anndata.AnnData
    summary: pd.DataFrame
    recipe: Pipeline


_NAMED = 50  # most empty samples that a message lists
LEAKY = "LEAKY: every step is fitted on all samples, those of the test part too"


def prepare_folds(
    cohort: anndata.AnnData, parts: list[np.ndarray], steps: list, fit_on: str = "train"
) -> Iterator[PreparedFold]:
    """Fit a recipe to the training samples of every fold and prepare all samples.

    What no fold changes is done once: the steps before the first one whose result depends on the fold, and the order of
    the values that `gene_quantile` or `sample_quantile` then needs. Every learned value comes from the training samples
    of its fold alone.

    Parameters
    ----------
    cohort : AnnData
        X float32 (samples, genes), best with each gene's values side by side in memory; `obs["label"]`,
        `var["symbol"]` ("" where a gene has none), `uns["scale"]`; `var["chromosome"]` and `var["start"]` go on to the
        features where there are any.
    parts : list of str arrays (samples,), one a fold
        train, validation, test or holdout, in the cohort's order. Only "train" rows reach a fitted value.
    steps : list
        As in config.yaml.
    fit_on : "train" or "all"
        "all" fits on the samples of every part, which leaks. It is the published protocol of the transfer-learning
        study, and a way to plant a leak that the audit has to see; it is refused for any other cohort.

    Raises
    ------
    InputError
        If a class has no training sample, a sample no counts for cpm, or a step cannot work on these values; names the
        fold, or the samples.
    ValueError
        If `fit_on` is "all" for a cohort that is no leaky variant, or something else.
    """
    _check_fit_on(cohort, fit_on)
    labels = cohort.obs["label"].to_numpy().astype(str)
    symbols = cohort.var["symbol"].astype(str).to_numpy(dtype=object)
    trains = [part == "train" for part in parts]
    for fold, train in enumerate(trains, 1):
        _check_classes(labels, train, fold)
    if fit_on == "all":
        trains = [np.ones(len(labels), dtype=bool) for _ in parts]
    with _naming(1):
        recipes = [build_recipe(steps, str(cohort.uns["scale"])) for _ in parts]
    if any(isinstance(step, Cpm) for _, step in recipes[0][0].steps):
        _check_counts(cohort)
    values = np.asarray(cohort.X, dtype=np.float32)
    shared, done, reached = _share_first_steps(recipes, values, trains, labels, symbols)
    del values
    for fold, (part, train) in enumerate(zip(parts, trains, strict=True), 1):
        # nothing here keeps the memory of a fold while the next one needs as much
        recipe, notes = recipes.pop(0)
        with _naming(fold):
            features = _finish_fold(recipe, notes, done, shared, train, labels, reached)
        prepared = [_describe(cohort, features, part, recipe, notes, symbols, fold, fit_on)]
        _warn(prepared[0].summary, describe_ties(recipe, features, train))
        del features, recipe
        yield prepared.pop()


def _describe(
    cohort: anndata.AnnData,
    features: np.ndarray,
    part: np.ndarray,
    recipe: Pipeline,
    notes: dict[str, str],
    symbols: np.ndarray,
    fold: int,
    fit_on: str,
) -> PreparedFold:
    """Put names and what was learned beside the features."""
    obs = cohort.obs[["label", "group"]].assign(part=pd.Categorical(part))
    var = described_genes(cohort.var, recipe, symbols)
    summary = step_table(recipe, cohort.n_vars, notes)
    summary.insert(0, "fold", fold)
    if fit_on == "all":  # said once, where the reader begins
        first = summary.index[:1]
        summary.loc[first, "note"] = ["; ".join(filter(None, (LEAKY, note))) for note in summary.loc[first, "note"]]
    table = anndata.AnnData(features, obs=obs, var=var)
    fitted = store_recipe(recipe, list(cohort.var_names))
    fitted.uns["fitted_on"] = fit_on
    return PreparedFold(table, fitted, summary, recipe)


def _warn(summary: pd.DataFrame, warning: str) -> None:
    """Put a warning on a fold's features before what its last step says."""
    if warning and len(summary):
        last = summary.index[-1]
        summary.loc[last, "note"] = "; ".join(filter(None, (warning, summary.loc[last, "note"])))


def _check_fit_on(cohort: anndata.AnnData, fit_on: str) -> None:
    """Let a recipe see test samples in a cohort of the leaky variant alone."""
    if fit_on not in ("train", "all"):
        raise ValueError(f'fit_on is "{fit_on}", but must be "train" or "all"')
    protocol = json.loads(cohort.uns.get("source", "{}")).get("protocol")
    if fit_on == "all" and protocol not in ("published", LEAK_SELECTION, LEAK_DISTRIBUTION):
        raise ValueError("only the variant ~published and planted leaks may fit a recipe on all samples")


def _check_counts(cohort: anndata.AnnData) -> None:
    """Refuse samples without any counts by their names, which cpm does not know."""
    sums, genes = np.zeros(cohort.n_obs), 256
    for start in range(0, cohort.n_vars, genes):
        sums += np.nansum(cohort.X[:, start : start + genes], axis=1, dtype=np.float64)
    names = list(map(str, cohort.obs_names[sums <= 0]))
    if names:
        dataset = json.loads(cohort.uns.get("source", "{}")).get("dataset", "<name>").split("~")[0]
        have, them = (f"{len(names):,} samples have", "them") if len(names) > 1 else ("1 sample has", "it")
        listed = ", ".join(json.dumps(name, ensure_ascii=False) for name in names[:_NAMED])
        more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
        raise InputError(
            f"cpm: {have} no counts at all: exclude {them} with datasets.{dataset}.exclude: [{listed}]{more}"
        )


def _check_classes(labels: np.ndarray, train: np.ndarray, fold: int) -> None:
    absent = sorted(set(labels) - set(labels[train]))
    if absent:
        raise InputError(f"fold {fold}: no training sample of class {', '.join(absent)}: use fewer folds")


@contextmanager
def _naming(fold: int) -> Iterator[None]:
    """Say the fold in a step's complaint."""
    try:
        yield
    except InputError as error:
        raise InputError(f"fold {fold}, {error}") from None


def _share_first_steps(
    recipes: list[tuple[Pipeline, dict[str, str]]],
    values: np.ndarray,
    trains: list[np.ndarray],
    labels: np.ndarray,
    symbols: np.ndarray,
) -> tuple[SharedValues, int, np.ndarray]:
    """Fit the first steps in every fold, as long as all folds get the same values from them.

    Returns
    -------
    shared : SharedValues
        What these steps make of all samples.
    done : int
        How many steps that were.
    symbols : str array
        Of the genes that are left.
    """
    done = 0
    for name, step in recipes[0][0].steps:
        if not step.same_in_all_folds(values):
            break
        for fold, ((recipe, _), train) in enumerate(zip(recipes, trains, strict=True), 1):
            with _naming(fold), naming_step(name):
                recipe.named_steps[name].fit_rows(values, train, labels, symbols)
        with _naming(1):
            values, done = apply_step(name, step, values, recipes[0][1]), done + 1
        for _, notes in recipes[1:]:
            notes[name] = recipes[0][1][name]
        symbols = symbols[getattr(step, "kept_", slice(None))]
    return SharedValues(values), done, symbols


def _finish_fold(
    recipe: Pipeline,
    notes: dict[str, str],
    done: int,
    shared: SharedValues,
    train: np.ndarray,
    labels: np.ndarray,
    symbols: np.ndarray,
) -> np.ndarray:
    """Fit the other steps in one fold; return its features (samples, kept genes) in the cohort's order.

    Training samples stand first on the way, so that they are a view of the table and not a copy.
    """
    rest, fill = recipe.steps[done:], None
    if [type(step) for _, step in rest[:2]] == [ImputeMedian, GeneQuantile]:
        fill = _medians_of_all(*rest[0], shared, train, labels, symbols)
        rest = rest if fill is None else rest[1:]
    kept = None
    if _maps_what_is_chosen(rest):
        # genes are chosen on the training samples alone, and only these genes are then mapped in all samples
        (name, step), (choosing, selection), *_ = rest
        with naming_step(name):
            values = step.map_training(shared, train, fill)
        fit_step(choosing, selection, values, labels[train], symbols)
        with naming_step(choosing):
            add_note(notes, choosing, selection.note(values))
        kept, symbols, rest = selection.kept_, symbols[selection.kept_], [rest[0], *rest[2:]]
        del values
    shares = bool(rest) and rest[0][1].shares
    # where that is the last step, it gives its rows in the cohort's order straight away
    rows = np.arange(len(train)) if shares and len(rest) == 1 else np.argsort(~train, kind="stable")
    training, values = int(train.sum()), None
    if shares:
        (name, step), *rest = rest
        options = {"fill": fill, "kept": kept} if isinstance(step, GeneQuantile) else {}
        with naming_step(name):
            values = step.fit_shared(shared, train, rows, **options)
    elif rest:
        values = _rows(shared.values, rows)
    for name, step in rest:
        fit_step(name, step, values[:training], labels[rows[:training]], symbols)
        with naming_step(name):
            add_note(notes, name, step.note(values))
            values = drop_columns(values, step.kept_) if isinstance(step, Selection) else step.transform(values)
        symbols = symbols[getattr(step, "kept_", slice(None))]
    if values is None:
        return check_features(recipe, np.array(shared.values, order="C"))
    return check_features(recipe, reorder_rows(np.ascontiguousarray(values), rows))


def _maps_what_is_chosen(steps: list) -> bool:
    """Tell whether genes, one by one, are mapped and then chosen."""
    return len(steps) > 1 and isinstance(steps[0][1], GeneQuantile) and isinstance(steps[1][1], Selection)


def _medians_of_all(
    name: str, step: ImputeMedian, shared: SharedValues, train: np.ndarray, labels: np.ndarray, symbols: np.ndarray
) -> np.ndarray | None:
    """Fit impute_median without a copy of the samples; return the medians, or None if a gene has none."""
    with naming_step(name):
        step.fit_rows(shared.values, train, labels, symbols)
    return step.medians_ if step.kept_.all() else None


def _rows(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Take rows of a table, with each gene's values side by side in memory."""
    return values.T.take(rows, axis=1).T


def described_genes(var: pd.DataFrame, recipe: Pipeline, symbols: np.ndarray) -> pd.DataFrame:
    """Return symbol and, where the cohort has them, chromosome and start of every feature.

    A collapsed gene has the first known place among its probes in the cohort, the same in every fold.
    """
    shown = shown_genes(recipe, symbols)
    described = var.iloc[shown][["symbol"]].copy()
    if "chromosome" in var:
        places = var[["chromosome", "start"]]
        source = placed_columns(symbols, places)[shown] if _collapses(recipe) else shown
        described[["chromosome", "start"]] = places.iloc[source].to_numpy(dtype=object)
        described["start"] = described["start"].astype(np.float64)
    return described


def _collapses(recipe: Pipeline) -> bool:
    return any(isinstance(step, CollapseGenes) for _, step in recipe.steps)


def shown_genes(recipe: Pipeline, symbols: np.ndarray) -> np.ndarray:
    """Return, for every feature, the index of the cohort's gene that it is named after.

    A collapsed gene is named after the cohort's first probe of its symbol, whichever probe lends it a place in this
    fold: so its attributions meet over the folds.
    """
    kept = kept_genes(recipe, len(symbols))
    return first_columns(symbols)[kept] if _collapses(recipe) else kept


def candidate_genes(recipe: Pipeline, symbols: np.ndarray) -> np.ndarray:
    """Return the indices of the cohort's genes that a feature of any fold can be named after, in rising order."""
    for _, step in recipe.steps:
        if isinstance(step, CollapseGenes):
            first = first_columns(symbols)
            return np.unique(first if step.unmapped == "keep" else first[symbols != ""])
    return np.arange(len(symbols))
