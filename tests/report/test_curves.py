"""Learning curves show every fold of every network, and each control beside its model."""

import re

import numpy as np
import pandas as pd
import pytest

from gexflow.report.curves import curves_figure, median_curve


def history(losses, validation=False) -> pd.DataFrame:
    losses = np.asarray(losses, dtype=float)
    table = {"epoch": np.arange(1, len(losses) + 1), "loss": losses, "accuracy": 1 - losses / 3}
    if validation:
        table |= {"validation_loss": losses + 0.2, "validation_accuracy": 0.9 - losses / 3}
    return pd.DataFrame(table)


def model(name, folds=4, epochs=6, validation=False) -> dict:
    losses = [np.exp(-np.arange(epochs) / (fold + 2)) for fold in range(folds)]
    return {"name": name, "reference": False, "histories": [history(line, validation) for line in losses]}


def lines(drawing: str, style: str) -> int:
    return len(re.findall(f'style="[^"]*{style}[^"]*"', drawing))


BOLD = r"stroke: var\(--accent\); stroke-width: 1.7"
THIN = r'<path d="([^"]*)" style="fill: none; stroke: var\(--accent\); stroke-opacity: 0.4; stroke-width: 0.5'


def folds_drawn(drawing: str) -> int:
    """Count the thin lines: those of a panel are one path, in which each begins with an M."""
    return sum(path.count("M") for path in re.findall(THIN, drawing))


def test_the_median_is_that_of_the_folds_that_still_trained_and_ends_when_most_have_stopped():
    histories = [history([3, 2, 1]), history([1, 1, 2, 9]), history([2, 6]), history([5, 4])]
    assert median_curve(histories, "loss").to_dict() == {1: 2.5, 2: 3.0, 3: 1.5}


@pytest.mark.parametrize("count", [1, 5, 7])
def test_every_network_has_two_panels_with_a_line_a_fold_and_a_median(count):
    names = [f"net{i}" for i in range(count)]
    drawing = curves_figure([model(name) for name in names], "l", "words")
    assert all(drawing.count(f">{name}<") == 1 for name in names)
    assert lines(drawing, BOLD) == 2 * count + 1  # and in the legend
    assert folds_drawn(drawing) == 2 * count * 4
    assert drawing.count(">loss<") == drawing.count(">accuracy, %<") == -(-count // 5)
    assert "control" not in drawing
    assert "validation" not in drawing


def test_a_control_is_dashed_in_the_panel_of_its_model():
    models = [model(name) for name in ("net", "net~random", "net~shuffled", "other", "other~shuffled")]
    drawing = curves_figure(models, "l", "words")
    assert drawing.count(">net<") == drawing.count(">other<") == 1
    assert ">control: random weights<" in drawing
    assert drawing.count(">control: shuffled genes<") == 1
    assert lines(drawing, "stroke-dasharray") == 3 * 2 + 2  # and in the legend
    assert folds_drawn(drawing) == 2 * 2 * 4  # controls have their median alone


def test_validation_is_drawn_where_there_is_any():
    drawing = curves_figure([model("net", validation=True), model("other")], "l", "words")
    assert ">validation, median of folds<" in drawing
    assert lines(drawing, "stroke: #b0692a; stroke-width: 1.7") == 2 + 1


def test_a_loss_that_falls_far_gets_a_logarithmic_scale_and_one_epoch_a_point():
    assert ">loss (log)<" in curves_figure([model("net", epochs=40)], "l", "words")
    assert ">loss<" in curves_figure([model("net", epochs=3)], "l", "words")
    assert "<use " in curves_figure([model("net", epochs=1)], "l", "words")


def test_curves_repeat_byte_for_byte_and_follow_the_page_colours():
    first = curves_figure([model("net"), model("net~dense")], "l", "words")
    assert first == curves_figure([model("net"), model("net~dense")], "l", "words")
    assert "var(--accent)" in first
    assert "var(--ink)" in first
