"""Rule score_cohort: metrics, intervals, per-class scores and confusion of all models, and what their controls say."""

import json

import pandas as pd

from gexflow import files
from gexflow.evaluation.scoring import score_models
from gexflow.models.predictions import TEXT
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    folds = settings["folds"] * settings["repeats"]
    tables = [files.read_table(path, text=TEXT) for path in snakemake.input.predictions]
    predictions = {
        model: pd.concat(tables[number * folds : (number + 1) * folds], ignore_index=True)
        for number, model in enumerate(settings["models"])
    }
    scores = score_models(predictions, settings["folds"], settings["validation"])
    for name, table in scores.items():
        files.write_table(table, snakemake.output[name])
    means = scores["metrics"].groupby("model", sort=False)["accuracy"].mean()
    log.info("mean accuracy: %s", ", ".join(f"{model} {mean:.3f}" for model, mean in means.items()))
