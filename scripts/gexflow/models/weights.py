"""ImageNet weights from checked local files, and network weights in results."""

import hashlib
import json
import pickle
import re
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from gexflow import files
from gexflow.errors import InputError

# torchvision's DenseNet files carry names of an older layer layout
_OLD_DENSENET = re.compile(r"^(.*denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
_TRUNK = "trunk."


def check_file(path: Path, expected: str) -> None:
    """Refuse a weights file that is missing or whose SHA-256 does not begin with `expected` (hex digits)."""
    if not path.is_file():
        raise InputError(
            f"the weights file {path} is missing: download it, put it there, or set the model's weights to random"
        )
    found = files.sha256(path)
    if not found.startswith(expected):
        raise InputError(
            f"the weights file {path} is damaged or another one: its sha256 is {found}, not {expected}...; delete it"
        )


def load_imagenet(network: nn.Module, path: Path, expected: str) -> None:
    """Fill a whole backbone with ImageNet weights from a checked file; every layer must find its weights."""
    check_file(path, expected)
    state = _read_state(path)
    state = {_OLD_DENSENET.sub(r"\1\2.", name): values for name, values in state.items()}
    own = network.state_dict()
    for name, values in own.items():
        # the oldest Xception files keep their 1x1 kernels as matrices
        if name in state and state[name].ndim == 2 and values.ndim == 4:
            state[name] = state[name][:, :, None, None]
    missing = [name for name in own if name not in state and not name.endswith("num_batches_tracked")]
    wrong = [name for name in own if name in state and state[name].shape != own[name].shape]
    if missing or wrong:
        layer = (missing + wrong)[0]
        raise InputError(f"{path} does not fit this network: its layer {layer} is missing or has another shape")
    network.load_state_dict(state, strict=False)


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    """Read a safetensors file, or one of torch's, from which only tensors are taken and no code."""
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is no file of network weights ({reason}): give a state dict or safetensors") from None


def learned(network: nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's weights and statistics by name, but for a frozen trunk, which no training changes."""
    return {name: values for name, values in network.state_dict().items() if not name.startswith(_TRUNK)}


def save_network(network: nn.Module, path: Path, facts: dict) -> None:
    """Write a network's weights as safetensors, with `facts` as JSON in its metadata.

    A frozen trunk is left out: it can be had again from its checked file, or its seed. Its digest is kept.
    """
    state = {name: values.detach().cpu().contiguous().clone() for name, values in learned(network).items()}
    # one entry: safetensors writes several in any order, and equal networks should give equal files
    about = json.dumps({**facts, "trunk": _trunk_digest(network)}, sort_keys=True)
    with files.whole_file(path) as partial:
        save_file(state, partial, metadata={"facts": about})


def chosen_settings(settings: dict, path: Path) -> dict:
    """Return a model's settings as a fold was trained with them; a tuned one has its own, kept beside its weights."""
    if "tune" not in settings:
        return settings
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["facts"])


def load_network(network: nn.Module, path: Path) -> None:
    """Fill a network with the weights that `save_network` wrote; only its frozen trunk may be absent from the file."""
    missing, unknown = network.load_state_dict(load_file(path), strict=False)
    wrong = [name for name in missing if not name.startswith(_TRUNK)] + list(unknown)
    with safe_open(path, framework="pt") as file:
        trunk = json.loads((file.metadata() or {}).get("facts", "{}")).get("trunk", "")
    if wrong or trunk != _trunk_digest(network):
        layer = wrong[0] if wrong else "trunk"
        raise InputError(f"{path} does not fit this network (layer {layer}): delete it, so that it is trained again")


def _trunk_digest(network: nn.Module) -> str:
    """Return a digest of the frozen layers' weights; "" without such layers."""
    digest, found = hashlib.sha256(), ""
    for name, values in network.state_dict().items():
        if name.startswith(_TRUNK):
            digest.update(name.encode() + values.detach().cpu().contiguous().numpy().tobytes())
            found = digest.hexdigest()
    return found
