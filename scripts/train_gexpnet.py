"""Rule train_gexpnet: train GexpNet, a control of it, or a multilayer perceptron on every fold of a cohort."""

import json
from functools import partial
from pathlib import Path

import torch

from gexflow import files
from gexflow.candidates import candidates, changes
from gexflow.errors import InputError
from gexflow.memory import keep_freed_memory
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds, fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, stacks_of, train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.lease import leased
from gexflow.models.trainer import NotFinite, Training, pick_device
from gexflow.models.tuning import keep_chosen, validation_scores
from gexflow.models.weights import save_network
from job import job


def write(trained: Trained, used: dict, paths: list[Path]) -> None:
    """Write what one fold gave: predictions, model, history, facts."""
    files.write_table(trained.predictions, paths[0])
    save_network(trained.network, paths[1], used)
    files.write_table(trained.history, paths[2])
    facts = {**trained.facts, "weights": "none", "notes": [], "fingerprint": mark}
    if tuned:
        facts["validation"] = validation_scores(trained.predictions)
    files.write_json(facts, paths[3])


def tell(epochs: int, number: int, line: dict) -> None:
    """Log a history line now and then."""
    if line["epoch"] % max(1, epochs // 5) == 0:
        log.info("fold %d, epoch %d: loss %.4f, accuracy %.3f", number, *map(line.get, ("epoch", "loss", "accuracy")))


def slot(fold: int, candidate: int) -> int | str:
    """Return the name under which the training of a fold is kept: its number, if there is but one."""
    return f"{fold}-candidate{candidate}" if tuned else fold


def train_what_is_missing() -> None:
    """Train the folds that no earlier job finished, with every candidate, and deliver all of them."""
    finished, options = FinishedFolds(folder, mark), candidates(settings)
    missing = [fold for fold in folds if not finished.has(fold.number)]
    if len(missing) < len(folds):
        log.info(
            "%d of %d folds were finished by a job that stopped; they are kept", len(folds) - len(missing), len(folds)
        )
    for candidate, used in enumerate(options, 1):
        if tuned:
            log.info("candidate %d of %d: %s", candidate, len(options), json.dumps(changes(settings)[candidate - 1]))
        train_candidate(finished, candidate, used, [f for f in missing if not finished.has(slot(f.number, candidate))])
    for fold in missing if tuned else []:
        slots = [slot(fold.number, candidate) for candidate in range(1, len(options) + 1)]
        found = keep_chosen(finished, fold.number, slots, changes(settings), outputs[fold.number - 1])
        log.info("fold %d: chose %s by %s", fold.number, json.dumps(found["chosen"]), found["chosen_by"])
    finished.deliver(outputs)
    under_way.unlink(missing_ok=True)  # of a job that was killed when its last fold was finished


def train_candidate(finished: FinishedFolds, candidate: int, used: dict, missing: list[Fold]) -> None:
    """Train folds with the settings of one candidate, which are the model's own if it is not tuned."""
    training = Training.from_settings(used).for_samples(len(folds[0].labels))
    together = {"on": True, "off": False, "auto": device.type == "cuda"}[used.get("stack", "off")]
    for group in stacks_of(missing, together and used.get("control") != "dense"):
        slots = [slot(fold.number, candidate) for fold in group]
        checkpoint = Checkpoint(under_way, f"{mark} {device.type} {slots}")
        build, report = partial(build_gene_network, used), partial(tell, training.epochs)
        try:
            results = train_folds(group, build, training, used["seed"], device, report, checkpoint)
        except NotFinite as error:
            path = folder / f"fold{error.fold}" / "last_good.safetensors"
            save_network(error.network, path, used)
            of = f" (with {json.dumps(changes(settings)[candidate - 1])})" if tuned else ""
            raise InputError(f"{error}{of}; the weights before it are in {path}, finished folds are kept") from None
        for fold, place, trained in zip(group, slots, results, strict=True):
            finished.keep(place, outputs[fold.number - 1], partial(write, trained, used))
            loss, seconds = trained.facts["final_loss"], trained.facts["seconds"]
            log.info("fold %d: %d genes, loss %.4f, %.1f s", fold.number, fold.values.shape[1], loss, seconds)
        checkpoint.remove()


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    tuned = "tune" in settings
    device, output = pick_device(), snakemake.output
    outputs = list(zip(output.predictions, output.model, output.history, output.facts, strict=True))
    folder = Path(outputs[0][0]).parents[1]
    versions = [snakemake.params.settings, snakemake.params.code, torch.__version__]
    mark = fingerprint(*versions, inputs=snakemake.input.features)
    folds = [Fold.read(path, number) for number, path in enumerate(snakemake.input.features, 1)]
    under_way = folder / ".checkpoint.safetensors"
    with leased(folder / ".lease"):
        if not trained_by_another(output, output.facts, mark):
            train_what_is_missing()
