"""Rule train_gexpnet: train GexpNet, a control of it, or a multilayer perceptron on every fold of a cohort."""

import json
from functools import partial
from pathlib import Path

import torch

from gexflow import files
from gexflow.candidates import candidates, changes, edge_notes
from gexflow.errors import InputError
from gexflow.memory import keep_freed_memory
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds, fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, stacks_of, train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.lease import leased
from gexflow.models.network_tuning import InnerSearch, with_choice
from gexflow.models.trained_files import write_trained
from gexflow.models.trainer import NotFinite, Training, pick_device
from gexflow.models.tuning import diverged, keep_chosen, validation_scores
from gexflow.models.weights import save_network
from gexflow.recipes.inner import InnerFolds
from job import job


def tell(epochs: int, number: int, line: dict) -> None:
    """Log a history line now and then."""
    if line["epoch"] % max(1, epochs // 5) == 0:
        log.info("fold %d, epoch %d: loss %.4f, accuracy %.3f", number, *map(line.get, ("epoch", "loss", "accuracy")))


def under_way(slots: list | str) -> Checkpoint:
    """Return the checkpoint of the folds that are trained at once."""
    return Checkpoint(checkpoint_path, f"{mark} {device.type} {slots}")


def train(group: list[Fold], used: dict, checkpoint: Checkpoint, aloud: bool = False) -> list[Trained]:
    """Train folds at once with the settings of one candidate, which are the model's own if it is not tuned."""
    training = Training.from_settings(used).for_samples(len(folds[0].labels))  # the same in inner folds
    build, report = partial(build_gene_network, used), partial(tell, training.epochs) if aloud else None
    try:
        return train_folds(group, build, training, used["seed"], device, report, checkpoint)
    except NotFinite as error:
        path = folder / f"fold{error.fold}" / "last_good.safetensors"
        save_network(error.network, path, used)
        raise InputError(f"{diverged(error, settings, used)}; the weights before it are in {path}") from None


def write(trained: Trained, used: dict, choice: dict, paths: list[Path]) -> None:
    """Write what one fold gave."""
    facts = {**trained.facts, "weights": "none", "notes": [], "fingerprint": mark}
    if "tune" in settings and not choice:
        facts["validation"] = validation_scores(trained.predictions)
    write_trained(trained, used, with_choice(facts, choice), paths)


def train_and_keep(missing: list[Fold], used: dict, slots: dict, choices: dict) -> None:
    """Train folds with the settings of one candidate; keep each under its slot."""
    for group in stacks_of(missing, together):
        checkpoint = under_way([slots[fold.number] for fold in group])
        for fold, trained in zip(group, train(group, used, checkpoint, aloud=True), strict=True):
            written = partial(write, trained, used, choices.get(fold.number, {}))
            finished.keep(slots[fold.number], outputs[fold.number - 1], written)
            loss, seconds = trained.facts["final_loss"], trained.facts["seconds"]
            log.info("fold %d: %d genes, loss %.4f, %.1f s", fold.number, fold.values.shape[1], loss, seconds)
        checkpoint.remove()


def choose_by_validation(missing: list[Fold]) -> None:
    """Train every fold with every candidate; finish it with the best by its validation samples."""
    options = changes(settings)
    for candidate, used in enumerate(candidates(settings), 1):
        log.info("candidate %d of %d: %s", candidate, len(options), json.dumps(options[candidate - 1]))
        slots = {fold.number: f"{fold.number}-candidate{candidate}" for fold in missing}
        train_and_keep([fold for fold in missing if not finished.has(slots[fold.number])], used, slots, {})
    for fold in missing:
        slots = [f"{fold.number}-candidate{candidate}" for candidate in range(1, len(options) + 1)]
        tell_choice(fold, keep_chosen(finished, fold.number, slots, options, outputs[fold.number - 1]))


def choose_in_inner_folds(missing: list[Fold]) -> None:
    """Choose the settings of every fold within its training part; then train it as one that is not tuned."""
    search, choices = InnerSearch(settings, source, train, finished, under_way, together), {}
    for fold in missing:
        choices[fold.number] = search.choose(fold)
        tell_choice(fold, choices[fold.number])
    for change, used in zip(changes(settings), candidates(settings), strict=True):
        group = [fold for fold in missing if choices[fold.number]["chosen"] == change]
        train_and_keep(group, used, {fold.number: fold.number for fold in group}, choices)


def tell_choice(fold: Fold, found: dict) -> None:
    """Log what a fold chose."""
    log.info("fold %d: chose %s by %s", fold.number, json.dumps(found["chosen"]), found["chosen_by"])


def train_what_is_missing() -> None:
    """Train the folds that no earlier job finished, and deliver all of them."""
    missing = [fold for fold in folds if not finished.has(fold.number)]
    if len(missing) < len(folds):
        log.info(
            "%d of %d folds were finished by a job that stopped; they are kept", len(folds) - len(missing), len(folds)
        )
    if source:
        choose_in_inner_folds(missing)
    elif "tune" in settings:
        choose_by_validation(missing)
    else:
        train_and_keep(missing, settings, {fold.number: fold.number for fold in missing}, {})
    finished.deliver(outputs)
    for note in edge_notes([files.read_json(paths[-1]) for paths in outputs]):
        log.info(note)
    checkpoint_path.unlink(missing_ok=True)  # of a job that was killed when its last fold was finished


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    device, output = pick_device(), snakemake.output
    together = {"on": True, "off": False, "auto": device.type == "cuda"}[settings.get("stack", "off")]
    together = together and settings.get("control") != "dense"
    outputs = list(zip(output.predictions, output.model, output.history, output.facts, strict=True))
    folder = Path(outputs[0][0]).parents[1]
    params, inputs = snakemake.params, [*snakemake.input.features, *snakemake.input.tuning]
    mark = fingerprint(params.settings, params.steps, params.code, inputs=inputs)
    folds = [Fold.read(path, number) for number, path in enumerate(snakemake.input.features, 1)]
    checkpoint_path = folder / ".checkpoint.safetensors"
    with leased(folder / ".lease"):
        if not trained_by_another(output, output.facts, mark):
            source = InnerFolds.read(snakemake.input.tuning, snakemake.params.steps, settings)
            finished = FinishedFolds(folder, mark)
            train_what_is_missing()
