"""Folds by site, repeats and a hold-out by config: which jobs they plan, and what a small study of them gives."""

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gexflow.files import read_json, read_table
from gexflow.site_variants import SITES, cohort_owner, is_by_site, with_sites
from tests.workflow.conftest import ROOT, Project
from tests.workflow.tiny import SAMPLES, tiny_study, write_tiny_table

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def test_folds_by_site_keep_all_settings_of_their_dataset_but_what_is_said_of_it():
    settings = {"source": "tcga", "folds": 4, "expected": {"A": 1}, "tried_on": "", "variants": [SITES]}
    found = with_sites({"a": settings, "b": {"variants": []}, "c": {}})
    assert list(found) == ["a", "a~sites", "b", "c"]
    assert found["a"] is settings
    assert found["a~sites"] == {"source": "tcga", "folds": 4, "repeats": 1}


def test_folds_by_site_share_the_cohort_of_their_dataset():
    assert [cohort_owner(name) for name in ("a", "a~sites", "a~published")] == ["a", "a", "a~published"]
    assert [is_by_site(name) for name in ("a", "a~sites", "sites", "a.sites")] == [False, True, False, False]
    assert SITES in SCHEMA["$defs"]["dataset"]["properties"]["variants"]["items"]["enum"]


def planned(folder: Path, changes: dict, *arguments: str) -> list[tuple[str, str, str]]:
    """Rule, input and first output of every job of a study of two simulated TCGA cohorts."""
    own = {"source": "tcga", "simulate": {"samples": 60, "genes": 60}, "label": {"field": "cancer type"}}
    study = {
        "run": {"datasets": ["one", "two"], "models": ["gexpnet", "resnet50", "logistic"], "folds": 3},
        "datasets": {"one": {**own, **changes}, "two": own},
        "models": {"resnet50": {"network": "resnet50", "recipe": "image-top", "weights": "random"}},
        "attribution": {"models": ["gexpnet", "resnet50"]},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(study))
    text = Project(ROOT, folder / "study", str(folder / "mine.yaml")).snakemake("--dry-run", *arguments).stdout
    return re.findall(r"^(?:local)?rule (\w+):\n(?:    input: (.*)\n)?    output: ([^,\n]+)", text, re.MULTILINE)


@pytest.mark.workflow
def test_folds_by_site_run_beside_their_dataset_on_the_very_same_cohort(tmp_path):
    jobs = planned(tmp_path, {"variants": [SITES]})
    rules = {name: [rule for rule, _, output in jobs if f"results/{name}/" in output] for name in ("one", "one~sites")}
    expected = ["split_cohort", "prepare_folds", "prepare_folds", "lay_out_genes", "train_gexpnet", "fit_reference"]
    assert sorted(rules["one~sites"]) == sorted([*expected, *["finetune_backbone"] * 3, "score_cohort"])
    assert rules["one"].count("finetune_backbone") == 3 * 2  # with its control
    inputs = {(rule, output.split("/")[1]): given for rule, given, output in jobs}
    for rule in ("split_cohort", "prepare_folds"):
        assert inputs[rule, "one~sites"].startswith("results/one/cohort.h5ad")
    assert "results/one~sites/cohort.h5ad" not in str(jobs)
    for rule in ("find_shared_samples", "compare_cohorts"):
        assert "~" not in inputs[rule, "comparison"]
    assert "results/one~sites/evaluation/metrics.tsv" in inputs["write_report", "report"]
    assert inputs["write_report", "report"].count("results/one/card.json") == 1


@pytest.mark.workflow
def test_a_dataset_of_its_own_repeats_has_so_many_folds(tmp_path):
    jobs = planned(tmp_path, {"repeats": 2})
    assert sum(rule == "finetune_backbone" for rule, _, _ in jobs) == 3 * 2 * 2 + 3 * 2
    assert {rule for rule, _, _ in jobs if rule.startswith("prepare_folds")} == {"prepare_folds", "prepare_folds_6"}


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"repeats": 0}, ["datasets.b.repeats is 0"]),
        ({"holdout": {"share": 0.7}}, ["datasets.b.holdout.share is 0.7", "at most 0.5"]),
        ({"holdout": {}}, ["datasets.b.holdout is {}"]),
        ({"holdout": {"share": 0.1, "batch": ["x"]}}, ["datasets.b.holdout"]),
        ({"variants": ["site"]}, ['datasets.b.variants.0 is "site"', "sites"]),
    ],
)
def test_a_mistake_is_told_before_anything_runs(tmp_path, keys, words):
    project = tiny_study(tmp_path, "b")
    path = Path(project.config)
    config = yaml.safe_load(path.read_text())
    config["datasets"]["b"] |= keys
    path.write_text(yaml.safe_dump(config))
    done = project.snakemake("--dry-run", ok=False)
    assert all(word in done.stdout + done.stderr for word in words), done.stderr


