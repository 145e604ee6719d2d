"""Learning curves: loss and accuracy of every network by epoch, fold by fold, its controls in the same panel."""

from typing import Any

import matplotlib.ticker as ticker
import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gexflow.figure_style import ACCENT, FAINT, INK, SETTINGS, save_svg
from gexflow.report.controls import is_control, naming
from gexflow.report.figures import page_drawing
from gexflow.variants import base_of

VALIDATION = "#b0692a"  # readable on light and dark pages
DASHES = ((0, (4, 1.6)), (0, (1, 1.2)), (0, (5, 1.4, 1, 1.4)), (0, (9, 2)))
ACROSS = 5
_WIDTH, _ROW, _LEFT, _TOP, _BLOCK = 9.2, 1.15, 0.5, 0.32, 0.55  # inches
_QUANTITIES = (("loss", 1), ("accuracy", 100))


def curves_figure(models: list[dict[str, Any]], name: str, label: str) -> str:
    """Draw the learning curves of all networks of a dataset as small multiples.

    A column a network: loss above, accuracy below, each on one scale for all networks. A thin line is a fold, a thick
    one the median of folds; of controls there is the median alone, dashed.

    Parameters
    ----------
    models : list of dict
        `name`, `reference` and `histories`: one table a fold with epoch, loss, accuracy and, where there are validation
        samples, validation_loss and validation_accuracy.
    name, label : str
        The figure's id on the page, and its description.
    """
    networks = [model for model in models if not is_control(model)]
    controls = [model for model in models if is_control(model)]
    kinds = list(dict.fromkeys(naming(model)["name"] for model in controls))
    styles = {kind: DASHES[place % len(DASHES)] for place, kind in enumerate(kinds)}
    scales = {quantity: _scale(models, quantity, factor) for quantity, factor in _QUANTITIES}
    blocks = [networks[start : start + ACROSS] for start in range(0, len(networks), ACROSS)]
    height = _TOP + len(blocks) * (2 * _ROW + _BLOCK)
    with rc_context({**SETTINGS, "font.size": 7, "path.simplify_threshold": 0.3}):
        figure = Figure(figsize=(_WIDTH, height))
        width = (_WIDTH - _LEFT - 0.1) / max(2, len(blocks[0]))
        for number, block in enumerate(blocks):
            top = height - _TOP - number * (2 * _ROW + _BLOCK) - 0.1
            for column, network in enumerate(block):
                own = [model for model in controls if base_of(model["name"]) == network["name"]]
                for row, (quantity, factor) in enumerate(_QUANTITIES):
                    place = (_LEFT + column * width, top - (row + 1) * _ROW, width - 0.12, _ROW - 0.1)
                    axes = figure.add_axes(np.divide(place, (_WIDTH, height, _WIDTH, height)).tolist())
                    _panel(axes, network, own, styles, quantity, factor)
                    _frame(axes, scales[quantity], quantity, first=column == 0, last=row == 1)
                    if row == 0:
                        axes.set_title(network["name"], loc="left", fontsize=8, pad=3)
        _legend(figure, styles, validated=any(_has(model, "validation_loss") for model in networks))
        return page_drawing(save_svg(figure), name, label, 7)


def median_curve(histories: list[pd.DataFrame], column: str) -> pd.Series:
    """Return the median over folds by epoch, as long as at least half of the folds still trained."""
    folds = pd.concat([table.set_index("epoch")[column] for table in histories], axis=1)
    enough = folds.notna().sum(axis=1) >= len(histories) / 2
    return folds[enough].median(axis=1)


def _has(model: dict[str, Any], column: str) -> bool:
    return bool(model["histories"]) and all(column in table for table in model["histories"])


def _panel(
    axes: Any,
    network: dict[str, Any],
    controls: list[dict[str, Any]],
    styles: dict[str, Any],
    quantity: str,
    factor: int,
) -> None:
    for column, colour in ((quantity, ACCENT), (f"validation_{quantity}", VALIDATION)):
        if not _has(network, column):
            continue
        _line(axes, *_all_folds(network["histories"], column, factor), color=colour, linewidth=0.5, alpha=0.4)
        median = median_curve(network["histories"], column)
        _line(axes, median.index, factor * median, color=colour, linewidth=1.7)
    for control in controls:
        if _has(control, quantity):
            median = median_curve(control["histories"], quantity)
            style = styles[naming(control)["name"]]
            _line(axes, median.index, factor * median, color=INK, linewidth=1, linestyle=style)


def _all_folds(histories: list[pd.DataFrame], column: str, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Return epochs and values of all folds behind one another, with a gap after each: they are drawn as one line."""
    gap = np.full((1, 2), np.nan)
    points = np.concatenate([part for table in histories for part in (table[["epoch", column]].to_numpy(), gap)])
    return points[:, 0], factor * points[:, 1]


def _line(axes: Any, epochs: Any, values: Any, **look: Any) -> None:
    """Draw a curve; one of a single epoch is a point. No clipping: the limits hold all curves."""
    marker = {"marker": "o", "markersize": 2.5, "markeredgewidth": 0} if np.nanmax(epochs) == 1 else {}
    axes.plot(epochs, values, solid_capstyle="round", clip_on=False, **look, **marker)


def _scale(models: list[dict[str, Any]], quantity: str, factor: int) -> tuple[float, float, bool]:
    """Return limits that hold all curves of a quantity, and whether the scale is logarithmic."""
    columns = (quantity, f"validation_{quantity}")
    values = [table[name].to_numpy() for m in models for table in m["histories"] for name in columns if name in table]
    everything = factor * np.concatenate(values)
    low, high = float(everything.min()), float(everything.max())
    if quantity == "loss" and 0 < low < high / 20:
        return low / 1.3, high * 1.3, True
    margin = 0.05 * (high - low) or 0.05 * factor
    return low - margin, high + margin, False


def _frame(axes: Any, scale: tuple[float, float, bool], quantity: str, first: bool, last: bool) -> None:
    low, high, logarithmic = scale
    if logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
    axes.set_ylim(low, high)
    axes.grid(axis="y", color=FAINT, linewidth=0.5)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(ticker.MaxNLocator(4, integer=True))
    axes.tick_params(length=2, labelsize=6.5, labelbottom=last, labelleft=first)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if first:
        axes.set_ylabel({"loss": "loss", "accuracy": "accuracy, %"}[quantity] + (" (log)" if logarithmic else ""))
    if last:
        axes.set_xlabel("epoch", labelpad=1)


def _legend(figure: Figure, styles: dict[str, Any], validated: bool) -> None:
    handles = [
        Line2D([], [], color=ACCENT, linewidth=0.5, alpha=0.6, label="training, one fold"),
        Line2D([], [], color=ACCENT, linewidth=1.7, label="median of folds"),
    ]
    if validated:
        handles.append(Line2D([], [], color=VALIDATION, linewidth=1.7, label="validation, median of folds"))
    for kind, style in styles.items():
        handles.append(Line2D([], [], color=INK, linewidth=1, linestyle=style, label=f"control: {kind}"))
    figure.legend(
        handles=handles, loc="upper left", ncols=len(handles), frameon=False, handlelength=2.6, columnspacing=1.4
    )
