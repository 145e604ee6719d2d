"""Turn a study into the rows and words that the page's template prints, section by section."""

import math
from typing import Any

from gexflow.report import by_site
from gexflow.report.caveats import Dataset, dataset_marks, folds_of, random_weights, repeat_folds, simulated
from gexflow.report.cohort_facts import card_facts
from gexflow.report.controls import beside_their_models, is_control, naming, without_controls
from gexflow.report.external import holdout_fact
from gexflow.report.leaky import MARK, WHY, called
from gexflow.report.scores import estimate
from gexflow.report.study import Study
from gexflow.report.tuning import tuned
from gexflow.report.words import (
    counted,
    duration,
    interval,
    known,
    listed,
    mean,
    number,
    percent,
    size,
    span,
    whole,
)
from gexflow.site_variants import is_by_site
from gexflow.variants import is_leaky

Model = dict[str, Any]


def overview(study: Study) -> list[dict[str, Any]]:
    """Return the rows of the table models x datasets: reference models first, controls right below their models."""
    names = beside_their_models(model["name"] for dataset in study.datasets for model in dataset["models"])
    models = {dataset["name"]: {model["name"]: model for model in dataset["models"]} for dataset in study.datasets}
    rows = []
    for name in dict.fromkeys(names):
        found = [models[dataset["name"]].get(name) for dataset in study.datasets]
        reference = any(model and model["reference"] for model in found)
        cells = [_overview_cell(model, dataset) for model, dataset in zip(found, study.datasets, strict=True)]
        rows.append({**naming({"name": name, "reference": reference}), "cells": cells})
    return sorted(rows, key=lambda row: not row["reference"])


def _overview_cell(model: Model | None, dataset: Dataset) -> dict[str, Any] | None:
    if model is None or not model["folds"]:
        return None
    best = max((estimate(other, "accuracy") or 0.0 for other in without_controls(dataset["models"])), default=None)
    leaky, intervals = is_leaky(dataset["name"]), model["intervals"].get("accuracy", {})
    ends = interval(intervals.get("wilson" if leaky else "nadeau_bengio"))  # one split has no interval over folds
    return {
        "accuracy": percent(estimate(model, "accuracy")),
        "interval": f"{ends} Wilson" if leaky and ends else ends,
        "macro_f1": percent(estimate(model, "macro_f1")),
        "best": not leaky and not is_control(model) and estimate(model, "accuracy") == best,
    }


def cohort(dataset: Dataset) -> dict[str, Any]:
    """Return what the card of a cohort says."""
    card, truth = dataset["card"], dataset["truth"]
    counts = {str(name): count for name, count in card.get("classes", {}).items()}
    largest, total = max(counts.values(), default=1), max(sum(counts.values()), 1)
    groups = card.get("groups") or {}
    values = card.get("values") or {}
    leaky = is_leaky(dataset["name"])
    facts = (
        by_site.cohort_rows(dataset)
        if is_by_site(dataset["name"])
        else [
            ("Protocol", f"{MARK}: {WHY}" if leaky else ""),
            ("Source", card.get("source") or "not stated"),
            ("This entry of the config was tried on", dataset["tried_on"]),
            ("Samples", whole(card.get("samples"))),
            ("Genes", whole(card.get("genes"))),
            ("Classes", whole(len(counts))),
            ("Groups (patients)", "none: patients part" if leaky else _groups(groups)),
            ("Scale", ": ".join(str(card[key]) for key in ("scale", "scale_reason") if card.get(key)) or "not stated"),
            (
                "Values",
                ", ".join(f"{key} {number(values[key], 4)}" for key in ("min", "median", "max") if key in values),
            ),
            ("Missing values", f"{percent(card.get('missing_share'), 2)} %"),
            ("Normalised jointly", _joint(card)),
            *card_facts(card),
        ]
    )
    facts.append(("Held out", holdout_fact(dataset)))
    if truth and not is_by_site(dataset["name"]):
        planted = sum(len(genes) for genes in (truth.get("planted") or {}).values())
        facts.append(("Best possible accuracy", f"{percent(truth.get('bayes_accuracy'))} % (Bayes, known)"))
        facts.append(("Planted", f"{counted(planted, 'gene')}, effect {number(truth.get('effect'))}"))
    return {
        "facts": [(name, text) for name, text in facts if text],
        "classes": [
            {
                "name": name,
                "count": whole(count),
                "share": percent(count / total),
                "width": f"{100 * count / largest:.1f}",
            }
            for name, count in counts.items()
        ],
        "dropped": [
            {**entry, "count": whole(entry["count"]), "examples": listed(entry.get("examples") or [], 5)}
            for entry in card.get("dropped", [])
        ],
        "notes": card.get("notes") or [],
        "mislabelled": [
            " and ".join(f"{sample} ({label})" for sample, label in zip(pair["samples"], pair["labels"], strict=True))
            for pair in (card.get("near_duplicates") or {}).get("pairs", [])
            if len(set(pair["labels"])) > 1
        ],
        "origin": [
            {
                "file": entry.get("file") or "",
                "address": entry.get("address") or "",
                "sha256": entry.get("sha256") or "",
                "size": size(entry.get("size_bytes")),
            }
            for entry in card.get("origin", [])
        ],
    }


def _groups(groups: dict[str, Any]) -> str:
    shared = groups.get("samples_in_shared_groups")
    if not groups:
        return "not known"
    if not shared:
        return f"{whole(groups.get('count'))}; no two samples share one"
    return (
        f"{whole(groups.get('count'))}; largest {whole(groups.get('largest'))}; {counted(shared, 'sample')} share one"
    )


def _joint(card: dict[str, Any]) -> str:
    value = card.get("normalised_jointly")
    return (value if isinstance(value, str) else "yes, by the source") if value else "not stated by the source"


