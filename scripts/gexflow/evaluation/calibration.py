"""Whether probabilities mean what they say, and what is gained by leaving doubtful samples unanswered."""

import numpy as np
import pandas as pd

from gexflow.evaluation.probabilities import confidence_bins
from gexflow.evaluation.tested import Tested
from gexflow.models.temperature import apply_temperature, fit_temperature

AS_IS, SCALED = "as predicted", "temperature"
_SHARES = np.arange(20, 0, -1) / 20
_SMALLEST = 1e-9  # what nine digits leave of a probability


def scale_folds(test: Tested, validation: Tested) -> tuple[Tested, pd.DataFrame]:
    """Fit a temperature on the validation rows of each fold and apply it to the fold's test rows.

    Returns
    -------
    Tested
        The test rows with scaled probabilities.
    DataFrame of fold, temperature
    """
    probabilities, rows = test.probabilities.copy(), []
    for fold in np.unique(test.folds):
        inner, outer = validation.folds == fold, test.folds == fold
        temperature = fit_temperature(validation.probabilities[inner], validation.targets[inner], _SMALLEST)
        probabilities[outer] = apply_temperature(test.probabilities[outer], temperature, _SMALLEST)
        rows.append((fold, temperature))
    scaled = Tested(test.samples, test.folds, test.targets, test.predicted, probabilities, test.classes)
    return scaled, pd.DataFrame(rows, columns=["fold", "temperature"])


def confidence(tested: Tested) -> np.ndarray:
    """Return the probability of the predicted class, float64 (rows,)."""
    return tested.probabilities[np.arange(len(tested.targets)), tested.predicted]


def reliability(tested: Tested) -> pd.DataFrame:
    """Return the reliability diagram on the pooled test rows: bin, samples, confidence, accuracy (means of the bin)."""
    sure = confidence(tested)
    table = pd.DataFrame({"bin": confidence_bins(sure) + 1, "confidence": sure, "accuracy": tested.hits})
    found = table.groupby("bin").agg(
        samples=("bin", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean")
    )
    return found.reset_index()


def rejection(tested: Tested) -> pd.DataFrame:
    """Return the accuracy on the most confident samples: answered, accuracy.

    `answered` is the share of the samples that are answered; of equally confident ones at the edge each counts by the
    share that is answered, so that their order means nothing.
    """
    sure, hits = confidence(tested), tested.hits.astype(np.float64)
    values, place, count = np.unique(-sure, return_inverse=True, return_counts=True)
    right = np.bincount(place, weights=hits, minlength=len(values))
    samples = np.concatenate([[0], np.cumsum(count)])
    found = np.concatenate([[0], np.cumsum(right)])
    answered = _SHARES * len(hits)
    return pd.DataFrame({"answered": _SHARES, "accuracy": np.interp(answered, samples, found) / answered})