def two_families(folder: Path, external: list, **datasets: dict) -> Project:
    project = tiny_study(folder, "a", "b")
    path = Path(project.config)
    config = yaml.safe_load(path.read_text())
    config["run"]["models"] = ["majority", "centroid"]
    config["external"] = external
    for name, entry in config["datasets"].items():
        entry["recipes"] = {"majority": "plain", "centroid": "plain"}
        entry |= datasets.get(name, {})
    path.write_text(yaml.safe_dump(config))
    return project


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("external", "datasets", "words"),
    [
        ([{"train": "a", "test": "c"}], {}, ['external.0.test names the unknown dataset "c"']),
        ([{"train": "gse4107", "test": "a"}], {}, ["external.0.train is gse4107, which is not run"]),
        ([{"train": "a", "test": "b"}], {"b": {"family": "a"}}, ["both are of the family a: they share patients"]),
        ([{"train": "a", "test": "a"}], {}, ["both are of the family a"]),
        ([{"train": "a", "test": "b"}] * 2, {}, ["external.1 tests a on b once more"]),
        ([{"train": "a", "test": "b", "models": ["gexpnet"]}], {}, ["names gexpnet, which does not run on a"]),
        ([{"train": "a", "test": "b", "models": ["gexpnet~dense"]}], {}, ["external.0.models names gexpnet~dense"]),
        ([{"train": "a"}], {}, ['external.0 lacks the key "test"']),
    ],
)
def test_an_external_test_that_cannot_be_made_is_told(tmp_path, external, datasets, words):
    done = two_families(tmp_path, external, **datasets).snakemake("--dry-run", ok=False)
    assert all(word in done.stdout + done.stderr for word in words), done.stderr


@pytest.mark.workflow
def test_a_dataset_of_the_catalogue_that_is_only_tested_is_fetched_and_read_and_nothing_else(tmp_path):
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    jobs = two_families(tmp_path / "with", [{"train": "a", "test": "gse4107"}]).would_run()
    without = two_families(tmp_path / "without", []).would_run()
    more = {"download_file": 2, "read_cohort": 3, "predict_external": 2, "score_new_samples": 1}
    assert jobs == {**without, **more}


@pytest.mark.workflow
def test_a_hold_out_stays_locked_until_the_config_opens_it(tmp_path):
    project = two_families(tmp_path, [], a={"holdout": {"share": 0.2}})
    locked = project.would_run()
    assert not {"open_holdout", "predict_holdout", "score_new_samples"} & set(locked)
    path = Path(project.config)
    config = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump({**config, "evaluation": {"holdout": "report"}}))
    opened = {"open_holdout": 1, "predict_holdout": 2, "score_new_samples": 1}
    assert project.would_run() == {**locked, **opened}


@pytest.mark.workflow
def test_an_external_test_adds_its_own_jobs_alone(tmp_path):
    (tmp_path / "with").mkdir()
    (tmp_path / "without").mkdir()
    entry = {"train": "a", "test": "b", "models": ["centroid"]}
    planned_jobs = two_families(tmp_path / "with", [entry]).would_run()
    assert planned_jobs == {
        **two_families(tmp_path / "without", []).would_run(),
        "predict_external": 1,
        "score_new_samples": 1,
    }


def other_splits(folder: Path) -> Project:
    """Three small tables: two have sites and hold-outs, one of them repeats; the third one is only tested."""
    project = two_families(folder, [{"train": "a", "test": "b"}, {"train": "a", "test": "c"}])
    write_tiny_table(folder / "c.csv", 30, 2)
    for name in "ab":
        table = pd.read_csv(folder / f"{name}.csv")
        table.insert(1, "site", [f"s{row // 8}" for row in range(SAMPLES)])
        table.to_csv(folder / f"{name}.csv", index=False)
    path = Path(project.config)
    config = yaml.safe_load(path.read_text())
    for entry in config["datasets"].values():
        entry |= {"batch": {"field": "site"}, "holdout": {"share": 0.2}}
    config["datasets"]["a"] |= {"repeats": 3}
    config["datasets"]["c"] = {**config["datasets"]["a"], "files": {"matrix": str(folder / "c.csv")}}
    for key in ("repeats", "batch", "holdout"):
        del config["datasets"]["c"][key]
    config["datasets"]["b"] |= {"variants": [SITES], "models": ["majority"]}
    config["evaluation"] = {"holdout": "report"}
    path.write_text(yaml.safe_dump(config))
    return project


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Project:
    project = other_splits(tmp_path_factory.mktemp("splits"))
    done = project.run()
    assert (done["read_cohort"], done["split_cohort"]) == (3, 3)
    return project


