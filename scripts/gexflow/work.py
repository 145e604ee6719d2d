"""How much work a job is: rough seconds and bytes from its settings, for the estimate before a run.

Reading, recipes, layouts and GexpNet are rounded from the figures in benchmarks/README.md (two cores of a server CPU);
the other constants are guesses from the arithmetic, those of GPUs from what such devices commonly gain. All are good
for the order of magnitude, and for the ratio of two jobs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import log2
from typing import Any

from gexflow.candidates import changes
from gexflow.network_names import is_image_network

GPU_GAIN = 20.0  # how many times as fast as two cores
START_SECONDS = 8.0  # Python and its libraries
DOWNLOAD_BYTES_A_SECOND = 5e6
DOWNLOAD_BYTES = 50e6  # a file of unknown size
READ_SECONDS = 7e-8  # a value of the cohort
PREPARE_SECONDS = 8e-8  # a value of the cohort and fold
LAYOUT_SECONDS = 9e-8  # a value of the features and fold, for a layout by correlation
GEXPNET_SECONDS = 1e-6  # a value of the features, fold and epoch
DENSE_SHARE = 0.15  # of GexpNet's time without its convolutions
MLP_SECONDS = 3e-8  # a value of the features, fold and epoch
LINEAR_SECONDS = {"logistic": 2e-9, "svm": 1e-8}  # a value of the features, class and fit
FOREST_SECONDS = 4e-8  # a sample, tree, depth and gene that a node looks at
BOOSTING_SECONDS = 5e-8  # a sample, tree and gene that a node looks at
IMAGE_SECONDS = 0.08  # a sample once through ResNet50 at 224 pixels
LEARN_SHARE = {"head": 0.01, "last-block": 0.6, "all": 3.0}  # of that time, for a sample in an epoch
NETWORK_SHARE = {"densenet169": 0.8, "vgg19": 4.8, "xception": 1.2}  # of ResNet50's arithmetic, at equal size
GRADIENT_SECONDS = 2.3e-6  # a gene of GexpNet
WEIGHTS_BYTES = 100e6  # of an image network, as downloaded
LEARNED_BYTES = {"head": 20e6, "last-block": 40e6, "all": 120e6}  # of what it learned
GEXPNET_BYTES = 16400.0  # of its weights, a gene


@dataclass(frozen=True)
class Cohort:
    """Samples, genes and classes of a dataset."""

    samples: int
    genes: int
    classes: int


@dataclass(frozen=True)
class Task:
    """What decides how much work a job is.

    Attributes
    ----------
    rule : str
    cohort : Cohort
    folds : int
        How many of them this job treats.
    genes : int
        Those that the recipe keeps.
    settings : dict
        Of the model, with `inner_folds` if it is tuned; of attributions `model` and `attribution`; of a layout its own.
    size_bytes : float or None
        Of a download, where it is known.
    """

    rule: str
    cohort: Cohort
    folds: int
    genes: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    size_bytes: float | None = None


def kept_genes(steps: list[Mapping[str, Any]], genes: int) -> int:
    """Guess how many genes a recipe keeps; a threshold is taken to keep half."""
    for step in steps:
        name, parameters = next(iter(step.items()))
        if name.startswith("select_"):
            top = (parameters or {}).get("top")
            genes = min(genes, top) if top else max(1, genes // 2)
    return genes


def seconds(task: Task, on_gpu: bool = False) -> float:
    """Return the rough time of a job by the clock."""
    work = _SECONDS.get(task.rule, lambda task: 0.0)(task)
    return START_SECONDS + (work / GPU_GAIN if on_gpu else work)


def disk_bytes(task: Task) -> float:
    """Return the rough size of what a job leaves on disk."""
    return _BYTES.get(task.rule, lambda task: 0.0)(task)


def _values(task: Task) -> float:
    return float(task.cohort.samples) * task.cohort.genes


def _features(task: Task) -> float:
    return float(task.cohort.samples) * task.genes * task.folds


def _download(task: Task) -> float:
    return (task.size_bytes or DOWNLOAD_BYTES) / DOWNLOAD_BYTES_A_SECOND


def _gene_network(task: Task) -> float:
    if task.settings.get("network") == "mlp":
        one = MLP_SECONDS * _features(task) * task.settings.get("epochs", 30)
    else:
        share = DENSE_SHARE if task.settings.get("control") == "dense" else 1.0
        one = GEXPNET_SECONDS * _features(task) * task.settings.get("epochs", 100) * share
    return _trainings(task) * one + _inner_recipes(task)


def _candidates(task: Task) -> int:
    return len(changes(task.settings))


def _trainings(task: Task) -> int:
    """Return how many trainings on a whole fold those of a network are worth.

    Of three inner folds each trains on two thirds of the samples; what they chose is trained once more.
    """
    inner = task.settings.get("inner_folds", 0)
    return 1 + _candidates(task) * (inner - 1) if inner else _candidates(task)


def _inner_recipes(task: Task) -> float:
    """Return the seconds of the recipes that inner folds refit."""
    return task.settings.get("inner_folds", 0) * PREPARE_SECONDS * _values(task) * task.folds


def _reference(task: Task) -> float:
    """Return the seconds of all fits of a reference model, and of the recipes that its inner folds refit."""
    inner = task.settings.get("inner_folds", 0)
    fits = 1.0 + _candidates(task) * (inner or 1) if "tune" in task.settings else 1.0
    return fits * _fit(task) + _inner_recipes(task)


def _fit(task: Task) -> float:
    """Return the seconds of one fit of a reference model in every fold."""
    model, classes = task.settings, task.cohort.classes
    network, share = model.get("network"), model.get("max_features", "sqrt")
    seen = _features(task) * (share if share != "sqrt" else 1 / max(1, task.genes) ** 0.5)
    if network in LINEAR_SECONDS:
        return LINEAR_SECONDS[network] * _features(task) * classes
    if network == "forest":
        return FOREST_SECONDS * seen * model.get("trees", 200) * log2(2 + task.cohort.samples)
    if network == "boosting":
        return BOOSTING_SECONDS * seen * model.get("rounds", 100) * (1 if classes == 2 else classes)
    return 0.0


def _forward(model: Mapping[str, Any], genes: int) -> float:
    """Return the seconds of one sample once through an image network."""
    network = model.get("network", "resnet50")
    if model.get("image_size") == "published":
        side = 299.0 if network == "xception" else 224.0
    else:
        size = model.get("layout", {}).get("size", 102)
        side = float(genes) ** 0.5 if size == "auto" else (size[0] * size[1]) ** 0.5 if isinstance(size, list) else size
    return IMAGE_SECONDS * NETWORK_SHARE.get(network, 1.0) * (side / 224) ** 2


def _trunk(task: Task) -> float:
    return task.cohort.samples * _forward(task.settings, task.genes)


def _finetune(task: Task) -> float:
    epochs, share = task.settings.get("epochs", 25), LEARN_SHARE[task.settings.get("learn", "last-block")]
    inner = task.settings.get("inner_folds", 0)
    layouts = inner * _layout(replace(task, settings=task.settings.get("layout", {})))
    return _trunk(task) * (1 + epochs * share) * task.folds * _trainings(task) + _inner_recipes(task) + layouts


def _attribution(task: Task) -> float:
    model, how = task.settings.get("model", {}), task.settings.get("attribution", {})
    image = is_image_network(model.get("network", "gexpnet"))
    one = GRADIENT_SECONDS * task.genes if not image else 3 * _forward(model, task.genes)
    return task.folds * task.cohort.classes * how.get("samples_per_class", 20) * how.get("steps", 50) * one


def _layout(task: Task) -> float:
    return LAYOUT_SECONDS * _features(task) if task.settings.get("order") == "correlation" else 0.0


def _network_bytes(task: Task) -> float:
    """Return the bytes of a network's weights, a gene."""
    mlp = task.settings.get("network") == "mlp"
    return 4.0 * task.settings.get("hidden", [128])[0] if mlp else GEXPNET_BYTES


