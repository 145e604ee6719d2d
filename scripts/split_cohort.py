"""Rule split_cohort: a cohort becomes `splits.tsv`."""

import json

import anndata

from gexflow import files
from gexflow.cohorts.class_sizes import check_class_sizes
from gexflow.cohorts.splits import split_as_published, split_samples
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    samples = anndata.read_h5ad(snakemake.input.cohort, backed="r").obs
    labels, groups = list(samples["label"].astype(str)), list(samples["group"].astype(str))
    if settings.get("protocol") == "published":
        log.warning("LEAKY by intention, the published protocol: one split without patients")
        splits = split_as_published(list(samples.index), labels, settings["seed"], settings["dataset"])
    else:
        note = check_class_sizes(labels, groups, settings["folds"], settings["min_class_size"], settings["dataset"])
        if note:
            log.warning(note)
        splits = split_samples(
            list(samples.index),
            labels,
            groups,
            folds=settings["folds"],
            repeats=settings["repeats"],
            seed=settings["seed"],
            validation=settings["validation"],
        )
    files.write_table(splits, snakemake.output.splits)
    log.info("%d samples, %d folds", len(samples), splits["fold"].nunique())
