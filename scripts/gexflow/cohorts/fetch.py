"""One address into a partial file: attempts, resumption by Range, and the check of what came."""

import re
import sys
from collections.abc import Mapping

import requests
from tqdm import tqdm

from gexflow.cohorts.partial import Origin, Partial
from gexflow.cohorts.patience import Failure, Patience, persist
from gexflow.cohorts.request import answer, blocks, number
from gexflow.log import logger

Expected = Mapping[str, str | int]
_HTML = (b"<!doctype html", b"<html")
_PACKED_NAMES = (".gz", ".tgz", ".bgz", ".z", ".bz2", ".xz", ".zip")


def fetch(
    session: requests.Session, address: str, partial: Partial, name: str, expected: Expected, patience: Patience
) -> None:
    """Fetch `address` until `partial` is whole and right.

    Parameters
    ----------
    session : requests.Session
    address : str
    partial : Partial
        What it holds already is used if it comes from this address and the server still has the same file.
    name : str
        The file's name: an HTML page is refused unless it ends in `.html`.
    expected : mapping
        `size_bytes`, `md5` and `sha256`, as far as they are known.
    patience : Patience

    Raises
    ------
    Failure
        A passing one leaves in `partial` what came, any other leaves nothing of this address there.
    """

    def attempt() -> None:
        resumed = _receive(session, address, partial, name, expected, patience)
        if resumed and partial.sums.differing(expected):
            logger.warning("%s: the resumed file is not the expected one; starting again from zero", address)
            partial.restart()
            _receive(session, address, partial, name, expected, patience)
        if kind := partial.sums.differing(expected):
            raise Failure(f"gave a file whose {kind} is {partial.sums.value(kind)}, not {expected[kind]}")

    try:
        persist(attempt, address, patience, lambda: partial.size)
    except Failure as failure:
        if not failure.passing and partial.origin and partial.origin.address == address:
            partial.restart()
        raise


def _receive(
    session: requests.Session, address: str, partial: Partial, name: str, expected: Expected, patience: Patience
) -> bool:
    """Make one request and append what comes; return whether it went on with what was there."""
    headers = _rest_of(address, partial)
    with answer(session, address, patience, headers) as response:
        status = response.status_code
        resumed = status == 206 and bool(headers) and _continues(response, partial)
        if resumed or status == 200:
            if not resumed:
                _check_head(response, name, expected)
                _restart(response, address, partial, expected)
            _append(response, partial, name, expected, patience)
            return resumed
    if not headers:
        raise Failure(f"the server answered {status}")
    logger.info("%s: the server cannot go on with the partial file; starting again from zero", address)
    partial.restart()
    return _receive(session, address, partial, name, expected, patience)


def _rest_of(address: str, partial: Partial) -> dict[str, str]:
    """Return the headers that ask for the rest of the file; none where it has to come whole."""
    origin = partial.origin
    if origin is None or origin.address != address or not partial.size:
        return {}
    headers = {"Range": f"bytes={partial.size}-"}
    return {**headers, "If-Range": origin.validator} if origin.validator else headers


def _continues(response: requests.Response, partial: Partial) -> bool:
    """Tell whether a 206 begins where the partial file ends, and belongs to the same version of the file."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", "").strip())
    if not found or int(found[1]) != partial.size:
        return False
    origin, validator = partial.origin, _validator(response)
    if found[2] != "*" and origin.size_bytes not in (None, int(found[2])):
        return False
    return not (validator and origin.validator) or validator == origin.validator


def _validator(response: requests.Response) -> str:
    """Return what `If-Range` takes: a strong ETag, else the date of the last change, else nothing."""
    tag = response.headers.get("ETag", "").strip()
    return tag if tag.startswith('"') else response.headers.get("Last-Modified", "").strip()


def _check_head(response: requests.Response, name: str, expected: Expected) -> None:
    """Refuse by its headers what cannot be the file."""
    length, wanted = number(response.headers.get("Content-Length")), expected.get("size_bytes")
    if None not in (length, wanted) and length != wanted:
        raise Failure(f"offers {length} bytes, not the expected {wanted}")
    packed = response.headers.get("Content-Encoding", "").strip().lower()
    if packed not in ("", "identity") and not name.lower().endswith(_PACKED_NAMES):
        raise Failure(f"sends the file packed ({packed}), though asked for it as it is")


def _restart(response: requests.Response, address: str, partial: Partial, expected: Expected) -> None:
    """Begin at zero; a later request can go on only if something proves that the rest belongs to the same file."""
    ranges = response.headers.get("Accept-Ranges", "").strip().lower()
    validator = _validator(response)
    provable = validator or {"md5", "sha256"} & set(expected)
    length = number(response.headers.get("Content-Length"))
    partial.restart(Origin(address, validator, length) if provable and ranges != "none" else None)
    partial.ranges = ranges == "bytes"


def _append(response: requests.Response, partial: Partial, name: str, expected: Expected, patience: Patience) -> None:
    length = number(response.headers.get("Content-Length"))
    total = expected.get("size_bytes") if length is None else partial.size + length
    partial.ranges = partial.ranges or response.status_code == 206
    with tqdm(
        desc=name,
        total=total,
        initial=partial.size,
        unit="B",
        unit_scale=True,
        leave=False,
        disable=not sys.stderr.isatty(),
    ) as bar:
        for block in blocks(response, patience):
            partial.append(block)
            bar.update(len(block))
            if total is not None and partial.size > total:
                raise Failure(f"sends more than the expected {total} bytes")
    whole = partial.origin.size_bytes if partial.origin else None
    total = total if whole is None else whole
    if total is not None and partial.size < total:
        raise Failure(f"the connection was cut after {partial.size} of {total} bytes", passing=True)
    _refuse_page(response, partial, name)


def _refuse_page(response: requests.Response, partial: Partial, name: str) -> None:
    """Refuse an HTML page in place of a file: the login of a network, or an error sent as a success."""
    head = partial.head().lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    is_page = head.startswith(b"<") and "html" in response.headers.get("Content-Type", "").lower()
    if (is_page or head.startswith(_HTML)) and not name.lower().endswith((".html", ".htm")):
        raise Failure("gave a web page instead of the file: does this network ask for a login?")
