"""What the config says of the files of datasets: which are downloaded, what is known of them, how they are read.

Light: Snakemake reads it at every start and in every job.
"""

from typing import Any

from gexflow.config_files import FILE_FACTS, FILE_KINDS, file_origin, merged_entry
from gexflow.variants import base_of

# What a dataset's entry says of other stages or to readers of the report. Files count by what is known of them, not by
# where they lie.
_NOT_READ = (
    "title",
    "files",
    "simulate",
    "models",
    "recipes",
    "family",
    "expected",
    "tried_on",
    "variants",
    "published",
    "folds",
    "repeats",
    "holdout",
)


def entries_of(dataset: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the entries of a dataset's files of a kind: matrix, labels or annotation."""
    return dataset.get("files", {}).get(kind, [])


def simulated_kinds(dataset: dict[str, Any]) -> list[str]:
    """Return the kinds of files that are simulated for a dataset; [] for a real one."""
    if "simulate" not in dataset:
        return []
    return ["matrix", "labels"] if dataset["source"] == "tcga" else ["matrix"]


def downloads_of(datasets: dict[str, dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    """Return what all datasets together know of each download, by its source and name."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for dataset in datasets.values():
        for entry in (entry for kind in FILE_KINDS for entry in entries_of(dataset, kind) if "path" not in entry):
            place = dataset["source"], entry["name"]
            found[place] = merged_entry(found.get(place, {}), entry)
    return found


def checksums(entry: dict[str, Any]) -> dict[str, Any]:
    """Return what is published of a file's content: size and checksums, those that the config names."""
    return {key: entry[key] for key in FILE_FACTS if key in entry}


def reading_of(name: str, dataset: dict[str, Any]) -> dict[str, Any]:
    """Return what decides how a cohort is read, and the addresses that its card shows."""
    settings = {key: value for key, value in dataset.items() if key not in _NOT_READ}
    addresses, expected = {}, {}
    for kind in FILE_KINDS:
        entries, count = entries_of(dataset, kind), simulated_kinds(dataset).count(kind)
        addresses[kind] = [file_origin(entry) for entry in entries] or ["simulated"] * count
        expected[kind] = [checksums(entry) for entry in entries] or [{}] * count
    base = base_of(name)  # messages name the config's keys
    return {"dataset": base, **settings, "addresses": addresses, "checksums": expected}
