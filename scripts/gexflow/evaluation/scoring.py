"""All tables of one cohort: metrics, intervals, per class, confusion, comparisons and calibration of every model."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from scipy import sparse

from gexflow.errors import InputError
from gexflow.evaluation.bootstrap import LEAST_UNITS, bootstrap, draw_groups, group_totals, pooled_scores
from gexflow.evaluation.calibration import AS_IS, SCALED, rejection, reliability, scale_folds
from gexflow.evaluation.comparisons import compare_models
from gexflow.evaluation.intervals import clopper_pearson, nadeau_bengio, student_t, wilson
from gexflow.evaluation.metrics import METRICS, bounds, confusion_table, score_classes, score_folds, score_rows
from gexflow.evaluation.tested import Tested, check_same_rows, merge_classes, read_tested
from gexflow.variants import base_of, is_reseeded

ONE_FOLD = "one split: no interval over folds; Wilson's holds for its test samples"
ALL_ALIKE = "degenerate, no interval: all folds score alike"
NO_ERRORS = "no errors at all: Student t, Nadeau-Bengio and bootstrap collapse"
FEW_UNITS = "no bootstrap interval: {} independent units are too few to draw from"
NO_BOOTSTRAP = "degenerate, no bootstrap interval: draws score alike, or some have no score"
INTERVALS = ["metric", "method", "estimate", "low", "high", "note"]


@dataclass(frozen=True)
class Protocol:
    """How a cohort was split and what its models are compared with.

    Attributes
    ----------
    folds, repeats : int
        Folds of one repeat, and how often they were drawn.
    validation : float
        Share of the training samples set aside in every fold.
    groups : {sample: group}
        What is independent of all else, of the splits; a sample that is not there is a group of its own.
    reference : str
        The linear reference model; "" for none.
    merge : {merged label: [classes]}
        The merged view, if there is one.
    seed : int
        Of the bootstrap.
    """

    folds: int
    repeats: int = 1
    validation: float = 0.0
    groups: dict[str, str] = field(default_factory=dict)
    reference: str = ""
    merge: dict[str, list[str]] = field(default_factory=dict)
    seed: int = 32


def score_models(predictions: dict[str, pd.DataFrame], protocol: Protocol) -> dict[str, pd.DataFrame]:
    """Score every model of a cohort.

    Parameters
    ----------
    predictions : {model: predictions of all folds}
    protocol : Protocol

    Returns
    -------
    {name: DataFrame}
        With a column `model`: "metrics" (a row a fold), "summary" (means, spreads, pooled), "intervals", "merged"
        (the intervals of the merged view), "per_class", "confusion", "calibration", "rejection", "temperatures"; and
        "comparisons".

    Raises
    ------
    InputError
        Predictions are broken, or models were tested on different samples.
    """
    models = {model: read_tested(table, model) for model, table in predictions.items()}
    empty = next((model for model, tested in models.items() if not len(tested.targets)), None)
    if empty is not None:
        raise InputError(f"{empty} has no predictions for test samples: delete its results and run again")
    check_same_rows(models)
    rows = next(iter(models.values())).samples
    groups = np.unique([protocol.groups.get(sample, sample) for sample in rows], return_inverse=True)[1]
    draws = draw_groups(int(groups.max()) + 1, protocol.seed)
    tables: dict[str, list[pd.DataFrame]] = {}
    for model, tested in models.items():
        validation = read_tested(predictions[model], model, "validation")
        for name, table in _model_tables(tested, validation, groups, draws, protocol).items():
            table.insert(0, "model", model)
            tables.setdefault(name, []).append(table)
    scores = {name: pd.concat(found, ignore_index=True) for name, found in tables.items()}
    scores["summary"] = spread_of_seeds(scores["summary"])
    compared = compare_models(models, groups, draws, protocol.reference, protocol.folds, protocol.validation)
    return {**scores, "comparisons": compared}


def _model_tables(
    tested: Tested, validation: Tested, groups: np.ndarray, draws: np.ndarray, protocol: Protocol
) -> dict[str, pd.DataFrame]:
    metrics = score_folds(tested)
    merged = pd.DataFrame(columns=INTERVALS)
    if protocol.merge:
        view = merge_classes(tested, protocol.merge)
        merged = intervals_of(view, score_folds(view), groups, draws, protocol)
    return {
        "metrics": metrics,
        "summary": summarise(tested, metrics, protocol),
        "intervals": intervals_of(tested, metrics, groups, draws, protocol),
        "merged": merged,
        "per_class": score_classes(tested),
        "confusion": confusion_table(tested),
        **_calibration_tables(tested, validation),
    }


def summarise(tested: Tested, metrics: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Return one row a metric: mean over folds, standard deviations between folds and between repeats, pooled score.

    Folds where a metric is undefined are left out of mean and deviations, and `folds` counts those that are in.
    """
    pooled, repeat = (
        score_rows(tested, np.ones(len(tested.targets), dtype=bool)),
        (metrics["fold"] - 1) // protocol.folds,
    )
    rows = []
    for metric in METRICS:
        scores = metrics[metric].dropna()
        repeats = scores.groupby(repeat).mean()
        deviations = [values.std(ddof=1) if len(values) > 1 else np.nan for values in (scores, repeats)]
        rows.append((metric, len(scores), scores.mean(), *deviations, pooled[metric]))
    return pd.DataFrame(rows, columns=["metric", "folds", "mean", "sd_folds", "sd_repeats", "pooled"])


