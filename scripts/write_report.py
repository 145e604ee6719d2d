"""Write the report: everything the stages found, as one HTML page."""

import json
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from gexflow import __version__
from gexflow.files import write_text
from gexflow.log import job_log
from gexflow.report.page import render_page
from gexflow.report.study import KEYS, collect_study

PACKAGES = (
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "anndata",
    "torch",
    "torchvision",
    "timm",
    "captum",
)

with job_log(snakemake.log[0]) as log:
    paths = {kind: snakemake.input.get(kind, []) for kind in KEYS}
    settings = json.loads(snakemake.params.settings)
    settings["versions"] = {
        "gexflow": __version__,
        "python": python_version(),
        **{name: version(name) for name in PACKAGES},
    }
    study = collect_study(paths, settings)
    page = render_page(study, Path(snakemake.input.template).parent)
    write_text(page, snakemake.output.page)
    log.info("%d datasets, %.2f MB", len(study.datasets), len(page.encode()) / 1e6)
