"""Tar archives, gzipped or not, read in one direction: what they hold, and one member's content."""

import gzip
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, NamedTuple

from gexflow.cohorts.unpacking import Budget, Unpacked
from gexflow.errors import InputError

GZIP = b"\x1f\x8b"
_BLOCK_BYTES = 1 << 20
_LONGEST_NAME_BYTES = 1 << 20
_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)


class Entry(NamedTuple):
    """A member of an archive: its name, and "" for a plain file, else what it is."""

    name: str
    kind: str


class _StrictHeader(tarfile.TarInfo):
    """A header whose damage is an error: the standard library takes it for the archive's end from the second one on."""

    @classmethod
    def frombuf(cls, buf: bytes, encoding: str, errors: str) -> "_StrictHeader":
        if not buf:
            raise EOFError
        if not any(buf):
            return super().frombuf(buf, encoding, errors)  # the end mark
        try:
            header = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"no tar archive, or damaged: {error}") from None
        # Long names are read whole into memory.
        if header.size < 0 or (header.type in _EXTENSIONS and header.size > _LONGEST_NAME_BYTES):
            raise tarfile.ReadError("a header of an impossible size")
        return header


def tar_entries(file: BinaryIO, budget: Budget) -> list[Entry]:
    """List what a tar archive holds, reading all of it."""
    with _unpack(file, budget) as stream:
        with _tar(stream) as archive:
            entries = [Entry(header.name, _kind(header)) for header in archive]
        while stream.read(_BLOCK_BYTES):  # up to gzip's checksum
            pass
    return entries


@contextmanager
def open_tar(file: BinaryIO, name: str, budget: Budget) -> Iterator[BinaryIO]:
    """Open the member of a tar archive that has a name; the stream is left right behind it."""
    with _unpack(file, budget) as stream, _tar(stream) as archive:
        for header in archive:
            if header.name == name and header.isreg():
                yield archive.extractfile(header)
                return
        raise InputError(f"{budget.path} changed while it was read: start again when it is whole.")


class _Forward:
    """A stream that is skipped forward where `tarfile` seeks; skipping past its end is an error."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._place = stream, 0

    def tell(self) -> int:
        return self._place

    def read(self, size: int) -> bytes:
        content = self._stream.read(size)
        self._place += len(content)
        return content

    def seek(self, place: int) -> None:
        if place < self._place:
            raise tarfile.ReadError("a header that points backwards")
        while self._place < place:
            if not self.read(min(_BLOCK_BYTES, place - self._place)):
                raise EOFError


def _tar(stream: BinaryIO) -> tarfile.TarFile:
    # Not tarfile's own stream mode: that one counts empty reads up to whatever size a damaged header states.
    return tarfile.TarFile(fileobj=_Forward(stream), tarinfo=_StrictHeader)


@contextmanager
def _unpack(file: BinaryIO, budget: Budget) -> Iterator[BinaryIO]:
    """Give the bytes of the tar archive, whether gzipped or not."""
    if file.peek(2)[:2] != GZIP:
        yield file
        return
    # tarfile's own gzip reader leaves checksums unchecked and takes a cut for the end.
    with gzip.GzipFile(fileobj=file) as unzipped:
        yield Unpacked(unzipped, budget)


def _kind(header: tarfile.TarInfo) -> str:
    if header.isdir():
        return "folder"
    if header.issym() or header.islnk():
        return "a link"
    return "" if header.isreg() and not header.issparse() else "a device or another special file"
