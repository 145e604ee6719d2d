"""Size and checksums of a file: found in one pass, compared with what is expected."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path

from gexflow.errors import InputError

BLOCK_BYTES = 1 << 20


class Sums:
    """Size, sha256 and, where wanted, md5 of bytes that stream past.

    Parameters
    ----------
    kinds : iterable of str
        Checksums besides sha256; `size_bytes` may be among them.
    """

    def __init__(self, kinds: Iterable[str] = ("md5",)):
        self.size_bytes = 0
        wanted = {"sha256", *kinds} - {"size_bytes"}
        self._hashes = {kind: hashlib.new(kind, usedforsecurity=False) for kind in sorted(wanted)}

    def update(self, block: bytes) -> None:
        """Take the next bytes."""
        self.size_bytes += len(block)
        for found in self._hashes.values():
            found.update(block)

    def value(self, kind: str) -> str:
        """Return the size in digits, or a checksum in hex digits."""
        return str(self.size_bytes) if kind == "size_bytes" else self._hashes[kind].hexdigest()

    def differing(self, expected: Mapping[str, str | int]) -> str | None:
        """Return the first of `size_bytes`, `md5` and `sha256` that is not the expected one.

        The first digits of a checksum will do (the hash in a weights file's name).
        """
        for kind, wanted in expected.items():
            found = self.value(kind)
            if found != str(wanted) if kind == "size_bytes" else not found.startswith(str(wanted)):
                return kind
        return None


def check_file(path: Path, expected: Mapping[str, str | int], subject: str) -> str:
    """Refuse a file that is not the expected one; read it once, whatever is checked.

    Parameters
    ----------
    path : Path
    expected : mapping
        `size_bytes`, `md5` and `sha256`, as far as they are known.
    subject : str
        Begins the sentence, as in "cohort.tsv is a file".

    Returns
    -------
    str
        Its sha256.

    Raises
    ------
    InputError
        A checksum or the size differs, or the file cannot be read.
    """
    sums = Sums(expected)
    try:
        with open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                sums.update(block)
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}): name a file that can be read") from None
    if kind := sums.differing(expected):
        raise InputError(
            f"{subject} whose {kind} is {sums.value(kind)}, not {expected[kind]}: "
            f"fetch it again, or correct the config's {kind}"
        )
    return sums.value("sha256")
