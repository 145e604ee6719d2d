"""resnet50-224 and resnet50-native: fine-tuning of ResNet50, beside a plain torchvision loop at 224 pixels."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings

RATE, BATCH = 1e-4, 32  # as published
SETTINGS = {
    "full": {"train": 1000, "test": 300, "genes": 10362, "classes": 5, "epochs": 20, "margin": 0.05},
    "small": {"train": 12, "test": 6, "genes": 1000, "classes": 2, "epochs": 2, "margin": 1.0},
}
_EFFECT = 1.5  # shift of a class's genes, in standard deviations of the noise


def make(folder: Path, settings: Settings) -> dict:
    """Draw scaled expression (0 to 1) of genes that mark classes, and a file of random weights for both sides."""
    import torch
    import torchvision

    rng = np.random.default_rng(32)
    count = settings["train"] + settings["test"]
    labels = np.arange(count) % settings["classes"]
    values = rng.normal(0.5, 0.15, (count, settings["genes"])).astype(np.float32)
    marks = rng.random((settings["classes"], settings["genes"])) < 0.1
    values += (0.15 * _EFFECT * marks)[labels].astype(np.float32)
    np.savez(folder / "data.npz", values=np.clip(values, 0, 1), labels=labels)
    torch.manual_seed(32)
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), folder / "resnet50.pth")
    return {"input_bytes": values.nbytes}


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return values and class numbers, training samples first."""
    with np.load(folder / "data.npz") as data:
        return data["values"], data["labels"]


def ours(folder: Path, settings: Settings, image_size: str | int, precision: str) -> Callable[[], Outcome]:
    """Train all epochs as rule `finetune_backbone` does, with the frozen layers' output kept."""
    import pandas as pd
    import torch

    from benchmarks.ours_training import model_settings
    from gexflow.files import sha256
    from gexflow.memory import keep_freed_memory
    from gexflow.models.fold import Fold
    from gexflow.models.fold_training import train_folds
    from gexflow.models.image_network import build_image_network
    from gexflow.models.trainer import Training
    from gexflow.models.trunk_features import Scratch, learn_from_features

    keep_freed_memory()
    values, labels = load(folder)
    side = int(np.ceil(np.sqrt(settings["genes"]))) if settings["genes"] < 10000 else 102
    model = model_settings(
        network="resnet50",
        recipe="image-paper",
        image_size=image_size,
        precision=precision,
        layout={"size": side},
        epochs=settings["epochs"],
        learning_rate=RATE,
        batch_size=BATCH,
    )
    pixels, weights = np.arange(settings["genes"]), folder / "resnet50.pth"
    layout = pd.DataFrame({"gene": pixels, "row": pixels // side, "column": pixels % side})
    parts = np.where(np.arange(len(labels)) < settings["train"], "train", "test")
    names = np.array([f"C{label}" for label in labels])
    fold = Fold(values, np.arange(len(labels)).astype(str), names, parts, sorted(set(names)), settings.get("round", 1))
    training, device = Training.from_settings(model), torch.device(settings["device"])
    scratch, half = Scratch(folder, 10**11), training.half(True, device)
    model |= {"seed": 32, "sha256": sha256(weights)}

    def run() -> Outcome:
        (trained,) = train_folds(
            [fold],
            lambda genes, classes: build_image_network(model, layout, classes, weights),
            training,
            32,
            device,
            prepare=lambda network, part: learn_from_features(network, part, half, device, scratch),
        )
        right = float((trained.predictions["label"] == trained.predictions["predicted"]).mean())
        facts = {"accuracy": right, "first_loss": float(trained.history["loss"].iloc[0])}
        return Outcome({"accuracy": np.array(right)}, facts)

    return run


def peer(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Train one epoch by the plain loop, scaled up; predict the test samples once.

    What it would reach after all epochs is found outside the measured time, by the same training on what its frozen
    layers give.
    """
    import torch
    from torch.utils.data import TensorDataset

    from benchmarks.plain_resnet50 import Images, PlainResNet50, accuracy, frozen_output, train_plain

    values, labels = load(folder)
    cut, seed = settings["train"], settings.get("round", 1)
    train, test = Images(values[:cut], labels[:cut]), Images(values[cut:], labels[cut:])

    def run() -> Outcome:
        torch.manual_seed(seed)
        network = PlainResNet50(folder / "resnet50.pth", settings["classes"])
        loss, seconds = train_plain(network, train, 1, RATE, BATCH, seed)
        start = time.perf_counter()
        accuracy(network, test)
        whole = seconds * settings["epochs"] + time.perf_counter() - start
        kept = TensorDataset(frozen_output(network, train), train.labels)
        train_plain(network, kept, settings["epochs"] - 1, RATE, BATCH, seed, shortcut=True)
        reached = accuracy(network, test)
        facts = {"accuracy": reached, "first_loss": loss}
        return Outcome({"accuracy": np.array(reached)}, facts, whole, f"from 1 of {settings['epochs']} epochs")

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Our accuracy on the test samples is at most five points below the plain loop's."""
    mine, theirs = float(ours["accuracy"]), float(peer["accuracy"])
    return {"agrees": mine >= theirs - settings["margin"], "words": f"accuracy {mine:.3f} and {theirs:.3f}"}


def _item(name: str, about: str, image_size: str | int, precision: str, at_least: float, aim: str) -> Item:
    return Item(
        name=name,
        about=about,
        data="resnet50",
        make=make,
        sizes=SETTINGS,
        ours=partial(ours, image_size=image_size, precision=precision),
        peers={"plain torchvision loop at 224 px, float32": peer},
        compare=compare,
        at_least=at_least,
        aim=aim,
        gpu=True,
    )


ITEMS = [
    _item("resnet50-224", "last block learns, 20 epochs, 1,000 samples, 224 px, float32", 224, "float32", 3, "6 x"),
    _item("resnet50-native", "the same at 102 px, bfloat16", "native", "bfloat16", 12, "30 x"),
]
