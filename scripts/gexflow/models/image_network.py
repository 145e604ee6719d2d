"""An image network as the config describes it: layout, image size, weights."""

from pathlib import Path

import pandas as pd

from gexflow.models.backbones import BACKBONES, ImageNetwork
from gexflow.models.gene_image import GeneImage
from gexflow.models.weights import load_imagenet
from gexflow.recipes.layout_shape import layout_shape


def build_image_network(
    settings: dict, layout: pd.DataFrame, n_classes: int, weights: Path | None, expected: str
) -> ImageNetwork:
    """Build a backbone on gene vectors.

    Parameters
    ----------
    settings : dict
        network, layout {order, size}, image_size ("native", "published" or pixels).
    layout : DataFrame of gene, row, column
    n_classes : int
    weights : Path or None
        Checked file of ImageNet weights, or None for random ones.
    expected : str
        First hex digits (or all) of that file's sha256.
    """
    backbone = BACKBONES[settings["network"]]
    shape = layout_shape(settings["layout"]["size"], len(layout))
    resize = {"native": None, "published": backbone.published_side}.get(settings["image_size"], settings["image_size"])
    image = GeneImage(layout["row"], layout["column"], shape, resize, *backbone.normalisation)
    fill = None if weights is None else lambda network: load_imagenet(network, weights, expected)
    return ImageNetwork(settings["network"], image, n_classes, fill)
