"""A share of every class, in whole groups."""

import numpy as np
import pandas as pd


def take_groups(
    labels: np.ndarray, groups: np.ndarray, among: np.ndarray, share: float, random: np.random.Generator
) -> np.ndarray:
    """Choose whole groups until every class has given its share of samples; every class keeps at least one group.

    Parameters
    ----------
    labels, groups : str arrays (samples,)
    among : bool array (samples,)
        The samples to choose from.
    share : float
        Of the samples of each class, rounded.
    random : Generator

    Returns
    -------
    bool array (samples,)
        It does not depend on the order of the samples.
    """
    chosen = np.zeros(len(labels), dtype=bool)
    if share == 0:
        return chosen
    table = pd.DataFrame({"group": groups[among], "label": labels[among]})
    counts = pd.crosstab(table["group"], table["label"])
    samples, kept = counts.to_numpy(), (counts > 0).sum().to_numpy()
    room = np.round(share * samples.sum(axis=0)).astype(int)
    taken = []
    for index in random.permutation(len(counts)):
        row = samples[index]
        present = row > 0
        if (row <= room).all() and (kept[present] > 1).all():
            room, kept = room - row, kept - present
            taken.append(counts.index[index])
    chosen[among] = table["group"].isin(taken).to_numpy()
    return chosen
