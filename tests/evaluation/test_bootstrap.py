"""The BCa interval is scipy's on the same draws, and draws groups."""

import numpy as np
import pytest
from scipy import sparse, stats
from tests.evaluation.tables import make_predictions

from gexflow.evaluation.bootstrap import BOOTSTRAPPED, LEAST_UNITS, bootstrap, draw_groups, group_totals, pooled_scores
from gexflow.evaluation.metrics import score_rows
from gexflow.evaluation.tested import read_tested

TESTED = read_tested(make_predictions(0, samples=120), "model")
GROUPS = np.unique([f"g{int(sample[1:]) // 3}" for sample in TESTED.samples], return_inverse=True)[1]


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "mcc", "log_loss"])
def test_intervals_equal_scipy_s_on_the_same_draws(metric):
    members = [np.flatnonzero(group == GROUPS) for group in range(40)]

    def score(chosen):
        return score_rows(TESTED, np.concatenate([members[group] for group in chosen]))[metric]

    oracle = stats.bootstrap(
        (np.arange(40),), score, n_resamples=300, vectorized=False, method="BCa", rng=np.random.default_rng(7)
    )
    draws = draw_groups(40, seed=7, resamples=300)
    found = bootstrap(group_totals(TESTED, GROUPS), draws, pooled_scores)[metric]
    assert found == pytest.approx(tuple(oracle.confidence_interval), abs=1e-8)


def test_pooled_scores_are_those_of_all_rows():
    pooled = pooled_scores(group_totals(TESTED, GROUPS).sum(axis=0))
    direct = score_rows(TESTED, np.ones(120, dtype=bool))
    assert {name: float(pooled[name]) for name in BOOTSTRAPPED} == pytest.approx(
        {name: direct[name] for name in BOOTSTRAPPED}, abs=1e-12
    )


def test_samples_of_a_group_that_agree_widen_the_interval():
    hits = np.repeat(np.random.default_rng(0).random(60) < 0.8, 4).astype(float)
    totals = np.stack([hits, np.ones(240)], axis=1)
    by_group = totals.reshape(60, 4, 2).sum(axis=1)

    def width(rows):
        found = bootstrap(
            sparse.csr_array(rows), draw_groups(len(rows), 1), lambda sums: {"share": sums[..., 0] / sums[..., 1]}
        )
        return np.diff(found["share"])[0]

    assert width(by_group) == pytest.approx(2 * width(totals), rel=0.15)  # sqrt(4): four copies tell nothing more


def test_without_errors_there_is_no_interval():
    totals = sparse.csr_array(np.ones((30, 2)))
    found = bootstrap(totals, draw_groups(30, 1, 50), lambda sums: {"share": sums[..., 0] / sums[..., 1]})
    assert np.isnan(found["share"]).all()


@pytest.mark.parametrize(("units", "defined"), [(LEAST_UNITS - 1, False), (LEAST_UNITS, True)])
def test_a_few_units_are_not_drawn_from(units, defined):
    totals = sparse.csr_array(np.column_stack([np.arange(units), np.full(units, 9)]))
    found = bootstrap(totals, draw_groups(units, 1), lambda sums: {"share": sums[..., 0] / sums[..., 1]})
    assert np.isfinite(found["share"]).all() == defined


def test_draws_have_as_many_groups_as_there_are():
    assert (draw_groups(17, 3, 20).sum(axis=1) == 17).all()
