"""The report says what the folds of a tuned model chose."""

import pytest

from gexflow.candidates import edge_notes
from gexflow.report.tuning import tuned

ROWS = [{"settings": {"C": C}, "log_loss": 0.5, "accuracy": 0.9} for C in (0.01, 0.1, 1)]


def entries_of(*chosen, values=(0.01, 0.1, 1), name="C"):
    rows = [{"settings": {name: value}} for value in values]
    return [{"chosen": {name: value}, "chosen_by": "validation samples", "candidates": rows} for value in chosen]


def test_choices_are_counted_in_the_order_of_the_candidates():
    entries = [
        {"fold": n, "chosen": {"C": C}, "chosen_by": "inner cross-validation", "candidates": ROWS}
        for n, C in enumerate((1, 0.01, 1), 1)
    ]
    assert tuned(entries) == (
        "tuned by log loss on the held-out samples of an inner cross-validation, 3 candidates; "
        "chosen C 0.01 in 1, C 1 in 2 of 3 folds; "
        "C was chosen at the largest listed value, 1, in 2 of 3 folds: a wider list may do better"
    )


def test_validation_samples_and_several_settings_are_named():
    change = {"C": 1, "trees": 5}
    entries = [{"chosen": change, "chosen_by": "validation samples", "candidates": [{"settings": change}]}]
    assert tuned(entries).startswith(
        "tuned by log loss on the validation samples of each fold, 1 candidate; chosen C 1 and trees 5"
    )


def test_an_untuned_model_says_nothing():
    assert tuned([{"fold": 1, "notes": []}]) == ""
    assert tuned([]) == ""


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        (entries_of(1, 1, 1, 0.1, 1), "largest listed value, 1, in 4 of 5 folds"),
        (entries_of(0.01, 0.01, 1), "smallest listed value, 0.01, in 2 of 3 folds"),
        (entries_of(1, 1, values=(1, 0.1)), "largest listed value, 1, in 2 of 2 folds"),
        (entries_of(5, 5, values=(5, 1), name="trees"), "trees was chosen at the largest listed value, 5, in 2 of 2"),
        (entries_of(0.2, 0.2, values=(0, 0.2), name="head_dropout"), "largest listed value, 0.2"),
    ],
)
def test_an_edge_that_most_folds_chose_is_noted(entries, words):
    assert len(edge_notes(entries)) == 1
    assert words in edge_notes(entries)[0]


@pytest.mark.parametrize(
    "entries",
    [
        entries_of(1, 1, 1, 0.1, 0.01),  # three of five
        entries_of(0.1, 0.1, 0.1),
        entries_of(0.1, 0.1, values=(0.1,)),
        entries_of("sqrt", "sqrt", values=("sqrt", 0.1), name="max_features"),
        entries_of(True, True, values=(False, True), name="second_convolution"),
        entries_of(None, None, values=(None, 5), name="early_stopping"),
        entries_of(0, 0, values=(0, 0.1), name="label_smoothing"),
        entries_of(1, 1, values=(1, 5), name="min_samples_leaf"),
        [{"notes": []}],
        [],
    ],
)
def test_nothing_is_noted_where_a_wider_list_could_not_help_or_few_folds_ask_for_it(entries):
    assert edge_notes(entries) == []
