"""Paths with a word in braces, which Snakemake takes for a wildcard: files get a link without, folders are refused.

Light: Snakemake runs it at every start.
"""

import hashlib
import os
import re
from pathlib import Path
from typing import Any

from gexflow.config_files import FILE_KINDS
from gexflow.errors import InputError

_WILDCARD = re.compile(r"\{\s*[.\w]+\s*(,.*)?\}")
_LINKS = "links-without-braces"


def check_folders(project: Path, run: dict[str, Any]) -> None:
    """Refuse folders whose names Snakemake cannot work with.

    Parameters
    ----------
    project : Path
        Of the workflow itself, where any brace is in the way.
    run : dict
        The config's part of this name, for the folders of downloads and weights.

    Raises
    ------
    InputError
        That names the folder, and what to rename or choose.
    """
    if re.search("[{}]", str(project)):
        raise InputError(
            f"GexFlow lies in {project}, and Snakemake takes braces in this path for placeholders\n"
            "rename or move the folder"
        )
    here = os.getcwd()
    if _WILDCARD.search(here):
        raise InputError(
            f"the run's folder is {here}, and Snakemake takes words in braces for placeholders\n"
            "rename it, or choose another one with --directory"
        )
    for key in ("downloads", "weights"):
        if _WILDCARD.search(run[key]):
            raise InputError(
                f"config: run.{key} is {run[key]}, and Snakemake takes words in braces for placeholders\n"
                "choose a folder without braces"
            )


def link_files(config: dict[str, Any], folder: Path) -> None:
    """Replace each local `path` that Snakemake would take for a pattern by that of a link to it, in place.

    Parameters
    ----------
    config : dict
        Its files and weights resolved.
    folder : Path
        Of Snakemake's own notes, where the links are made.
    """
    entries = [entry for dataset in config["datasets"].values() for entry in _files(dataset)]
    weights = [model.get("weights") for model in config["models"].values()]
    for entry in [*entries, *(known for known in weights if isinstance(known, dict))]:
        if _WILDCARD.search(entry.get("path", "")):
            entry["path"] = _link(entry["path"], folder / _LINKS)


def original(path: str) -> str:
    """Return the file behind a link of `link_files`, as messages should name it; any other path as it is."""
    return os.readlink(path) if Path(path).parent.parent.name == _LINKS else path


def _files(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for kind in FILE_KINDS for entry in dataset.get("files", {}).get(kind, [])]


def _link(path: str, folder: Path) -> str:
    """Return a link of nearly the same name; that it ends alike matters, since readers go by it."""
    name = os.path.basename(path).translate(str.maketrans("{}", "()"))
    link, target = folder / hashlib.sha256(path.encode()).hexdigest()[:8] / name, os.path.abspath(path)
    try:
        if not link.is_symlink() or os.readlink(link) != target:
            link.parent.mkdir(parents=True, exist_ok=True)
            new = link.with_name(f".{os.getpid()}")
            new.symlink_to(target)
            new.replace(link)  # at once: jobs of another run may read it
    except OSError as error:
        raise InputError(
            f"{path} needs a link without braces, which cannot be made in {folder} ({error.strerror})\n"
            "rename the file: Snakemake takes words in braces for placeholders"
        ) from None
    return str(link)
