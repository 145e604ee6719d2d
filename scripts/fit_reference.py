"""Rule fit_reference: fit a reference model on every fold of a cohort, its settings chosen inside the fold."""

import json
import time

from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.candidates import edge_notes
from gexflow.errors import InputError
from gexflow.memory import keep_freed_memory
from gexflow.models.fold import Fold
from gexflow.models.reference_tuning import fit_fold
from gexflow.recipes.inner import InnerFolds
from job import job

with job(snakemake) as log, threadpool_limits(snakemake.threads):
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    inner = InnerFolds.read(snakemake.input.tuning, snakemake.params.steps, settings)
    paths = zip(snakemake.input.features, snakemake.output.predictions, snakemake.output.facts, strict=True)
    entries = []
    for number, (features, predictions, training_facts) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        start = time.monotonic()
        try:
            prepared = inner and inner.of(number, fold.samples, fold.parts)
            probabilities, found = fit_fold(settings, fold, prepared)
        except InputError as error:
            raise InputError(f"{snakemake.wildcards.model}, fold {number}, {error}") from None
        files.write_table(fold.predictions(probabilities), predictions)
        facts = {"fold": number, "device": "cpu", "weights": "none", "seconds": round(time.monotonic() - start, 1)}
        files.write_json({**facts, **found}, training_facts)
        if "chosen" in found:
            log.info("fold %d: chose %s by %s", number, json.dumps(found["chosen"]), found["chosen_by"])
        entries.append(found)
    for note in edge_notes(entries):
        log.info("%s: %s", snakemake.wildcards.model, note)
    log.info("%s: %d folds", snakemake.wildcards.model, number)