@pytest.mark.workflow
def test_repeats_go_through_to_the_report(study):
    results = study.study / "results"
    splits = read_table(results / "a/splits.tsv", ("sample", "group", "part"))
    tests = splits[splits["part"] == "test"]
    assert sorted(set(splits["fold"])) == [1, 2, 3, 4, 5, 6]
    assert tests.groupby("sample").size().tolist() == [3] * (SAMPLES - 8)
    assert len({frozenset(part["sample"]) for _, part in tests.groupby("fold")}) == 6  # drawn anew each time
    metrics = read_table(results / "a/evaluation/metrics.tsv", ("model",))
    assert metrics[metrics["model"] == "centroid"]["fold"].tolist() == [1, 2, 3, 4, 5, 6]
    assert read_json(results / "a/recipes/plain/stability.json")["repeats"] == 3
    page = re.sub(r"\s+", " ", (results / "report/index.html").read_text())
    assert "with 6 folds, it is 2.646 times" in page  # sqrt(1 + 6 / (2 - 1))


@pytest.mark.workflow
def test_folds_by_site_test_what_the_ordinary_folds_test(study):
    results = study.study / "results"
    locked = {name: read_json(results / name / "splits.json")["holdout"] for name in ("b", "b~sites")}
    assert locked["b"] == locked["b~sites"]
    tested = {}
    for name in locked:
        tables = [
            read_table(path, ("sample", "part")) for path in results.glob(f"{name}/models/*/fold*/predictions.tsv")
        ]
        assert len(tables) == 2
        tested[name] = sorted(pd.concat(tables)["sample"])
        assert len(tested[name]) == SAMPLES - locked[name]["samples"]
    assert tested["b"] == tested["b~sites"]
    assert "folds by site" in (results / "report/index.html").read_text()


@pytest.mark.workflow
def test_new_samples_go_through_to_the_report(study):
    results = study.study / "results"
    holdout = read_table(results / "a/holdout/metrics.tsv", ("model",))
    rows = [(model, fold, 8) for model in ("majority", "centroid") for fold in range(1, 7)]
    assert list(holdout[["model", "fold", "samples"]].itertuples(index=False, name=None)) == rows
    assert set(read_table(results / "a/external/b/metrics.tsv", ("model",))["samples"]) == {SAMPLES - 8}
    assert len(read_json(results / "a/holdout/opened.json")) == 1
    page = (results / "report/index.html").read_text()
    assert "Models of a on the hold-out of a (8 samples)" in page
    assert f"Models of a on b ({SAMPLES - 8} samples)" in page


@pytest.mark.workflow
def test_a_cohort_that_is_only_tested_is_read_scored_and_searched_but_never_split_or_ranked(study):
    results = study.study / "results"
    made = {path.name for path in (results / "c").iterdir()}
    assert made == {"card.json", "card.svg", "cohort.h5ad", "read_cohort.manifest.json"}
    assert set(read_table(results / "a/external/c/metrics.tsv", ("model",))["samples"]) == {SAMPLES}
    shared = read_table(results / "comparison/shared_samples.tsv", ("dataset", "other"))
    assert {frozenset(pair) for pair in zip(shared["dataset"], shared["other"], strict=True)} == {
        frozenset("ab"),
        frozenset("ac"),
        frozenset("bc"),
    }
    intervals = read_table(results / "comparison/intervals.tsv", ("dataset",))
    assert set(intervals["dataset"]) == {"a", "b"}
    page = re.sub(r"\s+", " ", (results / "report/index.html").read_text())
    assert f"Models of a on c ({SAMPLES} samples)" in page
    assert "in 2 datasets, with 2 models; 1 other dataset serves as a test only." in page
    assert "c serves as a test only, of the models of a." in page
    assert page.count('id="cohorts-t1-c"') == 1
    assert not re.search(r'id="(recipes|models|evaluation)-t1-c"', page)


@pytest.mark.workflow
def test_another_opening_is_recorded_beside_the_first(study):
    path = Path(study.config)
    config = yaml.safe_load(path.read_text())
    config["run"]["seed"] = 33
    other = path.with_name("other.yaml")
    other.write_text(yaml.safe_dump(config))
    opened = "results/a/holdout/opened.json"
    Project(ROOT, study.study, str(other)).run("--", opened)
    openings = read_json(study.study / opened)
    changes = [entry["changed"] for entry in openings]
    assert changes == [[], ["the held-out samples", "the folds", "centroid", "majority"]]
