"""The test rows of a model's predictions as arrays, checked: what all scores are made from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gexflow.errors import InputError

_PREFIX = "p:"
_TOLERANCE = 1e-6  # of a sum of probabilities with nine digits each
_AGAIN = "delete the model's results and run again"


@dataclass(frozen=True)
class Tested:
    """Predictions of one model for samples that did not train it.

    Attributes
    ----------
    samples : str array (rows,)
        With repeats a sample has several rows.
    folds : int array (rows,)
    targets, predicted : int arrays (rows,)
        Numbers of classes.
    probabilities : float64 array (rows, classes)
    classes : list of str
    """

    samples: np.ndarray
    folds: np.ndarray
    targets: np.ndarray
    predicted: np.ndarray
    probabilities: np.ndarray
    classes: list[str]

    @property
    def hits(self) -> np.ndarray:
        """Rows whose class was named, bool (rows,)."""
        return self.targets == self.predicted


def read_tested(table: pd.DataFrame, model: str, part: str = "test") -> Tested:
    """Check the rows of one part of a table of predictions and return them by fold and sample.

    Parameters
    ----------
    table : DataFrame
        As `predictions.tsv`.
    model : str
        For messages.

    Raises
    ------
    InputError
        A probability is missing or outside 0 to 1, those of a sample do not add up to 1, the predicted class is not
        the most probable one, a label is no class, or a sample is tested twice in a fold.
    """
    rows = table[table["part"] == part].sort_values(["fold", "sample"], kind="stable")
    columns = [name for name in table.columns if name.startswith(_PREFIX)]
    classes = [name.removeprefix(_PREFIX) for name in columns]
    probabilities = rows[columns].to_numpy(dtype=np.float64).reshape(len(rows), len(columns))
    numbers = {name: number for number, name in enumerate(classes)}
    targets, predicted = (rows[key].map(numbers).to_numpy(dtype=np.float64) for key in ("label", "predicted"))

    def refuse(wrong: np.ndarray, what: str) -> None:
        if wrong.any():
            row = rows.iloc[int(np.argmax(wrong))]
            raise InputError(f"{model}, fold {row['fold']}, sample {row['sample']}: {what}; {_AGAIN}")

    refuse(rows.duplicated(["fold", "sample"]).to_numpy(), "it is tested twice in this fold")
    refuse(np.isnan(targets) | np.isnan(predicted), "its label or its predicted class is none of the classes")
    refuse(~np.isfinite(probabilities).all(axis=1), "a probability is missing")
    refuse(((probabilities < 0) | (probabilities > 1)).any(axis=1), "a probability is not between 0 and 1")
    refuse(np.abs(probabilities.sum(axis=1) - 1) > _TOLERANCE, "its probabilities do not add up to 1")
    targets, predicted = targets.astype(np.int64), predicted.astype(np.int64)
    own = probabilities[np.arange(len(rows)), predicted] if len(rows) else np.zeros(0)
    refuse(own < probabilities.max(axis=1, initial=0), "the predicted class is not the most probable one")
    samples = rows["sample"].to_numpy(dtype=object)
    return Tested(samples, rows["fold"].to_numpy(), targets, predicted, probabilities, classes)


def check_same_rows(models: dict[str, Tested]) -> None:
    """Refuse models that were not tested on the very same samples and folds, with the same labels.

    Raises
    ------
    InputError
    """
    first = next(iter(models))
    for model, tested in models.items():
        one, other = _rows(tested), _rows(models[first])
        if one != other:
            raise InputError(
                f"{model} and {first} were tested on different samples, or under different labels "
                f"({len(one ^ other)} differ): delete the older model's results and run again"
            )
        if tested.classes != models[first].classes:
            raise InputError(f"{model} and {first} know different classes: {_AGAIN}")


def _rows(tested: Tested) -> set[tuple]:
    return set(zip(tested.folds, tested.samples, tested.targets, strict=True))


def merge_classes(tested: Tested, merge: dict[str, list[str]]) -> Tested:
    """Return the merged view: labels that stand for several classes, whose probabilities add up.

    A sample's predicted class is the merged label of the predicted one: what was answered stays, only its name is
    coarser.

    Parameters
    ----------
    merge : {merged label: [classes]}
    """
    merged = {part: name for name, parts in merge.items() for part in parts}
    names = [merged.get(name, name) for name in tested.classes]
    classes = sorted(set(names))
    places = np.searchsorted(np.array(classes, dtype=object), np.array(names, dtype=object))
    probabilities = np.zeros((len(tested.targets), len(classes)))
    np.add.at(probabilities, (slice(None), places), tested.probabilities)
    targets, predicted = places[tested.targets], places[tested.predicted]
    return Tested(tested.samples, tested.folds, targets, predicted, probabilities, classes)
