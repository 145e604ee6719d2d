"""Temperature scaling: logits divided by one number, so that probabilities mean what they say."""

import numpy as np
from scipy.special import softmax

_WIDEST = np.log(100)


def fit_temperature(probabilities: np.ndarray, targets: np.ndarray, smallest: float = 0.0) -> float:
    """Return the temperature to scale by: `best_temperature`; 1 where every sample is named right.

    Then the log loss falls with the temperature without an end, and the lowest one would make everything certain.
    """
    if (probabilities.argmax(axis=1) == targets).all():
        return 1.0
    return best_temperature(probabilities, targets, smallest)


def best_temperature(probabilities: np.ndarray, targets: np.ndarray, smallest: float = 0.0) -> float:
    """Return the temperature with the lowest log loss (Guo et al., ICML 2017), between 1/100 and 100.

    Parameters
    ----------
    probabilities : float array (samples, classes), targets : int array (samples,)
        Of samples that neither trained the model nor test it.
    smallest : float
        See `apply_temperature`.
    """
    from scipy.optimize import minimize_scalar  # heavy, and most jobs only score with this file's functions

    def loss(logarithm: float) -> float:
        return sample_log_loss(apply_temperature(probabilities, np.exp(logarithm), smallest), targets).mean()

    found = minimize_scalar(loss, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-6})
    return float(np.exp(found.x))


def apply_temperature(probabilities: np.ndarray, temperature: float, smallest: float = 0.0) -> np.ndarray:
    """Return the probabilities whose logits are divided by a temperature; the predicted class stays.

    Parameters
    ----------
    probabilities : float array (samples, classes)
    temperature : float
    smallest : float
        What a rounded probability of 0 stands for; 0 where it means impossible, and stays.
    """
    with np.errstate(divide="ignore"):
        logarithms = np.log(np.maximum(probabilities, smallest))
    return softmax(logarithms / temperature, axis=1)


def sample_log_loss(probabilities: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return -log of each sample's probability of its own class, float64 (samples,).

    A probability of 0 counts as the smallest step of float64, 2.2e-16, as in scikit-learn.
    """
    own = probabilities[np.arange(len(targets)), targets].astype(np.float64)
    return -np.log(np.clip(own, np.finfo(np.float64).eps, 1.0))
