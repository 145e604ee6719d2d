"""The table of predictions, the only thing that evaluation reads of a model."""

import numpy as np
import pandas as pd

TEXT = ("sample", "part", "label", "predicted")
PREFIX = "p:"


def prediction_table(
    samples: np.ndarray, parts: np.ndarray, labels: np.ndarray, probabilities: np.ndarray, classes: list[str], fold: int
) -> pd.DataFrame:
    """Return predictions of samples that did not train: one row a sample, one probability column a class.

    Parameters
    ----------
    samples, parts, labels : str arrays (samples,)
    probabilities : float array (samples, classes), in the order of `classes`
    """
    # what is written has nine digits; the class is chosen from those, so that a reader comes to the same one
    written = np.array([[float(f"{p:.9g}") for p in row] for row in probabilities]).reshape(-1, len(classes))
    table = pd.DataFrame({"sample": samples, "fold": fold, "part": parts, "label": labels})
    table["predicted"] = np.asarray(classes, dtype=object)[written.argmax(axis=1)] if len(written) else []
    return table.join(pd.DataFrame(written, columns=[PREFIX + name for name in classes]))
