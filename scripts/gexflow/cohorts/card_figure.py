"""The figure of a cohort card: class sizes, library sizes or values, and a map of the samples."""

import colorsys
from collections import Counter
from typing import Any

import anndata
import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import EngFormatter, NullFormatter

from gexflow.cohorts.label_places import spread_labels
from gexflow.cohorts.rank_map import rank_map
from gexflow.figure_style import ACCENT, FAINT, INK, MUTED, PAPER, SETTINGS, save_svg

MOST_IN_LEGEND = 10
MOST_BATCHES = 12
MANY_POINTS = 3000  # a coarser picture without mixed colours keeps the drawing below 300 kB
MOST_DRAWN_POINTS = 800  # of more samples the points become a small picture inside the drawing
OTHERS = "#9aa0a3"
_GROUND = {"boxstyle": "square,pad=0.05", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.7}
_WIDTH, _MAP, _TOP, _GAP, _DPI = 9.2, 3.7, 0.3, 0.55, 105


def draw_card(cohort: anndata.AnnData, card: dict) -> str:
    """Draw the card of a cohort.

    Parameters
    ----------
    cohort : AnnData
        From `build_cohort`.
    card : dict
        From `describe`.

    Returns
    -------
    str
        An SVG document; the same cohort gives the same bytes.
    """
    labels = cohort.obs["label"].astype(str).to_numpy()
    batches = cohort.obs["batch"].astype(str).replace("", "unknown").to_numpy() if "batch" in cohort.obs else None
    rows = 0.17 * max(len(card["classes"]), 3)
    legend = 0.0 if len(card["classes"]) > MOST_IN_LEGEND and batches is None else 0.55
    height = _TOP + rows + _GAP + _TOP + _MAP + 0.35 + legend
    with rc_context(SETTINGS):
        figure = Figure(figsize=(_WIDTH, height))
        _draw_classes(figure, card, rows, height)
        places, shares = rank_map(cohort.X)
        below = (0.35 + legend) / height
        width = 0.93 if batches is None else 0.435
        left = figure.add_axes((0.055, below, width, _MAP / height))
        _draw_map(left, places, shares, labels, _class_colours(list(card["classes"])), "class")
        if len(card["classes"]) > MOST_IN_LEGEND:
            _name_classes(left, places, labels)
        else:
            _legend(left, _class_colours(list(card["classes"])))
        if batches is not None:
            right = figure.add_axes((0.555, below, width, _MAP / height))
            colours = _batch_colours(batches)
            _draw_map(right, places, shares, batches, colours, "batch")
            _legend(right, colours, len(set(batches)) - len(colours))
        return save_svg(figure, dpi=_DPI if len(labels) <= MANY_POINTS else 0.7 * _DPI)


def _draw_classes(figure: Figure, card: dict, rows: float, height: float) -> None:
    """Draw the sizes of the classes and, on the same rows, five quantiles of their libraries or values."""
    names = list(card["classes"])
    shown = [name if len(name) <= 24 else name[:23] + "\u2026" for name in names]
    start = 0.03 + 0.0085 * max(map(len, shown))
    bottom = 1 - (_TOP + rows) / height
    middle = start + 0.46 * (0.985 - start)
    sizes = figure.add_axes((start, bottom, middle - start - 0.05, rows / height))
    places = np.arange(len(names))
    counts = list(card["classes"].values())
    sizes.barh(places, counts, height=0.62, color=ACCENT, alpha=0.75)
    for place, count in zip(places, counts, strict=True):
        sizes.text(count, place, f" {count:,}", va="center", color=MUTED, fontsize=6.5)
    sizes.set_xlim(0, 1.12 * max(counts))
    sizes.set_yticks(places, shown)
    sizes.set_title("Samples of each class", loc="left", fontsize=8)
    spread = figure.add_axes((middle, bottom, 0.985 - middle, rows / height))
    distribution = card["distribution"]
    for place, name in enumerate(names):
        low, quarter, median, three, high = distribution["classes"][name]
        spread.plot([low, high], [place, place], color=MUTED, linewidth=0.8)
        spread.plot([quarter, three], [place, place], color=ACCENT, linewidth=4, alpha=0.55, solid_capstyle="butt")
        spread.plot([median], [place], "|", color=INK, markersize=6, markeredgewidth=1.2)
    everything = np.array(list(distribution["classes"].values()))
    if card["scale"] in ("counts", "linear") and everything.min() > 0 and everything.max() > 30 * everything.min():
        spread.set_xscale("log")
        spread.xaxis.set_minor_formatter(NullFormatter())
    if spread.get_xscale() == "log" or everything.max() >= 10_000:
        spread.xaxis.set_major_formatter(EngFormatter(sep=" "))
    spread.set_yticks([])
    unit = "Library sizes" if distribution["of"] == "library sizes" else f"Values of a sample ({card['scale']})"
    spread.set_title(f"{unit}: 5, 25, 50, 75, 95 %", loc="left", fontsize=8)
    for axes in (sizes, spread):
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelsize=7)
        axes.tick_params(axis="x", labelsize=7)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)


