"""The audit of refitted pipelines: what permuted labels and random genes reach, beside the result."""

import math

import numpy as np
import pandas as pd
from scipy import stats

from gexflow.evaluation.audit_rows import FINDING, NOT_TESTABLE, NOTE, PASS, Row, share

LEVEL = 0.001  # of a finding: strict mode stops a study at it
LEAST_DRAWS = 3
_CHANCE = 0.05  # of the comparison with the result
_ROUNDING = 1e-9
_SCORED = ("label", "predicted", "weight")


def pooled_balanced_accuracy(label: np.ndarray, predicted: np.ndarray, weight: np.ndarray | None = None) -> float:
    """Return the mean recall of the classes over all test samples of all folds together.

    A mean over folds would not do: a fold without a class has another chance level.

    Parameters
    ----------
    label, predicted : str arrays (samples,)
    weight : float array (samples,) or None
        What each sample counts; None for 1.
    """
    label, hits = np.asarray(label, dtype=str), np.asarray(label, dtype=str) == np.asarray(predicted, dtype=str)
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=np.float64)
    classes = [label == name for name in np.unique(label)]
    return float(np.mean([np.average(hits[rows], weights=weight[rows]) for rows in classes]))


def draw_scores(draws: pd.DataFrame) -> np.ndarray:
    """Return the pooled balanced accuracy of every draw, float (draws,)."""
    groups = draws.groupby("draw", sort=True)
    return np.array([pooled_balanced_accuracy(*(rows[name] for name in _SCORED)) for _, rows in groups])


def score_beside(draws: pd.DataFrame, own: pd.DataFrame | None) -> float | None:
    """Return the pooled balanced accuracy of a model's own predictions, its samples weighted as in the draws.

    Parameters
    ----------
    draws : DataFrame
        Columns of `audit_refits`, one form.
    own : DataFrame of sample, label, predicted, or None
        Each sample once. Without any, None is returned.
    """
    if own is None or draws.empty:
        return None
    weights = draws.drop_duplicates("sample").set_index("sample")["weight"]
    return pooled_balanced_accuracy(own["label"], own["predicted"], weights.loc[own["sample"]])


def p_above_chance(scores: np.ndarray, chance: float) -> float:
    """Return the one-sided p-value of Student's t of permutations' mean score above chance.

    Given the expression values, permutations are independent of each other, and each has an expected balanced accuracy
    of one over the number of classes, or a little less: a class that is frequent in a test part is rare in its
    training part. That holds for the weights of `audit_refits.unit_weights`: counted by samples, groups of many samples
    weigh least just where they are wrong, which lifted the mean of clean cohorts by .05.

    Parameters
    ----------
    scores : float array (permutations,), at least two
    chance : float
    """
    excess = float(np.mean(scores)) - chance
    if np.ptp(scores) == 0:
        return 0.0 if excess > _ROUNDING else 1.0
    return float(stats.t.sf(excess / (np.std(scores, ddof=1) / np.sqrt(len(scores))), len(scores) - 1))


def p_of_result(scores: np.ndarray, result: float) -> float:
    """Return the p-value of a result among m permutations: (b + 1) / (m + 1), b of them scoring as high (Phipson and
    Smyth, Statistical Applications in Genetics and Molecular Biology 9, 2010).
    """
    return (int(np.sum(scores >= result - _ROUNDING)) + 1) / (len(scores) + 1)


def permuted_row(draws: pd.DataFrame, model: str, classes: int, result: float | None = None) -> Row:
    """Test whether a pipeline that was refitted on permuted labels scores above chance.

    Parameters
    ----------
    draws : DataFrame
        Columns of `audit_refits`, one form.
    classes : int
    result : float or None
        Pooled balanced accuracy under the true labels, see `score_beside`.
    """
    check, scores, chance = "permuted labels", draw_scores(draws), 1 / classes
    if len(scores) < LEAST_DRAWS:
        return Row(check, model, NOT_TESTABLE, "", share(chance), _too_few(len(scores)))
    p = p_above_chance(scores, chance)
    detail = (
        f"Folds, recipe and model refitted on {len(scores)} permutations: mean balanced accuracy "
        f"{share(scores.mean())} ({_range(scores)}), chance {share(chance)}, one-sided p = {p:.2g}"
    )
    if p < LEVEL:
        detail += ": the pipeline knows labels that it cannot know; something is fitted on test samples or parts twins."
    elif result is not None:
        detail += f". The result {share(result)} has p = {p_of_result(scores, result):.2g} among them."
    else:
        detail += "."
    return Row(check, model, FINDING if p < LEVEL else PASS, share(scores.mean()), share(chance), detail)


def within_batches_row(draws: pd.DataFrame, model: str, result: float | None) -> Row:
    """Compare the result with permutations that keep what a batch tells of the class."""
    check, scores = "permuted within batches", draw_scores(draws)
    least = math.ceil(1 / _CHANCE) - 1  # fewer cannot reach such a p-value
    if len(scores) < least:
        return Row(check, model, NOT_TESTABLE, "", "", _too_few(len(scores), least))
    if result is None:
        return Row(check, model, NOT_TESTABLE, "", "", "The model has no result to compare with.")
    p = p_of_result(scores, result)
    told = "more than batches tell" if p <= _CHANCE else "no more than batches tell, as far as this shows"
    detail = (
        f"Labels permuted within batches, {len(scores)} times: mean balanced accuracy {share(scores.mean())} "
        f"({_range(scores)}). The result {share(result)} has p = {p:.2g} among them: {told}."
    )
    return Row(check, model, PASS if p <= _CHANCE else NOTE, share(scores.mean()), f"below {share(result)}", detail)


def random_genes_row(draws: pd.DataFrame, model: str, keep: int, result: float | None, asked: int) -> Row:
    """Put what random genes reach beside the result; `asked` is the number of draws that the config asks for."""
    check, scores = "random genes", draw_scores(draws)
    if not len(scores):
        why = "the recipe chooses no genes" if asked else "evaluation.audit.random_genes is 0 in the config"
        return Row(check, model, NOT_TESTABLE, "", "", f"No random genes were drawn: {why}.")
    beside = f" The result with chosen genes is {share(result)}." if result is not None else ""
    detail = (
        f"{len(scores)} draws of {keep:,} genes at random, as many as the recipe keeps: mean balanced accuracy "
        f"{share(scores.mean())} ({_range(scores)}).{beside}"
    )
    return Row(check, model, NOTE, share(scores.mean()), "" if result is None else share(result), detail)


def _range(scores: np.ndarray) -> str:
    return f"{share(scores.min())} to {share(scores.max())}"


def _too_few(count: int, least: int = LEAST_DRAWS) -> str:
    if not count:
        return "No labels were permuted: evaluation.audit.permutations is 0 in the config."
    return f"{count} permutations, at least {least} are needed: set evaluation.audit.permutations in the config."
