"""The files that a dataset names: short forms in full, checks, local paths and names of downloads."""

import os
import re
from typing import Any
from urllib.parse import unquote, urlsplit

from gexflow.config_external import only_tested
from gexflow.errors import InputError

FILE_KINDS = ("matrix", "labels", "annotation")
FILE_FACTS = ("size_bytes", "md5", "sha256")
_DOWNLOAD_ONLY = ("mirrors", "name")


def full_entries(entries: Any, place: str) -> list:
    """Write an entry or a list of entries in full: maps, and one for every value of `each`.

    What has another form is left as it is: the schema refuses it.
    """
    entries = entries if isinstance(entries, list) else [entries]
    maps = [{"address": entry} if isinstance(entry, str) else entry for entry in entries]
    return [entry for item in maps for entry in _spread(item, place)]


def _spread(entry: Any, place: str) -> list:
    each = entry.get("each") if isinstance(entry, dict) else None
    if not isinstance(each, dict) or len(each) != 1:
        return [entry]
    word, values = next(iter(each.items()))
    if not isinstance(values, list) or not values or any(type(value) not in (str, int) for value in values):
        return [entry]
    if len(set(map(str, values))) < len(values):
        return [entry]
    _check_each(entry, f"{{{word}}}", place)
    rest = {key: value for key, value in entry.items() if key != "each"}
    return [_fill(rest, str(word), str(value)) for value in values]


def _check_each(entry: dict, placeholder: str, place: str) -> None:
    keys = ("listing", "name") if "listing" in entry else ("address",)
    if not any(placeholder in str(entry[key]) for key in keys if key in entry):
        raise InputError(
            f"config: {place}.each: {placeholder} does not stand in the {keys[-1]}, so all files would be the same\n"
            f"write {placeholder} where the value belongs"
        )
    for key in FILE_FACTS:
        if key in entry:
            raise InputError(
                f"config: {place}: one {key} cannot be that of every file of `each`\n"
                f"remove it, or write an entry for every file that has its own {key}"
            )


def _fill(value: Any, word: str, filling: str) -> Any:
    """Replace `{word}` in all texts of a value; `${word}` is a variable of the environment."""
    if isinstance(value, str):
        return re.sub(rf"(?<!\$)\{{{re.escape(word)}\}}", lambda _: filling, value)
    if isinstance(value, list):
        return [_fill(item, word, filling) for item in value]
    return {key: _fill(item, word, filling) for key, item in value.items()} if isinstance(value, dict) else value


def check_entries(place: str, dataset: dict) -> None:
    """Refuse file entries without a clear origin."""
    for kind, entries in dataset.get("files", {}).items():
        for entry in entries:
            _check_entry(f"{place}.files.{kind}", entry)


def _check_entry(place: str, entry: dict) -> None:
    if ("address" in entry) == ("listing" in entry):
        raise InputError(
            f"config: {place} needs either an address or a listing, and not both\n"
            "write `{address: <path or http(s) address>}` or `{listing: <address>, name: <file>}`"
        )
    if "listing" in entry and "name" not in entry:
        raise InputError(
            f"config: {place} does not say which file of the listing it is\n"
            "add `name: <the file's name in the listing>`"
        )
    if "address" in entry and not is_remote(entry["address"]):
        for key in _DOWNLOAD_ONLY:
            if key in entry:
                raise InputError(
                    f"config: {place}: {key} belongs to a download, but {entry['address']} is a local path\n"
                    "remove it, or write an address that begins with https:// or http://"
                )


def is_remote(address: str) -> bool:
    """Tell an http(s) address from a local path."""
    return address.startswith(("https://", "http://"))


def file_origin(entry: dict) -> str:
    """Return the address that a file is known by: its own, or that of its listing."""
    return entry.get("listing") or entry["address"]


def local_path(address: str, place: str) -> str:
    """Return a local path with ${VARIABLES} replaced; refuse unset variables and missing files."""
    if "://" in address:
        raise InputError(
            f"config: {place}: {address} is neither an http(s) address nor a path\n"
            "write its https:// address (GEO has one for every ftp:// address), or the path of a copy"
        )
    path = os.path.expanduser(os.path.expandvars(address))
    unset = re.search(r"\$\{?(\w+)", path)
    if unset:
        raise InputError(
            f"config: {place} needs the environment variable {unset[1]}, which is not set\nset it, or write a path"
        )
    if not os.path.exists(path):
        raise InputError(
            f"config: {place}: there is no file {os.path.abspath(path)}\ncorrect the path, or put the file there"
        )
    return path


def resolve_files(config: dict) -> None:
    """Give every file of the datasets that are read its local `path`, or its `name` as a download, in place."""
    kept: dict[tuple[str, str], dict] = {}
    for dataset in [*config["run"]["datasets"], *only_tested(config)]:
        source = config["datasets"][dataset]["source"]
        for kind, entries in config["datasets"][dataset].get("files", {}).items():
            for entry in entries:
                place = f"datasets.{dataset}.files.{kind}"
                if is_remote(file_origin(entry)):
                    entry["name"] = entry.get("name") or download_name(entry["address"], place)
                    known = kept.get((source, entry["name"]), entry)
                    _check_same(known, entry, place)
                    kept[source, entry["name"]] = merged_entry(known, entry)
                else:
                    entry["path"] = local_path(entry["address"], place)


def resolve_weights(config: dict) -> None:
    """Give the weights of the selected models, where they are files of one's own, `path` or `file`, in place.

    `file` is the name of a download; it begins with the file's checksum, since hubs give all files one name.
    """
    for name in config["run"]["models"]:
        weights = config["models"][name].get("weights")
        if isinstance(weights, dict):
            place = f"models.{name}.weights"
            if is_remote(weights["address"]):
                weights["file"] = f"{weights['sha256'][:8]}-{download_name(weights['address'], place)}"
            else:
                weights["path"] = local_path(weights["address"], place)


def _check_same(known: dict, entry: dict, place: str) -> None:
    """Refuse two downloads under one name, and two opinions on one download."""
    if file_origin(known) != file_origin(entry):
        raise InputError(
            f"config: {place}: {file_origin(known)} would be kept under the same name, {entry['name']}\n"
            "add another `name: <file>` beside the address"
        )
    for key in FILE_FACTS:
        if key in known and key in entry and known[key] != entry[key]:
            raise InputError(
                f"config: {place}: another dataset gives another {key} of {entry['name']}\nkeep the right one"
            )


def merged_entry(known: dict, entry: dict) -> dict:
    """Return what two entries know of the same download; mirrors of the first come first."""
    mirrors = dict.fromkeys([*known.get("mirrors", []), *entry.get("mirrors", [])])
    return {**known, **entry, "mirrors": list(mirrors)}


def download_name(address: str, place: str) -> str:
    """Return the last part of an address as a file name; refuse one that has none."""
    name = unquote(urlsplit(address).path.rsplit("/", 1)[-1])
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+ -]*", name):
        raise InputError(f"config: {place}: the address {address} ends in no file name\nadd `name: <file>` beside it")
    return name
