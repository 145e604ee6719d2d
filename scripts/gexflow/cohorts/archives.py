"""Members of zip and tar archives as streams of bytes.

Nothing is ever written: a member is unpacked block by block into the reader's hands. So no path within an archive can
escape from a folder; hostile names are refused all the same, because whoever made them meant no good.
"""

import fnmatch
import io
import stat
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gexflow.cohorts.tar_stream import Entry, open_tar, tar_entries
from gexflow.cohorts.unpacking import Budget, Unpacked, in_sentences
from gexflow.errors import InputError, shorten

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_ENCRYPTED = 0x1
MOST_BYTES = 20 << 30
MOST_TIMES = 500  # text of numbers shrinks to a third, one of zeros to a hundredth; deflate's limit is a thousandth


class Member(NamedTuple):
    """A member that is open for reading: its name in the archive and its content."""

    name: str
    file: BinaryIO


@contextmanager
def open_member(
    path: str | Path,
    wanted: str,
    inner: str | None = None,
    most_bytes: int = MOST_BYTES,
    most_times: float = MOST_TIMES,
) -> Iterator[Member]:
    """Open the one member of an archive whose name fits.

    A tar archive is gone through twice: first to its end, so that a second fitting member, damage (gzip's checksum) or
    a bomb is known before the first byte is given; then up to the member.

    Parameters
    ----------
    path : path
        A zip, tar or tar.gz archive, found out by content.
    wanted : str
        How the member's name ends (".mat"), or a pattern with * ? [ ] that the whole name fits. Folders and what
        macOS adds (`__MACOSX/`, `._name`) never fit.
    inner : str, optional
        The member is a tar or tar.gz archive itself: which of its members is opened.
    most_bytes : int
        Bound on the unpacked bytes, in every layer.
    most_times : float
        Bound on the unpacked bytes as a multiple of the archive's size; the first 64 MiB are free.

    Yields
    ------
    Member
        Its file is for one reading from start to end; reading it raises `InputError` as well.

    Raises
    ------
    InputError
        Not one member fits, or it is a link, a device, encrypted or of an evil name; the archive is damaged, of another
        format, or unpacks to more than the bounds.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    budget = partial(Budget, path, most_bytes, most_times, path.stat().st_size)
    with ExitStack() as open_files:
        with in_sentences(path):
            outer = _find(path, wanted, budget)
            if inner is None:
                name, file = outer, open_files.enter_context(_open(path, outer, budget()))
            else:
                with _open(path, outer, budget()) as archive:
                    name = _choose(tar_entries(_tar_only(archive, outer, path), budget()), inner, f"{path}, {outer}")
                archive = open_files.enter_context(_open(path, outer, budget()))
                file = open_files.enter_context(open_tar(_tar_only(archive, outer, path), name, budget()))
        # Damage of an outer layer and the bounds speak up through the reading of the innermost one.
        yield Member(name, open_files.enter_context(io.BufferedReader(Unpacked(file, budget()), 1 << 20)))


def _is_zip(path: Path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) in _ZIP


def _find(path: Path, wanted: str, budget: Callable[[], Budget]) -> str:
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return _choose([_zip_entry(info) for info in archive.infolist()], wanted, str(path))
    with open(path, "rb") as file:
        return _choose(tar_entries(file, budget()), wanted, str(path))


def _zip_entry(info: zipfile.ZipInfo) -> Entry:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.is_dir():
        return Entry(info.filename, "folder")
    if kind not in (0, stat.S_IFREG):
        return Entry(info.filename, "a link" if kind == stat.S_IFLNK else "a device or another special file")
    return Entry(info.filename, "encrypted" if info.flag_bits & _ENCRYPTED else "")


@contextmanager
def _open(path: Path, name: str, budget: Budget) -> Iterator[BinaryIO]:
    """Open a member of the archive on disk."""
    with ExitStack() as open_files:
        if _is_zip(path):
            archive = open_files.enter_context(zipfile.ZipFile(path))
            file = open_files.enter_context(archive.open(name))
        else:
            archive = open_files.enter_context(open(path, "rb"))
            file = open_files.enter_context(open_tar(archive, name, budget))
        yield io.BufferedReader(Unpacked(file, budget), 1 << 20)


def _tar_only(archive: BinaryIO, name: str, path: Path) -> BinaryIO:
    if archive.peek(4)[:4] in _ZIP:
        raise InputError(f"{path}: {shorten(name)} is a zip archive in an archive: unpack it by hand and name it.")
    return archive


def _choose(entries: list[Entry], wanted: str, where: str) -> str:
    """Return the name of the one entry that fits, if it is a plain file of a harmless name."""
    files = [entry for entry in entries if entry.kind != "folder" and not _is_apple(entry.name)]
    fitting = [entry for entry in files if _fits(entry.name, wanted)]
    if len(fitting) != 1:
        shown = ", ".join(shorten(entry.name) for entry in (fitting or files)[:5]) or "none"
        more = ", ..." if len(fitting or files) > 5 else ""
        count = f"{len(fitting)} files" if fitting else "no file"
        raise InputError(f"{where} holds {count} that fit {shorten(wanted)} (found: {shown}{more}): exactly one must.")
    entry = fitting[0]
    if entry.kind == "encrypted":
        raise InputError(f"{where}: {shorten(entry.name)} is encrypted: unpack it by hand and name the file itself.")
    if entry.kind:
        raise InputError(f"{where}: {shorten(entry.name)} is {entry.kind}, no plain file: fetch the archive again.")
    if _is_evil(entry.name):
        raise InputError(
            f"{where}: {shorten(entry.name)} is a path that leads out of the archive, so the archive is not to be "
            "trusted: fetch it from its publisher."
        )
    return entry.name


def _fits(name: str, wanted: str) -> bool:
    if any(sign in wanted for sign in "*?["):
        return fnmatch.fnmatchcase(name, wanted)
    return name.endswith(wanted)


def _is_apple(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return "__MACOSX" in parts or parts[-1].startswith("._")


def _is_evil(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return parts[0] == "" or ".." in parts or parts[0].endswith(":")
