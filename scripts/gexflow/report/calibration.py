"""Calibration as small multiples: what probabilities are worth, and what unanswered samples gain."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from gexflow.figure_style import ACCENT, FAINT, SETTINGS, save_svg
from gexflow.report.curves import VALIDATION
from gexflow.report.figures import page_drawing
from gexflow.report.words import number, percent

AS_IS, SCALED = "as predicted", "temperature"  # of the tables of the stage evaluation
_COLOURS = {AS_IS: ACCENT, SCALED: VALIDATION}
_ACROSS, _WIDTH, _PANEL, _LEFT, _TOP, _BLOCK = 5, 9.2, 1.05, 0.5, 0.42, 0.9  # inches


def calibration_figure(models: list[dict[str, Any]], name: str, label: str) -> str:
    """Draw a column a model: its reliability diagram above, accuracy by the share of samples answered below.

    Parameters
    ----------
    models : list of dict
        `name`, `calibration` and `rejection`: rows as the tables of the stage evaluation.
    name, label : str
        The figure's id on the page, and its description.
    """
    blocks = [models[start : start + _ACROSS] for start in range(0, len(models), _ACROSS)]
    lowest = min((row["accuracy"] for model in models for row in model["rejection"]), default=0.0)
    height = _TOP + len(blocks) * (2 * _PANEL + _BLOCK)
    with rc_context({**SETTINGS, "font.size": 7}):
        figure = Figure(figsize=(_WIDTH, height))
        width = (_WIDTH - _LEFT - 0.1) / max(2, len(blocks[0]))
        for number_of_block, block in enumerate(blocks):
            top = height - _TOP - number_of_block * (2 * _PANEL + _BLOCK)
            for column, model in enumerate(block):
                for row, draw in enumerate((_reliability, _rejection)):
                    place = (_LEFT + column * width, top - _PANEL - row * (_PANEL + 0.42), width - 0.16, _PANEL)
                    axes = figure.add_axes(np.divide(place, (_WIDTH, height, _WIDTH, height)).tolist())
                    draw(axes, model, lowest)
                    _frame(axes, first=column == 0)
                    if row == 0:
                        axes.set_title(model["name"], loc="left", fontsize=8, pad=3)
        _legend(figure, any(_of(model["calibration"], SCALED) for model in models))
        return page_drawing(save_svg(figure), name, label, 7)


def _of(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["probabilities"] == kind]


def _reliability(axes: Any, model: dict[str, Any], lowest: float) -> None:
    axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8)
    for kind, colour in _COLOURS.items():
        rows = _of(model["calibration"], kind)
        x, y = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
        axes.plot(x, y, "o-", color=colour, markersize=2.2, linewidth=0.9, markeredgewidth=0)
    axes.set_xlim(0, 1.02)
    axes.set_ylim(0, 1.04)
    axes.set_xlabel("confidence, %")
    axes.set_ylabel("accuracy, %")


def _rejection(axes: Any, model: dict[str, Any], lowest: float) -> None:
    rows = _of(model["rejection"], AS_IS)
    axes.plot([row["answered"] for row in rows], [row["accuracy"] for row in rows], color=ACCENT, linewidth=1.1)
    axes.set_xlim(0, 1.02)
    margin = 0.08 * (1 - lowest) + 0.002
    axes.set_ylim(max(0.0, lowest - margin), 1 + margin)
    axes.set_xlabel("samples answered, %")
    axes.set_ylabel("accuracy, %")


def _frame(axes: Any, first: bool) -> None:
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g}" if value <= 1 else "")
    axes.locator_params(nbins=4)
    axes.tick_params(length=2)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if not first:
        axes.set_ylabel("")
        axes.set_yticklabels([])


def _legend(figure: Figure, scaled: bool) -> None:
    handles = [
        Line2D([], [], color=FAINT, linewidth=0.8, label="what it should be"),
        Line2D([], [], color=ACCENT, linewidth=0.9, marker="o", markersize=2.2, label="as predicted"),
    ]
    if scaled:
        label = "with a temperature fitted on validation samples"
        handles.append(Line2D([], [], color=VALIDATION, linewidth=0.9, marker="o", markersize=2.2, label=label))
    figure.legend(handles=handles, loc="upper left", ncols=len(handles), frameon=False, handlelength=2.4)


def calibration_errors(models: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Return the pooled calibration error of every model, with and without its temperature, and the temperatures."""
    rows = []
    for model in models:
        temperatures = [row["temperature"] for row in model["temperatures"]]
        found = {kind: _error(_of(model["calibration"], kind)) for kind in _COLOURS}
        spread = f"{number(min(temperatures), 3)} to {number(max(temperatures), 3)}" if temperatures else ""
        rows.append({"name": model["name"], "as_is": found[AS_IS], "scaled": found[SCALED], "temperatures": spread})
    return rows


def _error(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return ""
    table = pd.DataFrame(rows)
    gaps = table["samples"] * (table["confidence"] - table["accuracy"]).abs()
    return percent(float(gaps.sum() / table["samples"].sum()), 2)
