"""`make demo` runs the whole study offline, and what re-runs afterwards is exactly what a change touches."""

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


def accuracy(demo, dataset):
    table = read_table(demo.study / f"results/{dataset}/evaluation/metrics.tsv", ("model",))
    return table.groupby("model")["accuracy"].mean()


def test_the_demo_ends_in_one_self_contained_report(demo):
    page = (demo.study / "results/report/index.html").read_text()
    assert len(page.encode()) < 3_000_000
    assert not re.search(r"""(?:src|href)\s*=\s*["']?\s*(?:https?:)?//|url\(\s*["']?https?:|@import""", page)
    for name in (*DATASETS, "gexpnet", "resnet50", "logistic", "centroid", "majority"):
        assert name in page
    assert "random" in page
    assert "simulated" in page.lower()
    assert str(demo.study / "results/report/index.html") in (demo.study.parent / "output.txt").read_text()


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
    table = read_table(home / "evaluation/controls.tsv", ("model", "control")).set_index(["model", "control"])
    image = [("resnet50", "shuffled")] if dataset == "demo-tcga" else []  # from random weights already
    assert list(table.index) == [("gexpnet", "shuffled"), ("gexpnet", "dense"), *image]
    for (model, control), row in table.iterrows():
        assert row["difference"] == pytest.approx(scores[model] - scores[f"{model}~{control}"], abs=1e-8)
        assert row["low"] < row["difference"] < row["high"]
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


def test_images_and_learning_curves_are_in_the_report(demo):
    page = (demo.study / "results/report/index.html").read_text()
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
    name, last = "results/demo-geo/evaluation/intervals.tsv", "results/comparison/intervals.tsv"
    whole, times = (study / name).read_bytes(), (study / name).stat()
    (study / name).write_bytes(whole[:100])
    os.utime(study / name, ns=(times.st_atime_ns, times.st_mtime_ns))
    project = demo.__class__(demo.root, study)
    project.snakemake("--force", last, ok=False)
    log = (study / "results/logs/comparison/compare_cohorts.log").read_text()
    assert f"{name} has 100 bytes, but its job wrote {len(whole):,}: delete it and run snakemake again" in log
    (study / name).unlink()
    project.snakemake("--quiet=all", last)
    assert (study / name).read_bytes() == whole


def test_a_second_run_does_nothing(demo):
    assert demo.would_run() == {}
    assert "Nothing to be done" in demo.snakemake("--dry-run").stdout


def test_a_touched_script_or_module_reruns_nothing(copied_demo):
    for name in (
        "scripts/train_gexpnet.py",
        "scripts/gexflow/models/gexpnet.py",
        "config.yaml",
        "workflow/rules/models.smk",
    ):
        os.utime(copied_demo.root / name)
    assert copied_demo.would_run() == {}


def test_a_comment_reruns_nothing(copied_demo):
    copied_demo.edit("config.yaml", "run:\n", "# a comment\nrun:\n")
    copied_demo.edit("scripts/gexflow/models/gexpnet.py", "STEM_CHANNELS = 8", "STEM_CHANNELS = 8  # a comment")
    assert copied_demo.would_run() == {}


FOLLOWERS = {"attribute_genes": 3, "draw_heatmaps": 3, "score_recovery": 3, "score_cohort": 3, "compare_cohorts": 1}


def test_a_changed_learning_rate_reruns_that_model_and_its_followers(copied_demo):
    copied_demo.edit(copied_demo.config, "learning_rate: 0.001", "learning_rate: 0.002")
    assert copied_demo.would_run() == {"train_gexpnet": 9, "write_report": 1, **FOLLOWERS}  # with its two controls


TABLES = {"score_cohort": 3, "compare_cohorts": 1, "write_report": 1}
LAST_KEY = "epochs: 6, batch_size: 32"


@pytest.mark.parametrize("controls", ["[]", "[dense]"])
def test_a_control_less_trains_nothing(copied_demo, controls):
    copied_demo.edit(copied_demo.config, LAST_KEY, f"{LAST_KEY}, controls: {controls}")
    assert copied_demo.would_run() == TABLES


def test_a_control_more_trains_itself_alone(copied_demo):
    copied_demo.edit("scripts/gexflow/variants.py", '"dense": {', '"wide": {"hidden": 128}, "dense": {')
    copied_demo.edit("workflow/schemas/config.schema.yaml", "enum: [shuffled, dense]", "enum: [shuffled, wide, dense]")
    copied_demo.edit(copied_demo.config, LAST_KEY, f"{LAST_KEY}, controls: [shuffled, wide, dense]")
    assert copied_demo.would_run() == {"train_gexpnet": 3, **TABLES}


def test_naming_what_is_the_default_reruns_nothing(copied_demo):
    copied_demo.edit(copied_demo.config, LAST_KEY, f"{LAST_KEY}, preset: paper, controls: [shuffled, dense]")
    assert copied_demo.would_run() == {}


def test_a_key_that_only_the_preset_gives_trains_again(copied_demo):
    copied_demo.edit(copied_demo.config, LAST_KEY, f"{LAST_KEY}, preset: fast")  # one-cycle, where no schedule is given
    assert copied_demo.would_run() == {"train_gexpnet": 9, "write_report": 1, **FOLLOWERS}


def test_a_changed_title_reruns_the_report_alone(copied_demo):
    copied_demo.edit(copied_demo.config, "title: GexFlow demo", "title: The demo")
    assert copied_demo.would_run() == {"write_report": 1}


def test_what_the_config_knows_of_an_entry_reruns_the_report_alone(copied_demo):
    known = "    tried_on: format only\n    expected: {tumour: 7}\n"
    copied_demo.edit(copied_demo.config, "  demo-geo:\n", f"  demo-geo:\n{known}")
    assert copied_demo.would_run() == {"write_report": 1}


def test_an_edited_library_module_reruns_the_rules_that_import_it(copied_demo):
    copied_demo.edit("scripts/gexflow/evaluation/intervals.py", "LEVEL = 0.95", "LEVEL = 0.9")
    assert copied_demo.would_run() == {"score_cohort": 3, "compare_cohorts": 1, "write_report": 1}


def test_the_published_protocol_reruns_nothing_of_the_clean_dataset(copied_demo):
    copied_demo.edit(
        copied_demo.config, "    title: Simulated Pan", "    variants: [published]\n    title: Simulated Pan"
    )
    own = ("read_cohort", "split_cohort", "prepare_folds_1", "lay_out_genes_1", "finetune_backbone", "score_cohort")
    assert copied_demo.would_run() == {**dict.fromkeys(own, 1), "write_report": 1}


def test_one_model_fewer_reruns_no_training(copied_demo):
    copied_demo.edit(
        copied_demo.config,
        "models: [gexpnet, resnet50, majority, centroid, logistic]",
        "models: [gexpnet, majority, centroid, logistic]",
    )
    assert copied_demo.would_run() == {"score_cohort": 1, "compare_cohorts": 1, "write_report": 1}


def test_the_same_seed_gives_the_same_predictions(demo, tmp_path):
    first = demo.study / "results/demo-geo/models/gexpnet/fold1/predictions.tsv"
    study = tmp_path / "again"
    demo.__class__(demo.root, study).snakemake("--quiet=all", "results/demo-geo/models/gexpnet/fold1/predictions.tsv")
    assert (study / "results/demo-geo/models/gexpnet/fold1/predictions.tsv").read_bytes() == first.read_bytes()
