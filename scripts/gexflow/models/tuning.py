"""The choice among a model's candidates: by log loss on samples that trained none of them, never the test part."""

import json
import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gexflow import files
from gexflow.errors import InputError
from gexflow.models.finished import FinishedFolds
from gexflow.models.predictions import PREFIX
from gexflow.models.temperature import sample_log_loss

BY_VALIDATION, BY_INNER_FOLDS = "validation samples", "inner cross-validation"
_EQUAL = 1e-6


def scores(probabilities: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """Return log loss and accuracy.

    Parameters
    ----------
    probabilities : float array (samples, classes)
    targets : int array (samples,)
    """
    return {
        "log_loss": float(sample_log_loss(probabilities, targets).mean()),
        "accuracy": float((probabilities.argmax(axis=1) == targets).mean()),
    }


def table_scores(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the scores of all rows of a table of predictions."""
    columns = [name for name in predictions if name.startswith(PREFIX)]
    classes = {name.removeprefix(PREFIX): number for number, name in enumerate(columns)}
    return scores(predictions[columns].to_numpy(dtype=np.float64), predictions["label"].map(classes).to_numpy())


def validation_scores(predictions: pd.DataFrame) -> dict[str, float]:
    """Return the scores of the validation rows of a table of predictions."""
    return table_scores(predictions[predictions["part"] == "validation"])


def best_candidate(found: Sequence[dict[str, float]]) -> int:
    """Return the candidate with the lowest log loss, the first of equals; one that is no number never wins.

    Losses that differ by less than a millionth are equal: below that, all samples are certain, or rounding decides.
    """
    losses = np.array([score["log_loss"] for score in found])
    losses = np.where(np.isnan(losses), np.inf, losses)
    return int(np.argmax(losses <= losses.min() + _EQUAL))


def diverged(error: InputError, settings: dict, used: dict) -> str:
    """Say that a training went astray, and with which candidate where there are several."""
    change = {key: used[key] for key in settings.get("tune", {})}
    return f"{error}, or take the candidate {json.dumps(change)} out of tune" if change else str(error)


def tuning_facts(changes: Sequence[dict], found: Sequence[dict[str, float]], by: str) -> dict[str, Any]:
    """Return what `training.json` says of a choice: what was chosen, by what, and the scores of every candidate."""
    rows = [{"settings": change, **score} for change, score in zip(changes, found, strict=True)]
    return {"chosen": changes[best_candidate(found)], "chosen_by": by, "candidates": rows}


def keep_chosen(
    finished: FinishedFolds, number: int, slots: Sequence[str], changes: Sequence[dict], outputs: Sequence[str | Path]
) -> dict[str, Any]:
    """Finish a fold with the files of its best candidate; return its facts.

    Parameters
    ----------
    finished : FinishedFolds
        Holds the finished training of every candidate, its `training.json` with the scores of the validation rows.
    number : int
        Of the fold.
    slots : sequence of str
        Under which the candidates are kept there, in the order of `changes`.
    outputs : sequence of paths
        Files of one training, `training.json` last.
    """
    trained = [finished.paths(slot, outputs) for slot in slots]
    facts = [files.read_json(paths[-1]) for paths in trained]
    found = [entry.pop("validation") for entry in facts]
    best = best_candidate(found)
    seconds = round(sum(entry["seconds"] for entry in facts), 1)
    chosen = {**facts[best], "seconds": seconds, **tuning_facts(changes, found, BY_VALIDATION)}
    finished.keep(number, outputs, partial(_copy, trained[best], chosen))
    return chosen


def _copy(sources: Sequence[Path], facts: dict[str, Any], targets: Sequence[Path]) -> None:
    for source, target in zip(sources[:-1], targets[:-1], strict=True):
        shutil.copyfile(source, target)
    files.write_json(facts, targets[-1])
