"""All tables of one cohort: metrics, intervals, per class and confusion, for every model."""

import numpy as np
import pandas as pd

from gexflow.errors import InputError
from gexflow.evaluation.controls import compare_controls
from gexflow.evaluation.intervals import nadeau_bengio, student_t, wilson
from gexflow.evaluation.metrics import METRICS, confusion_table, score_classes, score_folds

ONE_FOLD = "one split: no interval over folds; Wilson's holds for its test samples"


def check_predictions(predictions: dict[str, pd.DataFrame]) -> None:
    """Refuse models that were not tested on the very same samples, or a sample tested twice in a fold."""
    tested = {}
    for model, table in predictions.items():
        rows = table.loc[table["part"] == "test", ["fold", "sample"]]
        if rows.duplicated().any():
            raise InputError(f"{model}: sample {rows[rows.duplicated()].iloc[0]['sample']} is tested twice in a fold")
        tested[model] = set(rows.itertuples(index=False, name=None))
    first = next(iter(tested))
    for model, rows in tested.items():
        if rows != tested[first]:
            raise InputError(
                f"{model} and {first} were tested on different samples ({len(rows ^ tested[first])} differ): "
                "delete the older model's results and run again"
            )


def score_models(predictions: dict[str, pd.DataFrame], folds: int, validation: float = 0.0) -> dict[str, pd.DataFrame]:
    """Score every model of a cohort.

    Parameters
    ----------
    predictions : {model: predictions of all folds}
    folds : int
        Folds of one repeat.
    validation : float
        Share of the training samples set aside in every fold.

    Returns
    -------
    {"metrics", "intervals", "per_class", "confusion", "controls"} : tables with a column `model` first
    """
    check_predictions(predictions)
    tables: dict[str, list[pd.DataFrame]] = {"metrics": [], "intervals": [], "per_class": [], "confusion": []}
    for model, table in predictions.items():
        test = table[table["part"] == "test"]
        labels, predicted = test["label"].to_numpy(), test["predicted"].to_numpy()
        classes = [name.removeprefix("p:") for name in table.columns if name.startswith("p:")]
        metrics = score_folds(test)
        found = {
            "metrics": metrics,
            "intervals": _intervals(metrics, test, folds, validation),
            "per_class": score_classes(labels, predicted, classes),
            "confusion": confusion_table(labels, predicted, classes),
        }
        for name, rows in found.items():
            rows.insert(0, "model", model)
            tables[name].append(rows)
    scores = {name: pd.concat(rows, ignore_index=True) for name, rows in tables.items()}
    return {**scores, "controls": compare_controls(scores["metrics"], folds, validation)}


def _intervals(metrics: pd.DataFrame, test: pd.DataFrame, folds: int, validation: float) -> pd.DataFrame:
    rows = []
    for metric in METRICS:
        scores = metrics[metric].dropna().to_numpy()
        estimate = scores.mean() if len(scores) else np.nan
        corrected = nadeau_bengio(scores, folds, validation)
        for method, ends in (("student_t", student_t(scores)), ("nadeau_bengio", corrected)):
            # a symmetric interval may reach beyond what the metric can be
            low, high = np.clip(ends, -1.0 if metric == "mcc" else 0.0, 1.0)
            rows.append((metric, method, estimate, low, high, _note(scores, len(metrics))))
    # with repeats a sample is tested several times, but it is one sample still
    samples = test["sample"].nunique()
    share = (test["label"] == test["predicted"]).mean()
    rows.append(("accuracy", "wilson", share, *wilson(share * samples, samples), ""))
    return pd.DataFrame(rows, columns=["metric", "method", "estimate", "low", "high", "note"])


def _note(scores: np.ndarray, folds: int) -> str:
    """Say why an interval is undefined or rests on fewer folds."""
    if folds == 1:
        return ONE_FOLD
    if len(scores) > 1 and np.ptp(scores) == 0:
        return "degenerate, no interval: all folds score alike"
    return "" if len(scores) == folds else f"undefined in {folds - len(scores)} of {folds} folds"
