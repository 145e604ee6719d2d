"""The per-class heat map of a model's attributions."""

import io

import matplotlib
import numpy as np
import pandas as pd

from gexflow.errors import plain
from gexflow.figure_style import NO_METADATA, SETTINGS

matplotlib.use("svg")
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

_CELL = 11 / 72, 17 / 72  # width and height in inches, whole pixels of an SVG: room for a name of eight points
_BAR = 1.3, 0.09  # width and height of the colour bar in inches, whatever the map's size
_ABOVE = 0.22  # inches from the map to the colour bar
_MARGIN = 0.06


def draw_heatmap(genes: pd.DataFrame, top: int) -> str:
    """Draw classes x genes, coloured by mean attribution, as SVG.

    Parameters
    ----------
    genes : DataFrame of `rank_genes`
    top : int
        Genes of each class that are shown; every class gets a value for all of them.
    """
    with plt.rc_context(SETTINGS):
        figure, text = heatmap_figure(genes, top), io.StringIO()
        figure.savefig(text, format="svg", metadata=NO_METADATA)
        plt.close(figure)
    return text.getvalue()


def heatmap_figure(genes: pd.DataFrame, top: int) -> Figure:
    """Return the drawing of `draw_heatmap`: cells of one size, on a canvas as large as they and all names need."""
    classes = list(dict.fromkeys(genes["class"]))
    shown = list(dict.fromkeys(genes.loc[genes["rank"] <= top, "gene"]))
    table = genes.pivot(index="class", columns="gene", values="mean_attribution").reindex(index=classes, columns=shown)
    symbols = genes.drop_duplicates("gene").set_index("gene")["symbol"].reindex(shown)
    bound = float(np.nanmax(np.abs(table.to_numpy()))) or 1.0
    figure = plt.figure(figsize=(1, 1))  # so that places are inches until the names are measured
    width, height = _CELL[0] * len(shown), _CELL[1] * len(classes)
    axes = figure.add_axes((0, 0, width, height), facecolor="0.85")
    mesh = axes.imshow(table, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(classes)), [plain(name) for name in classes])
    axes.set_xticks(range(len(shown)), [plain(symbol or gene) for gene, symbol in symbols.items()], rotation=90)
    axes.tick_params(length=0)
    near = {"xycoords": "axes fraction", "textcoords": "offset points"}
    axes.annotate("predicted class", (0, 1), (-3.5, 4), ha="right", **near)
    bar = figure.add_axes((0, height + _ABOVE, *_BAR))
    figure.colorbar(mesh, cax=bar, orientation="horizontal", ticks=[-bound, 0, bound], format="%.2g")
    bar.xaxis.set_ticks_position("top")
    bar.tick_params(length=2)
    bar.annotate("mean attribution (logit)", (1, 0.5), (14, 0), va="center", **near)
    _fit(figure)
    return figure


def _fit(figure: Figure) -> None:
    """Make the canvas of a figure of one square inch as large as what it shows, and move that into it."""
    box = figure.get_tightbbox().padded(_MARGIN)
    figure.set_size_inches(box.width, box.height)
    for axes in figure.axes:
        x, y, width, height = axes.get_position(original=True).bounds
        axes.set_position(((x - box.x0) / box.width, (y - box.y0) / box.height, width / box.width, height / box.height))
