"""Keep what finished folds gave, until all folds of a job are there: a job that dies repeats only the others."""

import hashlib
import importlib.metadata
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gexflow import files

logger = logging.getLogger("gexflow")
_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn")


def fingerprint(*parts: str, inputs: Sequence[str | Path] = ()) -> str:
    """Return a digest of settings, code, the contents of input files and the packages that compute: 16 hex digits."""
    digests = [*parts, *map(importlib.metadata.version, _PACKAGES), *(files.sha256(path) for path in inputs)]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:16]


def trained_by_another(outputs: Iterable[str | Path], facts: Iterable[str | Path], mark: str) -> bool:
    """Tell whether a job that trained the very same at the same time has delivered all outputs.

    Snakemake removes the outputs of a job before it begins, so that nothing else can have made them.

    Parameters
    ----------
    outputs, facts : paths
        `facts` are those outputs that tell the fingerprint of their training; they are written last.
    mark : str
    """
    if not all(Path(path).exists() for path in outputs):
        return False
    if any(files.read_json(path).get("fingerprint") != mark for path in facts):
        return False
    logger.info("another job has trained the very same meanwhile: nothing is left to do")
    return True


class FinishedFolds:
    """A hidden folder beside a job's outputs.

    Parameters
    ----------
    folder : Path
        Folder of the model; the finished folds stand in its subfolder `.finished`.
    mark : str
        Fingerprint of all that decides the results. What has another one is removed.
    """

    def __init__(self, folder: Path, mark: str):
        self._root = Path(folder) / ".finished"
        self._kept = self._root / mark
        for other in self._root.glob("*") if self._root.is_dir() else ():
            if other != self._kept:
                shutil.rmtree(other)

    def has(self, number: int | str) -> bool:
        """Tell whether a fold, or what else goes by this name, is finished."""
        return self._place(number).is_dir()

    def keep(self, number: int | str, outputs: Sequence[str | Path], write: Callable[[list[Path]], None]) -> None:
        """Finish a fold: `write` puts its files at the paths that it is given, named as `outputs`."""
        partial = self._place(number).with_name(f".{number}.{os.urandom(8).hex()}.part")
        try:
            partial.mkdir(parents=True)
            write([partial / Path(path).name for path in outputs])
            os.replace(partial, self._place(number))
        finally:
            shutil.rmtree(partial, ignore_errors=True)

    def paths(self, number: int | str, outputs: Sequence[str | Path]) -> list[Path]:
        """Return where the files of something finished stand until they are delivered."""
        return [self._place(number) / Path(path).name for path in outputs]

    def deliver(self, outputs: Sequence[Sequence[str | Path]]) -> None:
        """Put the files of all folds (from 1) at the job's outputs, and then remove the folder.

        A job that dies on the way loses nothing: Snakemake removes what it delivered, and the next one delivers again.
        """
        for number, paths in enumerate(outputs, 1):
            for path in map(Path, paths):
                _put(self._place(number) / path.name, path)
        shutil.rmtree(self._root)

    def _place(self, number: int | str) -> Path:
        return self._kept / f"fold{number}"


def _put(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the file system knows no second names; whole or not at all."""
    target.unlink(missing_ok=True)  # two names of one file are no replacement for each other
    with files.whole_file(target) as partial:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
