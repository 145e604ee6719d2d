"""Rule finetune_backbone: fine-tune one ImageNet network on one fold."""

import json
from pathlib import Path

import torch

from gexflow import files
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.image_network import build_image_network
from gexflow.models.lease import leased
from gexflow.models.trainer import Training, pick_device
from gexflow.models.trunk_features import Scratch, learn_from_features, learn_from_shared, read_shared
from gexflow.models.weights import save_network
from job import job


def on_features(network, part):
    """Let the frozen layers run once: in this job, or in the one that did it for all folds."""
    if snakemake.input.trunk:
        path, about = snakemake.input.trunk[0], files.read_json(snakemake.input.trunk[1])
        if (shared := read_shared(Path(path), about)) is not None:
            notes.append(f"the frozen layers ran once for all folds, in {about['seconds']} s that no fold counts")
            rows = {"train": fold.parts == "train", "validation": fold.parts == "validation", "held_out": fold.held_out}
            return learn_from_shared(network, part, rows, shared, scratch)
    return learn_from_features(network, part, training.half(True, device), device, scratch)


def fine_tune() -> None:
    """Train, and write what that gave; the facts last, for they say that all is there."""
    checkpoint = Checkpoint(Path(snakemake.output.model).with_name(".checkpoint.safetensors"), mark)
    (trained,) = train_folds(
        [fold],
        lambda genes, classes: build_image_network(settings, layout, classes, weights),
        training,
        settings["seed"],
        device,
        lambda _, line: log.info("epoch %d: loss %.4f, accuracy %.3f", *map(line.get, ("epoch", "loss", "accuracy"))),
        checkpoint,
        on_features,
    )
    files.write_table(trained.predictions, snakemake.output.predictions)
    save_network(trained.network, snakemake.output.model, settings)
    files.write_table(trained.history, snakemake.output.history)
    files.write_json(
        {**trained.facts, "weights": weights.name if weights else "random", "notes": notes, "fingerprint": mark},
        snakemake.output.facts,
    )
    checkpoint.remove()


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    number = int(snakemake.wildcards.fold)
    fold = Fold.read(snakemake.input.features, number)
    layout = files.read_table(snakemake.input.layout, text=("gene",))
    weights = Path(snakemake.input.weights[0]) if settings["weights"] != "random" else None
    notes = [] if weights else ["random weights, not ImageNet's: this is no transfer learning"]
    for note in notes:
        log.warning("%s: %s", snakemake.wildcards.model, note)
    training, device = Training.from_settings(settings), pick_device()
    scratch = Scratch(Path(snakemake.resources.tmpdir), snakemake.resources.disk_mb * 10**6)
    marks = [snakemake.params.settings, snakemake.params.code, torch.__version__, device.type]
    mark = fingerprint(*marks, inputs=[snakemake.input.features, snakemake.input.layout, *snakemake.input.weights])
    with leased(Path(snakemake.output.model).with_name(".lease")):
        if not trained_by_another(snakemake.output, [snakemake.output.facts], mark):
            fine_tune()
