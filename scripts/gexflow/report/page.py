"""Render a study as one self-contained HTML page."""

import re
from pathlib import Path
from typing import Any

import jinja2
import yaml
from markupsafe import Markup

from gexflow.report import by_site, sections
from gexflow.report.audit import audit_rows
from gexflow.report.calibration import calibration_errors, calibration_figure
from gexflow.report.caveats import find_caveats
from gexflow.report.comparisons import comparisons, published
from gexflow.report.controls import explained, is_control, naming, without_controls
from gexflow.report.cost import cost_table
from gexflow.report.curves import curves_figure
from gexflow.report.external import METRICS as NEW_METRICS
from gexflow.report.external import new_tables, tested_by
from gexflow.report.figures import confusion_figure, interval_figure, page_drawing
from gexflow.report.leaky import WHY, beside_clean, called, without_variants
from gexflow.report.ranks import rank_table
from gexflow.report.scores import MERGED, METRICS, MORE, accuracy_intervals, estimate, merged, metrics
from gexflow.report.shared import not_compared, shared_table
from gexflow.report.stability import stability_rows
from gexflow.report.study import Study
from gexflow.report.svg import inline_svg
from gexflow.report.words import counted, known, listed
from gexflow.variants import base_of, control_of

HEATMAPS_BYTES = 1_000_000  # for all heat maps together: the page shall open anywhere and pass through e-mail
CARD_BYTES = 400_000
IMAGES_BYTES = 500_000  # for all samples as networks see them
FEW_MODELS = 3


def render_page(study: Study, template_folder: str | Path) -> str:
    """Return the report's HTML.

    Parameters
    ----------
    study : Study
        All results, see `collect_study`.
    template_folder : str or Path
        Folder that holds `index.html.j2` and `style.css`.

    Returns
    -------
    str
        One page with its style and figures inside; it loads nothing from anywhere.
    """
    folder = Path(template_folder)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    settings = study.settings
    share = HEATMAPS_BYTES // max(sum(1 for _ in _heatmaps(study)), 1)
    fitting = _fitting([entry for dataset in study.datasets for entry in dataset["images"]], IMAGES_BYTES)
    return environment.get_template("index.html.j2").render(
        title=settings.get("title") or "Tumour classification from gene expression",
        style=Markup((folder / "style.css").read_text(encoding="utf-8")),
        caveats=find_caveats(study),
        overview=sections.overview(study),
        controls=explained(study.datasets),
        metric_names=list(METRICS.values()),
        more_names=list(MORE.values()),
        merged_names=list(MERGED.values()),
        datasets=[
            _dataset(dataset, number, share, fitting)
            | {
                "published": beside_clean(dataset, study.datasets),
                "across_sites": by_site.beside_ordinary(dataset, study.datasets),
                "new": new_tables(dataset, study.new, study.shared),
            }
            for number, dataset in enumerate(study.datasets, 1)
        ],
        only_tested=[
            _card(dataset, f"t{number}-{_slug(dataset['name'])}") | {"tested_by": tested_by(dataset, study.new)}
            for number, dataset in enumerate(study.only_tested, 1)
        ],
        ranks=rank_table(study.ranks, study.rank_tests),
        dataset_count=len(without_variants(study.datasets)),
        why_leaky=WHY,
        asks_by_site=by_site.ASKS,
        new_metrics=list(NEW_METRICS.values()),
        shared=shared_table(study.shared),
        not_compared=not_compared(study.shared),
        run=_run(settings),
        cost=cost_table(study.jobs),
        few_models=FEW_MODELS,
    )


def _heatmaps(study: Study) -> Any:
    for dataset in study.datasets:
        yield from (model for model in dataset["models"] if (model["attribution"] or {}).get("heatmap"))


def _fitting(images: list[dict[str, Any]], most_bytes: int) -> set[str]:
    """Return the paths of the drawings that fit into the page together: small ones first."""
    paths = set()
    for entry in sorted(images, key=lambda entry: len(entry["drawing"])):
        most_bytes -= len(entry["drawing"])
        if most_bytes >= 0:
            paths.add(entry["path"])
    return paths


def _dataset(dataset: dict[str, Any], number: int, heatmap_bytes: int, fitting: set[str]) -> dict[str, Any]:
    """Return all that the template prints of one dataset."""
    key = f"d{number}-{_slug(dataset['name'])}"
    attributed = sections.attribution(dataset)
    by_name = {model["name"]: model for model in dataset["models"]}
    for place, entry in enumerate(attributed, 1):
        entry.update(_heatmap(by_name[entry["name"]], dataset["name"], f"{key}-h{place}", heatmap_bytes))
    return {
        **_card(dataset, key),
        "recipes": sections.recipes(dataset),
        "stability": stability_rows(dataset),
        "models": sections.models(dataset),
        "controlled": any(map(is_control, dataset["models"])),
        "metrics": metrics(dataset, METRICS),
        "more_metrics": metrics(dataset, MORE),
        "merged": merged(dataset),
        "merge": "; ".join(f"{name} for {listed(parts, 20)}" for name, parts in dataset["merge"].items()),
        "accuracy": accuracy_intervals(dataset),
        "comparisons": comparisons(dataset),
        "published_values": published(dataset),
        "calibration": _calibration(dataset, key),
        "per_class": sections.per_class(dataset),
        "scored_models": [model["name"] for model in without_controls(dataset["models"]) if model["per_class"]],
        "images": _images(dataset, key, fitting),
        "curves": _curves(dataset, key),
        "interval_figure": _intervals(dataset, key),
        "confusions": _confusions(dataset, key),
        "audit": audit_rows(dataset),
        "attribution": attributed,
        "planted": any(row["recovery"] for row in attributed),
    }


