"""The JSON listing of a Mendeley dataset: where a file is, how large, and its sha256."""

import json
import re
from typing import Any

import requests

from gexflow.cohorts.patience import Failure, Patience, persist
from gexflow.cohorts.request import answer, blocks
from gexflow.errors import listed

_LONGEST_BYTES = 20_000_000


def find_in_listing(
    session: requests.Session, address: str, name: str, patience: Patience
) -> tuple[str, dict[str, str | int]]:
    """Fetch a listing and find a file in it.

    Parameters
    ----------
    session : requests.Session
    address : str
        Gives a list of `{"filename", "size", "content_details": {"download_url", "sha256_hash"}}`.
    name : str
        The file's name there.
    patience : Patience

    Returns
    -------
    address : str
        Of the file.
    expected : dict
        Its `size_bytes` and `sha256`.

    Raises
    ------
    Failure
        The listing cannot be reached, is damaged, or does not name the file exactly once.
    """
    entries = _entries(persist(lambda: _read(session, address, patience), address, patience))
    found = [entry for entry in entries if entry.get("filename") == name]
    if len(found) != 1:
        known = listed(sorted({str(entry.get("filename")) for entry in entries}), 10) or "nothing"
        what = "lists no file" if not found else "lists several files"
        raise Failure(f'{what} "{name}", but {known}' if not found else f'{what} "{name}"')
    return _facts(found[0], name)


def _read(session: requests.Session, address: str, patience: Patience) -> bytes:
    content = b""
    with answer(session, address, patience, {"Accept": "application/json, */*;q=0.5"}) as response:
        for block in blocks(response, patience):
            content += block
            if len(content) > _LONGEST_BYTES:
                raise Failure("its answer is too long for a listing")
    return content


def _entries(content: bytes) -> list[dict[str, Any]]:
    try:
        entries = json.loads(content)
    except (ValueError, RecursionError):
        raise Failure("its answer is no listing, since it is not valid JSON") from None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Failure("its answer is no listing, which is a list of files")
    return entries


def _facts(entry: dict[str, Any], name: str) -> tuple[str, dict[str, str | int]]:
    details = entry.get("content_details")
    details = details if isinstance(details, dict) else {}
    address, sha256 = str(details.get("download_url")), str(details.get("sha256_hash")).lower()
    size = entry.get("size")
    right = {
        "download_url": address.startswith(("https://", "http://")),
        "sha256_hash": re.fullmatch("[0-9a-f]{64}", sha256),
        "size": type(size) is int and size >= 0,
    }
    for key, valid in right.items():
        if not valid:
            raise Failure(f'the listing is damaged: it gives no valid {key} of "{name}"')
    return address, {"size_bytes": size, "sha256": sha256}
