"""Scores of predictions, per fold and per class, each undefined one with its reason."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from gexflow.evaluation.confusion import CONFUSION_METRICS, class_scores, confusion_counts, confusion_scores
from gexflow.evaluation.probabilities import PROBABILITY_METRICS, probability_scores
from gexflow.evaluation.tested import Tested

METRICS = (*CONFUSION_METRICS, *PROBABILITY_METRICS)
# What a metric can be at most and at least; symmetric intervals may reach beyond.
BOUNDS = {"mcc": (-1.0, 1.0), "log_loss": (0.0, np.inf), "brier": (0.0, 2.0)}


def bounds(metric: str) -> tuple[float, float]:
    """Return the lowest and the highest value of a metric."""
    return BOUNDS.get(metric, (0.0, 1.0))


def score_rows(tested: Tested, rows: np.ndarray) -> dict[str, float]:
    """Score some of the tested samples together.

    Parameters
    ----------
    tested : Tested
    rows : bool or int array
        Which of its rows.

    Returns
    -------
    {metric: float} for all of METRICS
        NaN where undefined; see `reasons`.
    """
    targets, predicted = tested.targets[rows], tested.predicted[rows]
    scores = confusion_scores(confusion_counts(targets, predicted, len(tested.classes)))
    found = {name: float(value) for name, value in scores.items()}
    return found | probability_scores(tested.probabilities[rows], targets, predicted)


def reasons(tested: Tested, rows: np.ndarray) -> Iterator[str]:
    """Say which classes are in no average of these rows, and why."""
    counts = confusion_counts(tested.targets[rows], tested.predicted[rows], len(tested.classes))
    support, assigned = counts.sum(axis=1), counts.sum(axis=0)
    absent = [name for name, count in zip(tested.classes, support, strict=True) if not count]
    if absent:
        yield f"no sample of {', '.join(absent)}, which no average counts"
    if (support > 0).sum() < 2:
        yield "mcc and auroc undefined: a single class"
    elif (assigned > 0).sum() < 2:
        yield "mcc counts as 0: a single class is predicted"
    unnamed = [name for name, n, m in zip(tested.classes, support, assigned, strict=True) if n and not m]
    if unnamed:
        yield f"nothing assigned to {', '.join(unnamed)}, whose precision counts as 0"


def score_folds(tested: Tested) -> pd.DataFrame:
    """Return one row a fold: fold, samples, every metric, and `note`: what is undefined there and why."""
    found = []
    for fold in np.unique(tested.folds):
        rows = tested.folds == fold
        note = "; ".join(reasons(tested, rows))
        found.append({"fold": fold, "samples": int(rows.sum()), **score_rows(tested, rows), "note": note})
    return pd.DataFrame(found)


def score_classes(tested: Tested) -> pd.DataFrame:
    """Return one row a class on the pooled test rows: class, support, precision, recall, f1; undefined ones NaN."""
    counts = confusion_counts(tested.targets, tested.predicted, len(tested.classes))
    return pd.DataFrame({"class": tested.classes, "support": counts.sum(axis=1), **class_scores(counts)})


def confusion_table(tested: Tested) -> pd.DataFrame:
    """Return the confusion matrix as rows of label, predicted, count (zeros too)."""
    classes = tested.classes
    counts = confusion_counts(tested.targets, tested.predicted, len(classes))
    pairs = {"label": np.repeat(classes, len(classes)), "predicted": np.tile(classes, len(classes))}
    return pd.DataFrame({**pairs, "count": counts.ravel()})
