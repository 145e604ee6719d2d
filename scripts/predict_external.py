"""Rule predict_external: what the model of every fold says of another cohort."""

import json

import anndata
import pandas as pd
from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.cohorts.holdout import locked_samples
from gexflow.models.new_samples import external_samples, fold_files, notes_on, predict_new
from job import job

with job(snakemake) as log, threadpool_limits(1):
    settings, given = json.loads(snakemake.params.settings), snakemake.input
    names = snakemake.wildcards.dataset, snakemake.wildcards.target
    where = f"{snakemake.wildcards.model} of {names[0]} on {names[1]}"
    trained = anndata.read_h5ad(given.cohort, backed="r")
    classes = sorted(set(anndata.read_h5ad(given.features[0], backed="r").obs["label"].astype(str)))
    splits = [files.read_table(path, text=("sample", "group", "part")) for path in given.target_splits]
    locked = set().union(*map(locked_samples, splits))
    target = files.read_by_gene(given.target, leave_out=locked)
    new = external_samples(target, trained.var, classes, str(trained.uns["scale"]), names)
    folds = fold_files(given.features, given.fitted, given.facts, given.model, given.layouts, given.weights)
    tables, facts = [], []
    for table, fact in predict_new(new, folds, settings["recipe"], settings["model"], where, snakemake.threads):
        tables.append(table)
        facts.append(fact)
        log.info("%s, fold %d: %d of %d genes missing", where, *map(fact.get, ("fold", "missing", "features")))
    for note in [*notes_on(new.facts), *dict.fromkeys(note for fact in facts for note in fact["notes"])]:
        log.warning("%s: %s", where, note)
    files.write_table(pd.concat(tables, ignore_index=True), snakemake.output.predictions)
    files.write_json({**new.facts, "held_out": len(locked), "folds": facts}, snakemake.output.facts)
