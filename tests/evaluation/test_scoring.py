"""All tables of a cohort: what is in them, and what is refused or called undefined."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from tests.evaluation.tables import answer, make_predictions

from gexflow.errors import InputError
from gexflow.evaluation.metrics import METRICS
from gexflow.evaluation.scoring import Protocol, score_models

FIVE = Protocol(folds=5, reference="x")


def accuracy(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return tables["intervals"].query("metric == 'accuracy'").set_index("method")


def test_models_are_scored_together_in_their_order():
    tables = score_models({"x": make_predictions(1), "y": make_predictions(2)}, FIVE)
    for name in ("metrics", "summary", "intervals", "per_class", "confusion", "calibration", "rejection"):
        assert list(tables[name]["model"].unique()) == ["x", "y"], name
    rows = accuracy({"intervals": tables["intervals"].query("model == 'x'")})
    assert list(rows.index) == ["student_t", "nadeau_bengio", "bootstrap", "wilson"]
    assert rows.loc["nadeau_bengio", "low"] < rows.loc["student_t", "low"] < rows.loc["student_t", "estimate"]
    assert list(tables["comparisons"]["model"]) == ["y"]


def test_every_metric_has_intervals_within_its_bounds():
    intervals = score_models({"x": make_predictions(1, right=0.97)}, FIVE)["intervals"]
    assert list(intervals["metric"].unique()) == list(METRICS)
    bounded = intervals[~intervals["metric"].isin(["log_loss", "brier", "mcc"])]
    assert bounded["high"].max() <= 1.0
    assert bounded["low"].min() >= 0.0


def test_the_summary_tells_folds_from_repeats():
    tables = score_models({"x": make_predictions(1, repeats=3)}, Protocol(folds=5, repeats=3))
    row = tables["summary"].set_index("metric").loc["accuracy"]
    scores = tables["metrics"]["accuracy"].to_numpy()
    expected = [15, scores.mean(), scores.std(ddof=1), scores.reshape(3, 5).mean(axis=1).std(ddof=1)]
    assert list(row[["folds", "mean", "sd_folds", "sd_repeats"]]) == pytest.approx(expected, abs=1e-12)


def test_one_repeat_has_no_spread_between_repeats():
    assert score_models({"x": make_predictions(1)}, FIVE)["summary"]["sd_repeats"].isna().all()


def test_the_summary_tells_seeds_from_folds():
    models = ("x", "x~seed2", "x~dense", "x~seed3", "y")
    tables = score_models({name: make_predictions(n) for n, name in enumerate(models)}, FIVE)
    summary = tables["summary"].set_index(["model", "metric"]).sort_index()
    means = tables["metrics"].groupby("model")["macro_f1"].mean()
    expected = np.std(means[["x", "x~seed2", "x~seed3"]], ddof=1)
    assert summary.loc[("x", "macro_f1"), ["seeds", "sd_seeds"]].tolist() == pytest.approx([3, expected], abs=1e-12)
    others = summary.drop(index="x")
    assert others["sd_seeds"].isna().all()
    assert (others["seeds"] == 1).all()


def test_another_seed_is_no_rival():
    tables = score_models({name: make_predictions(n) for n, name in enumerate(["x", "x~seed2", "x~dense"])}, FIVE)
    assert tables["comparisons"][["model", "other"]].to_numpy().tolist() == [["x", "x~dense"]]


def test_wilson_holds_where_samples_are_independent_and_nowhere_else():
    table = make_predictions(1)
    patients = {f"s{i:04d}": f"p{i // 2}" for i in range(90)}
    alone, shared = (accuracy(score_models({"x": table}, Protocol(5, groups=groups))) for groups in ({}, patients))
    hits = int((table["label"] == table["predicted"]).sum())
    wilson = stats.binomtest(hits, 90).proportion_ci(0.95, method="wilson")
    assert tuple(alone.loc["wilson", ["low", "high"]]) == pytest.approx((wilson.low, wilson.high), abs=1e-12)
    assert shared.loc["wilson", ["low", "high"]].isna().all()
    assert "90 samples of 45 groups are not independent" in shared.loc["wilson", "note"]


def test_without_errors_the_exact_interval_of_groups_is_left():
    table = make_predictions(1)
    right = answer(table, table["label"])
    patients = {f"s{i:04d}": f"p{i // 2}" for i in range(90)}
    rows = accuracy(score_models({"x": right}, Protocol(5, groups=patients)))
    assert rows.loc[["student_t", "nadeau_bengio", "bootstrap"], ["low", "high"]].isna().all(axis=None)
    assert rows.loc[["student_t", "nadeau_bengio", "bootstrap"], "note"].str.startswith("degenerate").all()
    exact = stats.binomtest(45, 45).proportion_ci(0.95, method="exact")
    assert tuple(rows.loc["clopper_pearson", ["low", "high"]]) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_validation_rows_are_not_scored():
    table = make_predictions(1)
    extra = answer(table.iloc[:10].assign(part="validation", label="a"), "b" * 10)
    whole = score_models({"x": pd.concat([table, extra])}, FIVE)
    assert whole["metrics"].equals(score_models({"x": table}, FIVE)["metrics"])


def test_a_temperature_is_fitted_where_every_fold_has_validation_rows():
    table = make_predictions(1)
    inner = make_predictions(7).assign(part="validation")
    inner["fold"] = inner["fold"] % 5 + 1  # none of them is tested in the same fold
    tables = score_models({"x": pd.concat([table, inner])}, FIVE)
    assert list(tables["temperatures"]["fold"]) == [1, 2, 3, 4, 5]
    assert set(tables["calibration"]["probabilities"]) == {"as predicted", "temperature"}
    some = score_models({"x": pd.concat([table, inner.query("fold == 1")])}, FIVE)
    assert some["temperatures"].empty
    assert set(some["calibration"]["probabilities"]) == {"as predicted"}


def test_the_merged_view_stands_beside_the_full_one():
    table = make_predictions(1)
    tables = score_models({"x": table}, Protocol(5, merge={"bc": ["b", "c"]}))
    merged = {"b": "bc", "c": "bc"}
    coarse = [table[key].replace(merged) for key in ("label", "predicted")]
    found = tables["merged"].query("metric == 'accuracy' and method == 'bootstrap'")["estimate"].item()
    assert found == pytest.approx((coarse[0] == coarse[1]).mean(), abs=1e-12)
    assert score_models({"x": table}, FIVE)["merged"].empty


def test_models_tested_on_different_samples_are_refused():
    with pytest.raises(InputError, match="different samples"):
        score_models({"x": make_predictions(1), "y": make_predictions(2, 88)}, FIVE)


def test_a_model_without_test_rows_is_refused():
    with pytest.raises(InputError, match="x has no predictions for test samples"):
        score_models({"x": make_predictions(1).assign(part="validation")}, FIVE)


def test_one_split_has_no_interval_over_folds():
    tables = score_models({"x": make_predictions(1).assign(fold=1)}, Protocol(folds=1))
    rows = accuracy(tables)
    over_folds = rows.loc[["student_t", "nadeau_bengio"]]
    assert over_folds[["low", "high"]].isna().all(axis=None)
    assert over_folds["note"].str.startswith("one split: no interval over folds").all()
    assert rows.loc[["wilson", "bootstrap"], ["low", "high"]].notna().all(axis=None)
    assert tables["comparisons"].empty


def test_a_metric_that_some_folds_lack_rests_on_the_others():
    table = make_predictions(1)
    lonely = table["fold"] == 2
    table.loc[lonely, "label"] = "a"
    tables = score_models({"x": table}, FIVE)
    row = tables["intervals"].query("metric == 'auroc' and method == 'nadeau_bengio'").iloc[0]
    assert row["note"] == "undefined in 1 of 5 folds"
    assert row["estimate"] == pytest.approx(tables["metrics"]["auroc"].drop(index=1).mean(), abs=1e-12)
    assert np.isnan(tables["metrics"]["auroc"][1])
