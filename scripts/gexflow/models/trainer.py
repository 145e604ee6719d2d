"""The one trainer of all networks: data on the device, no loader, one history line an epoch and fold."""

import copy
import logging
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor, nn

from gexflow.errors import InputError
from gexflow.models.batch_statistics import renew_statistics
from gexflow.models.batches import Batches
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.losses import balanced_weights, fold_losses
from gexflow.models.optimisers import StackOptimiser
from gexflow.models.schedules import build_schedule
from gexflow.models.stacks import Stack
from gexflow.models.weights import learned

logger = logging.getLogger("gexflow")


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    optimiser : adamax, adam or adamw
    learning_rate : float
    epochs, batch_size : int
    min_steps : int
        About so many batches are learned at least: see `for_samples`.
    schedule : plateau, one-cycle or constant
        plateau halves the learning rate when the training loss has not fallen for 10 epochs (as GexpNet); one-cycle
        lets it rise and fall once.
    precision : auto, float32 or bfloat16
        auto is bfloat16 for image networks on a GPU, float32 otherwise.
    early_stopping : int or None
        Epochs without a better validation loss after which a fold stops and goes back to its best epoch.
    label_smoothing : float
    class_weights : none or balanced
    keep : best or last
        Whose weights are kept: those of the epoch with the lowest validation loss, where there are validation samples,
        or of the last. A fold that stops early goes back to its best epoch in any case.
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
    keep: str = "last"
    min_steps: int = 0

    @property
    def keeps_best(self) -> bool:
        """Whether the best epoch's weights are kept, not the last one's."""
        return self.keep == "best" or self.early_stopping is not None

    @classmethod
    def from_settings(cls, settings: dict) -> "Training":
        """Pick the training keys out of a model's settings."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})

    def for_samples(self, samples: int) -> "Training":
        """Return this training with more epochs for a small cohort, so that about `min_steps` batches are learned.

        `samples` counts those of all parts: so the epochs are the same in every fold. A cohort smaller than a batch
        learns one batch an epoch.
        """
        return replace(self, epochs=max(self.epochs, math.ceil(self.min_steps / max(1, samples / self.batch_size))))

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


def random_state(device: torch.device) -> dict[str, Tensor]:
    """Return the state of torch's own generators, which draw the dropout: of the CPU and of a GPU in use."""
    gpu = {"cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {"cpu": torch.get_rng_state(), **gpu}


def set_random_state(state: dict[str, Tensor], device: torch.device) -> None:
    """Set torch's generators to what `random_state` returned."""
    torch.set_rng_state(state["cpu"])
    if "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def train(
    stack: Stack,
    data: Sequence[FoldData],
    n_classes: int,
    training: Training,
    device: torch.device,
    report: Callable[[int, dict], None] | None = None,
    checkpoint: Checkpoint | None = None,
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
    checkpoint : Checkpoint or None
        Where a training that was cut short goes on, and where this one is saved now and then.

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
    if checkpoint is not None and (state := checkpoint.load()) is not None:
        course.restore(state)
        logger.info("resumed after epoch %d", course.epoch)
    for epoch in range(course.epoch + 1, training.epochs + 1):
        if not course.running.any():
            break
        lines = course.run_epoch(epoch)
        course.check_losses(lines, epoch)
        for fold in np.flatnonzero(course.running):
            course.validate(fold, lines[fold])
            if report is not None:
                report(data[fold].number, lines[fold])
        course.stop_early(epoch)
        if checkpoint is not None:
            checkpoint.save_now_and_then(course.state)
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
        self.epoch = 0
        self.histories: list[list[dict]] = [[] for _ in data]
        self._best: list[dict[str, Tensor]] = [{} for _ in data]
        self._good = self._present()

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
        self.epoch = epoch
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
        """Put a line into the fold's history, with the scores of its validation samples; remember the best epoch."""
        self.histories[fold].append(line)
        if self.data[fold].validation is None:
            return
        values, targets = self.data[fold].validation
        self._renew_statistics(fold)
        probabilities = predict(self.stack.network(fold), values, self.device, self.training)
        chosen = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, None)
        line["validation_loss"] = float(-np.log(chosen).mean())
        line["validation_accuracy"] = float((probabilities.argmax(axis=1) == targets).mean())
        if self.training.keeps_best and best_epoch(self.histories[fold]) == line["epoch"]:
            self._best[fold] = self._good[fold]

    def stop_early(self, epoch: int) -> None:
        """Let folds rest whose validation loss has not fallen for too long."""
        if self.training.early_stopping is not None:
            best = np.array([best_epoch(history) or 0 for history in self.histories])
            self.running &= epoch - best < self.training.early_stopping

    def take_best(self) -> None:
        """Go back to each fold's best epoch, where that is kept and known."""
        for fold, state in enumerate(self._best):
            self.stack.settle(fold, state)
            self._renew_statistics(fold)

    def _renew_statistics(self, fold: int) -> None:
        """Measure the BatchNorm statistics of an image network on its training samples; GexpNet's are published."""
        if self.stack.images:
            values, size = self.data[fold].values, self.training.batch_size
            with exact_convolutions():
                renew_statistics(self.stack.network(fold), values, size, self.device)

    def state(self) -> dict:
        """Return all that the epochs to come depend on, for a checkpoint; `restore` takes it."""
        return {
            "epoch": self.epoch,
            "histories": self.histories,
            "running": self.running.tolist(),
            "network": self.stack.tensors(),
            "best": self._best,
            "optimiser": self.optimiser.state(),
            "schedule": self.schedule.state(),
            "shuffles": [fold.shuffles.get_state() for fold in self.data],
            "random": random_state(self.device),
        }

    @torch.no_grad()
    def restore(self, state: dict) -> None:
        """Go on from a state of the same training, in place of a fresh start."""
        self.epoch, self.histories, self._best = state["epoch"], state["histories"], state["best"]
        self.running = np.array(state["running"], dtype=bool)
        for name, values in self.stack.tensors().items():
            values.copy_(state["network"][name])
        self._good = self._present()
        self.optimiser.restore(state["optimiser"])
        self.schedule.restore(state["schedule"])
        for fold, shuffles in zip(self.data, state["shuffles"], strict=True):
            fold.shuffles.set_state(shuffles)
        set_random_state(state["random"], self.device)

    def _present(self) -> list[dict[str, Tensor]]:
        return [_learned_state(self.stack.network(fold)) for fold in range(self.stack.folds)]


