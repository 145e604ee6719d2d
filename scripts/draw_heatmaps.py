"""Rule draw_heatmaps: gather attributions over folds to genes, and draw the per-class heat map."""

import json

import pandas as pd

from gexflow import files
from gexflow.attribution.genes import rank_genes
from gexflow.attribution.heatmaps import draw_heatmap
from job import job

with job(snakemake) as log:
    settings = json.loads(snakemake.params.settings)
    folds = [files.read_h5ad(path) for path in snakemake.input.folds]
    symbols = {gene: symbol for table in folds for gene, symbol in table.var["symbol"].astype(str).items()}
    genes = rank_genes(
        [table.to_df() for table in folds], [table.obs["predicted"].astype(str).tolist() for table in folds], symbols
    )
    if snakemake.input.get("truth"):
        planted = files.read_json(snakemake.input.truth[0])["planted"]
        genes["planted"] = genes["gene"].isin({gene for names in planted.values() for gene in names}).astype(int)
    deltas = [
        table.obs[["target", "predicted", "delta"]].rename_axis("sample").reset_index().assign(fold=number)
        for number, table in enumerate(folds, 1)
    ]
    files.write_table(genes, snakemake.output.genes)
    files.write_table(pd.concat(deltas)[["fold", "sample", "target", "predicted", "delta"]], snakemake.output.deltas)
    files.write_text(draw_heatmap(genes, settings["heatmap_genes"]), snakemake.output.heatmaps)
    log.info("%d genes ranked", genes["gene"].nunique())
