"""A results tree that looks like a finished study, made of plausible numbers."""

import io
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from gexflow.evaluation.comparisons import pairs
from gexflow.files import write_json, write_table, write_text
from gexflow.recipes.image_figure import draw_images
from gexflow.site_variants import is_by_site
from gexflow.variants import base_of, control_of, is_leaky, is_reseeded

REFERENCE = ["majority", "centroid", "logistic"]
IMAGE = ["resnet50", "densenet169", "vgg19", "xception"]
CONTROLS = ["gexpnet~shuffled", "gexpnet~dense"]
MODELS = [*REFERENCE, "gexpnet", *IMAGE, "resnet50~random", "resnet50~shuffled", *CONTROLS]
SCORES = ("accuracy", "balanced_accuracy", "macro_f1", "mcc", "auroc", "log_loss", "ece", "brier")

CARD_FIGURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 40"><defs><path id="m" d="M0 0L1 1"/></defs>'
    '<text x="1" y="9" style="fill: #1d2327">Samples of each class</text></svg>'
)


def fabricate(
    root: Path,
    datasets: dict[str, list[str]],
    models: list[str] = MODELS,
    simulated: tuple[str, ...] = (),
    joint: tuple[str, ...] = (),
    random_weights: tuple[str, ...] = ("resnet50~random",),
    validation: bool = False,
    device: str = "cuda: NVIDIA H100",
    folds: int = 10,
    explained: tuple[str, ...] = ("gexpnet", "resnet50"),
    cards: dict[str, dict] | None = None,
    repeats: int = 1,
) -> tuple[dict[str, list[str]], dict]:
    """Write the tree; return the lists of paths and the settings that the report's rule would pass."""
    paths: dict[str, list[str]] = {}
    chosen, all_folds = models, folds
    models_of = {d: [m for m in chosen if m in IMAGE] if is_leaky(d) else chosen for d in datasets}
    models_of |= {d: [m for m in chosen if not control_of(m)] for d in datasets if is_by_site(d)}
    for number, (dataset, classes) in enumerate(datasets.items()):
        models, folds = models_of[dataset], 1 if is_leaky(dataset) else all_folds
        rng = np.random.default_rng(number)
        home = root / "results" / dataset
        counts = {name: int(count) for name, count in zip(classes, rng.integers(40, 700, len(classes)), strict=True)}
        card = _card(dataset, counts, dataset in simulated, dataset in joint)
        if not is_by_site(dataset):
            _put(paths, "cards", home / "card.json", card | (cards or {}).get(dataset, {}))
            _put(paths, "card_figures", home / "card.svg", CARD_FIGURE)
        _put(paths, "splits", home / "splits.json", _splits(dataset, classes, folds, repeats))
        _evaluation(paths, home / "evaluation", counts, models, folds, rng)
        if dataset in simulated:
            truth = {"bayes_accuracy": 0.985, "effect": 0.8, "planted": {name: ["g0001", "g0002"] for name in classes}}
            _put(paths, "truth", home / "simulated" / "truth.json", truth)
        for recipe in ("genes", "image-top"):
            _put(paths, "summaries", home / "recipes" / recipe / "summary.tsv", _summary(folds))
            _put(paths, "stabilities", home / "recipes" / recipe / "stability.json", _stability(recipe, folds))
        if any(model in IMAGE for model in models) and not control_of(dataset):
            _put(paths, "images", home / "recipes/image-top/images/alphabetical-102.svg", images(tuple(classes)))
        for model in models:
            weights = "random" if model in random_weights else "imagenet" if model in IMAGE else "none"
            training = _training(model, weights, "cpu" if model in REFERENCE else device, folds)
            for entry in training:
                folder = home / "models" / model / f"fold{entry['fold']}"
                _put(paths, "trainings", folder / "training.json", entry)
                if model not in REFERENCE:
                    _put(paths, "histories", folder / "history.tsv", _history(entry["epochs"], validation, rng))
            if model in explained and not control_of(dataset):
                _attribution(paths, home / "attribution" / model, classes, dataset in simulated, folds, rng)
    settings = {
        "title": "Tumour types from gene expression",
        "config": {
            "run": {"seed": 32, "folds": all_folds, "repeats": 1, "validation": 0},
            "datasets": {d: {} for d in datasets},
        },
        "versions": {"torch": "2.15.0", "scikit-learn": "1.8.0", "snakemake": "9.27.1", "numpy": "2.3.1"},
        "top_genes": 10,
        "models": models_of,
        "recipes": {d: {m: "image-top" if m.split("~")[0] in IMAGE else "genes" for m in chosen} for d in datasets},
        "layouts": {d: {m: _layout(m) for m in models_of[d] if m.split("~")[0] in IMAGE} for d in datasets},
        "reference_models": REFERENCE,
        "image_models": IMAGE,
    }
    return paths, settings


