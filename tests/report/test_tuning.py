"""The report says what the folds of a tuned model chose."""

from gexflow.report.tuning import tuned

ROWS = [{"settings": {"C": C}, "log_loss": 0.5, "accuracy": 0.9} for C in (0.01, 0.1, 1)]


def test_choices_are_counted_in_the_order_of_the_candidates():
    entries = [
        {"fold": n, "chosen": {"C": C}, "chosen_by": "inner cross-validation", "candidates": ROWS}
        for n, C in enumerate((1, 0.01, 1), 1)
    ]
    assert tuned(entries) == (
        "tuned by log loss on the held-out samples of an inner cross-validation, 3 candidates; "
        "chosen C 0.01 in 1, C 1 in 2 of 3 folds"
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
