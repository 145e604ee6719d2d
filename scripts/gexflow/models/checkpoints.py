"""Checkpoints: the state of a training under way in one file, so that a job that dies goes on where it was."""

import hashlib
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gexflow import files
from gexflow.errors import InputError

logger = logging.getLogger("gexflow")


class Checkpoint:
    """A hidden file that no rule declares, so that Snakemake leaves it alone when a job fails or starts again.

    A state is a tree of dicts and lists; its leaves are tensors or what JSON holds. The file is safetensors, with the
    tree as JSON in its metadata; it is replaced as a whole, and its checksum is read before it is believed.

    Parameters
    ----------
    path : Path
        Beside the outputs of the job.
    mark : str
        Fingerprint of all that decides the training (settings, code, input files, versions). A file with another one,
        or a damaged one, is removed, and the log says so.

    Attributes
    ----------
    interval_seconds : float
        A state is saved no more often than this.
    seconds : float
        What the training took before this job.
    """

    interval_seconds = 30.0

    def __init__(self, path: Path, mark: str):
        self._path, self._mark, self.seconds = Path(path), mark, 0.0
        self._start = self._saved = time.monotonic()

    def load(self) -> dict | None:
        """Return the state saved last, its tensors on the CPU; None where there is none that can be used."""
        self._remove_parts()
        if not self._path.exists():
            return None
        try:
            facts, tensors = _read(self._path)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:  # not OSError: a disk that stutters
            reason = f"is damaged ({error})"
        except OSError as error:
            raise InputError(
                f"the checkpoint {self._path} cannot be read ({error}): run snakemake again, or delete it to begin anew"
            ) from None
        else:
            if facts["mark"] == self._mark:
                self.seconds = facts["seconds"]
                return _joined(facts["state"], tensors)
            reason = "is of another training (other settings, code, data, version, device or folds)"
        logger.warning("the checkpoint %s %s; it is removed, and training begins anew", self._path, reason)
        self._path.unlink()
        return None

    def save_now_and_then(self, state: Callable[[], dict]) -> None:
        """Save what `state` returns, if the last time is long enough ago; training goes on if that fails."""
        if time.monotonic() - self._saved < self.interval_seconds:
            return
        try:
            self._save(state())
        except (OSError, SafetensorError) as error:
            logger.warning("the checkpoint %s could not be written (%s); training goes on", self._path, error)
        self._saved = time.monotonic()

    def remove(self) -> None:
        """Remove the file: what it was for is done."""
        self._remove_parts()
        self._path.unlink(missing_ok=True)

    def _save(self, state: dict) -> None:
        tensors: dict[str, Tensor] = {}
        tree = _parted(state, "", tensors)
        seconds = self.seconds + time.monotonic() - self._start
        facts = json.dumps({"mark": self._mark, "seconds": seconds, "state": tree})
        with files.whole_file(self._path) as partial:
            save_file(tensors, partial, metadata={"facts": facts, "sha256": _digest(facts, tensors)})

    def _remove_parts(self) -> None:
        """Remove what a job left that was killed while it wrote."""
        for partial in self._path.parent.glob(f".{self._path.name}.*.part"):
            partial.unlink(missing_ok=True)


def _read(path: Path) -> tuple[dict, dict[str, Tensor]]:
    """Return facts and tensors of a checkpoint's file, or raise an error if they are not what was written."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if _digest(metadata["facts"], tensors) != metadata["sha256"]:
        raise ValueError("its checksum differs")
    return json.loads(metadata["facts"]), tensors


def _digest(facts: str, tensors: dict[str, Tensor]) -> str:
    """Return the SHA-256 of all that a checkpoint holds, in hex digits; safetensors itself has no checksum."""
    digest = hashlib.sha256(facts.encode())
    for name, values in sorted(tensors.items()):
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()


def _parted(tree: Any, name: str, tensors: dict[str, Tensor]) -> Any:
    """Return a tree for JSON; copies of its tensors go into `tensors`, and their names take their places."""
    if isinstance(tree, Tensor):
        tensors[name] = tree.detach().to("cpu", copy=True).contiguous()
        return {"tensor": name}
    if isinstance(tree, dict):
        return {key: _parted(value, f"{name}/{key}", tensors) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_parted(value, f"{name}/{number}", tensors) for number, value in enumerate(tree)]
    return tree


def _joined(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Put the tensors back into a tree."""
    if isinstance(tree, list):
        return [_joined(value, tensors) for value in tree]
    if not isinstance(tree, dict):
        return tree
    if tree.keys() == {"tensor"} and isinstance(tree["tensor"], str):
        return tensors[tree["tensor"]]
    return {key: _joined(value, tensors) for key, value in tree.items()}
