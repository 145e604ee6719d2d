"""Rule finetune_backbone: fine-tune one ImageNet network on one fold."""

import json
from functools import partial
from pathlib import Path

import torch

from gexflow import files
from gexflow.candidates import candidates, changes
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds, fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.image_network import build_image_network
from gexflow.models.lease import leased
from gexflow.models.trainer import Training, pick_device
from gexflow.models.trunk_features import Scratch, learn_from_features, learn_from_shared, read_shared
from gexflow.models.tuning import keep_chosen, validation_scores
from gexflow.models.weights import save_network
from job import job


def on_features(network, part):
    """Let the frozen layers run once: in this job, or in the one that did it for all folds."""
    if snakemake.input.trunk:
        path, about = snakemake.input.trunk[0], files.read_json(snakemake.input.trunk[1])
        if (shared := read_shared(Path(path), about)) is not None:
            note = f"the frozen layers ran once for all folds, in {about['seconds']} s that no fold counts"
            notes.extend([] if note in notes else [note])  # once for all candidates
            rows = {"train": fold.parts == "train", "validation": fold.parts == "validation", "held_out": fold.held_out}
            return learn_from_shared(network, part, rows, shared, scratch)
    return learn_from_features(network, part, training.half(True, device), device, scratch)


def fine_tune(used: dict, name: str, paths: list[Path]) -> None:
    """Train, and write what that gave; the facts last, for they say that all is there."""
    checkpoint = Checkpoint(Path(snakemake.output.model).with_name(".checkpoint.safetensors"), f"{mark}{name}")
    (trained,) = train_folds(
        [fold],
        lambda genes, classes: build_image_network(used, layout, classes, weights),
        Training.from_settings(used),
        used["seed"],
        device,
        lambda _, line: log.info("epoch %d: loss %.4f, accuracy %.3f", *map(line.get, ("epoch", "loss", "accuracy"))),
        checkpoint,
        on_features,
    )
    facts = {**trained.facts, "weights": weights.name if weights else "random", "notes": notes, "fingerprint": mark}
    if "tune" in settings:
        facts["validation"] = validation_scores(trained.predictions)
    files.write_table(trained.predictions, paths[0])
    save_network(trained.network, paths[1], used)
    files.write_table(trained.history, paths[2])
    files.write_json(facts, paths[3])
    checkpoint.remove()


def choose_candidate() -> None:
    """Train every candidate that no earlier job finished; deliver the best by the validation samples."""
    finished, slots = FinishedFolds(Path(snakemake.output.model).parent, mark), []
    for number, used in enumerate(candidates(settings), 1):
        slots.append(f"-candidate{number}")
        log.info("candidate %d: %s", number, json.dumps(changes(settings)[number - 1]))
        if not finished.has(slots[-1]):
            finished.keep(slots[-1], outputs, partial(fine_tune, used, slots[-1]))
    if not finished.has(1):
        found = keep_chosen(finished, 1, slots, changes(settings), outputs)
        log.info("chose %s by %s", json.dumps(found["chosen"]), found["chosen_by"])
    finished.deliver([outputs])


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
    output = snakemake.output
    outputs = [Path(path) for path in (output.predictions, output.model, output.history, output.facts)]
    training, device = Training.from_settings(settings), pick_device()
    scratch = Scratch(Path(snakemake.resources.tmpdir), snakemake.resources.disk_mb * 10**6)
    marks = [snakemake.params.settings, snakemake.params.code, torch.__version__, device.type]
    mark = fingerprint(*marks, inputs=[snakemake.input.features, snakemake.input.layout, *snakemake.input.weights])
    with leased(Path(snakemake.output.model).with_name(".lease")):
        if not trained_by_another(snakemake.output, [snakemake.output.facts], mark):
            if "tune" in settings:
                choose_candidate()
            else:
                fine_tune(settings, "", outputs)
