"""The one trainer of all networks: data on the device, no loader, one history line an epoch and fold."""

import copy
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from gexflow.errors import InputError
from gexflow.models.batches import Batches
from gexflow.models.losses import balanced_weights, fold_losses
from gexflow.models.optimisers import StackOptimiser
from gexflow.models.schedules import build_schedule
from gexflow.models.stacks import Stack

logger = logging.getLogger("gexflow")


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    optimiser : adamax, adam or adamw
    learning_rate : float
    epochs, batch_size : int
    schedule : plateau, one-cycle or constant
        plateau halves the learning rate when the training loss has not fallen for 10 epochs (as GexpNet); one-cycle
        lets it rise and fall once.
    precision : auto, float32 or bfloat16
        auto is bfloat16 for image networks on a GPU, float32 otherwise.
    early_stopping : int or None
        Epochs without a better validation loss after which a fold stops and goes back to its best epoch.
    label_smoothing : float
    class_weights : none or balanced
    """

    optimiser: str
    learning_rate: float
    epochs: int
    batch_size: int
    schedule: str = "constant"
    precision: str = "auto"
    early_stopping: int | None = None
    label_smoothing: float = 0.0
    class_weights: str = "none"

    @classmethod
    def from_settings(cls, settings: dict) -> "Training":
        """Pick the training keys out of a model's settings."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})

    def half(self, images: bool, device: torch.device) -> bool:
        """Tell whether networks, image networks or others, train in bfloat16 on a device."""
        automatic = self.precision == "auto" and images and device.type == "cuda"
        return automatic or self.precision == "bfloat16"


@dataclass
class FoldData:
    """What one fold gives to training.

    Attributes
    ----------
    values : float32 array (samples, genes), targets : int array (samples,)
        Training samples only. Of an image network's frozen layers, what they give: Tensor (samples, channels, height,
        width).
    validation : (values, targets) or None
        Scored after every epoch, never learned from.
    shuffles : Generator on the CPU
        Source of the batches' order.
    number : int
        The fold's number, for messages.
    held_out : Tensor or None
        What the frozen layers give for the samples that do not train, where another job knows it.
    """

    values: np.ndarray
    targets: np.ndarray
    validation: tuple[np.ndarray, np.ndarray] | None
    shuffles: torch.Generator
    number: int
    held_out: Tensor | None = None


class NotFinite(InputError):
    """The loss of a fold is no number any more; `network` has the weights of the last good epoch."""

    def __init__(self, fold: int, epoch: int, network: nn.Module):
        super().__init__(
            f"fold {fold}: the training loss is not finite in epoch {epoch}: lower the model's learning_rate"
        )
        self.fold, self.network = fold, network


def pick_device() -> torch.device:
    """Return the GPU if there is one; say so if there is none."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    logger.warning("no GPU found: training runs on the CPU, which is much slower")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Return a device's name for the report, e.g. `cpu` or `cuda: NVIDIA H200`."""
    return f"cuda: {torch.cuda.get_device_name(device)}" if device.type == "cuda" else "cpu"


def seed_all(seed: int, fold: int) -> torch.Generator:
    """Seed initialisation and dropout for a fold; return the generator of its shuffles."""
    torch.manual_seed(seed * 10_007 + fold)
    return torch.Generator().manual_seed(seed * 10_007 + fold)


def train(
    stack: Stack,
    data: Sequence[FoldData],
    n_classes: int,
    training: Training,
    device: torch.device,
    report: Callable[[int, dict], None] | None = None,
) -> list[list[dict]]:
    """Train the networks of a stack in place.

    Parameters
    ----------
    stack : Stack
    data : sequence of FoldData, one a fold of the stack
        With the same number of genes.
    n_classes : int
    training : Training
    device : torch.device
    report : function (fold number, history line) or None
        Called after every epoch.

    Returns
    -------
    histories : list of dict, one an epoch, for each fold
        epoch, learning_rate, loss, accuracy (running means in training mode), and validation_loss, validation_accuracy
        where there are validation rows.

    Raises
    ------
    NotFinite
        If the loss of a fold is no longer finite.
    """
    course = _Course(stack, data, n_classes, training, device)
    for epoch in range(1, training.epochs + 1):
        lines = course.run_epoch(epoch)
        course.check_losses(lines, epoch)
        for fold in np.flatnonzero(course.running):
            course.validate(fold, lines[fold])
            course.histories[fold].append(lines[fold])
            if report is not None:
                report(data[fold].number, lines[fold])
        course.stop_early(epoch)
        if not course.running.any():
            break
    course.take_best()
    return course.histories


