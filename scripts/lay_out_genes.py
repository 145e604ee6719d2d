"""Rule lay_out_genes: give every gene that a fold kept a pixel of its own."""

import json

import anndata

from gexflow import files
from gexflow.errors import InputError
from gexflow.recipes.layout_shape import layout_shape
from gexflow.recipes.layouts import lay_out_genes, layout_note
from job import job

with job(snakemake) as log:
    layout = json.loads(snakemake.params.settings)
    where = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}"
    for fold, (features, output) in enumerate(zip(snakemake.input.features, snakemake.output.layouts, strict=True), 1):
        table = anndata.read_h5ad(features, backed="r")
        genes, order = table.var, layout["order"]
        names = [symbol or gene for gene, symbol in genes["symbol"].astype(str).items()]
        known = {
            "places": genes[["chromosome", "start"]] if "chromosome" in genes else None,
            # a correlation layout is fitted: on the training part of the fold alone
            "values": table.X[:][(table.obs["part"] == "train").to_numpy()] if order == "correlation" else None,
        }
        try:
            method = {"method": layout["method"]} if order == "correlation" else {}
            pixels = lay_out_genes(names, order, layout["size"], layout["seed"], **known, **method)
        except InputError as error:
            raise InputError(f"{where}, fold {fold}: {error}") from None
        files.write_table(pixels.assign(gene=genes.index), output)
        note = layout_note(order, **known)
        shape = layout_shape(layout["size"], len(names))
        log.info("%s, fold %d: %d genes on %d x %d pixels%s", where, fold, len(names), *shape, note and f"; {note}")
    log.info("%d folds, layout %s", len(snakemake.output.layouts), snakemake.wildcards.layout)
