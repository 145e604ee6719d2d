"""gexpnet-train and gexpnet-fast: training of GexpNet, beside a plain PyTorch loop over the plain network."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings
from benchmarks.simulate import draw_known_cohort

# train and test samples, genes and Bayes error of the simulated cohort; the test set is large, so that its log loss is
# known well
COHORTS = {
    "full": {"train": 1877, "test": 4000, "genes": 486, "bayes_error": 0.05, "seed": 32},
    "small": {"train": 160, "test": 300, "genes": 40, "bayes_error": 0.05, "seed": 32},
}
FOLDS, EPOCHS = 10, 100  # as published
# What the published settings reach at their end, found beforehand by `python -m benchmarks.find_target`.
TARGETS = {"full": 0.0, "small": 1.0}
SETTINGS = {
    "full": COHORTS["full"] | {"epochs": EPOCHS, "target": TARGETS["full"], "timed_epochs": 3},
    "small": COHORTS["small"] | {"epochs": 60, "target": TARGETS["small"], "timed_epochs": 2},
}


def make(folder: Path, settings: Settings) -> dict:
    """Draw a cohort of features whose Bayes error is known."""
    cohort = draw_known_cohort(**{key: settings[key] for key in COHORTS["full"]})
    arrays = {"train": cohort.train, "train_labels": cohort.train_labels}
    np.savez(folder / "data.npz", **arrays, test=cohort.test, test_labels=cohort.test_labels)
    return {"input_bytes": cohort.train.nbytes, "bayes_error": cohort.bayes_error}


def load(folder: Path) -> dict[str, np.ndarray]:
    """Return train, train_labels, test and test_labels."""
    with np.load(folder / "data.npz") as data:
        return dict(data)


def train_ours(data: dict[str, np.ndarray], model: str, folds: int, settings: Settings, **changes: int) -> dict:
    """Train `folds` folds of the same samples with a model of config.yaml, as rule `train_gexpnet` does.

    Returns
    -------
    map with `loss` (last training loss) and `probabilities` of the test samples (samples, classes), of the last fold
    """
    import torch
    import yaml

    from benchmarks.processes import ROOT
    from gexflow.models.fold import Fold, train_fold
    from gexflow.models.gexpnet import GexpNet
    from gexflow.models.trainer import Training

    catalogue = yaml.safe_load((ROOT / "config.yaml").read_text())["models"]
    training = Training.from_settings(catalogue.get(model, catalogue["gexpnet"]) | changes)
    values = np.concatenate([data["train"], data["test"]])
    labels = np.concatenate([data["train_labels"], data["test_labels"]]).astype(str)
    parts = np.repeat(["train", "test"], [len(data["train"]), len(data["test"])])
    samples = np.char.add("S", np.arange(len(values)).astype(str))
    device = torch.device(settings["device"])
    for number in range(1, folds + 1):
        fold = Fold(values, samples, labels, parts, sorted(set(labels)), number)
        _, history, predictions, _ = train_fold(fold, GexpNet, training, settings.get("round", 1), device)
    columns = [name for name in predictions if name.startswith("p:")]
    return {"loss": float(history["loss"].iloc[-1]), "probabilities": predictions[columns].to_numpy()}


def scaled_time(train: Callable[[int], float], epochs: int, folds: int) -> tuple[float, float, float]:
    """Return the time of ten folds x 100 epochs from runs of `folds` folds with one and with a few epochs.

    The first run of a process may compile or fill caches: what it takes longer is counted once, not ten times.

    Returns
    -------
    seconds, seconds of one epoch of one fold, last training loss
    """
    clock = []
    for count in (1, 1, 1 + epochs):
        start = time.perf_counter()
        loss = train(count)
        clock.append(time.perf_counter() - start)
    an_epoch = (clock[2] - clock[1]) / epochs
    around = max(0.0, clock[1] - an_epoch)
    once = max(0.0, clock[0] - clock[1])
    return once + FOLDS / folds * (around + EPOCHS * an_epoch), an_epoch / folds, loss


def _few_test_samples(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Keep as many test samples as a fold of the Mendeley set has: a ninth of the training samples."""
    count = len(data["train"]) // 9
    return data | {"test": data["test"][:count], "test_labels": data["test_labels"][:count]}


