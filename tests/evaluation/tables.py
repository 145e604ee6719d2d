"""Made predictions for the tests of evaluation."""

import numpy as np
import pandas as pd


def make_predictions(
    seed: int, samples: int = 90, classes: str = "abc", folds: int = 5, right: float = 0.8, repeats: int = 1
) -> pd.DataFrame:
    """Return a table of predictions whose classes are of different sizes."""
    labels = np.array(list(classes))[np.arange(samples) ** 2 % 7 % len(classes)]
    tables = []
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat])
        odds = rng.gamma(1.0, size=(samples, len(classes))) + 1e-3
        own = rng.random(samples) < right
        place = np.searchsorted(np.array(list(classes)), labels)
        odds[np.arange(samples), place] += np.where(own, 3.0, 0.0)
        probabilities = np.round(odds / odds.sum(axis=1, keepdims=True), 9)
        table = pd.DataFrame({"sample": [f"s{i:04d}" for i in range(samples)]})
        table["fold"] = np.random.default_rng(repeat).permutation(samples) % folds + 1 + repeat * folds
        table["part"], table["label"] = "test", labels
        table["predicted"] = np.array(list(classes))[probabilities.argmax(axis=1)]
        for number, name in enumerate(classes):
            table[f"p:{name}"] = probabilities[:, number]
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def answer(table: pd.DataFrame, predicted) -> pd.DataFrame:
    """Return the table with other answers, each fully trusted."""
    table = table.assign(predicted=list(predicted))
    for name in (column for column in table if column.startswith("p:")):
        table[name] = (table["predicted"] == name.removeprefix("p:")).astype(float)
    return table
