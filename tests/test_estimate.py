"""An estimate scales with the config, learns from jobs that have run, and says on what it rests."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gexflow.config import load_config
from gexflow.estimate import CONSTANT, HONEST, MEASURED, UNTIMED, Planned, estimate, write_estimate
from gexflow.files import write_json
from gexflow.study_tasks import Study
from gexflow.work import Cohort, Task, disk_bytes, kept_genes, seconds

ROOT = Path(__file__).parents[1]
COHORT = Cohort(1000, 2000, 4)
GEXPNET = Task("train_gexpnet", COHORT, 10, 1000, {"network": "gexpnet", "epochs": 100})
IMAGE = Task("finetune_backbone", COHORT, 1, 1000, {"network": "resnet50", "epochs": 25, "image_size": "published"})


def work(task: Task) -> float:
    return seconds(task) - seconds(replace(task, cohort=Cohort(0, 0, 0)))


def test_work_grows_with_epochs_folds_samples_and_pixels():
    assert work(replace(GEXPNET, settings={"epochs": 200})) == pytest.approx(2 * work(GEXPNET))
    assert work(replace(GEXPNET, folds=5)) == pytest.approx(work(GEXPNET) / 2)
    assert work(replace(GEXPNET, cohort=Cohort(2000, 2000, 4))) == pytest.approx(2 * work(GEXPNET))
    assert work(replace(GEXPNET, settings={"epochs": 100, "control": "dense"})) < work(GEXPNET) / 5
    small = {**IMAGE.settings, "image_size": "native", "layout": {"size": [112, 112]}}
    assert work(replace(IMAGE, settings=small)) == pytest.approx(work(IMAGE) / 4)
    assert work(replace(IMAGE, settings={**IMAGE.settings, "learn": "head"})) < work(IMAGE)
    assert seconds(IMAGE, on_gpu=True) < seconds(IMAGE) / 5
    assert disk_bytes(replace(GEXPNET, genes=2000)) == 2 * disk_bytes(GEXPNET)


def test_a_tuned_model_costs_its_candidates_and_inner_folds():
    grid = {"learning_rate": [1e-3, 1e-2], "heads": [1, 2, 3]}
    assert work(replace(GEXPNET, settings={**GEXPNET.settings, "tune": grid})) == pytest.approx(6 * work(GEXPNET))
    logistic = replace(GEXPNET, rule="fit_reference", settings={"network": "logistic"})
    tuned = {"network": "logistic", "tune": {"C": [0.1, 1]}}
    assert work(replace(logistic, settings={**tuned, "inner_folds": 0})) == pytest.approx(3 * work(logistic))
    recipes = 3 * work(replace(GEXPNET, rule="prepare_folds"))
    inner = work(replace(logistic, settings={**tuned, "inner_folds": 3}))
    assert inner == pytest.approx(7 * work(logistic) + recipes)
    network = work(replace(GEXPNET, settings={**GEXPNET.settings, "tune": grid, "inner_folds": 3}))
    assert network == pytest.approx((1 + 6 * 2) * work(GEXPNET) + recipes)  # each on two thirds
    laid_out = {**IMAGE.settings, "layout": {"order": "correlation"}, "tune": {"head": ["light", "wide"]}}
    search = work(replace(IMAGE, settings={**laid_out, "inner_folds": 3})) - 5 * work(IMAGE)
    preparing = replace(IMAGE, rule="prepare_folds"), replace(IMAGE, rule="lay_out_genes", settings=laid_out["layout"])
    assert search == pytest.approx(3 * sum(map(work, preparing)))


def test_reference_models_of_trees_and_a_perceptron_cost_less_than_gexpnet():
    for network, rule in (("forest", "fit_reference"), ("boosting", "fit_reference"), ("mlp", "train_gexpnet")):
        assert 0 < work(replace(GEXPNET, rule=rule, settings={"network": network})) < work(GEXPNET)


def test_a_recipe_keeps_what_its_steps_choose():
    steps = [{"impute_median": {}}, {"select_variance": {"top": 300}}, {"select_logistic": {"keep": "median"}}]
    assert kept_genes(steps, 2000) == 150
    assert kept_genes(steps, 100) == 50
    assert kept_genes([{"sample_rank": {}}], 2000) == 2000


def test_measured_jobs_correct_the_constants_for_their_rule_model_and_device_alone():
    jobs = [Planned(GEXPNET, "gexpnet", 4), Planned(GEXPNET, "gexpnet~dense", 4), Planned(IMAGE, "resnet50", 4, True)]
    slow = [Planned(GEXPNET, "gexpnet", seconds=3 * seconds(GEXPNET)), Planned(IMAGE, "resnet50", seconds=1e6)]
    first, second = estimate(jobs, slow)
    assert first["seconds"] == pytest.approx(4 * seconds(GEXPNET))
    assert first["core_seconds"] == pytest.approx(4 * first["seconds"])
    assert first["basis"] == f"{MEASURED} and {CONSTANT}"
    assert second["gpu_seconds"] == second["seconds"] == pytest.approx(seconds(IMAGE, True))
    assert second["basis"] == CONSTANT


def test_what_was_measured_with_other_settings_is_scaled():
    few = replace(GEXPNET, settings={"epochs": 10})
    (row,) = estimate([Planned(GEXPNET, "gexpnet")], [Planned(few, "gexpnet", seconds=2 * seconds(few))])
    assert row["seconds"] == pytest.approx(2 * seconds(GEXPNET))
    assert row["basis"] == MEASURED


def test_the_text_has_totals_and_says_how_rough_it_is():
    text = write_estimate(estimate([Planned(GEXPNET, "gexpnet", 2)] * 3, []), ["mine (500 samples)"])
    assert "train_gexpnet             3" in text
    assert CONSTANT in text
    assert HONEST in text
    assert "mine (500 samples)" in text
    assert UNTIMED not in text
    assert UNTIMED in write_estimate(estimate([Planned(IMAGE, "resnet50", 4, on_gpu=True)], []))


@pytest.fixture
def study(tmp_path):
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    return Study(load_config([ROOT / "config.yaml"], schema), tmp_path)


def test_a_cohort_has_the_size_of_its_card_or_else_what_the_config_expects(study, tmp_path):
    job = study.planned(("gse4107", "read_cohort"), "read_cohort", 2, False)
    assert job.task.cohort.samples == 22
    assert study.assumed == []
    write_json({"samples": 50, "genes": 70, "classes": {"a": 20, "b": 30}}, tmp_path / "results/gse14520/card.json")
    job = study.planned(("gse14520", "models", "gexpnet", "train_gexpnet"), "train_gexpnet_10", 4, True)
    assert (job.task.rule, job.model, job.task.folds) == ("train_gexpnet", "gexpnet", 10)
    assert job.task.cohort == Cohort(50, 70, 2)
    assert 9_000 < study.planned(("tcga33", "read_cohort"), "read_cohort", 2, False).task.cohort.samples < 13_000


def test_a_tuned_network_has_inner_folds_where_no_validation_samples_choose_and_none_when_refitted(study):
    study._config["models"]["gexpnet"]["tune"] = study._models["gexpnet"]["tune"] = {"learning_rate": [1e-3, 1e-2]}
    place = ("gse4107", "models", "gexpnet", "train_gexpnet")
    assert study.planned(place, "train_gexpnet", 4, False).task.settings["inner_folds"] == 3
    refit = study.planned(("gse4107~permuted", "evaluation", "gexpnet", "refit_network"), "refit_network", 4, False)
    assert not {"tune", "inner_folds"} & refit.task.settings.keys()
    study._config["run"]["validation"] = 0.1
    assert study.planned(place, "train_gexpnet", 4, False).task.settings["inner_folds"] == 0


def test_folds_by_site_are_one_repeat(study, tmp_path):
    config = study._config
    config["run"]["repeats"] = 3
    config["datasets"]["gse4107"]["variants"] = ["sites"]
    places = [(name, "models", "gexpnet", "train_gexpnet") for name in ("gse4107", "gse4107~sites")]
    tasks = [Study(config, tmp_path).planned(place, "train_gexpnet_10", 4, False).task for place in places]
    assert [task.folds for task in tasks] == [30, 10]


def test_a_cohort_that_is_only_tested_is_read_once(study, tmp_path):
    config = study._config
    config["run"]["datasets"] = ["gse14520"]
    config["external"] = [{"train": "gse14520", "test": "gse4107"}]
    task = Study(config, tmp_path).planned(("gse4107", "read_cohort"), "read_cohort", 2, False).task
    assert (task.cohort.samples, task.folds) == (22, 1)


def test_a_job_that_has_run_keeps_its_own_settings(study):
    outputs = {f"fold{fold}/predictions.tsv": {} for fold in (1, 2, 3)}
    manifest = {"rule": "train_gexpnet_3", "settings": {"settings": {"epochs": 7}}, "outputs": outputs}
    place = ("gse4107", "models", "gexpnet", "train_gexpnet")
    job = study.measured(place, manifest | {"device": "NVIDIA H200"}, 60.0)
    assert (job.task.rule, job.task.folds, job.task.settings["epochs"]) == ("train_gexpnet", 3, 7)
    assert job.on_gpu


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "scripts/estimate_study.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_mistake_in_the_config_ends_with_a_sentence(tmp_path):
    (tmp_path / "mine.yaml").write_text("run: {fold: 5}")
    done = run("--configfile", str(tmp_path / "mine.yaml"), "--directory", str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.startswith("config: ")
    assert "Traceback" not in done.stderr


@pytest.mark.workflow
def test_what_snakemake_refuses_is_told(tmp_path):
    done = run("--directory", str(tmp_path), "--", "no_such_rule")
    assert done.returncode == 1
    assert "no_such_rule" in done.stderr


@pytest.mark.workflow
def test_the_demo_is_estimated_before_it_runs(tmp_path):
    done = run("--configfile", "resources/demo/config.yaml", "--directory", str(tmp_path), "--device", "cpu")
    assert done.returncode == 0, done.stderr
    jobs = {line.split()[0]: int(line.split()[1]) for line in done.stdout.split("\n\n")[0].splitlines()[1:]}
    assert jobs["train_gexpnet"] == 9
    assert jobs["finetune_backbone"] == 10
    assert sum(jobs.values()) == 59 + 6 + 3  # the audit: two refits and a table a dataset
    assert not (tmp_path / "results").exists()
