"""Rule lay_out_genes: give every gene that a fold kept a pixel of its own."""

import json

import anndata

from gexflow import files
from gexflow.errors import InputError
from gexflow.recipes.layout_shape import layout_shape
from gexflow.recipes.layouts import lay_out_features
from job import job

with job(snakemake) as log:
    layout = json.loads(snakemake.params.settings)
    where = f"{snakemake.wildcards.dataset}, recipe {snakemake.wildcards.recipe}"
    for fold, (features, output) in enumerate(zip(snakemake.input.features, snakemake.output.layouts, strict=True), 1):
        table = anndata.read_h5ad(features, backed="r")
        try:
            pixels, note = lay_out_features(table, layout)
        except InputError as error:
            raise InputError(f"{where}, fold {fold}: {error}") from None
        files.write_table(pixels, output)
        shape = layout_shape(layout["size"], len(pixels))
        log.info("%s, fold %d: %d genes on %d x %d pixels%s", where, fold, len(pixels), *shape, note and f"; {note}")
    log.info("%d folds, layout %s", len(snakemake.output.layouts), snakemake.wildcards.layout)