def _draw_map(
    axes: Any, places: np.ndarray, shares: np.ndarray, names: np.ndarray, colours: dict[str, str], what: str
) -> None:
    rasterized = len(places) > MOST_DRAWN_POINTS
    size = float(np.clip(220 / np.sqrt(len(places)) / 5, 1.6, 4.5))
    drawn = [("", OTHERS), *colours.items()] if set(names) - set(colours) else colours.items()
    for name, colour in drawn:
        rows = ~np.isin(names, list(colours)) if name == "" else names == name
        alpha = 0.35 if name == "" else 0.75 if len(places) <= MANY_POINTS else 1
        axes.plot(
            *places[rows].T, "o", color=colour, markersize=size, markeredgewidth=0, alpha=alpha, rasterized=rasterized
        )
    axes.set_title(f"Map of the samples, coloured by {what}", loc="left", fontsize=8)
    axes.set_xlabel(f"ranks, component 1 ({100 * shares[0]:.0f} % of the variance)", fontsize=7)
    axes.set_ylabel(f"component 2 ({100 * shares[1]:.0f} %)", fontsize=7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.margins(0.06)
    for spine in axes.spines.values():
        spine.set_color(FAINT)


def _class_colours(names: list[str]) -> dict[str, str]:
    """Give every class a hue of its own; neighbours in the list differ much, and lightness varies too."""
    colours = {}
    for number, name in enumerate(names):
        hue = (0.56 + number * 0.618034) % 1
        lightness = (0.5, 0.4, 0.6)[number % 3] if len(names) > MOST_IN_LEGEND else 0.5
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.6))
        colours[name] = f"#{red:02x}{green:02x}{blue:02x}"
    return colours


def _batch_colours(batches: np.ndarray) -> dict[str, str]:
    """Give the largest batches a colour."""
    sizes = sorted(Counter(batches.tolist()).items(), key=lambda item: (-item[1], item[0]))
    return _class_colours([name for name, _ in sizes[:MOST_BATCHES]])


def _legend(axes: Any, colours: dict[str, str], others: int = 0) -> None:
    handles = [Line2D([], [], marker="o", linewidth=0, markersize=4, color=colour) for colour in colours.values()]
    names = [name if len(name) <= 18 else name[:17] + "\u2026" for name in colours]
    if others > 0:
        handles.append(Line2D([], [], marker="o", linewidth=0, markersize=4, color=OTHERS, alpha=0.6))
        names.append(f"{others} more")
    columns = max(1, min(7, int(72 // (max(map(len, names)) + 5))))
    axes.legend(
        handles, names, loc="upper left", bbox_to_anchor=(-0.02, -0.07), ncols=columns, frameon=False, fontsize=6.5,
        handletextpad=0.1, columnspacing=0.9, labelspacing=0.25,
    )  # fmt: skip


def _name_classes(axes: Any, places: np.ndarray, labels: np.ndarray) -> None:
    """Write the names of the classes at their middles, moved apart where they would overlap."""
    names = sorted(set(labels.tolist()))
    middles = np.array([np.median(places[labels == name], axis=0) for name in names])
    low, high = places.min(axis=0), places.max(axis=0)
    middles = (middles - low) / np.where(high > low, high - low, 1)
    wide = axes.get_position().width
    sizes = np.array([[0.0074 / wide * len(name[:12]) + 0.01, 0.036] for name in names])
    for name, middle in zip(names, spread_labels(middles, sizes), strict=True):
        axes.text(
            *(low + middle * (high - low)),
            name[:12],
            ha="center",
            va="center",
            fontsize=6.5,
            weight="bold",
            bbox=_GROUND,
        )
