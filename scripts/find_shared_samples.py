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
from gexflow.cohorts.shared_table import COLUMNS, shared_rows, shared_sentence, tested_of
from job import job

with job(snakemake) as log, ExitStack() as opened:
    settings = json.loads(snakemake.params.settings)
    cohorts, samples = {}, {}
    for dataset, path in zip(settings["datasets"], snakemake.input.cohorts, strict=True):
        file = opened.enter_context(h5py.File(path))
        genes = anndata.io.read_elem(file["var"])
        samples[dataset] = anndata.io.read_elem(file["obs"]).index.astype(str).tolist()
        cohorts[dataset] = Genes(file["X"], genes.index.astype(str).tolist(), genes["symbol"].astype(str).tolist())
    rows = []
    for names in combinations(settings["datasets"], 2):
        found, tested = shared_samples(*map(cohorts.get, names)), tested_of(names, settings["tests"])
        rows += shared_rows(found, names, [len(samples[name]) for name in names], settings)
        sentence = shared_sentence(found, names, rows[-1]["note"], tested, samples.get(tested))
        log.log(WARNING if found.pairs and rows[-1]["same_family"] == "no" else INFO, "%s", sentence)
    files.write_table(pd.DataFrame(rows, columns=COLUMNS), snakemake.output.shared)
