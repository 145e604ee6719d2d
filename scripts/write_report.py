"""Rule write_report: everything the stages found, as one HTML page."""

import json
from pathlib import Path

from gexflow.files import write_text
from gexflow.report.external import KINDS as NEW
from gexflow.report.page import render_page
from gexflow.report.study import KEYS, OF_STUDY, collect_study
from gexflow.report.versions import installed_versions
from job import job

with job(snakemake) as log:
    paths = {kind: snakemake.input.get(kind, []) for kind in (*KEYS, *OF_STUDY, *NEW)}
    paths["benchmarks"] = snakemake.params.get("benchmarks", [])
    settings = {**json.loads(snakemake.params.settings), "versions": installed_versions()}
    study = collect_study(paths, settings)
    page = render_page(study, Path(snakemake.input.template).parent)
    write_text(page, snakemake.output.page)
    log.info("%d datasets, %.2f MB", len(study.datasets), len(page.encode()) / 1e6)
