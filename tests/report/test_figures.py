"""Figures can stand beside each other in one page, for any number of classes."""

import re

import pytest

from gexflow.errors import InputError
from gexflow.report.figures import confusion_figure, interval_figure
from gexflow.report.study import place
from gexflow.report.svg import inline_svg


def model(name, mean):
    row = {"estimate": mean, "low": mean - 0.02, "high": mean + 0.02}
    methods = dict.fromkeys(("nadeau_bengio", "student_t", "bootstrap"), row)
    return {"name": name, "reference": name == "majority", "control": False, "folds": [mean], "mean": mean, **methods}


@pytest.mark.parametrize("size", [2, 12, 13, 33])
def test_confusion_matrix_names_all_classes(size):
    classes = [f"class {i}" for i in range(size)]
    counts = [[900 if i == j else 1 for j in range(size)] for i in range(size)]
    drawing = confusion_figure(classes, counts, "c", "words")
    assert all(drawing.count(f">{name}<") == 2 for name in classes)
    assert drawing.count(">900<") == size
    assert drawing.count(">1<") == (size * (size - 1) if size <= 12 else 0)


def test_confusion_matrix_bears_a_class_without_samples():
    assert ">5<" in confusion_figure(["a", "b"], [[5, 0], [0, 0]], "c", "words")


def test_figures_repeat_byte_for_byte_and_follow_the_page_colours():
    models = [model("majority", 0.3), model("gexpnet", 0.97)]
    first = interval_figure(models, 0.3, 0.98, "i", "words")
    assert first == interval_figure(models, 0.3, 0.98, "i", "words")
    assert "var(--accent)" in first
    assert "#0a0b0" not in first


def test_models_far_above_zero_are_magnified_beside_the_whole_scale():
    assert "whole scale" in interval_figure([model("gexpnet", 0.97)], 0.3, None, "i", "words")
    assert "whole scale" not in interval_figure([model("gexpnet", 0.4)], 0.3, None, "i", "words")


def test_a_control_is_marked_as_one():
    control = model("shuffled genes", 0.96) | {"control": True}
    drawing = interval_figure([model("gexpnet", 0.97), control], 0.3, None, "i", "words")
    assert ">control: shuffled genes<" in drawing
    assert ">control: gexpnet<" not in drawing


def test_missing_intervals_leave_the_point():
    lone = {"name": "m", "reference": False, "control": False, "folds": [0.9], "mean": 0.9}
    none = {"estimate": 0.9, "low": float("nan"), "high": float("nan")}
    assert "90.00" in interval_figure(
        [lone | {"nadeau_bengio": none, "student_t": None, "bootstrap": None}], None, None, "i", "w"
    )


def test_inline_drawing_drops_what_a_page_must_not_hold():
    source = """<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
      width="90pt" height="30pt" onload="x()"><metadata>m</metadata><style>*{fill: red}</style><script>x()</script>
      <defs><path id="p" d="M 0 0"/></defs><use xlink:href="#p"/><image xlink:href="http://example.org/a.png"/>
      <g id="unused"><rect clip-path="url(#p)" fill="url(http://example.org/b)"/></g></svg>"""
    drawing = inline_svg(source, "h1", "words")
    assert not re.search("http|script|onload|metadata|unused", drawing)
    assert 'id="h1-p"' in drawing
    assert 'href="#h1-p"' in drawing
    assert "url(#h1-p)" in drawing
    assert "#h1 { *{fill: red} }" in drawing
    assert 'viewBox="0 0 90 30"' in drawing


def test_broken_drawing_is_named():
    with pytest.raises(InputError, match="h1"):
        inline_svg("<svg><g></svg>", "h1", "words")


def test_dataset_is_read_after_the_last_results_folder():
    assert place("/data/results/old/results/tcga/card.json") == ("tcga", "card.json")
    with pytest.raises(ValueError, match="results"):
        place("/data/tcga/card.json")
