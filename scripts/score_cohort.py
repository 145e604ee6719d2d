"""Rule score_cohort: scores, intervals, comparisons and calibration of all models of a cohort."""

import json

import pandas as pd

from gexflow import files
from gexflow.evaluation.scoring import Protocol, score_models
from gexflow.models.predictions import TEXT
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    models = settings.pop("models")
    folds = settings["folds"] * settings["repeats"]
    tables = [files.read_table(path, text=TEXT) for path in snakemake.input.predictions]
    predictions = {
        model: pd.concat(tables[number * folds : (number + 1) * folds], ignore_index=True)
        for number, model in enumerate(models)
    }
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part", "unit"))
    # by site what is independent is larger than a group
    groups = dict(zip(splits["sample"], splits["unit" if "unit" in splits else "group"], strict=True))
    scores = score_models(predictions, Protocol(**settings, groups=groups))
    for name, table in scores.items():
        files.write_table(table, snakemake.output[name])
    means = scores["metrics"].groupby("model", sort=False)["accuracy"].mean()
    log.info("mean accuracy: %s", ", ".join(f"{model} {mean:.3f}" for model, mean in means.items()))
    if not settings["reference"]:
        log.warning("no linear reference model was run: nothing tells whether the networks are better than one")
