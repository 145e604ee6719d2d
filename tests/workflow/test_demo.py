"""`make demo` runs the whole study offline, and its results are what they should be."""

import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from gexflow.files import read_json, read_table

pytestmark = pytest.mark.workflow
DATASETS = ("demo-geo", "demo-mendeley", "demo-tcga")
PAGE = "results/report/index.html"


def accuracy(demo, dataset):
    table = read_table(demo.study / f"results/{dataset}/evaluation/metrics.tsv", ("model",))
    return table.groupby("model")["accuracy"].mean()


def test_the_demo_ends_in_one_self_contained_report(demo):
    page = (demo.study / PAGE).read_text()
    assert len(page.encode()) < 3_000_000
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?https?:|@import""", page)
    for name in (*DATASETS, "gexpnet", "resnet50", "logistic", "centroid", "majority"):
        assert name in page
    assert "random" in page
    assert "simulated" in page.lower()
    assert str(demo.study / PAGE) in (demo.study.parent / "output.txt").read_text()


@pytest.mark.parametrize("dataset", DATASETS)
def test_networks_and_logistic_regression_are_far_above_majority(demo, dataset):
    scores = accuracy(demo, dataset)
    bayes = read_json(demo.study / f"results/{dataset}/simulated/truth.json")["bayes_accuracy"]
    classes = len(read_json(demo.study / f"results/{dataset}/card.json")["classes"])
    assert 0.9 < bayes < 0.99
    assert abs(scores["majority"] - 1 / classes) < 0.05
    assert scores["gexpnet"] > scores["majority"] + 0.15
    assert scores["logistic"] > scores["majority"] + 0.15
    assert scores.max() < bayes + 0.05


@pytest.mark.parametrize("dataset", DATASETS)
def test_controls_run_on_the_same_folds_and_are_compared(demo, dataset):
    scores = accuracy(demo, dataset)
    home = demo.study / f"results/{dataset}"
    table = read_table(home / "evaluation/comparisons.tsv", ("family", "model", "other"))
    image = [("resnet50", "resnet50~shuffled")] if dataset == "demo-tcga" else []  # from random weights already
    controls = table[table["family"] == "controls"][["model", "other"]].itertuples(index=False, name=None)
    assert list(controls) == [("gexpnet", "gexpnet~shuffled"), ("gexpnet", "gexpnet~dense"), *image]
    against = set(table[table["family"] == "linear reference"]["model"])
    assert against == {name for name in scores.index if "~" not in name and name != "logistic"}
    for row in table.itertuples():
        assert row.difference == pytest.approx(scores[row.model] - scores[row.other], abs=1e-8)
        assert row.low < row.difference < row.high
    assert scores["gexpnet~shuffled"] > scores["majority"] + 0.15
    assert scores["gexpnet~dense"] > scores["majority"] + 0.1
    assert {path.name for path in (home / "attribution").iterdir()} == {"gexpnet"}


@pytest.mark.parametrize("dataset", DATASETS)
def test_attributions_rank_planted_genes_above_the_others(demo, dataset):
    table = read_table(demo.study / f"results/{dataset}/attribution/gexpnet/recovery.tsv")
    assert table["auroc_attribution"].mean() >= 0.75
    assert table["auroc_f_test"].notna().all()


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_sample_is_tested_once_and_patients_stay_together(demo, dataset):
    splits = read_table(demo.study / f"results/{dataset}/splits.tsv", ("sample", "group", "part"))
    tested = splits[splits["part"] == "test"]
    assert not tested["sample"].duplicated().any()
    assert set(tested["sample"]) == set(splits["sample"])
    assert (splits.groupby(["fold", "group"])["part"].nunique() == 1).all()
    for model in accuracy(demo, dataset).index:
        rows = pd.concat(
            read_table(path, ("sample", "part", "label", "predicted"))
            for path in (demo.study / f"results/{dataset}/models/{model}").glob("fold*/predictions.tsv")
        )
        assert sorted(rows["sample"]) == sorted(tested["sample"])


def test_what_was_dropped_is_on_the_card(demo):
    card = read_json(demo.study / "results/demo-tcga/card.json")
    assert any("type" in entry["why"] and entry["count"] == 6 for entry in card["dropped"])
    assert read_json(demo.study / "results/demo-geo/card.json")["groups"]["samples_in_shared_groups"] > 0


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_audit_finds_nothing_and_is_in_the_report(demo, dataset):
    text = ("check", "subject", "finding", "value", "expected", "detail")
    table = read_table(demo.study / f"results/{dataset}/evaluation/audit.tsv", text).set_index("check")
    assert "finding" not in set(table["finding"])
    assert {"fold purity", "permuted labels", "random genes"} <= set(table.index)
    assert table.loc["permuted labels", "finding"] == "pass"
    assert f"Audit of {dataset}: {len(table)} checks, no findings" in (demo.study / PAGE).read_text()


def test_images_and_learning_curves_are_in_the_report(demo):
    page = (demo.study / PAGE).read_text()
    drawn = list((demo.study / "results").glob("*/recipes/*/images/*.svg"))
    assert [path.relative_to(demo.study / "results").parts[0] for path in drawn] == ["demo-tcga"]
    classes = read_json(demo.study / "results/demo-tcga/card.json")["classes"]
    assert drawn[0].read_text().count("<image ") == 2 * len(classes)  # and on random pixels
    assert page.count("Learning curves on ") == 2 * len(DATASETS)  # caption and label


def test_the_report_counts_the_cost_of_every_measured_job(demo):
    page = (demo.study / "results/report/index.html").read_text()
    measured = list((demo.study / "results/benchmarks").rglob("*.tsv"))
    assert f'<th scope="row">All</th><td class="right">{len(measured)}</td>' in page
    assert "left no figures" not in page


def test_a_lost_benchmark_file_reruns_nothing(demo, tmp_path):
    path = demo.study / "results/benchmarks/demo-geo/models/gexpnet/train_gexpnet.tsv"
    kept = path.rename(tmp_path / path.name)
    try:
        assert demo.would_run() == {}
    finally:
        kept.rename(path)


def test_no_partial_file_is_left(demo):
    assert not list(demo.study.rglob("*.part"))


def test_every_result_is_as_its_job_wrote_it(demo):
    results = demo.study / "results"
    check = [sys.executable, demo.root / "scripts/check_results.py", results]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    known = {
        str(manifest.parent / name)
        for manifest in results.rglob("*.manifest.json")
        for name in read_json(manifest)["outputs"]
    }
    present = {path for path in results.rglob("*") if path.is_file() and not path.name.endswith(".manifest.json")}
    beside = {path for path in present if path.relative_to(results).parts[0] in ("logs", "benchmarks")}
    assert {str(path) for path in present - beside} == known


def test_a_result_cut_short_is_refused_until_it_is_made_again(demo, tmp_path):
    study = shutil.copytree(demo.study, tmp_path / "study")
    name = "results/demo-geo/evaluation/intervals.tsv"
    # the report first: it reads what the comparison writes, and a job that fails loses that
    readers = {PAGE: "report/write_report", "results/comparison/intervals.tsv": "comparison/compare_cohorts"}
    whole, times = (study / name).read_bytes(), (study / name).stat()
    (study / name).write_bytes(whole[:100])
    os.utime(study / name, ns=(times.st_atime_ns, times.st_mtime_ns))
    project = demo.__class__(demo.root, study)
    for target, log in readers.items():
        project.snakemake("--force", target, ok=False)
        said = (study / f"results/logs/{log}.log").read_text()
        assert f"{name} has 100 bytes, but its job wrote {len(whole):,}: delete it and run snakemake again" in said
    (study / name).unlink()
    project.snakemake("--quiet=all", *readers)
    assert (study / name).read_bytes() == whole


def test_a_second_run_does_nothing(demo):
    assert "Nothing to be done" in demo.snakemake("--dry-run").stdout


def test_the_same_seed_gives_the_same_predictions(demo, tmp_path):
    first = demo.study / "results/demo-geo/models/gexpnet/fold1/predictions.tsv"
    study = tmp_path / "again"
    demo.__class__(demo.root, study).snakemake("--quiet=all", "results/demo-geo/models/gexpnet/fold1/predictions.tsv")
    assert (study / "results/demo-geo/models/gexpnet/fold1/predictions.tsv").read_bytes() == first.read_bytes()
