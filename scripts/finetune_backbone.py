"""Rule finetune_backbone: fine-tune one ImageNet network on one fold."""

import json
from functools import partial
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from gexflow import files
from gexflow.candidates import candidates, changes
from gexflow.errors import InputError
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds, fingerprint, trained_by_another
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, train_folds
from gexflow.models.image_network import build_image_network
from gexflow.models.lease import leased
from gexflow.models.network_tuning import InnerFold, InnerSearch, with_choice
from gexflow.models.trained_files import write_trained
from gexflow.models.trainer import NotFinite, Training, pick_device
from gexflow.models.trunk_features import Scratch, learn_from_features, learn_from_shared, read_shared
from gexflow.models.tuning import diverged, keep_chosen, validation_scores
from gexflow.recipes.inner import InnerFolds
from gexflow.recipes.layouts import lay_out_features
from job import job


def on_own_features(network, part):
    """Let the frozen layers run once, in this job."""
    return learn_from_features(network, part, training.half(True, device), device, scratch)


def on_features(network, part):
    """Let the frozen layers run once: in this job, or in the one that did it for all folds."""
    if snakemake.input.trunk:
        path, about = snakemake.input.trunk[0], files.read_json(snakemake.input.trunk[1])
        if (shared := read_shared(Path(path), about)) is not None:
            note = f"the frozen layers ran once for all folds, in {about['seconds']} s that no fold counts"
            notes.extend([] if note in notes else [note])  # once for all candidates
            rows = {"train": fold.parts == "train", "validation": fold.parts == "validation", "held_out": fold.held_out}
            return learn_from_shared(network, part, rows, shared, scratch)
    return on_own_features(network, part)


def under_way(name: str) -> Checkpoint:
    """Return the checkpoint of a training."""
    return Checkpoint(folder / ".checkpoint.safetensors", f"{mark}{name}")


def train(one: Fold, layout, used: dict, checkpoint: Checkpoint, prepare, report=None) -> Trained:
    """Train on one fold with the settings of one candidate, which are the model's own if it is not tuned."""

    def build(_, classes):
        return build_image_network(used, layout, classes, weights)

    how = Training.from_settings(used)
    try:
        return train_folds([one], build, how, used["seed"], device, report, checkpoint, prepare)[0]
    except NotFinite as error:
        raise InputError(diverged(error, settings, used)) from None


def train_inner(group: list[InnerFold], used: dict, checkpoint: Checkpoint) -> list[Trained]:
    """Train on inner folds, each with images of its own, which no shared pass of the frozen layers has seen."""
    return [train(one, one.layout, used, checkpoint, on_own_features) for one in group]


def lay_out(features):
    """Lay out the genes of an inner fold as rule lay_out_genes does those of a fold."""
    with threadpool_limits(1):  # their number changes the last digits, and so the map
        return lay_out_features(features, {**settings["layout"], "seed": settings["inner_seed"]})[0]


def tell(_: int, line: dict) -> None:
    """Log a history line."""
    log.info("epoch %d: loss %.4f, accuracy %.3f", *map(line.get, ("epoch", "loss", "accuracy")))


def fine_tune(used: dict, name: str, choice: dict, paths: list[Path]) -> None:
    """Train on the fold, and write what that gave."""
    checkpoint = under_way(name)
    layout = files.read_table(snakemake.input.layout, text=("gene",))
    trained = train(fold, layout, used, checkpoint, on_features, tell)
    facts = {**trained.facts, "weights": weights.name if weights else "random", "notes": notes, "fingerprint": mark}
    if "tune" in settings and not choice:
        facts["validation"] = validation_scores(trained.predictions)
    write_trained(trained, used, with_choice(facts, choice), paths)
    checkpoint.remove()


def choose_by_validation() -> None:
    """Train every candidate that no earlier job finished; deliver the best by the validation samples."""
    finished, slots = FinishedFolds(folder, mark), []
    for number, used in enumerate(candidates(settings), 1):
        slots.append(f"-candidate{number}")
        log.info("candidate %d: %s", number, json.dumps(changes(settings)[number - 1]))
        if not finished.has(slots[-1]):
            finished.keep(slots[-1], outputs, partial(fine_tune, used, slots[-1], {}))
    if not finished.has(1):
        tell_choice(keep_chosen(finished, 1, slots, changes(settings), outputs))
    finished.deliver([outputs])


def choose_in_inner_folds() -> None:
    """Choose the settings within the training part; then train as a model that is not tuned."""
    finished = FinishedFolds(folder, mark)
    if not finished.has(1):
        choice = InnerSearch(settings, source, train_inner, finished, under_way, lay_out=lay_out).choose(fold)
        tell_choice(choice)
        used = candidates(settings)[changes(settings).index(choice["chosen"])]
        finished.keep(1, outputs, partial(fine_tune, used, "-chosen", choice))
    finished.deliver([outputs])


def tell_choice(found: dict) -> None:
    """Log what was chosen."""
    log.info("chose %s by %s", json.dumps(found["chosen"]), found["chosen_by"])


with job(snakemake) as log:
    torch.set_num_threads(snakemake.threads)
    settings = json.loads(snakemake.params.settings)
    number = int(snakemake.wildcards.fold)
    fold = Fold.read(snakemake.input.features, number)
    weights = Path(snakemake.input.weights[0]) if settings["weights"] != "random" else None
    notes = [] if weights else ["random weights, not ImageNet's: this is no transfer learning"]
    for note in notes:
        log.warning("%s: %s", snakemake.wildcards.model, note)
    output = snakemake.output
    outputs = [Path(path) for path in (output.predictions, output.model, output.history, output.facts)]
    folder = outputs[0].parent
    training, device = Training.from_settings(settings), pick_device()
    scratch = Scratch(Path(snakemake.resources.tmpdir), snakemake.resources.disk_mb * 10**6)
    inputs, params = snakemake.input, snakemake.params
    marks = [params.settings, params.steps, params.code, device.type]
    mark = fingerprint(*marks, inputs=[inputs.features, inputs.layout, *inputs.weights, *inputs.tuning])
    with leased(folder / ".lease"):
        if not trained_by_another(snakemake.output, [snakemake.output.facts], mark):
            if source := InnerFolds.read(inputs.tuning, params.steps, settings):
                choose_in_inner_folds()
            elif "tune" in settings:
                choose_by_validation()
            else:
                fine_tune(settings, "", {}, outputs)
