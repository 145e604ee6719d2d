"""The card says what a cohort holds, and its figure is the same for the same cohort."""

import json
import xml.etree.ElementTree as ET

import anndata
import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.card import describe
from gexflow.cohorts.card_figure import draw_card
from gexflow.cohorts.label_places import spread_labels
from gexflow.cohorts.profile import QUANTILES, profile
from gexflow.cohorts.rank_map import rank_map

SOURCE = {"dataset": "d", "source": "tcga", "scale_reason": "", "missing_share": 0.0, "normalised_jointly": ""}


def make(classes, values, batches=None, scale="log2", **source):
    names = [f"s{n}" for n in range(len(classes))]
    obs = pd.DataFrame({"label": pd.Categorical(classes), "group": [name[:2] for name in names]}, index=names)
    if batches is not None:
        obs["batch"] = batches
    var = pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(values.shape[1])])
    cohort = anndata.AnnData(values.astype(np.float32), obs=obs, var=var)
    cohort.uns["scale"] = scale
    cohort.uns["source"] = json.dumps(SOURCE | {"dropped": [], "notes": [], "origin": []} | source)
    return cohort


def cohort(samples=30, genes=60, classes=3, **more):
    rng = np.random.default_rng(0)
    labels = [f"c{n % classes:02d}" for n in range(samples)]
    return make(labels, rng.normal(5, 2, (samples, genes)) + np.arange(samples)[:, None] % classes, **more)


def test_the_card_counts_groups_batches_negatives_and_gaps():
    values = np.full((12, 3), 4.0)
    values[:, 1] = np.arange(12) - 2
    values[3, 0] = values[4, 0] = values[4, 2] = np.nan
    table = make(list("AAAABBBBCCCC"), values, list("xxyyyyyyzzzz"), merged={"AB": ["A", "B"]})
    card = describe(table)
    json.dumps(card)
    assert card["class_groups"] == {"A": 4, "B": 4, "C": 3}  # s1, s10 and s11 are one group
    assert card["merged"] == {"labels": {"AB": ["A", "B"]}, "classes": {"AB": 8, "C": 4}}
    assert card["batches"]["of_class"] == {"A": 2, "B": 1, "C": 1}
    assert card["batches"]["largest"] == {"name": "y", "samples": 6}
    assert card["negatives"] == {"count": 2, "share": 2 / 33}
    assert card["missing"]["genes"][0] == {"name": "g0", "share": 2 / 12}
    assert card["missing"]["samples"][0]["name"] == "s4"
    assert card["separating"]["count"] == 1
    assert card["separating"]["genes"][0]["gene"] == "g1"


def test_samples_of_unknown_batch_make_no_batch():
    card = describe(make(list("AAABBB"), np.arange(12.0).reshape(6, 2), ["x", "", "", "y", "y", ""]))
    assert (card["batches"]["count"], card["batches"]["unknown"]) == (2, 3)
    assert card["batches"]["of_class"] == {"A": 1, "B": 1}
    assert card["batches"]["largest"] == {"name": "y", "samples": 2}
    assert describe(make(list("AABB"), np.ones((4, 2)), [""] * 4))["batches"] == {}


def test_counts_have_library_sizes_and_other_values_their_distribution():
    rng = np.random.default_rng(1)
    values = rng.poisson(50, (12, 40)).astype(float)
    card = describe(make(list("AAAABBBBCCCC"), values, scale="counts"))
    assert card["distribution"]["of"] == "library sizes"
    np.testing.assert_allclose(
        card["distribution"]["classes"]["A"], np.quantile(values[:4].sum(1), QUANTILES), rtol=1e-4
    )
    card = describe(make(list("AAAABBBBCCCC"), values, scale="linear"))
    expected = np.median(np.quantile(values[4:8], QUANTILES, axis=1), axis=1)
    np.testing.assert_allclose(card["distribution"]["classes"]["B"], expected, rtol=1e-4)


@pytest.mark.parametrize("zeros", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(3, 5), (7, 4), (700, 1501)])
def test_a_profile_agrees_with_plain_statistics(shape, zeros):
    rng = np.random.default_rng(2)
    values = np.sort(rng.lognormal(1, 2, shape), axis=0).astype(np.float32)  # in order: no part is like the whole
    values[rng.random(shape) < zeros] = 0
    values[rng.random(shape) < 0.1] = np.nan
    values[:, 0] = -1
    found = profile(values)
    np.testing.assert_allclose(found.quantiles, np.nanquantile(values, QUANTILES, axis=1).T, rtol=1e-5)
    np.testing.assert_allclose(found.totals, np.nansum(values, axis=1, dtype=float))
    assert found.median == pytest.approx(np.nanmedian(values.astype(float)))
    assert (found.minimum, found.maximum) == (np.nanmin(values), np.nanmax(values))
    assert found.negatives == shape[0]
    assert found.known == (~np.isnan(values)).sum()
    assert profile(values[:1, :1]).median == -1


def test_the_map_shows_groups_that_are_there_whatever_the_scale():
    table = cohort()
    values = table.X + 3 * np.random.default_rng(3).normal(size=(2, 60))[np.arange(30) % 2].astype(np.float32)
    places, shares = rank_map(values)
    again, _ = rank_map(2**values)
    np.testing.assert_allclose(places, again, atol=1e-4)
    first, second = places[::2, 0], places[1::2, 0]
    assert first.max() < second.min() or second.max() < first.min()
    assert 1 >= shares[0] > shares[1] > 0
    assert rank_map(values[:3, :1])[0].shape == (3, 2)


@pytest.mark.parametrize(("samples", "classes", "batches"), [(30, 3, 0), (30, 2, 2), (1200, 33, 500)])
def test_the_figure_is_small_readable_and_always_the_same(samples, classes, batches):
    given = [f"b{n % batches}" for n in range(samples)] if batches else None
    table = cohort(samples, classes=classes, batches=given)
    card = describe(table)
    drawing = draw_card(table, card)
    assert drawing == draw_card(table, card)
    assert len(drawing.encode()) < 300_000
    texts = ["".join(text.itertext()) for text in ET.fromstring(drawing).iter("{http://www.w3.org/2000/svg}text")]
    assert {f"c{n:02d}" for n in range(classes)} <= set(texts)
    assert ("Map of the samples, coloured by batch" in texts) == bool(batches)
    assert not any("$" in text for text in texts)
    if batches > 12:
        assert f"{batches - 12} more" in texts


def test_labels_of_the_map_do_not_cover_one_another():
    rng = np.random.default_rng(4)
    places, sizes = rng.uniform(0.3, 0.7, (33, 2)), np.full((33, 2), (0.08, 0.036))
    spread = spread_labels(places, sizes)
    gaps = np.abs(spread[:, None] - spread[None])
    apart = (gaps >= sizes[0] - 1e-6).any(axis=2) | np.eye(33, dtype=bool)
    assert apart.all()
    assert np.abs(spread - places).max() < 0.3
