"""Rule simulate_cohort: draw a cohort and write it in its source's true format, with the truth beside it."""

import json
from pathlib import Path

import numpy as np

from gexflow import files
from gexflow.cohorts.simulate import simulate
from gexflow.cohorts.simulated_files import WRITERS
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    seed = settings["simulate"]["seed"]
    cohort = simulate(settings["source"], settings["simulate"], seed)
    write = WRITERS[settings["source"]]
    matrix, labels = Path(snakemake.output.matrix), Path(snakemake.output.labels)
    genes = write(cohort, matrix, labels, np.random.default_rng([seed, 1]))
    files.write_json(cohort.truth(genes), snakemake.output.truth)
    log.info("simulated %d samples x %d genes, Bayes accuracy %.3f", *cohort.log2.shape, cohort.bayes_accuracy)
