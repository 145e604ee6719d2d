"""Figures of the report as inline SVG: accuracy with its intervals, and confusion matrices."""

import re
from typing import Any

import numpy as np
from matplotlib import rc_context, rcParams
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gexflow.figure_style import ACCENT, FAINT, INK, MUTED, PAPER, SETTINGS, VARIABLES, save_svg
from gexflow.report.svg import inline_svg
from gexflow.report.words import interval, known, percent

SHADE = "#2f6f95"  # confusion matrices are small pictures, which know no variables: a tone for light and dark pages
MOST_CLASSES_WITH_ALL_COUNTS = 12


def interval_figure(
    models: list[dict[str, Any]], majority: float | None, bayes: float | None, name: str, label: str
) -> str:
    """Draw all models of a dataset side by side: mean fold accuracy and three 95 % intervals.

    Where the models lie far from zero, a narrow panel keeps the whole scale in sight and a wide one magnifies.

    Parameters
    ----------
    models : list of dict
        `name`, `reference`, `control` (it belongs to the row above), `folds` (list of float), `mean`, and
        `nadeau_bengio`, `student_t`, `bootstrap`: each a dict with `estimate`, `low`, `high`, or None.
    majority : float or None
        Accuracy of always naming the commonest class; a dashed line.
    bayes : float or None
        Best accuracy that any model can have, known for simulated cohorts; a dotted line.
    name, label : str
        The figure's id on the page, and its description.
    """
    low, high = _range(models, bayes)
    magnified = low > 0.4
    height = 1.0 + 0.46 * len(models)
    with rc_context(SETTINGS):
        figure = Figure(figsize=(9.2, height))
        bottom, top = 0.46 / height, 1 - 0.5 / height
        left = min(0.26, 0.03 + 0.0095 * max(map(len, _names(models)), default=5))
        right, gap = 0.815, 0.025
        split = left + 0.24 * (right - left) if magnified else left
        wide = figure.add_axes((split + gap * magnified, bottom, right - split - gap * magnified, top - bottom))
        panels = [(wide, (low, high) if magnified else (0, 1.01), True)]
        if magnified:
            narrow = figure.add_axes((left, bottom, split - left, top - bottom))
            panels.append((narrow, (0, 1.01), False))
        for axes, limits, detailed in panels:
            _panel(axes, models, limits, detailed, majority, bayes)
        panels[-1][0].set_yticks(range(len(models)), _names(models))
        for text, model in zip(panels[-1][0].get_yticklabels(), models, strict=True):
            text.set_color(MUTED if model["control"] else INK)
        wide.set_xlabel("accuracy on test samples, %" + (" (magnified)" if magnified else ""))
        if magnified:
            narrow.set_xlabel("whole scale")
        _estimates(wide, models)
        _legend(figure, majority, bayes)
        return _inline(figure, name, label)


def _names(models: list[dict[str, Any]]) -> list[str]:
    return [f"control: {model['name']}" if model["control"] else model["name"] for model in models]


def _range(models: list[dict[str, Any]], bayes: float | None) -> tuple[float, float]:
    """Return limits that hold everything but the majority model, which would squeeze all others."""
    values = [bayes] if known(bayes) else []
    for model in models:
        if model["name"] == "majority" and len(models) > 1:
            continue
        values += [*model["folds"], model["mean"]]
        for method in ("nadeau_bengio", "student_t", "bootstrap"):
            values += [model[method][end] for end in ("low", "high")] if model[method] else []
    values = [value for value in values if known(value)] or [0.0, 1.0]
    margin = max(0.06 * (max(values) - min(values)), 0.004)
    return max(0.0, min(values) - margin), max(values) + margin


def _panel(
    axes: Any,
    models: list[dict[str, Any]],
    limits: tuple[float, float],
    detailed: bool,
    majority: float | None,
    bayes: float | None,
) -> None:
    for value, style in ((majority, (0, (5, 3))), (bayes, (0, (1, 1.6)))):
        if known(value) and limits[0] <= value <= limits[1]:
            axes.axvline(value, color=INK, linewidth=0.9, linestyle=style, zorder=1)
    for row, model in enumerate(models):
        colour = MUTED if model["reference"] else ACCENT
        if not known(model["mean"]):
            continue
        _bar(axes, model["nadeau_bengio"], row, colour, 4.5, alpha=0.2 if model["control"] else 0.45)
        if detailed:
            dots = model["folds"]
            axes.plot(dots, [row - 0.24] * len(dots), "o", color=colour, alpha=0.35, markersize=3, markeredgewidth=0)
            _bar(axes, model["student_t"], row + 0.17, INK, 0.9)
            _ends(axes, model["student_t"], row + 0.17)
            _bar(axes, model["bootstrap"], row + 0.33, MUTED, 0.9, style=(0, (2, 1.2)))
            if model["bootstrap"] and known(model["bootstrap"].get("estimate")):
                axes.plot(model["bootstrap"]["estimate"], row + 0.33, "D", color=MUTED, markersize=3, markeredgewidth=0)
        look = {"markerfacecolor": PAPER, "markeredgewidth": 1} if model["control"] else {"markeredgewidth": 0}
        axes.plot(model["mean"], row, "o", color=colour, markersize=4.5, zorder=4, **look)
    for row in range(len(models) - 1):
        axes.axhline(row + 0.5, color=FAINT, linewidth=0.5, zorder=0)
    axes.set_xlim(limits)
    axes.set_ylim(len(models) - 0.5, -0.5)
    axes.set_yticks([])
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}" if value <= 1 else "")
    if limits == (0, 1.01):
        axes.set_xticks([0, 0.5, 1] if not detailed else [0, 0.2, 0.4, 0.6, 0.8, 1])
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)


