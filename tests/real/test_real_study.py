"""The genuine files go through the whole workflow, and their scores are near what is known of them.

The bars sit near the ceiling and catch gross defects only; exactness is what the equality tests are for.
"""

import os

import pytest
from tests.workflow.conftest import ROOT, Project

from gexflow.files import read_json, read_table

pytestmark = [
    pytest.mark.real,
    pytest.mark.workflow,
    pytest.mark.skipif("GEXFLOW_REALDATA" not in os.environ, reason="GEXFLOW_REALDATA is not set: no genuine files"),
]
SAMPLES = {"gse14520": 41, "tcga6": 364, "mendeley6": 364, "khan": 63, "tcga32": 6697}
BARS = [
    ("gse14520", "gexpnet", 0.95),
    ("tcga6", "logistic", 0.97),
    ("tcga6", "gexpnet", 0.95),
    ("tcga6", "resnet50", 0.85),
    ("mendeley6", "gexpnet", 0.95),
    ("khan", "logistic", 0.95),
]
SIZES = [pytest.param("small", id="small"), pytest.param("whole", id="whole", marks=pytest.mark.long)]


@pytest.fixture(scope="module", params=SIZES)
def study(request, tmp_path_factory):
    project = Project(ROOT, tmp_path_factory.mktemp("real"), "tests/real/config.yaml")
    overlay = ["tests/real/whole.yaml"] if request.param == "whole" else []
    project.snakemake("--quiet=all", "--configfile", "tests/real/config.yaml", *overlay)
    return project.study


def accuracy(study, dataset, model):
    table = read_table(study / f"results/{dataset}/evaluation/intervals.tsv", ("model", "metric", "method"))
    return table.query("model == @model and metric == 'accuracy' and method == 'wilson'")["estimate"].item()


def test_all_scores_reach_their_bars(study):
    found = {(dataset, model): accuracy(study, dataset, model) for dataset, model, _ in BARS}
    print({f"{dataset} {model}": round(value, 3) for (dataset, model), value in found.items()})
    low = {key: found[key[:2]] for key in BARS if found[key[:2]] < key[2]}
    assert not low


def test_gexpnet_is_within_a_point_of_logistic_regression_on_32_types(study):
    network, linear = (accuracy(study, "tcga32", model) for model in ("gexpnet", "logistic"))
    print(f"32 types: GexpNet {network:.4f}, logistic regression {linear:.4f}")
    assert network >= linear - 0.01


@pytest.mark.parametrize("dataset", SAMPLES)
def test_every_sample_is_tested_once(study, dataset):
    splits = read_table(study / f"results/{dataset}/splits.tsv", ("sample", "group", "part"))
    tested = splits[splits["part"] == "test"]
    assert splits["fold"].nunique() == 5
    assert len(tested) == tested["sample"].nunique() == SAMPLES[dataset]
    assert (splits.groupby(["fold", "group"])["part"].nunique() == 1).all()


def test_the_audit_raises_no_false_alarm(study):
    text = ("check", "subject", "finding", "value", "expected", "detail")
    for name in SAMPLES:
        table = read_table(study / f"results/{name}/evaluation/audit.tsv", text)
        print(table[["check", "subject", "finding", "value", "expected"]].to_string())
        assert "finding" not in set(table["finding"]), name
        assert (table[table["check"].isin(["permuted labels", "fold purity"])]["finding"] == "pass").all(), name


def test_what_the_sources_are_is_said(study):
    cards = {name: read_json(study / f"results/{name}/card.json") for name in SAMPLES}
    scales = {name: card["scale"] for name, card in cards.items()}
    assert scales == dict(gse14520="log2", tcga6="counts", mendeley6="linear", khan="logratio", tcga32="log2")
    assert cards["gse14520"]["normalised_jointly"] == "RMA"
    assert [entry["count"] for entry in cards["gse14520"]["dropped"] if entry["what"] == "samples"] == [2]
    assert len(cards["tcga32"]["classes"]) == 32
    page = (study / "results/report/index.html").read_text()
    assert len(page.encode()) < 3_000_000
    assert all(name in page for name in [*SAMPLES, "RMA", "random"])
