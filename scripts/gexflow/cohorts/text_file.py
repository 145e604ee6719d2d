"""Opening of text files, plain, gzipped or in an archive, with an answer for every file that is something else."""

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from gexflow.cohorts.archives import open_member
from gexflow.cohorts.tar_stream import GZIP
from gexflow.errors import InputError

_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"\x89HDF": "an HDF5 file",
    b"MATLAB 5": "a MATLAB file",
    b"%PDF": "a PDF document",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
    GZIP: "gzipped twice",
}
_WEB_PAGES = (b"<!doctype", b"<html", b"<?xml", b"<error")


def is_gzip(path: Path) -> bool:
    """Tell whether a file is gzipped, by its first bytes: names can lie."""
    with open(path, "rb") as file:
        return file.read(2) == GZIP


@dataclass(frozen=True)
class Packed:
    """A text file within an archive, as `archives.open_member` finds it; it stands where a path would."""

    path: Path
    wanted: str
    inner: str | None = None

    def __str__(self) -> str:
        """Name the archive and the file, for messages."""
        return f"{self.path} ({(self.inner or self.wanted).lstrip('*')})"

    @property
    def name(self) -> str:
        """Name of the archive."""
        return self.path.name


@contextmanager
def open_bytes(path: Path | Packed) -> Iterator[BinaryIO]:
    """Open a text file for reading its (unpacked) bytes; a damaged gzip file becomes an `InputError`."""
    if isinstance(path, Packed):
        with open_member(path.path, path.wanted, path.inner) as member:
            yield member.file
        return
    try:
        with gzip.open(path, "rb") if is_gzip(path) else open(path, "rb") as file:
            yield file
    except EOFError:
        raise InputError(f"{path} is a gzip file that ends too early: delete it and fetch it again.") from None
    except (zlib.error, gzip.BadGzipFile):
        raise InputError(f"{path} is a damaged gzip file: delete it and fetch it again.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror or error}).") from None


@contextmanager
def open_text(path: str | Path | Packed) -> Iterator[BinaryIO]:
    """Open a file that exists, holds something and looks like text.

    Raises
    ------
    InputError
        Missing, empty, or of another format (zip, Excel, HDF5, a web page, ...).
    """
    path = path if isinstance(path, Packed) else Path(path)
    if isinstance(path, Path) and not path.is_file():
        raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    with open_bytes(path) as file:
        start = file.peek(4096)[:4096]
        if not start.strip():
            raise InputError(f"{path} is empty: fetch or export it again.")
        other = _other_format(start)
        if other:
            raise InputError(
                f"{path} is {other}, but a tab- or comma-separated text file is needed: export it as text."
            )
        yield file


def is_archive(path: Path) -> bool:
    """Tell a zip archive or a tar archive (gzipped or not), by its first bytes."""
    with open_bytes(path) as file:
        start = file.peek(512)
    return start.startswith(b"PK") or start[257:262] == b"ustar"


def _other_format(start: bytes) -> str:
    for magic, name in _OTHER_FORMATS.items():
        if start.startswith(magic):
            return name
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(_WEB_PAGES):
        return "a web page"
    if start[257:262] == b"ustar":
        return "a tar archive"
    return "a binary file" if b"\0" in start else ""


def decode(line: bytes) -> str:
    """Decode UTF-8, or Latin-1 where it is not: old files carry old alphabets."""
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def unquote(cell: str) -> str:
    """Return a cell without the quotes around it and the blanks at its ends; two quotes within stand for one."""
    quoted = len(cell) > 1 and cell[0] == cell[-1] == '"'
    return (cell[1:-1].replace('""', '"') if quoted else cell).strip()
