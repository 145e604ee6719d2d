"""A model and its controls are compared fold by fold."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from gexflow.evaluation.controls import COLUMNS, compare_controls


def metrics(**scores) -> pd.DataFrame:
    rows = [(name, fold, value) for name, values in scores.items() for fold, value in enumerate(values, 1)]
    return pd.DataFrame(rows, columns=["model", "fold", "accuracy"])


MODEL = np.array([0.95, 0.93, 0.97, 0.91, 0.96])
SHUFFLED = np.array([0.94, 0.90, 0.97, 0.92, 0.93])


def test_the_interval_is_nadeau_and_bengio_s_of_the_paired_differences():
    table = compare_controls(metrics(net=MODEL, **{"net~shuffled": SHUFFLED}), folds=5)
    assert list(table[["model", "control"]].itertuples(index=False, name=None)) == [("net", "shuffled")]
    differences = MODEL - SHUFFLED
    half = stats.t.ppf(0.975, 4) * np.sqrt((1 / 5 + 1 / 4) * differences.var(ddof=1))
    expected = [differences.mean(), differences.mean() - half, differences.mean() + half]
    np.testing.assert_allclose(table[["difference", "low", "high"]].iloc[0].astype(float), expected, rtol=1e-12)


def test_folds_are_paired_by_their_number():
    whole = metrics(net=MODEL, **{"net~shuffled": SHUFFLED})
    mixed = whole.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(compare_controls(mixed, 5), compare_controls(whole, 5))


def test_a_constant_difference_has_no_interval():
    row = compare_controls(metrics(net=[0.75] * 4, **{"net~dense": [0.5] * 4}), folds=4).iloc[0]
    assert row["difference"] == pytest.approx(0.25)
    assert np.isnan(row["low"])
    assert np.isnan(row["high"])


def test_models_without_controls_and_controls_without_models_give_no_row():
    table = compare_controls(metrics(net=MODEL, **{"other~dense": SHUFFLED}), folds=5)
    assert table.empty
    assert list(table.columns) == list(COLUMNS)
