"""Rule score_new_samples: the metrics of every fold's model on samples that no fold has seen."""

import json

from gexflow import files
from gexflow.evaluation.new_samples import score_new
from gexflow.models.predictions import TEXT
from job import job

with job(snakemake) as log:
    models = json.loads(snakemake.params.settings)["models"]
    predictions = {
        model: files.read_table(path, text=TEXT)
        for model, path in zip(models, snakemake.input.predictions, strict=True)
    }
    scores = score_new(predictions, snakemake.wildcards.place.split("/")[0])
    files.write_table(scores, snakemake.output.metrics)
    means = scores.groupby("model", sort=False)["accuracy"].mean()
    log.info("mean accuracy: %s", ", ".join(f"{model} {mean:.3f}" for model, mean in means.items()))
