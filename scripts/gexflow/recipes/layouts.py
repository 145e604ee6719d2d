"""Layouts: which pixel of an image each gene takes."""

import anndata
import numpy as np
import pandas as pd

from gexflow.errors import InputError
from gexflow.recipes.layout_shape import layout_shape

_CHROMOSOMES = [*map(str, range(1, 23)), "X", "Y", "MT"]


def lay_out_features(features: anndata.AnnData, layout: dict) -> tuple[pd.DataFrame, str]:
    """Give every gene of a fold a pixel, in the way that the config names.

    Parameters
    ----------
    features : AnnData
        Of the fold; it may be on disk. A correlation layout is fitted on its training part alone, others on no value.
    layout : dict
        As in config.yaml, with `seed`.

    Returns
    -------
    pixels : DataFrame with columns gene (its id), row, column, in the order of the features
    note : str
        See `layout_note`.
    """
    genes, order = features.var, layout["order"]
    names = [symbol or gene for gene, symbol in genes["symbol"].astype(str).items()]
    known = {
        "places": genes[["chromosome", "start"]] if "chromosome" in genes else None,
        "values": features.X[:][(features.obs["part"] == "train").to_numpy()] if order == "correlation" else None,
    }
    method = {"method": layout["method"]} if order == "correlation" else {}
    pixels = lay_out_genes(names, order, layout["size"], layout["seed"], **known, **method)
    return pixels.assign(gene=genes.index), layout_note(order, **known)


def lay_out_genes(
    names: list[str],
    order: str,
    size: int | str | list[int],
    seed: int,
    places: pd.DataFrame | None = None,
    values: np.ndarray | None = None,
    method: str = "tsne",
) -> pd.DataFrame:
    """Give every gene a pixel of its own.

    In all orders but "correlation" genes stand row by row, and pixels left over at the end stay empty.

    Parameters
    ----------
    names : list of str
        One name a gene (its symbol or its id), in the order of the features.
    order : "alphabetical", "chromosome", "correlation" or "random"
        chromosome: 1 to 22, X, Y, MT, others by name; within one by start, then by name. Genes with a chromosome but no
        start stand at its end, those without a chromosome last of all, both by name. correlation: correlated genes
        close to each other, from `map_genes` and `split_to_pixels`; empty pixels are spread evenly.
    size : int, "auto" or [rows, columns]
    seed : int
        For the random order and the correlation map.
    places : DataFrame (genes), needed for "chromosome"
        `chromosome` ("" where unknown) and `start` (NaN where unknown).
    values : float array (training samples, genes), needed for "correlation"
        Of the fold's training part alone.
    method : "tsne" or "pca"
        Of the correlation map.

    Returns
    -------
    DataFrame with columns gene, row, column, in the order of the features.

    Raises
    ------
    InputError
        If there are more genes than pixels, or no gene has a place for the order "chromosome".
    """
    height, width = layout_shape(size, len(names))
    if len(names) > height * width:
        raise InputError(
            f"{len(names)} genes do not fit on {height} x {width} = {height * width} pixels: end the recipe with "
            f"`select_variance: {{top: {height * width}}}`, or set the layout's size to auto"
        )
    if order == "correlation":
        row, column = _pixels_by_correlation(values, height, width, method, seed)
    else:
        place = np.empty(len(names), dtype=int)
        place[_turn(names, order, seed, places)] = np.arange(len(names))
        row, column = place // width, place % width
    return pd.DataFrame({"gene": names, "row": row, "column": column})


def layout_note(order: str, places: pd.DataFrame | None = None, values: np.ndarray | None = None) -> str:
    """Say which genes a layout could not treat like the others; "" if there are none."""
    if order == "chromosome" and places is not None:
        chromosome, start = _places(places)
        unknown, startless = int((chromosome == "").sum()), int((np.isnan(start) & (chromosome != "")).sum())
        texts = [
            f"{unknown} of {len(places)} genes have no place and stand last" if unknown else "",
            f"{startless} have no start and stand at the end of their chromosome" if startless else "",
        ]
        return "; ".join(filter(None, texts))
    if order == "correlation" and values is not None:
        constant = int((values == values[:1]).all(axis=0).sum())
        return f"{constant} of {values.shape[1]} genes are constant and stand together" if constant else ""
    return ""


def _pixels_by_correlation(
    values: np.ndarray, height: int, width: int, method: str, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    # scikit-learn takes long to import and the other orders do not need it
    from gexflow.recipes.gene_map import map_genes
    from gexflow.recipes.median_split import split_to_pixels

    points = map_genes(values, method, seed)
    # what varies most runs along the longer side
    return split_to_pixels(points if height >= width else points[:, ::-1], height, width)


def _turn(names: list[str], order: str, seed: int, places: pd.DataFrame | None) -> np.ndarray:
    """Return the indices of the genes in the order in which they fill the rows."""
    if order == "random":
        return np.random.default_rng(seed).permutation(len(names))
    texts = np.asarray(names, dtype=str)
    if order == "alphabetical":
        return np.argsort(texts, kind="stable")
    chromosome, start = _places(places)
    if np.isnan(start).all():
        raise InputError(
            "no gene has a position for the chromosome layout: name a file with positions under the dataset's key "
            "`files.annotation` (GEO's platform annotation, a probe map or a table with the columns symbol, chromosome "
            "and start), or choose another `order` of the model's layout"
        )
    rank = pd.Categorical(chromosome, categories=_CHROMOSOMES).codes.astype(int)
    rank = np.where(chromosome == "", len(_CHROMOSOMES) + 1, np.where(rank < 0, len(_CHROMOSOMES), rank))
    others = np.where(rank == len(_CHROMOSOMES), chromosome, "")
    return np.lexsort((texts, np.nan_to_num(start, nan=np.inf), others, rank))


def _places(places: pd.DataFrame | None) -> tuple[np.ndarray, np.ndarray]:
    """Return chromosomes ("" where unknown) and starts (NaN where unknown, or where the chromosome is)."""
    if places is None:
        return np.empty(0, dtype=str), np.empty(0)
    chromosome = places["chromosome"].astype(str).to_numpy(dtype=str)
    return chromosome, np.where(chromosome == "", np.nan, places["start"].to_numpy(dtype=np.float64))
