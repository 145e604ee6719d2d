"""Scores are scikit-learn's; what a fold cannot tell is not counted as zero."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics

from gexflow.errors import InputError
from gexflow.evaluation.metrics import confusion_table, score_classes, score_fold
from gexflow.evaluation.scoring import score_models

RNG = np.random.default_rng(0)
LABELS = RNG.choice(["a", "b", "c"], size=90, p=[0.6, 0.3, 0.1])
PREDICTED = np.where(RNG.random(90) < 0.7, LABELS, RNG.choice(["a", "b", "c"], size=90))


def test_scores_equal_scikit_learn():
    scores = score_fold(LABELS, PREDICTED)
    assert scores["accuracy"] == pytest.approx(metrics.accuracy_score(LABELS, PREDICTED), abs=1e-12)
    assert scores["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(LABELS, PREDICTED), abs=1e-12)
    assert scores["mcc"] == pytest.approx(metrics.matthews_corrcoef(LABELS, PREDICTED), abs=1e-12)
    for name in ("precision", "recall", "f1"):
        oracle = getattr(metrics, f"{name}_score")(LABELS, PREDICTED, average="macro")
        assert scores[f"macro_{name}"] == pytest.approx(oracle, abs=1e-12)


def test_a_class_absent_from_the_test_part_has_no_score():
    labels, predicted = np.array(["a", "a", "b"]), np.array(["a", "c", "b"])
    assert score_fold(labels, predicted)["macro_recall"] == 0.75


def test_mcc_of_a_single_class_is_undefined():
    assert np.isnan(score_fold(np.array(["a", "a"]), np.array(["a", "b"]))["mcc"])


def test_per_class_scores_and_confusion_count_every_class():
    table = score_classes(LABELS, PREDICTED, ["a", "b", "c", "d"])
    assert list(table["support"]) == [*(int((name == LABELS).sum()) for name in "abc"), 0]
    counts = confusion_table(LABELS, PREDICTED, ["a", "b", "c"])["count"].to_numpy().reshape(3, 3)
    assert (counts == metrics.confusion_matrix(LABELS, PREDICTED)).all()


def predictions(seed: int, samples: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({"sample": [f"s{i}" for i in range(samples)], "fold": np.arange(samples) % 5 + 1})
    table["part"], table["label"] = "test", np.tile(["a", "b"], samples // 2)
    table["predicted"] = np.where(rng.random(samples) < 0.8, table["label"], "a")
    return table.assign(**{"p:a": 0.5, "p:b": 0.5})


def test_models_are_scored_together_in_their_order():
    tables = score_models({"x": predictions(1), "y": predictions(2)}, folds=5)
    assert list(tables["metrics"]["model"].unique()) == ["x", "y"]
    rows = tables["intervals"].query("model == 'x' and metric == 'accuracy'").set_index("method")
    assert set(rows.index) == {"student_t", "nadeau_bengio", "wilson"}
    assert rows.loc["nadeau_bengio", "low"] < rows.loc["student_t", "low"] < rows.loc["student_t", "estimate"]


def test_no_interval_reaches_beyond_its_metric():
    table = predictions(1)
    table["predicted"] = np.where(np.arange(60) < 3, "a", table["label"])
    intervals = score_models({"x": table}, folds=5)["intervals"]
    assert intervals["high"].max() == 1.0
    assert intervals["low"].min() >= -1.0


def test_validation_rows_are_not_scored():
    table = predictions(1)
    extra = table.iloc[:10].assign(part="validation", predicted="b", label="a")
    whole = score_models({"x": pd.concat([table, extra])}, folds=5)
    assert whole["metrics"].equals(score_models({"x": table}, folds=5)["metrics"])


def test_models_tested_on_different_samples_are_refused():
    with pytest.raises(InputError, match="different samples"):
        score_models({"x": predictions(1), "y": predictions(2, 58)}, folds=5)


def test_equal_scores_in_all_folds_are_called_degenerate():
    table = predictions(1)
    table["predicted"] = table["label"]
    notes = score_models({"x": table}, folds=5)["intervals"].query("method == 'student_t'")["note"]
    assert notes.str.startswith("degenerate").all()


def test_one_split_has_wilson_s_interval_alone():
    table = predictions(1).assign(fold=1)
    tables = score_models({"x": table}, folds=1)
    intervals = tables["intervals"].set_index("method")
    over_folds = intervals.loc[["student_t", "nadeau_bengio"]]
    assert over_folds[["low", "high"]].isna().all(axis=None)
    assert over_folds["note"].str.startswith("one split: no interval over folds").all()
    hits = (table["label"] == table["predicted"]).sum()
    wilson = stats.binomtest(int(hits), 60).proportion_ci(0.95, method="wilson")
    assert tuple(intervals.loc["wilson", ["low", "high"]]) == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    assert tables["controls"].empty
