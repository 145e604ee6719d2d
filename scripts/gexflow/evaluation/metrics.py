"""Scores of predictions, per fold and per class."""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, matthews_corrcoef, precision_recall_fscore_support

METRICS = ("accuracy", "balanced_accuracy", "macro_precision", "macro_recall", "macro_f1", "mcc")


def score_fold(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Score the test part of one fold.

    Macro averages run over the classes that occur in `labels`: a class without a test sample has no recall, and a zero
    would not be its score. Precision of a class that nobody was assigned to counts as 0. With a single class MCC is
    undefined (NaN).

    Parameters
    ----------
    labels, predicted : str arrays (samples,)
    """
    present = np.unique(labels)
    precision, recall, f1, _ = precision_recall_fscore_support(
        labels, predicted, labels=present, average=None, zero_division=0
    )
    return {
        "accuracy": accuracy_score(labels, predicted),
        "balanced_accuracy": recall.mean(),
        "macro_precision": precision.mean(),
        "macro_recall": recall.mean(),
        "macro_f1": f1.mean(),
        "mcc": matthews_corrcoef(labels, predicted) if len(present) > 1 else float("nan"),
    }


def score_folds(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a fold: fold, samples and every metric, on test rows only."""
    rows = []
    for fold, part in predictions[predictions["part"] == "test"].groupby("fold"):
        scores = score_fold(part["label"].to_numpy(), part["predicted"].to_numpy())
        rows.append({"fold": fold, "samples": len(part), **scores})
    return pd.DataFrame(rows)


def score_classes(labels: np.ndarray, predicted: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return one row a class on the pooled test rows: class, support, precision, recall, f1."""
    precision, recall, f1, support = precision_recall_fscore_support(
        labels, predicted, labels=classes, average=None, zero_division=0
    )
    return pd.DataFrame({"class": classes, "support": support, "precision": precision, "recall": recall, "f1": f1})


def confusion_table(labels: np.ndarray, predicted: np.ndarray, classes: list[str]) -> pd.DataFrame:
    """Return the confusion matrix as rows of label, predicted, count (zeros too)."""
    counts = confusion_matrix(labels, predicted, labels=classes)
    return pd.DataFrame(
        {
            "label": np.repeat(classes, len(classes)),
            "predicted": np.tile(classes, len(classes)),
            "count": counts.ravel(),
        }
    )
