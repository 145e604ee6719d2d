"""Download of one file: whole and checked, or not at all."""

import sys
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
from pooch import file_hash

from gexflow.errors import InputError


def download(address: str, path: Path, checksums: dict[str, str]) -> str:
    """Download `address` to `path` and return its sha256.

    The file gets its name only when it is complete and, where a checksum is known, right.

    Parameters
    ----------
    address : str
        http(s) address.
    path : Path
    checksums : dict
        Expected `md5` and `sha256` in hex digits, as far as they are known; the first digits of one will do (the hash
        in a weights file's name).

    Raises
    ------
    InputError
        The address cannot be reached, or gave another file; nothing is left at `path`.
    """
    bar = sys.stderr.isatty()
    fetch = pooch.HTTPDownloader(progressbar=bar, timeout=60)
    partial = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        fetch(address, str(partial), None)
        check_file(partial, checksums, f"{address} gave a file")
        partial.replace(path)
    except requests.RequestException as error:
        raise InputError(
            f"{address} cannot be downloaded ({_reason(error)}): check the network connection, "
            f"or put the file at {path} by hand"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return file_hash(str(path), alg="sha256")


def check_file(path: Path, checksums: dict[str, str], subject: str) -> None:
    """Refuse a file whose checksums are not the expected ones; `subject` begins the sentence."""
    for kind, expected in checksums.items():
        found = file_hash(str(path), alg=kind)
        if not found.startswith(expected):
            raise InputError(
                f"{subject} whose {kind} is {found}, not {expected}: fetch it again, or correct the config's {kind}"
            )


def _reason(error: requests.RequestException) -> str:
    if error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, requests.ConnectionError):
        return (
            f"no connection to {urlsplit(error.request.url).hostname}" if error.request is not None else "no connection"
        )
    return type(error).__name__
