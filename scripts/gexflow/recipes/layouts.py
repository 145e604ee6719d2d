"""Layouts: which pixel of a square image each gene takes."""

from math import ceil, sqrt

import numpy as np
import pandas as pd

from gexflow.errors import InputError


def lay_out_genes(names: list[str], order: str, size: int | str, seed: int) -> pd.DataFrame:
    """Give every gene a pixel of its own, row by row; pixels left over at the end stay empty.

    Parameters
    ----------
    names : list of str
        One name a gene (its symbol or its id), in the order of the features.
    order : "alphabetical" or "random"
    size : int or "auto"
        Side of the square in pixels; auto is the smallest square that holds all genes.
    seed : int
        For the random order.

    Returns
    -------
    DataFrame with columns gene, row, column, in the order of the features.

    Raises
    ------
    InputError
        If the square is too small.
    """
    side = side_of(size, len(names))
    if len(names) > side * side:
        raise InputError(
            f"{len(names)} genes do not fit on {side} x {side} = {side * side} pixels: end the recipe with "
            f"`select_variance: {{top: {side * side}}}`, or set the layout's size to auto"
        )
    if order == "alphabetical":
        turn = np.argsort(np.asarray(names, dtype=str), kind="stable")
    else:
        turn = np.random.default_rng(seed).permutation(len(names))
    place = np.empty(len(names), dtype=int)
    place[turn] = np.arange(len(names))
    return pd.DataFrame({"gene": names, "row": place // side, "column": place % side})


def side_of(size: int | str, genes: int) -> int:
    """Return the side in pixels of a layout's square: its size or, for auto, the smallest that holds all genes."""
    return ceil(sqrt(genes)) if size == "auto" else int(size)