def _scaled(train: Callable[[int], float], settings: Settings, folds: int) -> Outcome:
    seconds, an_epoch, loss = scaled_time(train, settings["timed_epochs"], folds)
    words = f"from {2 + 1 + settings['timed_epochs']} epochs of {folds} folds to {FOLDS} folds x {EPOCHS} epochs"
    return Outcome({"loss": np.array(loss)}, {"seconds_an_epoch_and_fold": an_epoch}, seconds, words)


def ours_train(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Train with the published settings; on a GPU all ten folds at once, on a CPU one fold."""
    data = _few_test_samples(load(folder))
    folds = FOLDS if settings["device"] == "cuda" else 1
    return lambda: _scaled(
        lambda epochs: train_ours(data, "gexpnet", folds, settings, epochs=epochs)["loss"], settings, folds
    )


def peer_train(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Train one fold with the plain loop and predict its test samples."""
    from benchmarks.plain_gexpnet import log_loss, train_plain

    data = _few_test_samples(load(folder))

    def train(epochs: int) -> float:
        seed = settings.get("round", 1)
        network, loss = train_plain(data["train"], data["train_labels"], epochs, seed, settings["device"])
        log_loss(network, data["test"], data["test_labels"])
        return loss

    return lambda: _scaled(train, settings, 1)


def compare_train(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Training losses after the same few epochs, from other random numbers, within a tenth of each other."""
    mine, theirs = float(ours["loss"]), float(peer["loss"])
    words = f"training loss {mine:.3f} and {theirs:.3f} after {1 + settings['timed_epochs']} epochs"
    return {"agrees": abs(mine - theirs) <= 0.1 * theirs, "words": words}


def ours_fast(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Train with the fast preset from beginning to end, whenever the target was reached on the way."""
    data = load(folder)

    def run() -> Outcome:
        found = train_ours(data, "gexpnet-fast", 1, settings)
        chosen = found["probabilities"][np.arange(len(data["test"])), data["test_labels"]]
        loss = float(-np.log(np.maximum(chosen, 1e-300)).mean())
        return Outcome({"loss": np.array(loss)}, {"test_log_loss": loss})

    return run


def peer_fast(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Train with the plain loop until the test log loss, whose computing does not count, is at the target."""
    from benchmarks.plain_gexpnet import log_loss, train_plain

    data, reached = load(folder), {}

    def after_epoch(network, training_loss: float, seconds: float) -> bool:
        loss = log_loss(network, data["test"], data["test_labels"])
        reached.update(seconds=seconds, test_log_loss=loss, epochs=reached.get("epochs", 0) + 1)
        return loss <= settings["target"]

    def run() -> Outcome:
        reached.clear()
        seed = settings.get("round", 1)
        train_plain(data["train"], data["train_labels"], settings["epochs"], seed, settings["device"], after_epoch)
        return Outcome({"loss": np.array(reached["test_log_loss"])}, dict(reached), reached["seconds"])

    return run


def compare_fast(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """GexFlow has to be at the target; the plain loop may stop short of it after all its epochs."""
    mine, theirs, target = float(ours["loss"]), float(peer["loss"]), settings["target"]
    words = f"test log loss {mine:.4f} and {theirs:.4f}, target {target:.4f}"
    return {"agrees": mine <= target, "words": words, "target": target, "peer_reached": theirs <= target}


PEER = "plain PyTorch loop, DataLoader, the published network"
ITEMS = [
    Item(
        name="gexpnet-train",
        about="10 folds x 100 epochs, 1,877 x 486",
        data="gexpnet",
        make=make,
        sizes=SETTINGS,
        ours=ours_train,
        peers={PEER: peer_train},
        compare=compare_train,
        at_least=3,
        aim="6 x",
        gpu=True,
    ),
    Item(
        name="gexpnet-fast",
        about="time to a fixed test log loss, 1,877 x 486, Bayes error 5 %",
        data="gexpnet",
        make=make,
        sizes=SETTINGS,
        ours=ours_fast,
        peers={PEER: peer_fast},
        compare=compare_fast,
        at_least=8,
        aim="20 x",
        gpu=True,
    ),
]
