"""Rule train_gexpnet: train GexpNet, or a control of it, on every fold of a cohort."""

import json
from functools import partial
from pathlib import Path

import torch

from gexflow import files
from gexflow.errors import InputError
from gexflow.memory import keep_freed_memory
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds, fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, stacks_of, train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.lease import leased
from gexflow.models.trainer import NotFinite, Training, pick_device
from gexflow.models.weights import save_network
from job import job


def write(trained: Trained, paths: list[Path]) -> None:
    """Write what one fold gave: predictions, model, history, facts."""
    files.write_table(trained.predictions, paths[0])
    save_network(trained.network, paths[1], settings)
    files.write_table(trained.history, paths[2])
    files.write_json({**trained.facts, "weights": "none", "notes": [], "fingerprint": mark}, paths[3])


def tell(number: int, line: dict) -> None:
    """Log a history line now and then."""
    if line["epoch"] % max(1, training.epochs // 5) == 0:
        log.info("fold %d, epoch %d: loss %.4f, accuracy %.3f", number, *map(line.get, ("epoch", "loss", "accuracy")))


def train_what_is_missing() -> None:
    """Train the folds that no earlier job finished, and deliver all of them."""
    finished = FinishedFolds(folder, mark)
    missing = [fold for fold in folds if not finished.has(fold.number)]
    if len(missing) < len(folds):
        log.info(
            "%d of %d folds were finished by a job that stopped; they are kept", len(folds) - len(missing), len(folds)
        )
    under_way = folder / ".checkpoint.safetensors"
    together = {"on": True, "off": False, "auto": device.type == "cuda"}[settings["stack"]]
    for group in stacks_of(missing, together and settings.get("control") != "dense"):
        numbers = [fold.number for fold in group]
        checkpoint = Checkpoint(under_way, f"{mark} {device.type} {numbers}")
        try:
            results = train_folds(
                group, partial(build_gene_network, settings), training, settings["seed"], device, tell, checkpoint
            )
        except NotFinite as error:
            path = folder / f"fold{error.fold}" / "last_good.safetensors"
            save_network(error.network, path, settings)
            raise InputError(f"{error}; the weights before it are in {path}, finished folds are kept") from None
        for fold, trained in zip(group, results, strict=True):
            finished.keep(fold.number, outputs[fold.number - 1], partial(write, trained))
            loss, seconds = trained.facts["final_loss"], trained.facts["seconds"]
            log.info("fold %d: %d genes, loss %.4f, %.1f s", fold.number, fold.values.shape[1], loss, seconds)
        checkpoint.remove()
    finished.deliver(outputs)
    under_way.unlink(missing_ok=True)  # of a job that was killed when its last fold was finished


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    device, output = pick_device(), snakemake.output
    outputs = list(zip(output.predictions, output.model, output.history, output.facts, strict=True))
    folder = Path(outputs[0][0]).parents[1]
    versions = [snakemake.params.settings, snakemake.params.code, torch.__version__]
    mark = fingerprint(*versions, inputs=snakemake.input.features)
    folds = [Fold.read(path, number) for number, path in enumerate(snakemake.input.features, 1)]
    training = Training.from_settings(settings).for_samples(len(folds[0].labels))
    with leased(folder / ".lease"):
        if not trained_by_another(output, output.facts, mark):
            train_what_is_missing()
