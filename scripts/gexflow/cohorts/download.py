"""Download of one file: whole and checked, or not at all."""

import errno
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gexflow.cohorts.checksums import check_file
from gexflow.cohorts.fetch import Expected, fetch
from gexflow.cohorts.listing import find_in_listing
from gexflow.cohorts.partial import Partial, partial_file
from gexflow.cohorts.patience import Failure, Patience
from gexflow.cohorts.request import open_session
from gexflow.errors import InputError, plain
from gexflow.log import logger

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
PATIENCE = Patience()


def download(
    addresses: Sequence[str], path: Path, expected: Expected, listing: str = "", patience: Patience = PATIENCE
) -> str:
    """Download a file to `path` from the first address that gives it, and return its sha256.

    The file gets its name only when it is complete and, where that is known, right. If the network breaks, what came
    stays beside it in a hidden file, and the next call goes on there, provided that the server can do so. A second
    process that wants the same file waits for the first.

    Parameters
    ----------
    addresses : sequence of str
        http(s) addresses of the same file, tried in this order.
    path : Path
    expected : mapping
        `size_bytes`, `md5` and `sha256` in hex digits, as far as they are known; the first digits of a checksum will
        do (the hash in a weights file's name).
    listing : str
        Address of a Mendeley listing that knows where the file called `path.name` is; it is tried before `addresses`,
        and what it says of size and sha256 then holds for these as well.
    patience : Patience

    Raises
    ------
    InputError
        No address gave the file, or it cannot be written; nothing is left at `path`.
    """
    path = Path(path)
    begin = time.monotonic()
    with _disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial_file(path) as partial:
            if path.exists():  # another process was faster
                return _found(path, expected)
            known = _from_first(addresses, partial, path, dict(expected), listing, patience)
            partial.finish(path)
    checked = f"{' and '.join(known)} as expected" if known else "no checksum is known"
    sums, seconds = partial.sums, time.monotonic() - begin
    digest = sums.value("sha256")
    logger.info("%s: %d bytes in %.1f s, sha256 %s (%s)", path.name, sums.size_bytes, seconds, digest, checked)
    return digest


def _found(path: Path, expected: Expected) -> str:
    digest = check_file(path, expected, f"{path} is a file")
    logger.info("%s: it is there already, sha256 %s", path.name, digest)
    return digest


def _from_first(
    addresses: Sequence[str], partial: Partial, path: Path, known: dict, listing: str, patience: Patience
) -> dict:
    """Fill `partial` from the first source that works; return what was known of the file and checked."""
    failures: list[tuple[str, Failure]] = []
    with open_session() as session:
        addresses = list(addresses)
        if listing:
            try:
                address, facts = find_in_listing(session, listing, path.name, patience)
                addresses, known = [address, *addresses], {**facts, **known}
            except Failure as failure:
                failures.append((listing, failure))
                _say(listing, failure, addresses)
        for place, address in enumerate(addresses):
            try:
                fetch(session, address, partial, path.name, known, patience)
                return known
            except Failure as failure:
                failures.append((address, failure))
                _say(address, failure, addresses[place + 1 :])
    if partial.resumable:
        partial.keep()
        logger.info("%s: %d bytes are kept for the next run to go on", path.name, partial.size)
    raise InputError(_sentence(path, failures))


def _say(address: str, failure: Failure, others: Sequence[str]) -> None:
    if others:
        logger.warning("%s: %s; now from %s", plain(address, 300), failure.reason, others[0])


def _sentence(path: Path, failures: list[tuple[str, Failure]]) -> str:
    tried = "; ".join(f"{plain(address, 300)} ({failure.reason})" for address, failure in failures)
    advice = (
        "check the network connection"
        if any(failure.passing for _, failure in failures)
        else "correct the addresses or checksums in the config"
    )
    return f"{path.name} cannot be downloaded from {tried}: {advice}, or put the file at {path} by hand"


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
    """Say in a sentence what the disk refuses."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise InputError(f"There is no room for {path}: free space on that disk, then start again") from None
        raise InputError(f"{path} cannot be written ({error.strerror}): check the folder and its permissions") from None
