"""A variant of a dataset beside the ordinary one: how far the accuracies of its models are apart."""

from collections.abc import Iterable
from typing import Any

from gexflow.report.words import known, mean, percent
from gexflow.variants import base_of


def differences(dataset: dict[str, Any], variants: Iterable[dict[str, Any]], there: str, here: str) -> list[str]:
    """Return a line for each model that ran on a dataset and on a variant of it: both accuracies, their difference.

    Parameters
    ----------
    dataset : dict
        The ordinary one; a variant has none beside it, and no lines.
    variants : iterable of dict
        Of all datasets; those of this one are taken.
    there, here : str
        How the folds of the variant, and of the dataset, are called.
    """
    ordinary, lines = {model["name"]: _accuracy(model) for model in dataset["models"]}, []
    own = [other for other in variants if other["name"] != dataset["name"] == base_of(other["name"])]
    for model in (model for other in own for model in other["models"]):
        score, other = ordinary.get(model["name"]), _accuracy(model)
        if known(score) and known(other):
            both = f"{there} {percent(other, 2)} %, {here} {percent(score, 2)} %"
            lines.append(f"{model['name']}: {both}, difference {100 * (other - score):+.2f} points")
    return lines


def _accuracy(model: dict[str, Any]) -> float | None:
    return mean(row["accuracy"] for row in model["folds"])
