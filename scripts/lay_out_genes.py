"""Rule lay_out_genes: give every gene that a fold kept a pixel of its own."""

import json

import anndata

from gexflow import files
from gexflow.errors import InputError
from gexflow.log import job_log
from gexflow.recipes.layouts import lay_out_genes

with job_log(snakemake.log[0]) as log:
    layout = json.loads(snakemake.params.settings)
    for fold, (features, output) in enumerate(zip(snakemake.input.features, snakemake.output.layouts, strict=True), 1):
        genes = anndata.read_h5ad(features, backed="r").var
        names = [symbol or gene for gene, symbol in genes["symbol"].astype(str).items()]
        try:
            table = lay_out_genes(names, layout["order"], layout["size"], layout["seed"])
        except InputError as error:
            place = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}, fold {fold}"
            raise InputError(f"{place}: {error}") from None
        files.write_table(table.assign(gene=genes.index), output)
    log.info("%d folds, layout %s", len(snakemake.output.layouts), snakemake.wildcards.layout)