def _put(paths: dict[str, list[str]], kind: str, path: Path, content: object) -> None:
    write = write_table if isinstance(content, pd.DataFrame) else write_text if isinstance(content, str) else write_json
    write(content, path)
    paths.setdefault(kind, []).append(str(path))


def _card(dataset: str, counts: dict[str, int], simulated: bool, joint: bool) -> dict:
    total = sum(counts.values())
    address = "https://example.org/public/files/" + dataset + ".tsv.gz"
    return {
        "dataset": dataset,
        "title": f"The set {dataset}, bulk RNA-seq of primary tumours",
        "source": "simulated" if simulated else "GEO",
        "simulated": simulated,
        "samples": total,
        "genes": 20531,
        "classes": counts,
        "groups": {"count": total - 30, "largest": 4, "samples_in_shared_groups": 55},
        "scale": "log2",
        "scale_reason": "largest value 19.4, no negative values",
        "missing_share": 0.0123,
        "normalised_jointly": joint,
        "dropped": [
            {"what": "samples", "count": 17, "why": "marked Do_not_use by the source", "examples": ["S-01A", "S-02B"]},
            {"what": "genes", "count": 29, "why": "no symbol", "examples": ["?|10357", "?|136542"]},
        ],
        "notes": ["Symbols given twice are kept apart by their Entrez id."],
        "origin": [{"file": f"{dataset}.tsv.gz", "address": address, "sha256": "9f" * 32, "size_bytes": 331000731}],
        "values": {"min": 0.0, "median": 6.41, "max": 19.4},
        "negatives": {"count": 1234, "share": 0.0021},
        "merged": {"labels": {"both": list(counts)[:2]}, "classes": {"both": sum(list(counts.values())[:2])}},
        "batches": {"count": 41, "largest": {"name": "OR", "samples": 79}, "of_class": dict.fromkeys(counts, 1)},
        "near_duplicates": {
            "threshold": 0.98,
            "threshold_by_class": {},
            "why": "A rule in words.",
            "count": 1,
            "pairs": [{"samples": ["S-01", "S-02"], "labels": [*counts][:2], "similarity": 0.9991}],
            "different_labels": 1,
            "joined_groups": 1,
            "undecided": [],
        },
        "separating": {"count": 2, "genes": [{"gene": "1", "symbol": "TYR", "class": next(iter(counts))}] * 2},
    }


def _splits(dataset: str, classes: list[str], folds: int, repeats: int) -> dict:
    facts = {"by": "published" if is_leaky(dataset) else "group", "holdout": {}, "sites": {}, "folds": folds}
    facts |= {"repeats": 1 if is_leaky(dataset) else repeats, "tested_in": {}}
    if not is_by_site(dataset):
        return facts
    sites = {"sites": 41, "unknown": 3, "across": classes[1:], "split_by_group": {classes[0]: 2}}
    return facts | {"by": "site", "sites": sites, "tested_in": {classes[1]: folds - 1}}


