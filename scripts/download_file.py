"""Rules download_file and download_weights: fetch one file and check it."""

from pathlib import Path

from gexflow.cohorts.download import download
from gexflow.log import job_log

with job_log(snakemake.log[0]) as log:
    path, checksums = Path(snakemake.output[0]), snakemake.params.checksums
    found = download(snakemake.params.address, path, checksums)
    checked = "checked" if checksums else "no checksum is known"
    log.info("%s: %d bytes, sha256 %s (%s)", path.name, path.stat().st_size, found, checked)
