"""Rule fit_reference: fit a reference model on every fold of a cohort."""

import json
import time

from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.models.fold import Fold
from gexflow.models.reference import fit_reference
from job import job

with job(snakemake) as log, threadpool_limits(snakemake.threads):
    settings = json.loads(snakemake.params.settings)
    paths = zip(snakemake.input.features, snakemake.output.predictions, snakemake.output.facts, strict=True)
    for number, (features, predictions, training_facts) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        start = time.monotonic()
        probabilities, notes = fit_reference(
            settings, *fold.part("train"), fold.values[fold.held_out], len(fold.classes)
        )
        files.write_table(fold.predictions(probabilities), predictions)
        facts = {"fold": number, "device": "cpu", "weights": "none", "seconds": round(time.monotonic() - start, 1)}
        files.write_json({**facts, "notes": notes}, training_facts)
    log.info("%s: %d folds", snakemake.wildcards.model, number)
