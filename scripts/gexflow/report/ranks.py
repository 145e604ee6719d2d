"""Ranks of models over datasets: a table, and a critical-difference diagram where there is a test."""

from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.figure import Figure

from gexflow.figure_style import ACCENT, INK, MUTED, SETTINGS, save_svg
from gexflow.report.figures import page_drawing
from gexflow.report.words import known, listed


def rank_table(rows: list[dict[str, Any]], tests: dict[str, Any]) -> dict[str, Any] | None:
    """Return the models by mean rank, the ranks in every family and what a test says; None for a single family.

    Parameters
    ----------
    rows : list of dict
        family, model, rank, datasets.
    tests : dict
        families, models, p_friedman, critical_difference, left_out.
    """
    families = list(dict.fromkeys(row["family"] for row in rows))
    if len(families) < 2:
        return None
    by_model: dict[str, dict[str, float]] = {}
    for row in rows:
        by_model.setdefault(row["model"], {})[row["family"]] = row["rank"]
    means = {model: float(np.mean(list(ranks.values()))) for model, ranks in by_model.items()}
    ordered = sorted(means, key=means.__getitem__)
    counts = {row["family"]: row["datasets"] for row in rows}
    tested = known(tests["critical_difference"])
    return {
        "families": [f"{name} ({counts[name]} datasets)" if counts[name] > 1 else name for name in families],
        "rows": [
            {"name": model, "mean": f"{means[model]:.2f}", "ranks": [f"{by_model[model][f]:.4g}" for f in families]}
            for model in ordered
        ],
        "p": f"{tests['p_friedman']:.2g}" if tested else "",
        "difference": f"{tests['critical_difference']:.2f}" if tested else "",
        "left_out": listed(tests["left_out"], 20),
        "figure": Markup(_diagram(means, tests["critical_difference"])) if tested else None,
    }


def _diagram(means: dict[str, float], difference: float) -> str:
    """Draw the mean ranks on a line; bars join models whose ranks differ by less than the critical difference."""
    ordered = sorted(means, key=means.__getitem__)
    half = (len(ordered) + 1) // 2
    bars = joined([means[name] for name in ordered], difference)
    top, row = 0.62 + 0.11 * len(bars), 0.21
    height = top + row * half + 0.15
    with rc_context(SETTINGS):
        figure = Figure(figsize=(9.2, height))
        axes = figure.add_axes((0.24, 0, 0.52, 1))
        axes.set_xlim(0.8, len(ordered) + 0.2)
        axes.set_ylim(-height, 0)
        axes.axis("off")
        line = -0.5
        axes.plot([1, len(ordered)], [line, line], color=INK, linewidth=0.8)
        for rank in range(1, len(ordered) + 1):
            axes.plot([rank, rank], [line, line + 0.06], color=INK, linewidth=0.8)
            axes.text(rank, line + 0.1, str(rank), ha="center", va="bottom")
        axes.plot([1, 1 + difference], [-0.1, -0.1], color=MUTED, linewidth=1.6)
        axes.text(1.1 + difference, -0.1, f"critical difference {difference:.2f}", va="center", color=MUTED)
        for place, (first, last) in enumerate(bars):
            y = line - 0.1 - 0.11 * place
            ends = [means[ordered[first]] - 0.04, means[ordered[last]] + 0.04]
            axes.plot(ends, [y, y], color=ACCENT, linewidth=3, solid_capstyle="butt")
        for place, name in enumerate(ordered):
            left = place < half
            y = -top - row * (place if left else len(ordered) - 1 - place)
            end = 0.8 if left else len(ordered) + 0.2
            axes.plot([means[name], means[name], end], [line, y, y], color=MUTED, linewidth=0.7)
            text = f"{name}  {means[name]:.2f}" if left else f"{means[name]:.2f}  {name}"
            beside = end - 0.03 * len(ordered) / 4 if left else end + 0.03 * len(ordered) / 4
            axes.text(beside, y, text, ha="right" if left else "left", va="center")
        label = f"Mean ranks of {len(ordered)} models, and which of them do not differ"
        return page_drawing(save_svg(figure), "critical-difference", label)


def joined(ranks: list[float], difference: float) -> list[tuple[int, int]]:
    """Return the widest runs of neighbours, first and last, whose ends differ by less than the critical difference.

    Parameters
    ----------
    ranks : list of float
        In ascending order.
    """
    runs = [
        (first, max(last for last in range(first, len(ranks)) if ranks[last] - ranks[first] < difference))
        for first in range(len(ranks))
    ]
    widest = [run for run in runs if run[1] > run[0]]
    return [run for place, run in enumerate(widest) if place == 0 or run[1] > widest[place - 1][1]]