def recipes(dataset: Dataset) -> list[dict[str, Any]]:
    """Return the steps of every recipe: genes before and after, smallest and largest over the folds."""
    shown = []
    for recipe in dataset["recipes"]:
        steps: dict[str, list[dict[str, Any]]] = {}
        for row in recipe["rows"]:
            steps.setdefault(row["step"], []).append(row)
        users = [m["name"] for m in without_controls(dataset["models"]) if m["recipe"] == recipe["name"]]
        shown.append(
            {
                "name": recipe["name"],
                "models": listed(users, 20),
                "folds": len({row["fold"] for row in recipe["rows"]}),
                "steps": [
                    {
                        "name": name,
                        "genes_in": span(row["genes_in"] for row in rows),
                        "genes_out": span(row["genes_out"] for row in rows),
                        "note": _notes(row.get("note") for row in rows),
                    }
                    for name, rows in steps.items()
                ],
            }
        )
    return shown


def _notes(notes: Any) -> str:
    """Join notes that may repeat themselves fold by fold."""
    different = list(dict.fromkeys(str(note) for note in notes if known(note)))
    more = f"; and {len(different) - 2} more, differing by fold" if len(different) > 2 else ""
    return "; ".join(different[:2]) + more


def models(dataset: Dataset) -> list[dict[str, Any]]:
    """Return size, weights, device and time of every model."""
    rows = []
    for model in dataset["models"]:
        entries = model["training"]
        seconds = [entry.get("seconds") for entry in entries]
        rows.append(
            {
                **naming(model),
                "recipe": model["recipe"] or "",
                "parameters": span(entry.get("parameters") for entry in entries),
                "learning": span(entry.get("learning_parameters") for entry in entries),
                "weights": listed(dict.fromkeys(str(entry.get("weights", "")) for entry in entries)),
                "random": random_weights(model),
                "device": listed(dict.fromkeys(str(entry.get("device", "")) for entry in entries)),
                "epochs": span(entry.get("epochs") for entry in entries),
                "seconds": duration(sum(filter(known, seconds)) if any(map(known, seconds)) else None),
                "seconds_a_fold": duration(mean(seconds)),
                "loss": number(mean(entry.get("final_loss") for entry in entries)),
                "notes": "; ".join(
                    filter(None, (tuned(entries), _notes(n for entry in entries for n in entry.get("notes") or [])))
                ),
            }
        )
    return rows


def per_class(dataset: Dataset) -> list[dict[str, Any]]:
    """Return F1 of each class by each model, and precision and recall beside it; controls answer no such question."""
    models = [model for model in without_controls(dataset["models"]) if model["per_class"]]
    tables = {model["name"]: {row["class"]: row for row in model["per_class"]} for model in models}
    rows = []
    for name in dataset["classes"]:
        found = [tables[model["name"]].get(name) for model in models]
        support = span(row["support"] for row in found if row)
        cells = [[percent(row[key]) for key in ("precision", "recall", "f1")] if row else None for row in found]
        rows.append({"name": name, "support": support, "cells": cells})
    return rows if any(tables.values()) else []


def attribution(dataset: Dataset) -> list[dict[str, Any]]:
    """Return deltas, recovery of planted genes and top genes of every explained model."""
    shown = []
    for model in dataset["models"]:
        found = model["attribution"]
        if not found:
            continue
        deltas, recovery = found["deltas"] or {}, found["recovery"]
        shown.append(
            {
                "name": model["name"],
                "samples": whole(deltas.get("samples")),
                "median": number(deltas.get("median"), 2),
                "largest": number(deltas.get("largest"), 2),
                "recovery": _auroc(recovery, "auroc_attribution"),
                "f_test": _auroc(recovery, "auroc_f_test"),
                "planted": span(row.get("planted") for row in recovery),
                "classes": [{"name": name, "genes": list(map(_gene, genes))} for name, genes in found["genes"].items()],
            }
        )
    return shown


def _auroc(rows: list[dict[str, Any]], key: str) -> str:
    values = [row[key] for row in rows if known(row.get(key))]
    return f"{mean(values):.3f} ({min(values):.3f} to {max(values):.3f})" if values else ""


def _gene(row: dict[str, Any]) -> dict[str, Any]:
    symbol = row.get("symbol")
    return {
        "name": symbol if known(symbol) else row["gene"],
        "size": number(row.get("mean_abs_attribution"), 2),
        "folds": whole(row.get("folds")),
        "planted": known(row.get("planted")) and float(row["planted"]) == 1,
    }


def majority_accuracy(dataset: Dataset) -> float | None:
    """Return the accuracy of always naming the commonest class: the majority model's, or from the class counts."""
    for model in dataset["models"]:
        if model["name"] == "majority" and model["folds"]:
            return estimate(model, "accuracy")
    counts = dataset["card"].get("classes", {}).values()
    return max(counts) / sum(counts) if counts else None


def summary(dataset: Dataset) -> dict[str, Any]:
    """Return a dataset's heading: names, title, marks, number of folds and their Nadeau-Bengio factor."""
    folds = folds_of(dataset)
    per_repeat = repeat_folds(dataset)
    title = dataset["card"].get("title")
    return {
        "name": called(dataset["name"]),
        "plain_name": dataset["name"],
        "leaky": is_leaky(dataset["name"]),
        "by_site": is_by_site(dataset["name"]),
        "title": title if title and title != dataset["name"] else "",
        "marks": dataset_marks(dataset),
        "simulated": simulated(dataset),
        "folds": folds,
        "factor": f"{math.sqrt(1 + folds / (per_repeat - 1)):.3f}" if per_repeat > 1 else "",
    }
