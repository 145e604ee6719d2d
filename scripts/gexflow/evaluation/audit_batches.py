"""The audit of batches: what site, plate or platform alone tell of the class."""

import numpy as np
import pandas as pd

from gexflow.evaluation.audit_draws import pooled_balanced_accuracy
from gexflow.evaluation.audit_rows import NOT_TESTABLE, NOTE, Row, share

NESTED = "nested in the class, not testable"
_LEAST_MIXED = 0.5  # of the samples, in batches with several classes


def share_in_mixed_batches(labels: np.ndarray, batches: np.ndarray) -> float:
    """Return the share of the samples that lie in a batch with several classes; one without a batch does not."""
    table = pd.DataFrame({"label": np.asarray(labels, dtype=str), "batch": np.asarray(batches, dtype=str)})
    classes = table.groupby("batch")["label"].transform("nunique")
    return float(((classes > 1) & (table["batch"] != "")).mean())


def permutable_within(labels: np.ndarray, batches: np.ndarray | None) -> bool:
    """Tell whether labels can be permuted within batches: at least half of the samples lie in mixed ones."""
    return batches is not None and share_in_mixed_batches(labels, batches) >= _LEAST_MIXED


def nested_row(labels: np.ndarray, batches: np.ndarray | None, model: str) -> Row:
    """Say why labels are not permuted within batches."""
    check = "permuted within batches"
    if batches is None:
        return Row(check, model, NOT_TESTABLE, "", "", "No batches are known.")
    mixed = share_in_mixed_batches(labels, batches)
    detail = f"Batch is {NESTED}: {100 * mixed:.0f} % of the samples lie in a batch with several classes."
    return Row(check, model, NOT_TESTABLE, "", "", detail)


def batch_row(splits: pd.DataFrame, samples: pd.DataFrame, results: dict[str, float]) -> Row:
    """Predict labels from the batch alone: the class that is most frequent in it, in the training part.

    Parameters
    ----------
    splits : DataFrame
        sample, repeat, fold, part; the first repeat counts.
    samples : DataFrame, index: sample
        label and, where known, batch.
    results : {model: pooled balanced accuracy}
        To be printed beside it.
    """
    check = "batch alone"
    if "batch" not in samples or not (samples["batch"].astype(str) != "").any():
        return Row(check, "", NOT_TESTABLE, "", "", "No batches are known: set the dataset's `batch` if there are any.")
    known = splits[splits["repeat"] == 1].join(samples[["label", "batch"]].astype(str), on="sample")
    tested = []
    for _, rows in known.groupby("fold"):
        train, test = rows[rows["part"] == "train"], rows[rows["part"] == "test"]
        usual = _most_frequent(train["label"])
        answer = train[train["batch"] != ""].groupby("batch")["label"].agg(_most_frequent)
        tested.append(test.assign(predicted=test["batch"].map(answer).fillna(usual)))
    test = pd.concat(tested)
    score = pooled_balanced_accuracy(test["label"], test["predicted"])
    classes = samples["label"].nunique()
    batches = samples["batch"].astype(str)
    detail = (
        f"The most frequent class of each of {batches[batches != ''].nunique()} batches in the training part, without "
        f"any gene: balanced accuracy {share(score)}, chance {share(1 / classes)}, "
        f"{share((test['label'] == test['predicted']).mean())} of the samples right."
    )
    if share_in_mixed_batches(samples["label"], samples["batch"]) == 0:
        detail += " Every batch holds one class, by construction or by design."
    beside = "; ".join(f"{model} {share(result)}" for model, result in results.items())
    return Row(check, "", NOTE, share(score), beside, detail)


def _most_frequent(labels: pd.Series) -> str:
    """Return the most frequent label; of equally frequent ones the first in the alphabet."""
    return labels.value_counts().sort_index().idxmax()
