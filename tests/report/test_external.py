"""The report tells what models said of samples that no fold has seen, and when a hold-out was opened."""

from pathlib import Path

import pandas as pd
import pytest
from fabricated import fabricate
from rendered import TEMPLATES, Nesting

from gexflow.files import read_json, write_json, write_table
from gexflow.log import CAUTION
from gexflow.report.caveats import find_caveats
from gexflow.report.external import new_tables
from gexflow.report.page import render_page
from gexflow.report.study import collect_study

FEW = ["majority", "logistic"]
FACTS = {
    "samples": 40,
    "only_trained": ["z"],
    "left_out": {"w": 20},
    "genes": 900,
    "by_id": 700,
    "by_symbol": 100,
    "scale": "log2",
    "trained_on": "linear",
    "folds": [{"fold": n, "features": 300, "missing": 30 + n, "notes": []} for n in (1, 2)],
}


def metrics(models: list[str]) -> pd.DataFrame:
    rows = [(model, fold, 40, 0.8 + fold / 100) for model in models for fold in (1, 2)]
    table = pd.DataFrame(rows, columns=["model", "fold", "samples", "accuracy"])
    return table.assign(balanced_accuracy=0.7, macro_f1=0.6)


@pytest.fixture
def study(tmp_path):
    """Return a function that renders a study of one dataset with a hold-out and a test on another cohort."""

    def make(openings: list[dict]):
        paths, settings = fabricate(tmp_path, {"d": ["x", "y", "z"], "e": ["x", "y"]}, models=FEW)
        home = tmp_path / "results/d"
        splits = home / "splits.json"
        write_json(read_json(splits) | {"holdout": {"samples": 40, "groups": 30, "classes": {}, "digest": "0"}}, splits)
        for place in ("holdout", "external/e"):
            write_table(metrics(FEW), home / place / "metrics.tsv")
        write_json(FACTS, home / "external/e/logistic/facts.json")
        write_json(openings, home / "holdout/opened.json")
        paths["new_metrics"] = [str(home / place / "metrics.tsv") for place in ("holdout", "external/e")]
        paths["external_facts"] = [str(home / "external/e/logistic/facts.json")]
        paths["openings"] = [str(home / "holdout/opened.json")]
        return collect_study(paths, settings)

    return make


ONCE = [{"when": "2026-01-02T03:04:05+00:00", "digest": "a", "changed": []}]
TWICE = [*ONCE, {"when": "2026-02-03T04:05:06+00:00", "digest": "b", "changed": ["logistic", "the folds"]}]


def test_new_samples_have_a_table_with_the_spread_over_folds(study):
    found = study(ONCE)
    text = Nesting(render_page(found, TEMPLATES)).text
    assert "Models of d on the hold-out of d (40 samples), which no fold has seen" in text
    assert "Models of d on e (40 samples), which no fold has seen" in text
    own = next(model for model in found.datasets[0]["models"] if model["name"] == "logistic")["folds"]
    accuracy = f"{100 * sum(row['accuracy'] for row in own) / len(own):.2f}"
    scores = "81.50 81.0 to 82.0 70.00 70.0 to 70.0 60.00 60.0 to 60.0"
    assert f"logistic reference {accuracy} {scores}" in text
    assert f"{scores} 31\u201332 of 300" in text
    assert "Genes in common: 700 by id and 100 by symbol, of 900." in text
    assert "Its values are log2, those that trained linear." in text
    assert "Left out, since these classes did not train: w (20)." in text
    assert "It has no sample of z: a model that answers so is wrong." in text
    assert "Held out 40 samples in 30 groups, in no fold" in text
    assert "Opened 2026-01-02T03:04:05+00:00." in text


def test_samples_that_trained_are_not_called_unseen(study):
    found = study(ONCE)
    shared = [{"dataset": "e", "other": "d", "shared": 30}, {"dataset": "d", "other": "e", "shared": 28}]
    holdout, external = new_tables(found.datasets[0], found.new, shared)
    assert (holdout["seen"], external["seen"]) == ("which no fold has seen", "30 samples of which d has, too")


def test_a_cohort_that_is_only_tested_has_a_card_and_cautions_but_no_column_and_no_fold(tmp_path):
    note = f"{CAUTION}look at the scale."
    cards = {"e": {"notes": [note], "groups": {}}}
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"], "e": ["x", "y"]}, models=FEW, cards=cards)
    metrics_path = tmp_path / "results/d/external/e/metrics.tsv"
    write_table(metrics(FEW), metrics_path)
    paths = {kind: [path for path in given if "/e/" not in path or "card" in path] for kind, given in paths.items()}
    paths["new_metrics"] = [str(metrics_path)]
    del settings["models"]["e"]
    found = collect_study(paths, settings | {"only_tested": ["e"]})
    assert [[dataset["name"] for dataset in group] for group in (found.datasets, found.only_tested)] == [["d"], ["e"]]
    items = [(caveat["title"], item) for caveat in find_caveats(found) for item in caveat["items"]]
    of_test = {title for title, item in items if "e" in item["datasets"].split(", ")}
    assert {"Found while reading", "Samples or classes dropped"} <= of_test
    assert not {"No patient groups known", "Few folds", "No result", "Jointly normalised sources"} & of_test
    page = Nesting(render_page(found, TEMPLATES))
    assert page.faults == []
    assert [name for name in page.ids if name.endswith("-e")] == ["cohorts-t1-e"]
    assert "in 1 dataset, with 2 models; 1 other dataset serves as a test only." in page.text
    assert "e serves as a test only, of the models of d. No model is trained on it" in page.text
    assert "Models of d on e (40 samples), which no fold has seen" in page.text


def test_a_second_opening_by_other_settings_is_said_aloud(study):
    titles = [caveat["title"] for caveat in find_caveats(study(ONCE))]
    assert "Hold-out opened again" not in titles
    (caveat,) = [found for found in find_caveats(study(TWICE)) if found["title"] == "Hold-out opened again"]
    assert caveat["loud"]
    (item,) = caveat["items"]
    assert item["datasets"] == "d"
    assert "again 2026-02-03T04:05:06+00:00 (changed: logistic, the folds)" in item["text"]


def test_a_study_without_new_samples_says_nothing_of_them(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    text = Nesting(render_page(collect_study(paths, settings), Path(TEMPLATES))).text
    assert "no fold has seen" not in text
    assert "Held out" not in text
