"""Samples as the pictures that image networks see: genes on the pixels of a layout."""

import numpy as np


def first_test_samples(labels: np.ndarray, parts: np.ndarray) -> dict[str, int]:
    """Return the row of the first test sample of each class that has one, in the order of the classes' names.

    Parameters
    ----------
    labels, parts : str arrays (samples,)
    """
    found: dict[str, int] = {}
    for row in np.flatnonzero(parts == "test"):
        found.setdefault(str(labels[row]), int(row))
    return dict(sorted(found.items()))


def scatter_genes(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Put gene values on their pixels.

    Parameters
    ----------
    values : float array (samples, genes)
    rows, columns : int arrays (genes,)
        From `lay_out_genes`.
    shape : (int, int)
        Height and width in pixels.

    Returns
    -------
    float32 array (samples, height, width), NaN on pixels without a gene, which the network sees as 0.
    """
    images = np.full((len(values), *shape), np.nan, dtype=np.float32)
    images[:, rows, columns] = values
    return images
