"""sample-quantile-10: every sample onto the training samples' mean distribution, beside qnorm."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings
from benchmarks.simulate import MENDELEY_SIZES, Population, draw_folds, draw_labels

_COMPARED = 40  # every so many-th sample of every fold is handed to the comparison


def make(folder: Path, settings: Settings) -> dict:
    """Draw log2 intensities as an array measures them."""
    rng = np.random.default_rng(32)
    sizes = MENDELEY_SIZES[: settings["classes"]]
    labels = draw_labels(settings["samples"], sizes, rng)
    values = Population.draw(settings["genes"], len(sizes), rng).log2(labels, rng)
    np.savez(folder / "data.npz", values=values, labels=labels, fold=draw_folds(labels, settings["folds"], rng))
    return {"input_bytes": values.nbytes}


def load(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, labels and folds."""
    with np.load(folder / "data.npz") as data:
        return data["values"], data["labels"], data["fold"]


def ours(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Prepare all folds by a recipe of this one step."""
    from benchmarks.ours import cohort_of, prepared

    values, labels, fold = load(folder)
    cohort = cohort_of(values, labels, values.shape[1], "log2")

    def run() -> Outcome:
        kept = {}
        for features in prepared(cohort, fold, ["sample_quantile"]):
            kept[f"fold{len(kept)}"] = features.X[::_COMPARED].copy()
            del features  # before the next fold is made
        return Outcome(kept)

    return run


def peer(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Normalise the training samples, then map unseen ones onto what a training sample became (its option `target`).

    The values are float32, which qnorm keeps. To compute the target oneself takes no less time: it is one more sort.
    """
    import qnorm

    values, _, fold = load(folder)
    ncpus = settings["threads"]
    qnorm.quantile_normalize(values[:4], axis=0, ncpus=ncpus)

    def run() -> Outcome:
        kept = {}
        for number in range(fold.max() + 1):
            test = fold == number
            mapped = np.empty_like(values)
            mapped[~test] = qnorm.quantile_normalize(values[~test], axis=0, ncpus=ncpus)
            target = np.sort(mapped[np.argmin(test)])
            mapped[test] = qnorm.quantile_normalize(values[test], axis=0, target=target, ncpus=ncpus)
            kept[f"fold{number}"] = mapped[::_COMPARED].copy()
        return Outcome(kept)

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Training samples equal to 1e-6 relative; unseen ones to 1e-4, since ties blur the target that qnorm hands on."""
    fold = load(folder)[2][::_COMPARED]
    largest = {"training": 0.0, "unseen": 0.0}
    for number in range(settings["folds"]):
        mine, theirs = (side[f"fold{number}"].astype(np.float64) for side in (ours, peer))
        relative = np.abs(mine - theirs) / np.maximum(np.abs(theirs), 1)
        for name, rows in (("training", fold != number), ("unseen", fold == number)):
            largest[name] = max(largest[name], float(relative[rows].max(initial=0)))
    words = f"training samples to {largest['training']:.1e}, unseen to {largest['unseen']:.1e} relative"
    agrees = largest["training"] <= 1e-6 and largest["unseen"] <= 1e-4
    return {"agrees": bool(agrees), "words": words, "largest_difference": largest}


ITEMS = [
    Item(
        name="sample-quantile-10",
        about="4,000 x 20,000, ten folds",
        data="sample-quantile",
        make=make,
        sizes={
            "full": {"samples": 4000, "genes": 20000, "classes": 5, "folds": 10},
            "small": {"samples": 120, "genes": 200, "classes": 3, "folds": 3},
        },
        ours=ours,
        peers={"qnorm, unseen samples by its option target": peer},
        compare=compare,
        at_least=5,
        aim="8 x",
        peer_package="qnorm",
    )
]
