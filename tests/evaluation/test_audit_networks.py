"""On request the audit trains GexpNet anew, exactly as its rule does."""

import pandas as pd
import torch
from tests.jobs import job_of, run_script
from tests.workflow.conftest import ROOT

from gexflow.config import load_config
from gexflow.evaluation.audit_networks import network_prediction
from gexflow.evaluation.audit_refits import TEXT, Pipeline, refit, split
from gexflow.evaluation.audit_selftest import draw_cohort
from gexflow.files import read_table, write_h5ad, write_table
from gexflow.models.predictions import TEXT as PREDICTION_TEXT
from gexflow.recipes.folds import prepare_folds

STEPS = [{"zscore": {}}, {"select_ftest": {"keep": "median"}}]


def settings() -> dict:
    model = load_config([ROOT / "config.yaml"], ROOT / "workflow/schemas/config.schema.yaml")["models"]["gexpnet"]
    return {**model, "epochs": 2, "batch_size": 8, "seed": 32}


def test_a_refitted_network_equals_the_one_that_its_rule_trains(tmp_path):
    cohort = draw_cohort(1, samples=48, genes=30, shift=2.0)
    labels = cohort.obs["label"].to_numpy().astype(str)
    pipeline = Pipeline(STEPS, network_prediction(settings(), torch.device("cpu")), folds=3, seed=32)
    splits = split(cohort, labels, pipeline)
    torch.set_num_threads(1)
    again = refit(cohort, labels, splits, pipeline)
    parts = [rows["part"].to_numpy(dtype=str) for _, rows in splits.groupby("fold")]
    home = tmp_path / "results/set/models/gexpnet"
    outputs = {kind: [] for kind in ("predictions", "model", "history", "facts")}
    endings = dict(zip(outputs, ("predictions.tsv", "model.safetensors", "history.tsv", "training.json"), strict=True))
    for number, fold in enumerate(prepare_folds(cohort, parts, STEPS), 1):
        write_h5ad(fold.features, tmp_path / f"fold{number}.h5ad")
        for kind, ending in endings.items():
            outputs[kind].append(str(home / f"fold{number}/{ending}"))
    features = {"features": [str(tmp_path / f"fold{number}.h5ad") for number in (1, 2, 3)], "tuning": []}
    log = tmp_path / "results/logs/set/models/gexpnet/train_gexpnet.log"
    run_script(job_of("train_gexpnet", log, features, outputs, settings(), params={"steps": ""}))
    ordinary = pd.concat([read_table(path, PREDICTION_TEXT) for path in outputs["predictions"]], ignore_index=True)
    pd.testing.assert_frame_equal(again, ordinary[["sample", "fold", "label", "predicted"]], check_dtype=False)


def test_the_rule_writes_draws_of_a_network(tmp_path):
    cohort = draw_cohort(1, samples=48, genes=30)
    write_h5ad(cohort, tmp_path / "cohort.h5ad")
    pipeline = Pipeline(STEPS, lambda *_: None, folds=3, seed=32)
    write_table(split(cohort, cohort.obs["label"].to_numpy().astype(str), pipeline), tmp_path / "splits.tsv")
    inputs = {"cohort": str(tmp_path / "cohort.h5ad"), "splits": str(tmp_path / "splits.tsv"), "summary": []}
    how = {"steps": STEPS, "model": settings(), "folds": 3, "seed": 32, "validation": 0, "count": 2}
    output = str(tmp_path / "results/set/draws.tsv")
    names = {"wildcards": {"dataset": "set", "variant": "permuted", "model": "gexpnet"}}
    log = tmp_path / "results/logs/set/refit_network.log"
    run_script(job_of("refit_network", log, inputs, {"draws": output}, how, **names))
    draws = read_table(output, TEXT)
    assert draws.groupby("draw")["sample"].nunique().to_dict() == {1: 48, 2: 48}
