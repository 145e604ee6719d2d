"""Rule split_cohort: a cohort becomes `splits.tsv`, and `splits.json` says what is to be known of it."""

import json

import anndata

from gexflow import files
from gexflow.cohorts.class_sizes import check_class_sizes, few_tested, few_tested_note
from gexflow.cohorts.holdout import choose_holdout, holdout_facts
from gexflow.cohorts.site_folds import said, tested_in
from gexflow.cohorts.splits import split_as_published, split_by_site, split_samples
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    dataset, how = settings["dataset"], settings["protocol"]
    table = anndata.read_h5ad(snakemake.input.cohort, backed="r").obs
    samples, labels, groups = (
        column.astype(str).to_numpy(dtype=object) for column in (table.index, table["label"], table["group"])
    )
    batches = table["batch"].astype(str).to_numpy(dtype=object) if "batch" in table else None
    facts, notes = {"by": how, "holdout": {}, "sites": {}}, []
    if how == "published":
        notes.append("LEAKY by intention, the published protocol: one split without patients")
        splits = split_as_published(list(samples), list(labels), settings["seed"], dataset)
    else:
        held_out = choose_holdout(labels, groups, batches, settings["holdout"], settings["seed"], dataset)
        facts["holdout"] = holdout_facts(samples, labels, groups, held_out) if held_out.any() else {}
        design = {key: settings[key] for key in ("folds", "repeats", "seed", "validation")} | {"held_out": held_out}
        if how == "site":
            splits, sites = split_by_site(samples, labels, groups, batches, **design, dataset=dataset)
            facts["sites"] = sites.facts()
            notes += said(facts["sites"])
        else:
            inside = list(labels[~held_out]), list(groups[~held_out])
            notes.append(check_class_sizes(*inside, settings["folds"], settings["min_class_size"], dataset))
            splits = split_samples(samples, labels, groups, **design)
    facts["folds"], facts["repeats"] = splits["fold"].nunique(), splits["repeat"].nunique()
    label_of = dict(zip(samples, labels, strict=True))
    facts |= {"tested_in": tested_in(splits, label_of), "few_tested": few_tested(splits, label_of)}
    notes.append(few_tested_note(facts["few_tested"]))
    for note in filter(None, notes):
        log.warning(note)
    files.write_table(splits, snakemake.output.splits)
    files.write_json(facts, snakemake.output.facts)
    if facts["holdout"]:
        log.info("%d samples are held out: no fold sees them", facts["holdout"]["samples"])
    repeats, folds = facts["repeats"], facts["folds"] // facts["repeats"]
    log.info("%d samples in %d groups, %d x %d folds", len(samples), splits["group"].nunique(), repeats, folds)
