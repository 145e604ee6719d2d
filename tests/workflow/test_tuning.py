"""A small study of all reference models and a GexpNet, tuned and not, through Snakemake."""

import pytest
import yaml

from gexflow.files import read_json, read_table
from gexflow.variants import base_of
from tests.workflow.tiny import tiny_study

MODELS = {
    "logistic": {"network": "logistic", "recipe": "chosen", "tune": {"C": [0.01, 1]}},
    "svm": {"network": "svm", "recipe": "plain", "tune": {"C": [0.01, 1]}},
    "forest": {"network": "forest", "recipe": "chosen", "trees": 5},
    "boosting": {"network": "boosting", "recipe": "chosen", "rounds": 3},
    "mlp": {
        "network": "mlp",
        "recipe": "chosen",
        "epochs": 2,
        "min_steps": 0,
        "tune": {"learning_rate": [0.001, 0.01]},
    },
    "gexpnet": {
        **{"network": "gexpnet", "recipe": "chosen", "epochs": 1, "controls": ["dense"]},
        "tune": {"hidden_dropout": [0.5, 0.1]},
    },
}
TABLES = {"score_cohort": 1, "compare_cohorts": 1, "write_report": 1}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    project = tiny_study(folder, "small")
    change(folder / "mine.yaml", lambda config: add_models(config))
    project.snakemake()
    return project, folder / "mine.yaml"


def add_models(config: dict) -> None:
    config["recipes"]["chosen"] = ["impute_median", {"zscore": {}}, {"select_ftest": {"keep": 10}}]
    config["run"]["models"] += list(MODELS)
    config["models"] = {name: dict(model) for name, model in MODELS.items()}


def change(path, edit) -> str:
    """Change a config; return it as it was."""
    text = path.read_text()
    config = yaml.safe_load(text)
    edit(config)
    path.write_text(yaml.safe_dump(config))
    return text


def would_run(study, edit) -> dict[str, int]:
    """Return what a changed config would run; the change is taken back."""
    project, path = study
    text = change(path, edit)
    try:
        return project.would_run()
    finally:
        path.write_text(text)


@pytest.mark.workflow
def test_every_fold_of_a_tuned_model_says_what_it_chose_and_the_report_counts(study):
    folder = study[0].study / "results"
    for name in [*MODELS, "gexpnet~dense"]:
        facts = read_json(folder / f"small/models/{name}/fold2/training.json")
        assert ("chosen" in facts) == ("tune" in MODELS[base_of(name)])
        assert facts.get("chosen_by", "inner cross-validation") == "inner cross-validation"
        assert len(read_table(folder / f"small/models/{name}/fold2/predictions.tsv", ("sample",))) == 20
    logistic = read_json(folder / "small/models/logistic/fold1/training.json")
    assert logistic["chosen_by"] == "inner cross-validation"
    assert [row["settings"] for row in logistic["candidates"]] == [{"C": 0.01}, {"C": 1}]
    page = (folder / "report/index.html").read_text()
    assert page.count("the held-out samples of an inner cross-validation, 2 candidates; chosen C ") == 2
    assert page.count("the held-out samples of an inner cross-validation, 2 candidates; chosen ") == 5


@pytest.mark.workflow
def test_a_grid_reruns_its_model_alone_and_validation_samples_need_no_cohort(study):
    assert would_run(study, lambda config: None) == {}

    def another_grid(config):
        config["models"]["logistic"]["tune"]["C"] = [0.01, 2]

    assert would_run(study, another_grid) == {"fit_reference": 1, "audit_cohort": 1, **TABLES}

    def another_recipe(config):
        config["recipes"]["chosen"][2]["select_ftest"]["keep"] = 9

    done = would_run(study, another_recipe)
    assert done == {"prepare_folds": 1, "fit_reference": 3, "train_gexpnet": 3, "audit_cohort": 1, **TABLES}
    project, path = study
    text = change(path, lambda config: config["run"].update(validation=0.2))
    try:
        told = project.snakemake("--dry-run", "--forcerun", "fit_reference", "train_gexpnet").stdout
    finally:
        path.write_text(text)
    jobs = [job for job in told.split("\nrule ") if job.startswith(("fit_reference:", "train_gexpnet:"))]
    assert len(jobs) == 8
    inputs = [line for job in jobs for line in job.splitlines() if line.startswith("    input:")]
    assert len(inputs) == 8
    assert not any("cohort.h5ad" in line for line in inputs)
