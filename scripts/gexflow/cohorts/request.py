"""One request over http(s): its answer as raw bytes, its failures in words."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import HTTPError, ReadTimeoutError

from gexflow.cohorts.patience import Failure, Patience

_READ_BYTES = 1 << 17


def open_session() -> requests.Session:
    """Return a session that asks for bytes as they are kept: a `.gz` stays a `.gz`."""
    session = requests.Session()
    session.headers.update({"Accept-Encoding": "identity", "User-Agent": "GexFlow"})
    return session


@contextmanager
def answer(
    session: requests.Session, address: str, patience: Patience, headers: Mapping[str, str] | None = None
) -> Iterator[requests.Response]:
    """Give the answer to a GET request, its body not yet read.

    Raises
    ------
    Failure
        No connection, or a status other than 200, 206 and 416.
    """
    timeout = (patience.connect_seconds, patience.read_seconds)
    try:
        response = session.get(address, headers=headers, stream=True, timeout=timeout)
    except (OSError, HTTPError, ValueError) as error:  # those of requests are OSErrors
        raise _failure(error, address) from None
    with response:
        status = response.status_code
        if status not in (200, 206, 416):
            passing = status in (408, 429) or status >= 500
            raise Failure(f"the server answered {status}", passing, _retry_after(response))
        yield response


def blocks(response: requests.Response, patience: Patience) -> Iterator[bytes]:
    """Read the body piece by piece, exactly as it comes.

    Raises
    ------
    Failure
        The connection was cut, or the server fell silent.
    """
    while True:
        try:
            block = response.raw.read1(_READ_BYTES, decode_content=False)
        except ReadTimeoutError:
            raise Failure(f"nothing came for {patience.read_seconds:g} s", passing=True) from None
        except HTTPError:
            raise Failure("the connection was cut", passing=True) from None
        if not block:
            return
        yield block


def number(text: str | None) -> int | None:
    """Return a header's number; None where there is none."""
    text = (text or "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _failure(error: Exception, address: str) -> Failure:
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Failure("its certificate is not valid")
    if isinstance(error, requests.exceptions.ProxyError):
        return Failure("no connection through the proxy", passing=True)
    if isinstance(error, requests.ConnectionError):
        return Failure(f"no connection to {urlsplit(address).hostname}", passing=True)
    if isinstance(error, requests.Timeout):
        return Failure(f"no answer from {urlsplit(address).hostname}", passing=True)
    if isinstance(error, requests.TooManyRedirects):
        return Failure("it redirects in circles")
    if isinstance(error, ValueError):
        return Failure("this is no valid address")
    return Failure(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")


def _retry_after(response: requests.Response) -> float:
    """Return the seconds that the server asks to wait, given as a number or as a date."""
    text = response.headers.get("Retry-After", "")
    seconds = number(text)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0
