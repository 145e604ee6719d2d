"""A reference model on one fold, its settings chosen on samples that trained no candidate."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import anndata
import numpy as np

from gexflow.candidates import candidates, changes
from gexflow.models.fold import Fold
from gexflow.models.reference import NOT_CONVERGED, fit_reference
from gexflow.models.temperature import apply_temperature, best_temperature, fit_temperature
from gexflow.models.tuning import BY_INNER_FOLDS, BY_VALIDATION, best_candidate, scores, tuning_facts

# values and targets to fit on, values and targets to score
Part = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def fit_fold(
    settings: dict, fold: Fold, inner: Iterable[anndata.AnnData] | None = None
) -> tuple[np.ndarray, dict[str, Any]]:
    """Fit a reference model to the training part of a fold, with the best of its candidates if it is tuned.

    Parameters
    ----------
    settings : dict
        The model's keys of the config, `tune` among them where it is tuned, and `seed`.
    fold : Fold
    inner : iterable of AnnData, or None
        Features of the fold's training samples alone, once an inner fold (`recipes.inner`); None where the fold's
        validation samples choose.

    Returns
    -------
    probabilities : float64 array (held-out samples, classes)
        Those of an SVM have the temperature with the lowest log loss on the samples that chose; 1 if it is not tuned,
        or was right about all of them.
    facts : dict
        `notes` and, of a tuned model, `chosen`, `chosen_by` and `candidates`.
    """
    n_classes, options = len(fold.classes), candidates(settings)
    chosen, temperature, facts, stopped = options[0], 1.0, {}, 0
    if "tune" in settings:
        parts = [(*fold.part("train"), *fold.part("validation"))] if inner is None else inner_parts(inner, fold.classes)
        held_out, targets, stopped = held_out_probabilities(options, parts, n_classes)
        temperatures = [1.0] * len(options)
        if settings["network"] == "svm":  # its decision values have no scale of their own
            temperatures = [best_temperature(probabilities, targets) for probabilities in held_out]
        found = [scores(apply_temperature(*pair), targets) for pair in zip(held_out, temperatures, strict=True)]
        by = BY_VALIDATION if inner is None else BY_INNER_FOLDS
        best = best_candidate(found)
        chosen = options[best]
        if settings["network"] == "svm":
            temperature = fit_temperature(held_out[best], targets)
        facts = tuning_facts(changes(settings), found, by)
    probabilities, notes = fit_reference(chosen, *fold.part("train"), fold.values[fold.held_out], n_classes)
    if settings["network"] == "svm":
        probabilities, facts["temperature"] = apply_temperature(probabilities, temperature), temperature
    if stopped:
        notes = [*notes, f"{NOT_CONVERGED} (in {stopped} fits of candidates)"]
    return probabilities, {"notes": notes, **facts}


def refit_chosen(
    settings: dict, facts: dict, values: np.ndarray, targets: np.ndarray, unseen: np.ndarray, n_classes: int
) -> np.ndarray:
    """Fit a reference model once more as a fold had it, a tuned one with what that fold chose.

    Parameters
    ----------
    settings : dict
        The model's keys of the config, and `seed`.
    facts : dict
        What `fit_fold` said of the fold: `chosen` and `temperature`, where there are any.
    values, targets, unseen, n_classes
        See `fit_reference`.

    Returns
    -------
    float64 array (samples, classes)
    """
    own = {key: value for key, value in settings.items() if key != "tune"} | facts.get("chosen", {})
    probabilities, _ = fit_reference(own, values, targets, unseen, n_classes)
    return apply_temperature(probabilities, facts["temperature"]) if "temperature" in facts else probabilities


def inner_parts(inner: Iterable[anndata.AnnData], classes: Sequence[str]) -> Iterator[Part]:
    """Yield what each inner fold gives to fit on, and to score."""
    for features in inner:
        targets = np.searchsorted(np.array(classes), features.obs["label"].to_numpy().astype(str))
        train = features.obs["part"].to_numpy().astype(str) == "train"
        yield features.X[train], targets[train], features.X[~train], targets[~train]


def held_out_probabilities(
    options: Sequence[dict], parts: Iterable[Part], n_classes: int
) -> tuple[list[np.ndarray], np.ndarray, int]:
    """Fit every candidate to every part.

    Returns
    -------
    probabilities : list of float64 arrays (scored samples of all parts, classes), one a candidate
    targets : int array (scored samples of all parts,)
    stopped : int
        How many fits did not converge.
    """
    found: list[list[np.ndarray]] = [[] for _ in options]
    wanted, stopped = [], 0
    for values, targets, unseen, unseen_targets in parts:
        wanted.append(unseen_targets)
        for settings, kept in zip(options, found, strict=True):
            probabilities, notes = fit_reference(settings, values, targets, unseen, n_classes)
            kept.append(probabilities)
            stopped += NOT_CONVERGED in notes
    return [np.concatenate(kept) for kept in found], np.concatenate(wanted), stopped
