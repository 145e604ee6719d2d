"""Rules download_file and download_weights: fetch one file and check it."""

import json
from pathlib import Path

from gexflow.cohorts.download import download
from gexflow.log import job_log

with job_log(snakemake.log[0]) as log:
    entry = json.loads(snakemake.params.settings)
    path = Path(snakemake.output[0])
    found = download(entry["address"], path, entry.get("md5"), entry.get("sha256"))
    checked = "checked" if entry.get("md5") or entry.get("sha256") else "no checksum is published"
    log.info("%s: %d bytes, sha256 %s (%s)", path.name, path.stat().st_size, found, checked)
