"""Rule fit_reference: fit a reference model on every fold of a cohort, its settings chosen inside the fold."""

import json
import time

import numpy as np
from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.errors import InputError
from gexflow.memory import keep_freed_memory
from gexflow.models.fold import Fold
from gexflow.models.reference_tuning import fit_fold
from gexflow.recipes.inner import prepare_inner_folds
from job import job


def inner_folds(fold: Fold):
    """Return the features of the inner folds of a fold; None where none are needed to tune the model."""
    if cohort is None:
        return None
    rows = splits[splits["fold"] == fold.number].set_index("sample").loc[cohort.obs_names]
    train = (rows["part"] == "train").to_numpy()
    if not (np.array_equal(cohort.obs_names, fold.samples) and np.array_equal(train, fold.parts == "train")):
        raise InputError(f"fold {fold.number}: splits.tsv and features.h5ad disagree: delete both and run again")
    steps, groups = json.loads(snakemake.params.steps), rows["group"].to_numpy(dtype=str)
    return prepare_inner_folds(cohort, train, groups, steps, settings["inner_folds"], settings["seed"])


with job(snakemake) as log, threadpool_limits(snakemake.threads):
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    cohort = splits = None
    if snakemake.input.tuning:
        splits = files.read_table(snakemake.input.tuning[1], text=("sample", "group", "part"))
        cohort = files.read_by_gene(snakemake.input.tuning[0], leave_out=locked_samples(splits))
    paths = zip(snakemake.input.features, snakemake.output.predictions, snakemake.output.facts, strict=True)
    for number, (features, predictions, training_facts) in enumerate(paths, 1):
        fold = Fold.read(features, number)
        start = time.monotonic()
        try:
            probabilities, found = fit_fold(settings, fold, inner_folds(fold))
        except InputError as error:
            raise InputError(f"{snakemake.wildcards.model}, fold {number}, {error}") from None
        files.write_table(fold.predictions(probabilities), predictions)
        facts = {"fold": number, "device": "cpu", "weights": "none", "seconds": round(time.monotonic() - start, 1)}
        files.write_json({**facts, **found}, training_facts)
        if "chosen" in found:
            log.info("fold %d: chose %s by %s", number, json.dumps(found["chosen"]), found["chosen_by"])
    log.info("%s: %d folds", snakemake.wildcards.model, number)