class _Course:
    """One training under way."""

    def __init__(self, stack: Stack, data: Sequence[FoldData], n_classes: int, training: Training, device):
        self.stack, self.data, self.training, self.device = stack, data, training, device
        self.optimiser = StackOptimiser(training.optimiser, stack.groups(), stack.folds)
        self.batches = Batches(data, training.batch_size, device)
        steps = training.epochs * self.batches.counts
        self.schedule = build_schedule(training.schedule, training.learning_rate, steps)
        self.weights = None
        if training.class_weights == "balanced":
            weights = np.array([balanced_weights(fold.targets, n_classes) for fold in data])
            self.weights = torch.as_tensor(weights, dtype=torch.float32, device=device)
        self._half = training.half(stack.images, device)
        self.running = np.ones(stack.folds, dtype=bool)
        self.histories: list[list[dict]] = [[] for _ in data]
        self._best = [(np.inf, 0, {}) for _ in data]
        self._good = [_learned_state(stack.network(fold)) for fold in range(stack.folds)]

    def run_epoch(self, epoch: int) -> list[dict]:
        """Train one epoch; return a history line for each fold."""
        folds = self.stack.folds
        losses, hits = (torch.zeros(folds, device=self.device) for _ in range(2))
        rates, step = self.schedule.rates, (epoch - 1) * int(self.batches.counts.max())
        for x, y, present, active in self.batches.epoch(self.running):
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._half):
                logits = self.stack.forward(x, present)
            logits = logits.float() if self._half else logits
            loss = fold_losses(logits, y, present, self.training.label_smoothing, self.weights)
            self.optimiser.clear()
            loss.sum().backward()
            self.optimiser.step(torch.as_tensor(self.schedule.rates), active)
            step += 1
            self.schedule.after_step(step)
            right = (logits.detach().argmax(dim=2) == y).float()
            number = y.shape[1] if present is None else present.sum(dim=1)
            losses += loss.detach() * number
            hits += right.sum(dim=1) if present is None else (right * present).sum(dim=1)
        sizes = self.batches.sizes
        means, shares = losses.cpu().double().numpy() / sizes, hits.cpu().double().numpy() / sizes
        self.schedule.after_epoch(means)
        numbers = zip(rates, means, shares, strict=True)
        return [
            {"epoch": epoch, "learning_rate": float(rate), "loss": float(loss), "accuracy": float(accuracy)}
            for rate, loss, accuracy in numbers
        ]

    def check_losses(self, lines: list[dict], epoch: int) -> None:
        """Stop at a loss that is no number; keep the weights of a good epoch."""
        for fold in np.flatnonzero(self.running):
            if not np.isfinite(lines[fold]["loss"]):
                network = self.stack.network(fold)
                network.load_state_dict(self._good[fold], strict=False)
                raise NotFinite(self.data[fold].number, epoch, network)
            self._good[fold] = _learned_state(self.stack.network(fold))

    def validate(self, fold: int, line: dict) -> None:
        """Add the scores of the validation samples, where there are any, and remember the best epoch."""
        if self.data[fold].validation is None:
            return
        values, targets = self.data[fold].validation
        probabilities = predict(self.stack.network(fold), values, self.device, self.training)
        chosen = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, None)
        line["validation_loss"] = float(-np.log(chosen).mean())
        line["validation_accuracy"] = float((probabilities.argmax(axis=1) == targets).mean())
        if self.training.early_stopping is not None and line["validation_loss"] < self._best[fold][0]:
            self._best[fold] = (line["validation_loss"], line["epoch"], self._good[fold])

    def stop_early(self, epoch: int) -> None:
        """Let folds rest whose validation loss has not fallen for too long."""
        if self.training.early_stopping is not None:
            best = np.array([best_epoch for _, best_epoch, _ in self._best])
            self.running &= epoch - best < self.training.early_stopping

    def take_best(self) -> None:
        """Go back to each fold's best epoch, where training stops early."""
        for fold, (_, _, state) in enumerate(self._best):
            self.stack.settle(fold, state)


def _learned_state(network: nn.Module) -> dict[str, Tensor]:
    """Copy a network's weights, but for a frozen trunk, which no training changes."""
    state = network.state_dict()
    return {name: copy.deepcopy(values) for name, values in state.items() if not name.startswith("trunk.")}


@torch.no_grad()
def predict(network: nn.Module, values: np.ndarray, device: torch.device, training: Training) -> np.ndarray:
    """Return class probabilities, float64 (samples, classes), of samples (samples, genes) in inference mode.

    Always in float32: the coarse logits of bfloat16 tie, and attributions would explain another answer.
    """
    network.to(device).eval()
    with torch.backends.cudnn.flags(allow_tf32=False):
        blocks = torch.as_tensor(values).split(max(256, training.batch_size))
        logits = [network(block.to(device)).cpu() for block in blocks]
    return torch.softmax(torch.cat(logits).double(), dim=1).numpy()