def _learned_state(network: nn.Module) -> dict[str, Tensor]:
    """Copy a network's weights, but for a frozen trunk, which no training changes."""
    return {name: copy.deepcopy(values) for name, values in learned(network).items()}


def best_epoch(history: list[dict]) -> int | None:
    """Return the epoch with the lowest validation loss, the first of equals; None without validation samples."""
    losses = [(line.get("validation_loss", math.nan), line["epoch"]) for line in history]
    known = [(loss, epoch) for loss, epoch in losses if math.isfinite(loss)]
    return min(known)[1] if known else None


def exact_convolutions() -> AbstractContextManager:
    """Keep a GPU from rounding the factors of convolutions to ten bits (TF32)."""
    # `enabled` is False by default there, which would leave cuDNN out altogether
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


@torch.no_grad()
def predict(network: nn.Module, values: np.ndarray, device: torch.device, training: Training) -> np.ndarray:
    """Return class probabilities, float64 (samples, classes), of samples (samples, genes) in inference mode.

    Always in float32: the coarse logits of bfloat16 tie, and attributions would explain another answer.
    """
    network.to(device).eval()
    with exact_convolutions():
        blocks = torch.as_tensor(values).split(max(256, training.batch_size))
        logits = [network(block.to(device)).cpu() for block in blocks]
    return torch.softmax(torch.cat(logits).double(), dim=1).numpy()
