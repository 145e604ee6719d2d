"""The leaky variant of a dataset in the report: how it is called, why it leaks, how far it is from the clean folds.

It has a badge wherever it stands, ranks nowhere and counts as no dataset.
"""

from collections.abc import Iterable
from typing import Any

from gexflow.report.words import known, mean, percent
from gexflow.variants import base_of, is_leaky

MARK = "LEAKY"
WHY = (
    "the published protocol: one split 80/10/10 that parts patients; recipes fitted on all samples, those of the test "
    "part too; adjacent normals, where the source names them, under the tumour's label. "
    "Some of the difference is no leak: it trains on 80 % of the samples and keeps the epoch that is best on 10 %."
)


def called(name: str) -> str:
    """Return a dataset's name with the badge that the leaky variant carries everywhere."""
    return f"{name} ({MARK})" if is_leaky(name) else name


def without_variants(datasets: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the datasets that count as such."""
    return [dataset for dataset in datasets if base_of(dataset["name"]) == dataset["name"]]


def beside_clean(dataset: dict[str, Any], datasets: Iterable[dict[str, Any]]) -> list[str]:
    """Say for each model how far the published protocol is from the clean folds of a dataset, in points of accuracy.

    Parameters
    ----------
    dataset : dict
        The clean one.
    datasets : iterable of dict
        Those of the study, its leaky variant among them; without it there is nothing to say.
    """
    clean, lines = {model["name"]: _accuracy(model) for model in dataset["models"]}, []
    variants = [other for other in datasets if is_leaky(other["name"]) and base_of(other["name"]) == dataset["name"]]
    for model in [] if is_leaky(dataset["name"]) else (model for other in variants for model in other["models"]):
        leaky, score = _accuracy(model), clean.get(model["name"])
        if known(leaky) and known(score):
            both = f"published protocol ({MARK}) {percent(leaky, 2)} %, clean folds {percent(score, 2)} %"
            lines.append(f"{model['name']}: {both}, difference {100 * (leaky - score):+.2f} points")
    return lines


def _accuracy(model: dict[str, Any]) -> float | None:
    return mean(row["accuracy"] for row in model["folds"])
