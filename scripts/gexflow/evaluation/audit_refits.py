"""What the audit refits: the whole pipeline on permuted labels, and on genes drawn at random.

This is the one place of the stage that calls the stages before it: what is audited has to be the pipeline in use.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import anndata
import numpy as np
import pandas as pd
from joblib import Parallel, delayed, parallel_config

from gexflow.cohorts.splits import split_samples
from gexflow.errors import InputError
from gexflow.models.fold import Fold
from gexflow.models.reference_tuning import fit_fold
from gexflow.recipe_names import with_random_genes
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.inner import prepare_inner_folds

COLUMNS = ["form", "draw", "sample", "fold", "label", "predicted", "weight"]
TEXT = ("form", "sample", "label", "predicted")
FREE, WITHIN_BATCHES, RANDOM_GENES = "free", "within batches", "random genes"
_ATTEMPTS = 20  # at a permutation whose classes no split can spread

Prepare = Callable[[anndata.AnnData, list[np.ndarray], list], Iterator]
Inner = Callable[[int, int], Iterator[anndata.AnnData]]
Predict = Callable[[Fold, Inner], pd.DataFrame]


@dataclass(frozen=True)
class Pipeline:
    """What is refitted: splits, recipe and model.

    Attributes
    ----------
    steps : list
        The recipe, as in config.yaml.
    predict : function (Fold, Inner) -> predictions of its held-out samples
        The second one makes inner folds of the fold's training part, by their number and a seed.
    folds : int
        Of one repeat; the audit refits no other one.
    seed, validation : int, float
        As of `split_samples`.
    grouped : bool
        False parts groups, as only a planted leak does.
    prepare : function
        `prepare_folds`, or a planted leak in its place.
    workers : int
        Processes that share the draws, with one thread each: their number changes no result.
    """

    steps: list
    predict: Predict
    folds: int
    seed: int
    validation: float = 0.0
    grouped: bool = True
    prepare: Prepare = prepare_folds
    workers: int = 1


def reference_prediction(settings: dict) -> Predict:
    """Return a function that fits a reference model to a fold, tuned there if it is, and predicts held-out samples."""

    def predict(fold: Fold, inner: Inner) -> pd.DataFrame:
        judged = inner(settings["inner_folds"], settings["inner_seed"]) if settings.get("inner_folds") else None
        return fold.predictions(fit_fold(settings, fold, judged)[0])

    return predict


def refit(cohort: anndata.AnnData, labels: np.ndarray, splits: pd.DataFrame, pipeline: Pipeline) -> pd.DataFrame:
    """Refit recipe and model in every fold.

    Parameters
    ----------
    cohort : AnnData
        As of `prepare_folds`; its own labels are not looked at.
    labels : str array (samples,)
    splits : DataFrame
        As of `split_samples`, with all samples of the cohort.

    Returns
    -------
    DataFrame of sample, fold, label, predicted
        Of the test samples.
    """
    obs = cohort.obs[["group"]].assign(label=pd.Categorical(labels))
    table = anndata.AnnData(cohort.X, obs=obs, var=cohort.var, uns=dict(cohort.uns))
    numbers = sorted(splits["fold"].unique())
    parts = [rows.set_index("sample")["part"].loc[cohort.obs_names] for _, rows in splits.groupby("fold")]
    classes, tables = sorted(set(labels)), []
    samples = cohort.obs_names.to_numpy(dtype=str)
    groups = cohort.obs["group"].to_numpy().astype(str) if pipeline.grouped else samples
    prepared = pipeline.prepare(table, [part.to_numpy(dtype=str) for part in parts], pipeline.steps)
    for number, part in zip(numbers, parts, strict=True):
        values = next(prepared).features.X
        inner = partial(prepare_inner_folds, table, (part == "train").to_numpy(), groups, pipeline.steps)
        fold = Fold(values, samples, np.asarray(labels, dtype=str), part.to_numpy(dtype=str), classes, int(number))
        predictions = pipeline.predict(fold, inner)
        tables.append(predictions.loc[predictions["part"] == "test", ["sample", "fold", "label", "predicted"]])
        del values, fold  # the next fold needs its memory
    return pd.concat(tables, ignore_index=True)


def split(cohort: anndata.AnnData, labels: np.ndarray, pipeline: Pipeline) -> pd.DataFrame:
    """Split a cohort anew, once, by the rule of the ordinary folds."""
    samples = list(cohort.obs_names)
    groups = list(cohort.obs["group"].astype(str)) if pipeline.grouped else samples
    how = {"folds": pipeline.folds, "repeats": 1, "seed": pipeline.seed, "validation": pipeline.validation}
    return split_samples(samples, list(labels), groups, **how)


def units(labels: np.ndarray, groups: np.ndarray, batches: np.ndarray | None = None) -> np.ndarray:
    """Number the samples that share a label by permutation: those of one group and one label.

    Where labels are constant within groups these are the groups. With `batches` a unit does not cross a batch.

    Returns
    -------
    int array (samples,)
    """
    table = pd.DataFrame({"group": groups, "label": labels} | ({} if batches is None else {"batch": batches}))
    return table.groupby(list(table)).ngroup().to_numpy()


def unit_weights(labels: np.ndarray, groups: np.ndarray, batches: np.ndarray | None = None) -> np.ndarray:
    """Return one over the number of samples in each one's unit, so that units count alike, float64 (samples,).

    Permutations keep how many units a class has, but not how many samples.
    """
    unit = units(labels, groups, batches)
    return 1 / np.bincount(unit)[unit]


def permute(
    labels: np.ndarray, groups: np.ndarray, random: np.random.Generator, batches: np.ndarray | None = None
) -> np.ndarray:
    """Permute the labels of whole units; with `batches` within each batch alone.

    Parameters
    ----------
    labels, groups, batches : str arrays (samples,)
    """
    labels = np.asarray(labels, dtype=str)
    unit = units(labels, groups, batches)
    first = np.unique(unit, return_index=True)[1]
    of_unit = labels[first]
    blocks = np.zeros(len(first), dtype=int) if batches is None else np.unique(batches, return_inverse=True)[1][first]
    for block in np.unique(blocks):
        members = np.flatnonzero(blocks == block)
        of_unit[members] = of_unit[random.permutation(members)]
    return of_unit[unit]


def permuted_draws(
    cohort: anndata.AnnData, pipeline: Pipeline, count: int, batches: np.ndarray | None = None
) -> pd.DataFrame:
    """Permute the labels and refit everything, folds included, `count` times.

    Parameters
    ----------
    cohort : AnnData
    batches : str array (samples,) or None
        Permute within them.

    Returns
    -------
    DataFrame with the columns `COLUMNS`

    Raises
    ------
    InputError
        If hardly any permutation can be split into these folds.
    """
    labels = cohort.obs["label"].to_numpy().astype(str)
    groups = cohort.obs["group"].to_numpy().astype(str)
    form = FREE if batches is None else WITHIN_BATCHES
    weights = pd.Series(unit_weights(labels, groups, batches), cohort.obs_names)

    def permuted_draw(draw: int) -> pd.DataFrame:
        for attempt in range(_ATTEMPTS):
            random = np.random.default_rng([pipeline.seed, draw, attempt, batches is not None])
            permuted = permute(labels, groups, random, batches)
            try:
                found = refit(cohort, permuted, split(cohort, permuted, pipeline), pipeline)
            except InputError as error:  # small classes may fall into one fold
                problem = error
            else:
                return found.assign(form=form, draw=draw, weight=found["sample"].map(weights))
        raise InputError(
            f"{_ATTEMPTS} permutations of the labels cannot be split into these folds ({problem}): set fewer "
            "folds, or evaluation.audit.permutations to 0"
        )

    return _all(_spread(permuted_draw, count, pipeline.workers))


def random_gene_draws(
    cohort: anndata.AnnData, splits: pd.DataFrame, pipeline: Pipeline, count: int, keep: int
) -> pd.DataFrame:
    """Refit with `keep` genes drawn at random in place of those that the recipe chooses, on the folds in use.

    Parameters
    ----------
    splits : DataFrame
        The folds in use; the first repeat counts.
    """
    labels = cohort.obs["label"].to_numpy().astype(str)

    def random_draw(draw: int) -> pd.DataFrame:
        steps = with_random_genes(pipeline.steps, keep, pipeline.seed + draw)
        changed = Pipeline(steps, pipeline.predict, pipeline.folds, pipeline.seed)
        found = refit(cohort, labels, splits[splits["repeat"] == 1], changed)
        return found.assign(form=RANDOM_GENES, draw=draw, weight=1.0)

    return _all(_spread(random_draw, count, pipeline.workers))


def _spread(work: Callable[[int], pd.DataFrame], count: int, workers: int) -> list[pd.DataFrame]:
    """Return what `work` gives for the draws from 1 on, in their order."""
    draws = range(1, count + 1)
    if workers == 1 or count < 2:
        return [work(draw) for draw in draws]
    with parallel_config("loky", inner_max_num_threads=1):
        return Parallel(min(workers, count))(delayed(work)(draw) for draw in draws)


def _all(tables: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(tables, ignore_index=True)[COLUMNS] if tables else pd.DataFrame(columns=COLUMNS)
