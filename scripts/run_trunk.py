"""Rule run_trunk: run an image network's frozen layers once for all folds, whose images are the same."""

import json
import signal
import sys
from pathlib import Path

import torch

from gexflow import files
from gexflow.models.fold import Fold
from gexflow.models.image_network import build_image_network
from gexflow.models.trainer import Training, pick_device
from gexflow.models.trunk_features import write_shared
from job import job

signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # a cancelled job, too, tidies up
with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    fold = Fold.read(snakemake.input.features, 1)
    layout = files.read_table(snakemake.input.layout, text=("gene",))
    weights = Path(snakemake.input.weights[0]) if settings["weights"] != "random" else None
    network = build_image_network(settings, layout, len(fold.classes), weights)
    device = pick_device()
    half = Training.from_settings(settings).half(True, device)
    limit = snakemake.resources.disk_mb * 10**6
    write_shared(*map(Path, snakemake.output), network, fold.values, half, device, limit)
