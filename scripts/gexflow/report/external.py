"""Samples that no fold has seen, in the report: an opened hold-out, and other cohorts.

Every fold's model is scored on the very same samples, so the spread over folds tells how much the training set
matters; it is no interval.
"""

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

from gexflow.files import read_json, read_table
from gexflow.report.words import counted, known, listed, mean, percent, span, whole

KINDS = ("new_metrics", "external_facts", "openings")
METRICS = {"accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro-F1"}
HOLDOUT = "holdout"
_MOST_CLASSES = 40


def read_new(paths: Mapping[str, Any], place: Any) -> list[dict[str, Any]]:
    """Read what was found on new samples.

    Parameters
    ----------
    paths : mapping of lists of paths
        Of the kinds `new_metrics`, `external_facts` (one a model) and `openings`; any may be missing.
    place : function (path) -> tuple of str
        The parts of a path below the folder of results.

    Returns
    -------
    list of dict
        `dataset`, `target` ("" for its own hold-out), `rows` of metrics, `facts` (of each model) and `openings`.
    """
    found: dict[tuple[str, str], dict[str, Any]] = {}

    def entry(path: str | PurePath) -> tuple[dict[str, Any], tuple[str, ...]]:
        parts = place(path)
        key = (parts[0], "" if parts[1] == HOLDOUT else parts[2])
        new = {"dataset": key[0], "target": key[1], "rows": [], "facts": {}, "openings": []}
        return found.setdefault(key, new), parts

    for path in paths.get("new_metrics") or []:
        entry(path)[0]["rows"] = read_table(path, ("model", "note")).to_dict("records")
    for path in paths.get("external_facts") or []:
        new, parts = entry(path)
        new["facts"][parts[3]] = read_json(path)
    for path in paths.get("openings") or []:
        entry(path)[0]["openings"] = read_json(path)
    return list(found.values())


def new_tables(
    dataset: dict[str, Any], found: Iterable[dict[str, Any]], shared: Iterable[dict[str, Any]] = ()
) -> list[dict[str, Any]]:
    """Return the tables of one dataset: `title`, `seen`, `rows` (`name`, `reference`, `cells`) and `notes`.

    `seen` says how far the samples are new; `shared` are the rows of the table of shared samples.
    """
    both = {(row["dataset"], row["other"]): row["shared"] for row in shared}
    return [
        {**_table(dataset, new), "seen": _seen(both.get((new["target"], dataset["name"]), 0), dataset["name"])}
        for new in found
        if new["dataset"] == dataset["name"] and new["rows"]
    ]


def tested_by(dataset: dict[str, Any], found: Iterable[dict[str, Any]]) -> str:
    """Name the datasets whose models predict another one."""
    return listed([new["dataset"] for new in found if new["target"] == dataset["name"]], _MOST_CLASSES)


def _seen(both: float, dataset: str) -> str:
    return (
        f"{counted(both, 'sample')} of which {dataset} has, too" if known(both) and both else "which no fold has seen"
    )


def _table(dataset: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    models = {model["name"]: model for model in dataset["models"]}
    scores: dict[str, list[dict[str, Any]]] = {}
    for row in new["rows"]:
        scores.setdefault(row["model"], []).append(row)
    samples = counted(next(iter(scores.values()))[0]["samples"], "sample")
    rows = []
    for name, folds in scores.items():
        own = mean(row["accuracy"] for row in models[name]["folds"]) if name in models else None
        cells = [_cell([row[metric] for row in folds]) for metric in METRICS]
        facts = new["facts"].get(name, {}).get("folds", [])
        missing = [f"{span(f['missing'] for f in facts)} of {span(f['features'] for f in facts)}"] if facts else []
        rows.append(
            {
                "name": name,
                "reference": name in models and models[name]["reference"],
                "cells": [
                    {"value": percent(own, 2), "spread": ""},
                    *cells,
                    *({"value": m, "spread": ""} for m in missing),
                ],
            }
        )
    what = f"{new['target']} ({samples})" if new["target"] else f"the hold-out of {dataset['name']} ({samples})"
    notes = _external_notes(new["facts"]) if new["target"] else _opening_notes(new["openings"])
    return {"title": what, "external": bool(new["target"]), "rows": rows, "notes": notes}


def _cell(values: list[float]) -> dict[str, str]:
    values = [value for value in values if known(value)]
    if not values:
        return {"value": percent(None), "spread": ""}
    return {"value": percent(mean(values), 2), "spread": f"{percent(min(values), 1)} to {percent(max(values), 1)}"}


def _external_notes(facts: dict[str, dict[str, Any]]) -> list[str]:
    first = next(iter(facts.values()), None)
    if first is None:
        return []
    by_id, by_symbol, genes = (whole(first[key]) for key in ("by_id", "by_symbol", "genes"))
    found = f"Genes in common: {by_id} by id and {by_symbol} by symbol, of {genes}"
    notes = [f"{found}. A gene that a model reads and that is missing there is the median of its training samples."]
    if first["scale"] != first["trained_on"]:
        notes.append(f"Its values are {first['scale']}, those that trained {first['trained_on']}.")
    if first.get("held_out"):
        notes.append(f"Its own hold-out ({counted(first['held_out'], 'sample')}) is not among these samples.")
    if first["left_out"]:
        names = [f"{label} ({count})" for label, count in first["left_out"].items()]
        notes.append(f"Left out, since these classes did not train: {listed(names, _MOST_CLASSES)}.")
    if first["only_trained"]:
        notes.append(
            f"It has no sample of {listed(first['only_trained'], _MOST_CLASSES)}: a model that answers so is wrong."
        )
    notes += [
        f"Classes that differ only in capitals, blanks or accents: {listed(alike)}; label.map gives them one name."
        for alike in first.get("spellings", [])
    ]
    more = dict.fromkeys(note for model in facts.values() for fold in model["folds"] for note in fold["notes"])
    return notes + [f"{note}." for note in more]


def _opening_notes(openings: list[dict[str, Any]]) -> list[str]:
    times = [f"{entry['when']}{_changed(entry)}" for entry in openings]
    return [f"Opened {'; again '.join(times)}."] if times else []


def _changed(entry: dict[str, Any]) -> str:
    return f" (changed: {listed(entry['changed'], 20)})" if entry["changed"] else ""


def opening_caveats(found: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a loud caveat where a hold-out was opened more than once, by other settings."""
    items = [
        {"datasets": new["dataset"], "text": " ".join(_opening_notes(new["openings"]))}
        for new in found
        if len({opening["digest"] for opening in new["openings"]}) > 1
    ]
    text = "Settings were changed after the hold-out had been looked at, so that its scores may flatter them."
    return [{"title": "Hold-out opened again", "text": text, "loud": True, "items": items}] if items else []


def holdout_fact(dataset: dict[str, Any]) -> str:
    """Say in the section on cohorts how many samples are held out; "" if none."""
    locked = dataset["splits"].get("holdout") or {}
    if not locked:
        return ""
    return f"{counted(locked['samples'], 'sample')} in {counted(locked['groups'], 'group')}, in no fold"
