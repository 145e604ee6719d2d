"""The one trainer of all networks: data on the device, no loader, one history line an epoch."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from gexflow.errors import InputError

logger = logging.getLogger("gexflow")
_OPTIMISERS = {"adamax": torch.optim.Adamax, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    Attributes
    ----------
    optimiser : adamax, adam or adamw
    learning_rate : float
    epochs, batch_size : int
    schedule : plateau or constant
        plateau halves the learning rate when the training loss has not fallen for 10 epochs (as GexpNet).
    precision : auto, float32 or bfloat16
        auto is bfloat16 for image networks on a GPU, float32 otherwise.
    """

    optimiser: str
    learning_rate: float
    epochs: int
    batch_size: int
    schedule: str = "constant"
    precision: str = "auto"

    @classmethod
    def from_settings(cls, settings: dict) -> "Training":
        """Pick the training keys out of a model's settings."""
        return cls(**{field.name: settings[field.name] for field in fields(cls) if field.name in settings})


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
    network: nn.Module,
    values: np.ndarray,
    targets: np.ndarray,
    training: Training,
    device: torch.device,
    shuffles: torch.Generator,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    report: Callable[[dict], None] | None = None,
) -> list[dict]:
    """Train a network in place.

    Parameters
    ----------
    network : Module with `parameter_groups()`
    values : float32 array (samples, genes), targets : int array (samples,)
        Training samples only.
    training : Training
    device : torch.device
    shuffles : Generator on the CPU
        Source of the batches' order.
    validation : (values, targets) or None
        Scored after every epoch, never learned from.
    report : function or None
        Called with each history line.

    Returns
    -------
    history : list of dict, one an epoch
        epoch, learning_rate, loss, accuracy (running means in training mode), and validation_loss, validation_accuracy
        where there are validation rows.

    Raises
    ------
    InputError
        If the loss is no longer finite.
    """
    network.to(device).train()
    x, y = torch.as_tensor(values, device=device), torch.as_tensor(targets, device=device, dtype=torch.long)
    optimiser = _OPTIMISERS[training.optimiser](network.parameter_groups(), lr=training.learning_rate, weight_decay=0.0)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=10)
    history = []
    for epoch in range(1, training.epochs + 1):
        line = {"epoch": epoch, "learning_rate": optimiser.param_groups[0]["lr"]}
        line |= _run_epoch(network, x, y, optimiser, training, shuffles)
        if not np.isfinite(line["loss"]):
            raise InputError(f"the training loss is not finite in epoch {epoch}: lower the model's learning_rate")
        if training.schedule == "plateau":
            plateau.step(line["loss"])
        if validation is not None:
            line |= _validate(network, *validation, training, device)
        history.append(line)
        if report is not None:
            report(line)
    return history


def _run_epoch(network, x, y, optimiser, training: Training, shuffles: torch.Generator) -> dict:
    loss_sum, hits = torch.zeros((), device=x.device), torch.zeros((), device=x.device)
    order = torch.randperm(len(x), generator=shuffles).to(x.device)
    for batch in _batches(order, training.batch_size):
        with _autocast(network, x.device, training.precision):
            logits = network(x[batch]).float()
        loss = nn.functional.cross_entropy(logits, y[batch])
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        loss_sum += loss.detach() * len(batch)
        hits += (logits.detach().argmax(dim=1) == y[batch]).sum()
    return {"loss": float(loss_sum) / len(x), "accuracy": float(hits) / len(x)}


def _batches(order: Tensor, size: int) -> Iterator[Tensor]:
    """Cut an order into batches; BatchNorm cannot take a single sample, so such a last batch joins the one before."""
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and len(order) - starts[-1] == 1:
        starts.pop()
    for start, end in zip(starts, [*starts[1:], len(order)], strict=True):
        yield order[start:end]


def _autocast(network: nn.Module, device: torch.device, precision: str) -> torch.autocast:
    images = hasattr(network, "trunk")
    wanted = precision == "bfloat16" or (precision == "auto" and images and device.type == "cuda")
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=wanted)


def _validate(network, values, targets, training: Training, device) -> dict:
    probabilities = predict(network, values, device, training)
    chosen = np.clip(probabilities[np.arange(len(targets)), targets], 1e-12, None)
    network.train()
    accuracy = float((probabilities.argmax(axis=1) == targets).mean())
    return {"validation_loss": float(-np.log(chosen).mean()), "validation_accuracy": accuracy}


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
