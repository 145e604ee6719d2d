"""Rule find_shared_samples: which samples any two cohorts of the study share, and whether their families say so."""

import json
from contextlib import ExitStack
from itertools import combinations
from logging import INFO, WARNING

import anndata
import h5py
import pandas as pd

from gexflow import files
from gexflow.cohorts.shared_samples import Genes, shared_samples
from gexflow.cohorts.shared_table import COLUMNS, shared_rows, shared_sentence
from job import job

with job(snakemake) as log, ExitStack() as opened:
    settings = json.loads(snakemake.params.settings)
    cohorts = {}
    for dataset, path in zip(settings["datasets"], snakemake.input.cohorts, strict=True):
        file = opened.enter_context(h5py.File(path))
        genes = anndata.io.read_elem(file["var"])
        cohorts[dataset] = Genes(file["X"], genes.index.astype(str).tolist(), genes["symbol"].astype(str).tolist())
    rows = []
    for first, second in combinations(settings["datasets"], 2):
        found = shared_samples(cohorts[first], cohorts[second])
        sizes = [cohorts[name].values.shape[0] for name in (first, second)]
        rows += shared_rows(found, (first, second), sizes, settings["families"])
        unsaid = found.pairs and rows[-1]["same_family"] == "no"
        log.log(WARNING if unsaid else INFO, "%s", shared_sentence(found, (first, second), rows[-1]["note"]))
    files.write_table(pd.DataFrame(rows, columns=COLUMNS), snakemake.output.shared)
