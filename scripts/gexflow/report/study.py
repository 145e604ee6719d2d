"""Read what the stages left in `results/` into plain dicts: the report's only look at files of results."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from gexflow.files import read_json, read_table
from gexflow.network_names import REFERENCES
from gexflow.report.controls import beside_their_models
from gexflow.report.cost import Job, read_job
from gexflow.report.external import read_new
from gexflow.site_variants import cohort_owner, is_by_site
from gexflow.variants import base_of, is_leaky, is_reseeded

# Columns that hold names: a class called `1` or a gene called `NA` must stay what it is.
NAMES = ("model", "other", "class", "gene", "symbol", "label", "predicted", "target", "sample")
TEXT = (*NAMES, "metric", "method", "step", "note", "family", "test", "verdict", "probabilities")
AUDIT_TEXT = ("check", "subject", "finding", "value", "expected", "detail")
# Files of the whole study.
OF_STUDY = ("shared_samples", "ranks", "rank_tests")
STUDY_TEXT = ("dataset", "other", "same_family", "note", "family", "model")
REFERENCE_MODELS = REFERENCES  # by name, where no settings tell them

Paths = Mapping[str, Iterable[str | Path]]
Files = dict[str, dict[tuple[str, ...], Path]]
# Tables of the stage evaluation with a column `model`.
SCORES = (
    "metrics",
    "summary",
    "intervals",
    "merged",
    "per_class",
    "confusion",
    "calibration",
    "rejection",
    "temperatures",
)
# For each kind of file, the places of dataset and of model or recipe in its path below `results/`.
KEYS = {
    **dict.fromkeys(("cards", "card_figures", "splits", "truth", "comparisons", "audits", *SCORES), (0,)),
    **dict.fromkeys(("genes", "heatmaps", "deltas", "recovery", "summaries", "stabilities"), (0, 2)),
    "images": (0, 2, 4),  # one a layout
    **dict.fromkeys(("trainings", "histories"), (0, 2, 3)),  # one a fold
}


@dataclass
class Study:
    """Everything the report shows.

    Attributes
    ----------
    settings : dict
        Title, config, versions, digest and the choices of datasets, models and recipes.
    datasets : list of dict
        One a dataset, its variants behind it: `name`, `card`, `expected` and `tried_on` of the config,
        `card_figure` (SVG, or None), `splits` (facts of its folds), `classes`, `models`, `recipes`, `comparisons` and
        `audit` (rows), `published` (values of the config), `merge`, `images` (`models` that see them, `drawing`,
        `path`), `truth` (None for real data). A model is a dict: `name`, `reference`, `image`, `recipe`, `folds`
        (rows of metrics), `summary` (by metric), `intervals` and `merged` (metric, then method), rows of `per_class`,
        `calibration`, `rejection` and `temperatures`, `confusion` (`classes` and `counts`, or None), `training` and
        `histories` (one entry, one table a fold) and `attribution` (or None).
    only_tested : list of dict
        The same of datasets that external tests alone read, without models: they have a card, but no folds.
    shared : list of dict
        Rows of the table of shared samples: what every dataset shares with every other one.
    jobs : list of Job
        What the jobs behind these results cost.
    ranks, rank_tests : list of dict, dict
        Rows of the table of ranks over datasets, and its tests.
    new : list of dict
        What was found on samples that no fold has seen, see `read_new`.
    """

    settings: dict[str, Any]
    datasets: list[dict[str, Any]]
    only_tested: list[dict[str, Any]] = field(default_factory=list)
    shared: list[dict[str, Any]] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    ranks: list[dict[str, Any]] = field(default_factory=list)
    rank_tests: dict[str, Any] = field(default_factory=dict)
    new: list[dict[str, Any]] = field(default_factory=list)


def collect_study(paths: Paths, settings: dict[str, Any]) -> Study:
    """Read all results of a study.

    Parameters
    ----------
    paths : mapping of lists of paths
        `cards`, `card_figures`, `splits`, those of SCORES, `comparisons`, `audits`, `genes`, `heatmaps`, `deltas`,
        `recovery`, `truth`, `summaries`, `stabilities`, `images`, `trainings`, `histories`, `shared_samples`,
        `new_metrics`, `external_facts`, `openings`, `benchmarks` (there or not); a kind may be missing. Dataset,
        model, recipe and layout are taken from the path below the last `results/`.
    settings : dict
        What the config says about the study; see the rule `write_report`.
    """
    files = _index(paths)
    found = [key[0] for kind in files.values() for key in kind]
    chosen = settings.get("config", {}).get("run", {}).get("datasets", [])
    names = dict.fromkeys([*chosen, *settings.get("models", {}), *found])
    shared, ranks = (_study_rows(paths.get(kind) or []) for kind in ("shared_samples", "ranks"))
    rank_tests = [read_json(path) for path in _listed(paths.get("rank_tests") or [])]
    tests = settings.get("only_tested", [])
    datasets, only_tested = (
        [_dataset(name, files, settings) for name in group]
        for group in (beside_their_models(name for name in names if name not in tests), tests)
    )
    jobs = [read_job(path, place(path)) for path in paths.get("benchmarks") or []]
    rank_test = rank_tests[0] if rank_tests else {}
    return Study(settings, datasets, only_tested, shared, jobs, ranks, rank_test, read_new(paths, place))


def _listed(given: Any) -> list[Any]:
    return [given] if isinstance(given, str | Path) else list(given)


def _study_rows(given: Any) -> list[dict[str, Any]]:
    return [row for path in _listed(given) for row in _rows(read_table(path, STUDY_TEXT))]


def place(path: str | Path) -> tuple[str, ...]:
    """Return the parts of a path below its last folder `results`."""
    parts = PurePath(path).parts
    if "results" not in parts[:-1]:
        raise ValueError(f"{path} lies in no folder named results")
    last = len(parts) - 1 - parts[::-1].index("results")
    return parts[last + 1 :]


def _index(paths: Paths) -> Files:
    files: Files = {}
    for kind, positions in KEYS.items():
        given = paths.get(kind) or []
        files[kind] = {tuple(place(path)[i] for i in positions): Path(path) for path in _listed(given)}
    return files


def _dataset(name: str, files: Files, settings: dict[str, Any]) -> dict[str, Any]:
    def read(kind: str) -> Any:
        path = files[kind].get((cohort_owner(name) if kind in ("cards", "truth") else name,))
        return None if path is None else read_json(path) if path.suffix == ".json" else read_table(path, TEXT)

    config = settings.get("config", {}).get("datasets", {}).get(base_of(name), {})
    card = {"title": config.get("title", ""), **(read("cards") or {})}
    if is_leaky(name):  # the rest of what the config says is of the clean dataset
        config = {}
        card["simulated"] = card.get("simulated") or (base_of(name),) in files["truth"]
    if is_by_site(name):  # of the cohort, what the folds need; the rest stands with the ordinary dataset
        config = {"merge": config.get("merge")}
        card = {key: card[key] for key in ("title", "classes", "simulated", "groups", "source") if key in card}
    splits = read("splits") or {}
    tables = {kind: read(kind) for kind in SCORES}
    comparisons = read("comparisons")
    classes = _classes(card, tables["confusion"])
    recipes = settings.get("recipes", {}).get(name, {})
    models = _model_names(name, tables, files, settings)
    return {
        "name": name,
        "card": card,
        "expected": config.get("expected") or {},
        "tried_on": config.get("tried_on", ""),
        "card_figure": files["card_figures"][name,].read_text(encoding="utf-8")
        if (name,) in files["card_figures"]
        else None,
        "classes": classes,
        "truth": read("truth"),
        "comparisons": [] if comparisons is None else _rows(comparisons),
        "audit": _rows(read_table(files["audits"][name,], AUDIT_TEXT)) if (name,) in files["audits"] else [],
        "published": config.get("published") or {},
        "merge": config.get("merge") or {},
        "images": _images(name, files, recipes, settings.get("layouts", {}).get(name, {})),
        "models": [_model(name, model, recipes.get(model), tables, classes, files, settings) for model in models],
        "splits": splits,
        "repeats": splits.get("repeats", 1),
        "recipes": [
            {"name": recipe, "rows": _rows(read_table(path, TEXT)), "stability": _stability((name, recipe), files)}
            for (dataset, recipe), path in files["summaries"].items()
            if dataset == name
        ],
    }


def _images(dataset: str, files: Files, recipes: dict[str, str], layouts: dict[str, str]) -> list[dict[str, Any]]:
    """Return the figures of samples as networks see them, each with the models that see just these."""
    return [
        {
            "models": [name for name in layouts if recipes.get(name) == recipe and f"{layouts[name]}.svg" == file],
            "drawing": path.read_text(encoding="utf-8"),
            "path": "/".join(("results", *place(path))),
        }
        for (owner, recipe, file), path in files["images"].items()
        if owner == dataset
    ]


def _stability(key: tuple[str, str], files: Files) -> dict[str, Any] | None:
    path = files["stabilities"].get(key)
    return None if path is None else read_json(path)


def _classes(card: dict[str, Any], confusion: Any) -> list[str]:
    seen = [] if confusion is None else [*confusion["label"], *confusion["predicted"]]
    return list(dict.fromkeys([*map(str, card.get("classes", {})), *seen]))


def _model_names(dataset: str, tables: dict[str, Any], files: Files, settings: dict[str, Any]) -> list[str]:
    """Reference models first, then the config's order, then whatever else has results; controls beside their models.

    What was begun from another seed is in the spread of its model alone.
    """
    chosen = settings.get("models", {}).get(dataset, [])
    scored = [] if tables["metrics"] is None else list(tables["metrics"]["model"])
    other = [key[1] for kind in ("trainings", "genes") for key in files[kind] if key[0] == dataset]
    names = dict.fromkeys(name for name in [*chosen, *scored, *other] if not is_reseeded(name))
    reference = [name for name in settings.get("reference_models", REFERENCE_MODELS) if name in names]
    return beside_their_models(dict.fromkeys([*reference, *names]))


def _model(
    dataset: str,
    name: str,
    recipe: str | None,
    tables: dict[str, Any],
    classes: list[str],
    files: Files,
    settings: dict[str, Any],
) -> dict[str, Any]:
    rows = {kind: _rows(table[table["model"] == name]) if table is not None else [] for kind, table in tables.items()}
    histories = {key[2]: read_table(path) for key, path in files["histories"].items() if key[:2] == (dataset, name)}
    trainings = [read_json(path) for key, path in files["trainings"].items() if key[:2] == (dataset, name)]
    return {
        "name": name,
        "reference": name in settings.get("reference_models", REFERENCE_MODELS),
        "image": name.split("~")[0] in settings["image_models"] if "image_models" in settings else True,
        "recipe": recipe,
        "folds": rows["metrics"],
        "summary": {row["metric"]: row for row in rows["summary"]},
        "intervals": _by_metric(rows["intervals"]),
        "merged": _by_metric(rows["merged"]),
        **{kind: rows[kind] for kind in ("per_class", "calibration", "rejection", "temperatures")},
        "confusion": _confusion(rows["confusion"], classes),
        "training": sorted(trainings, key=lambda entry: entry["fold"]),
        "histories": list(histories.values()),
        "attribution": _attribution((dataset, name), files, settings.get("top_genes", 10)),
    }


def _by_metric(rows: list[dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["metric"], {})[row["method"]] = row
    return found


def _confusion(rows: list[dict[str, Any]], classes: list[str]) -> dict[str, Any] | None:
    if not rows:
        return None
    position = {name: i for i, name in enumerate(classes)}
    counts = [[0] * len(classes) for _ in classes]
    for row in rows:
        counts[position[row["label"]]][position[row["predicted"]]] += int(row["count"])
    return {"classes": classes, "counts": counts}


def _attribution(key: tuple[str, str], files: Files, top_genes: int) -> dict[str, Any] | None:
    found = {kind: files[kind].get(key) for kind in ("genes", "heatmaps", "deltas", "recovery")}
    if not any(found.values()):
        return None
    read = {kind: read_table(path, TEXT) for kind, path in found.items() if path and path.suffix == ".tsv"}
    heatmap = found["heatmaps"]
    return {
        "genes": _top_genes(read["genes"], top_genes) if "genes" in read else {},
        "heatmap": heatmap.read_text(encoding="utf-8") if heatmap else None,
        "heatmap_path": "/".join(("results", *place(heatmap))) if heatmap else None,
        "deltas": _deltas(read.get("deltas")),
        "recovery": _rows(read["recovery"]) if "recovery" in read else [],
    }


def _top_genes(table: Any, count: int) -> dict[str, list[dict[str, Any]]]:
    """Return the genes of the first ranks, class by class."""
    table = table[table["rank"] <= count].sort_values("rank", kind="stable")
    by_class: dict[str, list[dict[str, Any]]] = {}
    for row in _rows(table):
        by_class.setdefault(row["class"], []).append(row)
    return dict(sorted(by_class.items()))


def _deltas(table: Any) -> dict[str, float] | None:
    if table is None or table.empty:
        return None
    size = table["delta"].abs()
    return {"samples": len(size), "median": float(size.median()), "largest": float(size.max())}


def _rows(table: Any) -> list[dict[str, Any]]:
    return table.to_dict("records")