def _card(dataset: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what the section on cohorts prints of a dataset."""
    return {
        **sections.summary(dataset),
        "key": key,
        "cohort": sections.cohort(dataset),
        "card_figure": _card_figure(dataset, key),
        "tested_by": "",
    }


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _card_figure(dataset: dict[str, Any], key: str) -> Markup | None:
    """Return the figure of the cohort card, if it would not make the page too heavy."""
    source = dataset["card_figure"]
    if not source or len(source.encode()) > CARD_BYTES:
        return None
    label = f"Classes of {called(dataset['name'])}, their values, and a map of the samples"
    return Markup(page_drawing(source, f"{key}-m", label))


def _intervals(dataset: dict[str, Any], key: str) -> Markup | None:
    models = [
        {
            "name": naming(model)["name"],
            "reference": model["reference"],
            "control": is_control(model),
            "folds": [row["accuracy"] for row in model["folds"] if known(row["accuracy"])],
            "mean": estimate(model, "accuracy"),
            **{
                method: model["intervals"].get("accuracy", {}).get(method)
                for method in ("nadeau_bengio", "student_t", "bootstrap")
            },
        }
        for model in dataset["models"]
        if model["folds"]
    ]
    if not models:
        return None
    count = len([model for model in models if not model["control"]])
    label = f"Accuracy of {counted(count, 'model')} on {called(dataset['name'])}, with three kinds of 95 % interval"
    bayes = (dataset["truth"] or {}).get("bayes_accuracy")
    return Markup(interval_figure(models, sections.majority_accuracy(dataset), bayes, f"{key}-i", label))


def _images(dataset: dict[str, Any], key: str, fitting: set[str]) -> list[dict[str, Any]]:
    """Return samples as image networks see them, or where they lie when they would make the page too heavy."""
    shuffled = {base_of(model["name"]) for model in dataset["models"] if control_of(model["name"]) == "shuffled"}
    figures = []
    for place, entry in enumerate(dataset["images"], 1):
        models = [name for name in entry["models"] if not control_of(name)]
        label = f"Test samples of {dataset['name']} as {listed(models, 20)} see them"
        drawn = entry["path"] in fitting
        figures.append(
            {
                "models": listed(models, 20),
                "beside": bool(shuffled & set(models)),
                "figure": Markup(page_drawing(entry["drawing"], f"{key}-p{place}", label)) if drawn else None,
                "path": entry["path"],
            }
        )
    return figures


def _curves(dataset: dict[str, Any], key: str) -> dict[str, Any] | None:
    networks = [model for model in dataset["models"] if model["histories"]]
    count = len(without_controls(networks))
    if not count:
        return None
    label = f"Loss and accuracy by epoch of {counted(count, 'network')} on {called(dataset['name'])}"
    return {
        "figure": Markup(curves_figure(networks, f"{key}-l", label)),
        "controls": len(networks) > count,
        "validated": any("validation_loss" in table for model in networks for table in model["histories"]),
    }


def _calibration(dataset: dict[str, Any], key: str) -> dict[str, Any] | None:
    # always naming one class tells nothing of a model's probabilities, and takes the room of the others
    models = [m for m in without_controls(dataset["models"]) if m["calibration"] and m["name"] != "majority"]
    if not models:
        return None
    label = f"Calibration of {counted(len(models), 'model')} on {called(dataset['name'])}"
    return {"figure": Markup(calibration_figure(models, f"{key}-b", label)), "rows": calibration_errors(models)}


def _confusions(dataset: dict[str, Any], key: str) -> list[dict[str, Any]]:
    figures = []
    for place, model in enumerate(without_controls(dataset["models"]), 1):
        if model["confusion"]:
            label = f"Confusion matrix of {model['name']} on {called(dataset['name'])}, all test folds together"
            drawing = confusion_figure(**model["confusion"], name=f"{key}-c{place}", label=label)
            figures.append({"name": model["name"], "reference": model["reference"], "figure": Markup(drawing)})
    return figures


def _heatmap(model: dict[str, Any], dataset: str, name: str, most_bytes: int) -> dict[str, Any]:
    """Return a model's heat map, or where it lies when it would make the page too heavy."""
    source = model["attribution"]["heatmap"]
    if not source:
        return {"heatmap": None, "heatmap_path": None}
    drawing = inline_svg(source, name, f"Heat map of gene attributions of {model['name']} on {dataset}")
    fits = len(drawing.encode()) <= most_bytes
    return {
        "heatmap": Markup(drawing) if fits else None,
        "heatmap_path": None if fits else model["attribution"]["heatmap_path"],
    }


def _run(settings: dict[str, Any]) -> dict[str, Any]:
    config = settings.get("config", {})
    run = config.get("run", {})
    names = ("seed", "folds", "repeats", "validation", "holdout")
    facts = [(name.capitalize(), str(run[name])) for name in names if name in run]
    return {
        "facts": facts,
        "versions": sorted(settings.get("versions", {}).items(), key=lambda item: item[0].lower()),
        "config": yaml.safe_dump(config, sort_keys=False, allow_unicode=True, width=100) if config else "",
    }
