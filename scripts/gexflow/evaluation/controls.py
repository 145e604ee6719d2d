"""What a model's one changed thing gives: its accuracy minus that of its controls."""

import numpy as np
import pandas as pd

from gexflow.evaluation.intervals import nadeau_bengio
from gexflow.variants import base_of, control_of

COLUMNS = ("model", "control", "difference", "low", "high")


def compare_controls(metrics: pd.DataFrame, folds: int, validation: float = 0.0) -> pd.DataFrame:
    """Return the difference in accuracy between models and their controls, paired by fold.

    Parameters
    ----------
    metrics : DataFrame
        model, fold, accuracy: one row a model and fold.
    folds, validation : int, float
        Folds of one repeat, and the share of the training samples set aside; see `nadeau_bengio`.

    Returns
    -------
    DataFrame of model, control, difference (model minus control, mean over folds), low, high
        With the Nadeau-Bengio interval of the mean difference, NaN where all folds differ alike. No row for a control
        without its model.
    """
    scores = metrics.pivot(index="fold", columns="model", values="accuracy")
    rows = []
    for name in dict.fromkeys(metrics["model"]):
        if not control_of(name) or base_of(name) not in scores:
            continue
        differences = (scores[base_of(name)] - scores[name]).to_numpy()
        ends = np.clip(nadeau_bengio(differences, folds, validation), -1, 1)
        rows.append((base_of(name), control_of(name), differences.mean(), *ends))
    return pd.DataFrame(rows, columns=list(COLUMNS))