def _bar(axes: Any, row: dict[str, Any] | None, y: float, colour: str, width: float, **look: Any) -> None:
    if row and known(row["low"]) and known(row["high"]):
        style = look.pop("style", "solid")
        line = axes.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=width, linestyle=style, **look)
        line[0].set_solid_capstyle("butt")


def _ends(axes: Any, row: dict[str, Any] | None, y: float) -> None:
    if row and known(row["low"]) and known(row["high"]):
        axes.plot([row["low"], row["high"]], [y, y], "|", color=INK, markersize=4, markeredgewidth=0.9)


def _estimates(axes: Any, models: list[dict[str, Any]]) -> None:
    """Write the numbers beside the rows, so that nobody has to read them off an axis."""
    right = axes.get_yaxis_transform()
    for row, model in enumerate(models):
        text = f"{percent(model['mean'], 2)} {interval(model['nadeau_bengio'], 2)}"
        axes.text(1.02, row, text, transform=right, va="center", ha="left")
    axes.text(1.02, -0.62, "mean, Nadeau-Bengio", transform=right, va="bottom", ha="left", color=MUTED)


def _legend(figure: Figure, majority: float | None, bayes: float | None) -> None:
    handles = [
        Line2D([], [], color=ACCENT, linewidth=4.5, alpha=0.45, label="Nadeau-Bengio"),
        Line2D([], [], color=INK, linewidth=0.9, marker="|", markersize=4, label="Student t"),
        Line2D(
            [],
            [],
            color=MUTED,
            linewidth=0.9,
            marker="D",
            markersize=3,
            linestyle=(0, (2, 1.2)),
            label="bootstrap, pooled",
        ),
        Line2D([], [], color=ACCENT, linewidth=0, marker="o", markersize=3, alpha=0.35, label="one fold"),
    ]
    if known(majority):
        label = f"majority {percent(majority)}"
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (5, 3)), label=label))
    if known(bayes):
        label = f"Bayes {percent(bayes)}"
        handles.append(Line2D([], [], color=INK, linewidth=0.9, linestyle=(0, (1, 1.6)), label=label))
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), frameon=False, handlelength=2.4)


def confusion_figure(classes: list[str], counts: list[list[int]], name: str, label: str) -> str:
    """Draw a confusion matrix: one row a true class, shade = share of the row, numbers = samples.

    With more than twelve classes, cells below one percent of their row carry no number.

    Parameters
    ----------
    classes : list of str
        Names of the rows and columns.
    counts : list of list of int
        Samples; rows are labels, columns are predictions.
    name, label : str
        The figure's id on the page, and its description.
    """
    table = np.asarray(counts, dtype=float)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    many = len(classes) > MOST_CLASSES_WITH_ALL_COUNTS
    cell = 0.2 if many else 0.42
    side = cell * len(classes)
    shown = [text if len(text) <= 24 else text[:23] + "…" for text in classes]
    margin = 0.4 + (0.056 if many else 0.067) * max(map(len, shown))
    width, height = side + margin + 0.1, side + margin + 0.1
    with rc_context({**SETTINGS, "font.size": 6.5 if many else 8}):
        figure = Figure(figsize=(width, height))
        axes = figure.add_axes((margin / width, margin / height, side / width, side / height))
        axes.imshow(_shades(share), interpolation="none", aspect="auto")
        ticks = range(len(classes))
        axes.set_xticks(ticks, shown, rotation=90 if many or max(map(len, shown)) > 5 else 0)
        if many or max(map(len, shown)) > 5:
            for text in axes.get_xticklabels():
                text.set(ha="right", va="center", rotation_mode="anchor")
        axes.set_yticks(ticks, shown)
        axes.tick_params(length=0, pad=3)
        axes.set_xlabel("predicted")
        axes.set_ylabel("label")
        _numbers(axes, table, share, least=0.01 if many else 0.0)
        return _inline(figure, name, label)


def _shades(share: np.ndarray) -> np.ndarray:
    """Return one colour with the share as opacity; small shares are lifted, or single errors would be invisible."""
    picture = np.empty((*share.shape, 4))
    picture[..., :3] = to_rgb(SHADE)
    picture[..., 3] = np.where(share > 0, 0.15 + 0.8 * share, 0.0)
    return picture


def _numbers(axes: Any, table: np.ndarray, share: np.ndarray, least: float) -> None:
    for row, column in np.argwhere((table > 0) & (share >= least)):
        colour = "#ffffff" if share[row, column] > 0.55 else INK
        text = f"{table[row, column]:.0f}"
        axes.text(column, row, text, ha="center", va="center_baseline", color=colour)


def _inline(figure: Figure, name: str, label: str) -> str:
    return page_drawing(save_svg(figure), name, label, rcParams["font.size"])


def page_drawing(source: str, name: str, label: str, font_size: float = SETTINGS["font.size"]) -> str:
    """Make a drawing in the common style part of the page: it takes over the page's colours and font.

    Parameters
    ----------
    source : str
        From `save_svg`.
    name, label : str
        The figure's id on the page, and its description.
    font_size : float
        Of most of its texts.
    """
    drawing = inline_svg(source, name, label, compact=True)
    for stand_in, variable in VARIABLES.items():
        drawing = drawing.replace(stand_in, variable)
    # What most texts share is said once; the page's style sheet gives family and colour.
    size = f"font-size: {font_size:g}px"
    drawing = drawing.replace("; font-family: 'DejaVu Sans', sans-serif", "").replace("; fill: var(--ink)", "")
    drawing = re.sub(
        rf' style="{size}(?:; )?([^"]*)"', lambda found: f' style="{found[1]}"' if found[1] else "", drawing
    )
    return drawing.replace("<svg ", f'<svg style="{size}" ', 1)
