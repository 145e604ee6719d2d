"""New samples are scored fold by fold, all models on the very same ones."""

import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from gexflow.errors import InputError
from gexflow.evaluation.new_samples import score_new


def predictions(answers: dict[int, str]) -> pd.DataFrame:
    rows = [
        {"sample": f"s{n}", "fold": fold, "part": "external", "label": label, "predicted": given}
        for fold, text in answers.items()
        for n, (label, given) in enumerate(zip("xxxyyx", text, strict=True))
    ]
    table = pd.DataFrame(rows)
    return table.assign(**{f"p:{name}": (table["predicted"] == name).astype(float) for name in "xyz"})


def test_every_fold_is_scored_as_by_scikit_learn():
    scores = score_new(
        {"a": predictions({1: "xxxyyx", 2: "xyzyyy"}), "b": predictions({1: "xxxxxx", 2: "zzzzzz"})}, "external"
    )
    assert list(scores["model"]) == ["a", "a", "b", "b"]
    assert list(scores["fold"]) == [1, 2, 1, 2]
    assert set(scores["samples"]) == {6}
    for row, given in zip(scores.to_dict("records"), ("xxxyyx", "xyzyyy", "xxxxxx", "zzzzzz"), strict=True):
        assert row["accuracy"] == pytest.approx(accuracy_score(list("xxxyyx"), list(given)))
        recalls = balanced_accuracy_score(list("xxxyyx"), [one if one != "z" else "x2" for one in given])
        assert row["balanced_accuracy"] == pytest.approx(recalls)


def test_models_that_saw_different_samples_are_refused():
    other = predictions({1: "xxxyyx"})
    with pytest.raises(InputError, match="different samples"):
        score_new({"a": predictions({1: "xxxyyx"}), "b": other[other["sample"] != "s0"]}, "external")