_SECONDS: dict[str, Callable[[Task], float]] = {
    "download_file": _download,
    "download_weights": _download,
    "read_cohort": lambda task: READ_SECONDS * _values(task),
    "prepare_folds": lambda task: PREPARE_SECONDS * _values(task) * task.folds,
    "lay_out_genes": _layout,
    "train_gexpnet": _gene_network,
    "fit_reference": _reference,
    "refit_variant": lambda task: PREPARE_SECONDS * _values(task) * task.folds + _reference(task),
    "refit_network": lambda task: PREPARE_SECONDS * _values(task) * task.folds + _gene_network(task),
    "run_trunk": _trunk,
    "finetune_backbone": _finetune,
    "attribute_genes": _attribution,
}
_BYTES: dict[str, Callable[[Task], float]] = {
    "download_file": lambda task: task.size_bytes or DOWNLOAD_BYTES,
    "download_weights": lambda task: task.size_bytes or WEIGHTS_BYTES,
    "simulate_cohort": lambda task: 9 * _values(task),  # as text
    "read_cohort": lambda task: 4 * _values(task),
    "prepare_folds": lambda task: 4 * _features(task) + 1500.0 * task.cohort.genes * task.folds,  # and what it learned
    "train_gexpnet": lambda task: _network_bytes(task) * task.genes * task.folds,
    "finetune_backbone": lambda task: LEARNED_BYTES[task.settings.get("learn", "last-block")] * task.folds,
    "attribute_genes": lambda task: 4.0 * task.folds * task.cohort.classes * 20 * task.cohort.genes,
}
