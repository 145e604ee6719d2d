"""Rule draw_images: one test sample a class of the first fold, as image networks see it."""

import json

import anndata
import numpy as np

from gexflow import files
from gexflow.recipes.image_figure import draw_images
from gexflow.recipes.images import first_test_samples, scatter_genes
from gexflow.recipes.layout_shape import layout_shape
from job import job

with job(snakemake) as log:
    layouts = json.loads(snakemake.params.settings)
    features = anndata.read_h5ad(snakemake.input.features, backed="r")
    labels, parts = (features.obs[name].to_numpy().astype(str) for name in ("label", "part"))
    rows = first_test_samples(labels, parts)
    values = np.array([features.X[row] for row in rows.values()])
    images = {}
    for layout, path in zip(layouts, snakemake.input.layouts, strict=True):
        table = files.read_table(path, text=("gene",))
        shape = layout_shape(layout["size"], len(table))
        pixels = table["row"].to_numpy(), table["column"].to_numpy()
        heading = "random pixels" if layout["order"] == "random" else f"{layout['order']} order"
        images[heading] = scatter_genes(values, *pixels, shape)
    samples = [str(features.obs_names[row]) for row in rows.values()]
    absent = sorted(set(labels) - set(rows))
    files.write_text(draw_images(images, list(rows), samples, absent), snakemake.output.images)
    log.info("%d samples on %d layouts: %s", len(samples), len(images), ", ".join(samples))
