"""The per-class heat map of a model's attributions."""

import io

import matplotlib
import numpy as np
import pandas as pd

matplotlib.use("svg")
import matplotlib.pyplot as plt


def draw_heatmap(genes: pd.DataFrame, top: int) -> str:
    """Draw classes x genes, coloured by mean attribution, as SVG.

    Parameters
    ----------
    genes : DataFrame of `rank_genes`
    top : int
        Genes of each class that are shown; every class gets a value for all of them.
    """
    classes = list(dict.fromkeys(genes["class"]))
    shown = list(dict.fromkeys(genes.loc[genes["rank"] <= top, "gene"]))
    table = genes.pivot(index="class", columns="gene", values="mean_attribution").reindex(index=classes, columns=shown)
    names = genes.drop_duplicates("gene").set_index("gene")["symbol"].reindex(shown)
    labels = [symbol or gene for gene, symbol in names.items()]
    bound = float(np.nanmax(np.abs(table.to_numpy()))) or 1.0
    settings = {"svg.fonttype": "none", "svg.hashsalt": "gexflow", "font.family": "sans-serif", "font.size": 8}
    with plt.rc_context(settings):
        width = min(1.5 + 0.17 * len(shown), 24)
        figure, axes = plt.subplots(figsize=(width, 1.4 + 0.24 * len(classes)), layout="constrained")
        mesh = axes.imshow(table, cmap="RdBu_r", vmin=-bound, vmax=bound, aspect="auto", interpolation="nearest")
        axes.set_facecolor("0.85")
        axes.set_yticks(range(len(classes)), classes)
        axes.set_xticks(range(len(shown)), labels, rotation=90, fontsize=min(8, 8 * 60 / max(len(shown), 60)))
        axes.set_ylabel("predicted class")
        axes.tick_params(length=0)
        figure.colorbar(mesh, ax=axes, label="mean attribution (logit)", pad=0.01, aspect=12)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
        plt.close(figure)
    return text.getvalue()
