"""The scale of values is found by every sample alone."""

import numpy as np
import pytest

from gexflow.cohorts.scale import find_scale

RANDOM = np.random.default_rng(0)
SHAPE = (10, 400)
SAMPLES = [f"s{number}" for number in range(10)]


def floored():
    tpm = RANDOM.exponential(3, SHAPE) * (RANDOM.random(SHAPE) > 0.4)
    return np.log2(tpm + 0.001)


@pytest.mark.parametrize(
    ("values", "scale"),
    [
        (RANDOM.poisson(100, SHAPE), "counts"),
        (RANDOM.exponential(500, SHAPE), "linear"),
        (RANDOM.exponential(500, SHAPE) - 3, "linear"),
        (RANDOM.uniform(2, 15, SHAPE), "log2"),
        (RANDOM.normal(0, 2, SHAPE), "logratio"),
        (floored(), "log2"),
    ],
    ids=["counts", "linear", "few negatives", "log2", "log ratios", "log2 of a small offset"],
)
def test_scales_are_told_apart(values, scale):
    values = values.astype(np.float32)
    values[0, :5] = np.nan
    found = find_scale(values, SAMPLES)
    assert found.scale == scale
    assert found.reason.startswith("values of 10 of 10 samples")
    assert found.notes == []


def test_samples_that_disagree_are_refused(refused):
    values = np.vstack([RANDOM.uniform(2, 15, (8, 50)), RANDOM.uniform(2, 1500, (2, 50))]).astype(np.float32)
    sentence = refused(find_scale, values, SAMPLES, "liver")
    assert all(word in sentence for word in ["datasets.liver.scale", "log2: 8", "linear: 2"])


def test_unclear_values_are_refused(refused):
    assert "not clear" in refused(find_scale, np.ones((3, 4), np.float32), SAMPLES[:3])