def _evaluation(paths, home, counts, models, folds, rng) -> None:
    classes, total = list(counts), sum(counts.values())
    metrics, intervals, per_class, confusion = [], [], [], []
    summary, calibration, rejection = [], [], []
    for place, model in enumerate(models):
        level = max(counts.values()) / total if model == "majority" else 0.93 + 0.05 * np.sin(place + total)
        scores = np.clip(level + rng.normal(0, 0.006, (folds, len(SCORES))), 0, 1)
        for fold, row in enumerate(scores, 1):
            values = dict(zip(SCORES, row, strict=True))
            metrics.append({"model": model, "fold": fold, "samples": total // folds, **values})
        for metric, values in zip(SCORES, scores.T, strict=True):
            half = 2.262 * values.std(ddof=1) / np.sqrt(folds) if folds > 1 else 0.02
            for method, factor in (("student_t", 1), ("nadeau_bengio", 1.453), ("bootstrap", 1.2), ("wilson", 1.1)):
                if method != "wilson" or metric == "accuracy":
                    row = {"model": model, "metric": metric, "method": method, "estimate": values.mean()}
                    ends = {"low": values.mean() - factor * half, "high": values.mean() + factor * half}
                    none = folds == 1 and method not in ("bootstrap", "wilson")
                    ends = dict.fromkeys(ends, np.nan) if none else ends
                    intervals.append(row | ends | {"note": "one split: no interval" if none else "NA"})
        seeds = 1 + sum(is_reseeded(other) and base_of(other) == model for other in models)
        spread = {"sd_folds": 0.0061, "sd_repeats": np.nan, "seeds": seeds, "sd_seeds": 0.0042 if seeds > 1 else np.nan}
        summary.append({"model": model, "metric": "accuracy", **spread})
        calibration += [
            {"model": model, "bin": n, "samples": 50, "confidence": n / 5, "accuracy": n / 6} for n in range(1, 6)
        ]
        rejection += [{"model": model, "answered": n / 5, "accuracy": 1 - n * (1 - level) / 5} for n in range(1, 6)]
        for name, count in counts.items():
            row = {"model": model, "class": name, "support": count, "precision": level, "recall": level, "f1": level}
            per_class.append(row)
            wrong = rng.multinomial(round(count * (1 - level)), np.ones(len(classes)) / len(classes))
            for other, number in zip(classes, wrong, strict=True):
                number = int(number) + (round(count * level) if other == name else 0)
                confusion.append({"model": model, "label": name, "predicted": other, "count": number})
    tables = {"metrics": metrics, "intervals": intervals, "per_class": per_class, "confusion": confusion}
    tables |= {"summary": summary, "merged": [{**row, "estimate": 0.99} for row in intervals]}
    for kind, rows in tables.items():
        _put(paths, kind, home / f"{kind}.tsv", pd.DataFrame(rows))
    for kind, rows in {"calibration": calibration, "rejection": rejection}.items():
        _put(paths, kind, home / f"{kind}.tsv", pd.DataFrame(rows).assign(probabilities="as predicted"))
    _put(paths, "temperatures", home / "temperatures.tsv", pd.DataFrame(columns=["model", "fold", "temperature"]))
    _put(paths, "comparisons", home / "comparisons.tsv", _comparisons(models))


def _comparisons(models: list[str]) -> pd.DataFrame:
    """Compare all with logistic, and networks with their controls; every other difference is called one."""
    table = pd.DataFrame(pairs(models, "logistic"), columns=["family", "model", "other"])
    table["difference"] = 0.004 * table.groupby("family").cumcount() + 0.004
    table["low"], table["high"] = table["difference"] - 0.01, table["difference"] + 0.01
    table["bootstrap_low"], table["bootstrap_high"] = table["low"] + 0.002, table["high"] - 0.002
    table["p_corrected_t"], table["p_holm"], table["p_exact"] = 0.2, 0.4, 0.0004
    table["test"], table["better_on"], table["worse_on"] = "McNemar, exact", 31, 17
    table["detectable"], table["note"] = 0.0123, ""
    words = ["better" if place % 2 else "no difference shown" for place in range(len(table))]
    return table.assign(verdict=words)


def _summary(folds: int) -> pd.DataFrame:
    steps = (("1 impute_median", 971, 971), ("2 gene_quantile", 971, 971), ("3 select_logistic", 971, 486))
    rows = [
        {
            "fold": fold,
            "step": name,
            "genes_in": before,
            "genes_out": after,
            "note": "7 missing" if "impute" in name else "",
        }
        for fold in range(1, folds + 1)
        for name, before, after in steps
    ]
    rows[2]["genes_out"] = 485
    return pd.DataFrame(rows)


def _stability(recipe: str, folds: int) -> dict:
    facts = {"folds": folds, "repeats": 1, "genes": 971, "kept_least": 485, "kept_most": 486, "level": 0.95}
    facts |= {"kept_once": 540, "kept_always": 432, "stability": 0.9123, "low": 0.9012, "high": 0.9234, "note": ""}
    if recipe == "genes":
        return facts
    whole = dict.fromkeys(("genes", "kept_least", "kept_most", "kept_once", "kept_always"), 971)
    none = dict.fromkeys(("stability", "low", "high"))
    return facts | whole | none | {"note": "undefined: every fold keeps all 971 genes"}


def _training(model: str, weights: str, device: str, folds: int) -> list[dict]:
    return [
        {
            "fold": fold,
            "device": device,
            "weights": weights,
            "parameters": 0 if model == "majority" else 25_600_000,
            "learning_parameters": 0 if model == "majority" else 4_462_592 + fold,
            "epochs": None if model in REFERENCE else 25,
            "seconds": 61.2 + fold,
            "final_loss": 0.034,
            "notes": [],
        }
        for fold in range(1, folds + 1)
    ]


def _layout(model: str) -> str:
    return "random-102" if model.endswith("~shuffled") else "alphabetical-102"


def _history(epochs: int, validation: bool, rng: np.random.Generator) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    loss = 1.6 * np.exp(-epoch / rng.uniform(3, 6)) + 0.03
    accuracy = 1 - 0.45 * loss
    table = {"epoch": epoch, "learning_rate": 1e-4, "loss": loss, "accuracy": accuracy}
    return pd.DataFrame(
        table | ({"validation_loss": loss + 0.1, "validation_accuracy": accuracy - 0.05} if validation else {})
    )


@cache
def images(classes: tuple[str, ...]) -> str:
    """Draw what the rule draw_images would, on 102 x 102 pixels of which the last few have no gene."""
    rng = np.random.default_rng(1)
    values = np.maximum(rng.normal(0.35, 0.25, (len(classes), 102, 102)), 0).astype(np.float32)
    values[:, 100:] = np.nan
    samples = [f"TCGA-OR-A5J{number}-01A-11R-A29S-07" for number in range(len(classes))]
    return draw_images({"alphabetical order": values, "random pixels": values[:, :, ::-1]}, list(classes), samples)


def _attribution(paths, home, classes, simulated, folds, rng) -> None:
    rows = []
    for name in classes:
        for rank in range(1, 13):
            row = {"class": name, "gene": f"ENSG{rng.integers(1e5):011d}", "symbol": f"GENE{rng.integers(9999)}"}
            row |= {
                "rank": rank,
                "mean_attribution": 1 / rank,
                "mean_abs_attribution": 1 / rank,
                "folds": folds - rank % 3,
            }
            rows.append(row | ({"planted": int(rank < 6)} if simulated else {}))
    _put(paths, "genes", home / "genes.tsv", pd.DataFrame(rows))
    samples = [{"fold": 1, "sample": f"s{i}", "target": classes[0], "predicted": classes[0]} for i in range(80)]
    _put(paths, "deltas", home / "deltas.tsv", pd.DataFrame(samples).assign(delta=rng.normal(0, 0.01, 80)))
    _put(paths, "heatmaps", home / "heatmaps.svg", heatmap(min(len(classes), 12)))
    if simulated:
        rows = [
            {"fold": f, "genes": 500, "planted": 60, "auroc_attribution": 0.9, "auroc_f_test": 0.93}
            for f in range(1, folds + 1)
        ]
        _put(paths, "recovery", home / "recovery.tsv", pd.DataFrame(rows))


@cache
def heatmap(classes: int) -> str:
    """Draw what the stage attribution would: a matplotlib SVG with prolog, namespaces, metadata and ids.

    Drawn once a size: as in a study, where all heat maps are drawn with one salt, ids repeat between the drawings.
    """
    figure = Figure(figsize=(9, 3))
    axes = figure.add_subplot()
    axes.imshow(np.random.default_rng(0).normal(size=(classes, 40)), cmap="RdBu_r", interpolation="none")
    axes.set_title("Mean attribution")
    file = io.StringIO()
    figure.savefig(file, format="svg")
    return file.getvalue()
