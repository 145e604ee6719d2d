"""The tables of scores: metrics, intervals of the accuracy, the merged view."""

from typing import Any

from gexflow.report.controls import naming
from gexflow.report.words import interval, known, listed, mean, percent

Model = dict[str, Any]
METRICS = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro-F1",
    "mcc": "MCC",
    "auroc": "AUROC",
    "log_loss": "log loss",
    "ece": "calibration error",
}
MORE = {
    "macro_precision": "macro precision",
    "macro_recall": "macro recall",
    "weighted_precision": "weighted precision",
    "weighted_recall": "weighted recall",
    "weighted_f1": "weighted F1",
    "brier": "Brier score",
}
MERGED = {name: METRICS[name] for name in ("accuracy", "balanced_accuracy", "macro_f1", "mcc")}
_POOLED = "ece"  # no interval either: those over folds are of the raised values
_PLAIN = ("mcc", "auroc", "log_loss", "brier")  # no percentages


def estimate(model: Model, metric: str) -> float | None:
    """Return the mean over folds of a metric; of the calibration error, which few samples raise, that of all folds."""
    if metric == _POOLED:
        return model["summary"].get(metric, {}).get("pooled")
    row = model["intervals"].get(metric, {}).get("nadeau_bengio") or {}
    value = row.get("estimate")
    return value if known(value) else mean(fold.get(metric) for fold in model["folds"])


def metrics(dataset: dict[str, Any], names: dict[str, str]) -> list[dict[str, Any]]:
    """Return a row a model: mean over folds of each metric with the corrected interval."""
    return [
        {**naming(model), "cells": [_cell(model["intervals"], metric, estimate(model, metric)) for metric in names]}
        for model in dataset["models"]
        if model["folds"]
    ]


def merged(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the same for the merged view of labels; no rows where there is none."""
    return [
        {**naming(model), "cells": [_cell(model["merged"], metric, None) for metric in MERGED]}
        for model in dataset["models"]
        if model["merged"]
    ]


def _cell(intervals: dict[str, Any], metric: str, value: float | None) -> dict[str, str]:
    row = {} if metric == _POOLED else intervals.get(metric, {}).get("nadeau_bengio") or {}
    value = value if value is not None else row.get("estimate")
    if metric in _PLAIN:
        return {"value": f"{value:.3f}" if known(value) else "", "interval": interval(row, percentages=False)}
    return {"value": percent(value, 2), "interval": interval(row, 2)}


def accuracy_intervals(dataset: dict[str, Any]) -> dict[str, Any]:
    """Return every interval of the accuracy and its spreads, a row a model, and the notes on what is undefined."""
    rows, notes = [], []
    for model in (model for model in dataset["models"] if model["folds"]):
        found = model["intervals"].get("accuracy", {})
        spread = model["summary"].get("accuracy", {})
        rows.append(
            {
                **naming(model),
                "mean": percent(estimate(model, "accuracy"), 2),
                "nadeau_bengio": interval(found.get("nadeau_bengio"), 2),
                "student_t": interval(found.get("student_t"), 2),
                "pooled": percent((found.get("bootstrap") or {}).get("estimate"), 2),
                "bootstrap": interval(found.get("bootstrap"), 2),
                "wilson": interval(found.get("wilson"), 2),
                "exact": interval(found.get("clopper_pearson"), 2),
                "sd_folds": _points(spread.get("sd_folds")),
                "sd_repeats": _points(spread.get("sd_repeats")),
                "sd_seeds": _of_seeds(spread),
            }
        )
        for metric, methods in model["intervals"].items():
            said = dict.fromkeys(row["note"] for row in methods.values() if known(row.get("note")))
            notes += [(note, metric, naming(model)["called"]) for note in said]
    return {
        "rows": rows,
        "notes": _gathered(notes, len(rows)),
        "wilson": any(row["wilson"] for row in rows),
        "exact": any(row["exact"] for row in rows),
        "repeats": any(row["sd_repeats"] for row in rows),
        "seeds": any(row["sd_seeds"] for row in rows),
    }


def _points(share: Any) -> str:
    return f"{100 * share:.1f}" if known(share) else ""


def _of_seeds(spread: dict[str, Any]) -> str:
    deviation = _points(spread.get("sd_seeds"))
    return f"{deviation} ({spread['seeds']:.0f})" if deviation else ""


def _gathered(notes: list[tuple[str, str, str]], models: int) -> list[str]:
    """Return each note once, with the metrics and models that it holds for; models only where these are not all."""
    places: dict[str, dict[str, list[str]]] = {}
    for note, metric, model in notes:
        places.setdefault(note, {}).setdefault(metric, []).append(model)
    lines = []
    for note, metrics in places.items():
        said = [
            _name(metric) + ("" if len(who) == models else f" of {listed(who, 20)}") for metric, who in metrics.items()
        ]
        lines.append(f"{note} ({'; '.join(said)}).")
    return lines


def _name(metric: str) -> str:
    return {**METRICS, **MORE}.get(metric, metric)
