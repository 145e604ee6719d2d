"""What a job leaves beside its outputs: their sizes and checksums, its settings, and where it ran.

`results/logs/A/B.log` belongs to the same job as `results/A/B.manifest.json`.
"""

import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from gexflow import files
from gexflow.errors import InputError

ENDING = ".manifest.json"
_PACKAGES = ("numpy", "scipy", "scikit-learn", "pandas", "anndata", "torch", "torchvision", "timm", "captum")


def manifest_path(log: str | Path) -> Path:
    """Return where the manifest of a job belongs, from where its log does."""
    parts = list(Path(log).parts)
    parts.remove("logs")
    return Path(*parts).with_suffix(ENDING)


def write_manifest(path: str | Path, outputs: Iterable[str | Path], facts: dict[str, Any]) -> None:
    """Write a manifest: sizes and checksums of the outputs, facts of the job, versions, host and device."""
    path = Path(path)
    known = {str(_below(output, path.parent)): _measured(Path(output)) for output in outputs}
    where = {"versions": _versions(), "host": platform.node(), "device": _device()}
    files.write_json({"outputs": known, **facts, **where}, path)


def check_sizes(inputs: Iterable[str | Path]) -> None:
    """Refuse a file that is not as large as the job that wrote it left it; files without a manifest pass.

    Raises
    ------
    InputError
        Names the file to delete.
    """
    for path in map(Path, inputs):
        written = _written(path)
        if written is not None and (size := _size(path)) != written["bytes"]:
            raise InputError(_damage(path, size, written) + ": delete it and run snakemake again")


def checked_files(results: Path) -> Iterator[tuple[Path, str]]:
    """Compare all files below a folder with their manifests, by size and SHA-256.

    A file that is gone is no damage, and left out: Snakemake makes it again.

    Yields
    ------
    path : Path
    complaint : str
        What is wrong with the file, "" if nothing.
    """
    for path, written in _all_written(results):
        if not path.exists():
            continue
        size = path.stat().st_size
        if size != written["bytes"]:
            yield path, _damage(path, size, written)
        elif files.sha256(path) != written["sha256"]:
            yield path, f"{path} has the size that its job wrote, but another content"
        else:
            yield path, ""


def _size(path: Path) -> int:
    """Return the size of a file that is opened for it: a network file system then asks for the present state."""
    with open(path, "rb") as file:
        return os.fstat(file.fileno()).st_size


def _damage(path: Path, size: int, written: dict[str, Any]) -> str:
    return f"{path} has {size:,} bytes, but its job wrote {written['bytes']:,}"


def _written(path: Path) -> dict[str, Any] | None:
    """Return what the manifests in the folders above a file say of it."""
    for folder in path.parents:
        for outputs in _manifests(folder):
            if (name := str(_below(path, folder))) in outputs:
                return outputs[name]
    return None


def _all_written(results: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for folder in sorted({manifest.parent for manifest in results.rglob(f"*{ENDING}")}):
        for outputs in _manifests(folder):
            for name, written in outputs.items():
                yield folder / name, written


@cache
def _manifests(folder: Path) -> list[dict[str, dict[str, Any]]]:
    """Return the outputs that each manifest of a folder knows."""
    found = []
    for path in sorted(folder.glob(f"*{ENDING}")):
        try:
            found.append(files.read_json(path)["outputs"])
        except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError):
            raise InputError(f"{path} is damaged: delete it") from None
    return found


def _below(path: str | Path, folder: Path) -> Path:
    return Path(path).relative_to(folder)


def _measured(path: Path) -> dict[str, Any]:
    return {"bytes": path.stat().st_size, "sha256": files.sha256(path)}


def _versions() -> dict[str, str]:
    """Return the versions of Python and of what this job has imported."""
    loaded = {name for name in _PACKAGES if {"scikit-learn": "sklearn"}.get(name, name) in sys.modules}
    return {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in sorted(loaded)}


def _device() -> str:
    """Return the GPU, for a job that could use one, or the CPU."""
    torch = sys.modules.get("torch")
    return torch.cuda.get_device_name() if torch and torch.cuda.is_available() else f"CPU {platform.machine()}"
