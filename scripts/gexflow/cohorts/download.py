"""Download of one file: whole and checked, or not at all."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests

from gexflow.errors import InputError
from gexflow.files import sha256


def download(address: str, path: Path, md5: str | None = None, digest: str | None = None) -> str:
    """Download `address` to `path` and return its sha256.

    The file gets its name only when it is complete and, where a checksum is known, right.

    Parameters
    ----------
    address : str
        http(s) address.
    path : Path
    md5 : str or None
        Expected MD5, 32 hex digits.
    digest : str or None
        Expected SHA-256, or its first digits (the hash in a weights file's name).
    """
    bar = sys.stderr.isatty()
    fetch = pooch.HTTPDownloader(progressbar=bar, timeout=60)
    partial = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        fetch(address, str(partial), None)
        found = sha256(partial)
        if digest and not found.startswith(digest):
            raise InputError(_mismatch(address, "sha256", found, digest))
        if md5 and pooch.file_hash(str(partial), alg="md5") != md5:
            raise InputError(_mismatch(address, "md5", pooch.file_hash(str(partial), alg="md5"), md5))
        partial.replace(path)
    except requests.RequestException as error:
        raise InputError(
            f"{address} cannot be downloaded ({_reason(error)}): check the network connection, "
            f"or put the file at {path} by hand"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return found


def _mismatch(address: str, kind: str, found: str, expected: str) -> str:
    return f"{address} gave a file whose {kind} is {found}, not {expected}: try again, or correct the config's {kind}"


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.ConnectionError):
        return (
            f"no connection to {urlsplit(error.request.url).hostname}" if error.request is not None else "no connection"
        )
    return type(error).__name__
