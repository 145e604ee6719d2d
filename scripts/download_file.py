"""Rules download_file and download_weights: fetch one file and check it."""

import json
import signal
import sys
from pathlib import Path

from gexflow.cohorts.download import download
from gexflow.log import job_log

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a cancelled job, too, tidies up
with job_log(snakemake.log[0]):
    details = json.loads(snakemake.params.details)
    download(details["addresses"], Path(snakemake.output[0]), details["expected"], details["listing"])
