"""Run the frozen layers of an image network once per sample, and keep what they give for all epochs to learn from."""

import logging
import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gexflow import files
from gexflow.errors import InputError
from gexflow.models.image_network import ImageNetwork, LearningPart
from gexflow.models.trainer import FoldData

logger = logging.getLogger("gexflow")
_BLOCK = 64  # samples that pass the trunk at a time


@dataclass(frozen=True)
class Scratch:
    """Where a job may keep what it needs until its end.

    Attributes
    ----------
    folder : Path
    limit_bytes : int
    """

    folder: Path
    limit_bytes: int


def learn_from_features(
    network: ImageNetwork, part: FoldData, half: bool, device: torch.device, scratch: Scratch
) -> nn.Module:
    """Put what the frozen layers give in place of the genes, and return what is then to be trained.

    It is kept in a file without a name, so that it is gone when the job ends, however that ends. Network and data stay
    as they are if nothing is frozen or there is no room, which is said aloud: the trunk then runs in every epoch.

    Parameters
    ----------
    network : ImageNetwork
    part : FoldData
        Changed in place.
    half : bool
        Whether the trunk runs, and its output is kept, in bfloat16 instead of float32.
    device : torch.device
    scratch : Scratch
    """
    if not len(network.trunk):
        return network
    validation = () if part.validation is None else (part.validation[0],)
    values = np.concatenate([part.values, *validation])
    features = _scratch_tensor(scratch, (len(values), *trunk_shape(network)), _dtype(half))
    if features is None:
        return network
    run_trunk(network, values, features, half, device)
    _replace(part, features)
    return LearningPart(network)


def learn_from_shared(
    network: ImageNetwork, part: FoldData, rows: dict[str, np.ndarray], shared: Tensor, scratch: Scratch
) -> nn.Module:
    """Do the same with what another job's one pass gave for the samples of all folds.

    Parameters
    ----------
    network : ImageNetwork
    part : FoldData
        Changed in place; its `held_out` becomes the trunk's output for all samples that do not train, if it is float32.
    rows : map of bool arrays (samples,)
        train, validation and held_out.
    shared : Tensor (samples, height, width, channels)
    scratch : Scratch
    """
    if tuple(shared.shape[1:]) != trunk_shape(network):
        raise InputError(
            "the kept output of the frozen layers is not this network's: delete it, so that it is made again"
        )
    order = np.concatenate([np.flatnonzero(rows["train"]), np.flatnonzero(rows["validation"])])
    features = _scratch_tensor(scratch, (len(order), *shared.shape[1:]), shared.dtype)
    if features is None:
        return network
    for start in range(0, len(order), _BLOCK):
        features[start : start + _BLOCK] = shared[torch.from_numpy(order[start : start + _BLOCK])]
    _replace(part, features)
    if shared.dtype == torch.float32:  # predictions are exact: of coarser features, the network makes its own
        part.held_out = shared[torch.from_numpy(np.flatnonzero(rows["held_out"]))].permute(0, 3, 1, 2)
    return LearningPart(network)


def _replace(part: FoldData, features: Tensor) -> None:
    """Put features (samples, height, width, channels) of training, then of validation samples in place of genes."""
    features = features.permute(0, 3, 1, 2)
    train = len(part.values)
    part.values = features[:train]
    if part.validation is not None:
        part.validation = (features[train:], part.validation[1])


def trunk_shape(network: ImageNetwork) -> tuple[int, int, int]:
    """Return height, width and channels of what the trunk gives for one sample."""
    network.eval()
    with torch.no_grad():
        genes = torch.zeros(1, len(network.image.pixels), device=network.image.pixels.device)
        _, channels, height, width = network.trunk(network.image(genes)).shape
    return height, width, channels


@torch.no_grad()
def run_trunk(network: ImageNetwork, values: np.ndarray, features: Tensor, half: bool, device: torch.device) -> None:
    """Run image and trunk over samples (samples, genes), block by block, into `features` (samples, h, w, channels)."""
    network.to(device).eval()
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
        for start in range(0, len(values), _BLOCK):
            block = torch.as_tensor(values[start : start + _BLOCK]).to(device)
            maps = network.trunk(network.image(block)).permute(0, 2, 3, 1)
            features[start : start + _BLOCK] = maps.to("cpu", features.dtype)


def write_shared(
    path: Path, about: Path, network: ImageNetwork, values: np.ndarray, half: bool, device: torch.device, limit: int
) -> None:
    """Run the trunk for all samples of a cohort and write what it gives to `path`, its shape and kind to `about`.

    `path` stays empty if it would take more than `limit` bytes, or more than there is.
    """
    for left in path.parent.glob(f".{path.name}.*.part"):  # of a job that was killed
        left.unlink(missing_ok=True)
    start, shape, dtype = time.monotonic(), (len(values), *trunk_shape(network)), _dtype(half)
    kept = _allowed(shape, dtype, limit)
    with files.whole_file(path) as partial:
        Path(partial).touch()
        if kept:
            features = _mapped(Path(partial), shape, dtype)
            kept = features is not None
            if kept:
                run_trunk(network, values, features, half, device)
                logger.info("kept for all folds in %s", path)
    seconds = round(time.monotonic() - start, 1)
    files.write_json({"kept": kept, "shape": list(shape), "dtype": _name(dtype), "seconds": seconds}, about)


def read_shared(path: Path, facts: dict) -> Tensor | None:
    """Return what `write_shared` wrote, mapped into memory, by the facts of its `about`; None if it kept nothing."""
    if not facts["kept"]:
        return None
    shape, dtype = facts["shape"], getattr(torch, facts["dtype"])
    if Path(path).stat().st_size != prod(shape) * dtype.itemsize:
        raise InputError(f"{path} is damaged: delete it, so that it is made again")
    return torch.from_file(str(path), shared=False, size=prod(shape), dtype=dtype).view(*shape)


def _dtype(half: bool) -> torch.dtype:
    return torch.bfloat16 if half else torch.float32


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _scratch_tensor(scratch: Scratch, shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
    """Return an empty tensor in a new file without a name; None, said aloud, if there is no room."""
    if not _allowed(shape, dtype, scratch.limit_bytes):
        return None
    scratch.folder.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix="gexflow-trunk-", dir=scratch.folder)
    os.close(number)
    path = Path(name)
    try:
        return _mapped(path, shape, dtype)
    finally:
        path.unlink()


def _allowed(shape: Sequence[int], dtype: torch.dtype, limit: int) -> bool:
    """Say the size before a byte is written, and whether it is below the limit."""
    size = prod(shape) * dtype.itemsize
    said = f"the frozen layers' output takes {size / 1e9:.3g} GB of disk ({shape[0]} samples, {_name(dtype)})"
    if size > limit:
        logger.warning(
            "%s, but the job may use %.3g GB (its resource disk_mb): the frozen layers run again in every epoch, "
            "which is slow",
            said,
            limit / 1e9,
        )
        return False
    logger.info(said)
    return True


def _mapped(path: Path, shape: Sequence[int], dtype: torch.dtype) -> Tensor | None:
    """Map a file of the right size; None, said aloud, if its disk has no room."""
    size = prod(shape) * dtype.itemsize
    try:
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a disk found full later, in mapped memory, kills a job
    except OSError as error:
        logger.warning(
            "no room for it in %s (%s): the frozen layers run again in every epoch, which is slow",
            path.parent,
            error.strerror,
        )
        os.truncate(path, 0)
        return None
    return torch.from_file(str(path), shared=True, size=prod(shape), dtype=dtype).view(*shape)
