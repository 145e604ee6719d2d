"""The file that a download grows in: hidden beside its target, locked, and gone unless the download can go on."""

import errno
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from gexflow import files
from gexflow.cohorts.checksums import BLOCK_BYTES, Sums
from gexflow.log import logger

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@dataclass(frozen=True)
class Origin:
    """Where the bytes of a partial file come from: address, its ETag or Last-Modified ("" for none), whole size."""

    address: str
    validator: str
    size_bytes: int | None


class Partial:
    """An open, locked partial file; `sums` always are those of its content.

    Parameters
    ----------
    path : Path
    file : binary file, unbuffered, open for reading and appending
    """

    def __init__(self, path: Path, file: BinaryIO):
        self.path = path
        self.sums = Sums()
        self.origin: Origin | None = None
        self.ranges = False  # whether its server was seen to serve the rest of a file
        self.stays = False  # under this name, or under its own
        self._file = file
        self._note = path.with_name(f"{path.name}.json")
        self._take_up()

    @property
    def size(self) -> int:
        """Return the number of bytes so far."""
        return self.sums.size_bytes

    @property
    def resumable(self) -> bool:
        """Tell whether a later run could go on where this file ends."""
        return self.origin is not None and self.ranges and self.size > 0

    def head(self) -> bytes:
        """Return the first bytes."""
        return os.pread(self._file.fileno(), 512, 0)

    def restart(self, origin: Origin | None = None) -> None:
        """Empty the file; what follows comes from `origin`."""
        self._file.truncate(0)
        self.sums = Sums()
        self.origin = origin
        self.ranges = False

    def append(self, block: bytes) -> None:
        """Write a block behind the others."""
        rest = memoryview(block)
        while rest:  # an unbuffered file may take a part only
            rest = rest[self._file.write(rest) :]
        self.sums.update(block)

    def finish(self, target: Path) -> None:
        """Give the file its name."""
        os.fsync(self._file.fileno())
        os.replace(self.path, target)
        self.stays = True

    def keep(self) -> None:
        """Leave the file for a later run, with a note of its origin."""
        os.fsync(self._file.fileno())
        files.write_json({**asdict(self.origin), "received": self.size}, self._note)
        self.stays = True

    def _take_up(self) -> None:
        """Go on with what an earlier run kept, or from zero where it left no valid note."""
        try:
            note = json.loads(self._note.read_bytes())
            received, size = note.pop("received"), os.fstat(self._file.fileno()).st_size
            origin = Origin(**note) if received == size > 0 else None
        except (FileNotFoundError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            origin = None
        # A note describes the file at rest: from here on it may be wrong, should this run be killed.
        self._note.unlink(missing_ok=True)
        self.restart() if origin is None else self._read(origin)

    def _read(self, origin: Origin) -> None:
        self.origin, self.ranges = origin, True
        self._file.seek(0)
        while block := self._file.read(BLOCK_BYTES):
            self.sums.update(block)


@contextmanager
def partial_file(target: Path) -> Iterator[Partial]:
    """Open the partial file of `target` and lock it; a second process waits here.

    It is removed at the end, whatever happened, unless it was finished or kept. An interrupted download is kept where
    a later run can go on with it.
    """
    path = target.with_name(f".{target.name}.part")
    file = _open_locked(path)
    partial = None
    try:
        partial = Partial(path, file)
        yield partial
    except (KeyboardInterrupt, SystemExit):
        if partial is not None and partial.resumable:
            partial.keep()
        raise
    finally:
        if partial is None or not partial.stays:
            path.unlink(missing_ok=True)
        file.close()  # only now may another process have it


def _open_locked(path: Path) -> BinaryIO:
    while True:
        file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666), "a+b", buffering=0)
        _lock(file, path)
        if _is_at(file, path):
            return file
        file.close()  # whoever had the lock has renamed or removed that file: begin with a new one


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: BinaryIO, path: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        logger.info("%s: another process downloads it, waiting", path.name.removeprefix(".").removesuffix(".part"))
        fcntl.flock(file, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        logger.warning("%s: this file system knows no locks; start one run at a time", path.parent)