def spread_of_seeds(summary: pd.DataFrame) -> pd.DataFrame:
    """Put beside each model the standard deviation of its mean over the seeds it was begun from, folds being the same.

    Parameters
    ----------
    summary : DataFrame
        See `summarise`, with a column `model`.

    Returns
    -------
    DataFrame
        With the columns `seeds` and `sd_seeds`, which is NaN for one seed, and for all that is no model of its own.
    """
    alike = [base_of(name) if is_reseeded(name) else name for name in summary["model"]]
    means = summary.groupby([alike, "metric"], sort=False)["mean"]
    own = ~summary["model"].map(is_reseeded)
    counted = {"seeds": means.transform("count").where(own, 1), "sd_seeds": means.transform("std").where(own)}
    return summary.assign(**counted)


def intervals_of(
    tested: Tested, metrics: pd.DataFrame, groups: np.ndarray, draws: np.ndarray, protocol: Protocol
) -> pd.DataFrame:
    """Return the intervals of every metric, one row a method, with a note where one is undefined or rests on less."""
    totals, rows = group_totals(tested, groups), []
    units = totals.shape[0]
    none = NO_BOOTSTRAP if units >= LEAST_UNITS else FEW_UNITS.format(units)
    resampled = bootstrap(totals, draws, pooled_scores)
    pooled = {name: float(value) for name, value in pooled_scores(totals.sum(axis=0)).items()}
    for metric in METRICS:
        scores = metrics[metric].dropna().to_numpy()
        estimate = scores.mean() if len(scores) else np.nan
        note = _note(scores, len(metrics))
        corrected = nadeau_bengio(scores, protocol.folds, protocol.validation)
        for method, ends in (("student_t", student_t(scores)), ("nadeau_bengio", corrected)):
            rows.append((metric, method, estimate, *np.clip(ends, *bounds(metric)), note))
        if metric in resampled:
            told = "" if np.isfinite(resampled[metric]).all() else none
            rows.append((metric, "bootstrap", pooled[metric], *resampled[metric], told))
    rows += _binomial(tested, totals, groups)
    return pd.DataFrame(rows, columns=INTERVALS)


def _binomial(tested: Tested, totals: sparse.csr_array, groups: np.ndarray) -> list[tuple]:
    """Return Wilson's interval of the accuracy where samples are independent; without any error the exact one too."""
    # with repeats a sample is tested several times, but it is one sample still
    samples, count, share = len(np.unique(tested.samples)), totals.shape[0], tested.hits.mean()
    if count == samples:
        rows = [("accuracy", "wilson", share, *wilson(share * samples, samples), "")]
    else:
        note = (
            f"no Wilson interval: {samples} samples of {count} groups are not independent; the bootstrap draws groups"
        )
        rows = [("accuracy", "wilson", share, np.nan, np.nan, note)]
    if tested.hits.all():
        rows.append(("accuracy", "clopper_pearson", share, *clopper_pearson(count, count), NO_ERRORS))
    return rows


def _note(scores: np.ndarray, folds: int) -> str:
    """Say why an interval is undefined or rests on fewer folds."""
    if folds == 1:
        return ONE_FOLD
    if len(scores) > 1 and np.ptp(scores) <= 1e-12:
        return ALL_ALIKE
    return "" if len(scores) == folds else f"undefined in {folds - len(scores)} of {folds} folds"


def _calibration_tables(tested: Tested, validation: Tested) -> dict[str, pd.DataFrame]:
    """Return reliability as predicted and, where there are validation rows, with a temperature fitted on them."""
    temperatures = pd.DataFrame({"fold": [], "temperature": []})
    views = {AS_IS: tested}
    if set(np.unique(validation.folds)) >= set(np.unique(tested.folds)):
        views[SCALED], temperatures = scale_folds(tested, validation)
    tables = {"calibration": reliability, "rejection": rejection}
    found = {
        name: pd.concat([of(view).assign(probabilities=kind) for kind, view in views.items()], ignore_index=True)
        for name, of in tables.items()
    }
    return {**found, "temperatures": temperatures}
