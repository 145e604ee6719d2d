"""What the results cost: jobs, time, memory and device of every stage and model, as Snakemake measured them.

`results/benchmarks/A/B.tsv` belongs to the same job as `results/A/B.manifest.json`.
"""

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gexflow.files import read_json
from gexflow.manifest import ENDING
from gexflow.report.controls import beside_their_models, naming
from gexflow.report.words import MISSING, clock, known, listed, size, whole
from gexflow.variants import base_of, is_reseeded

STAGES = ("cohorts", "recipes", "models", "evaluation", "attribution")
_MIB = 1 << 20


@dataclass(frozen=True)
class Job:
    """What is known of one job.

    Attributes
    ----------
    stage, model : str
        One of `STAGES`; "" where the job is of no model.
    seconds, cpu_seconds : float or None
        By the clock, and of all processors; None where they were not measured or the figures are gone.
    peak_bytes : float or None
        Largest memory seen.
    device, host : str
        "" where the job left no manifest.
    """

    stage: str
    model: str = ""
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_bytes: float | None = None
    device: str = ""
    host: str = ""


def read_job(path: str | Path, place: Sequence[str]) -> Job:
    """Read the benchmark file of a job, and from the manifest beside its results where it ran.

    Parameters
    ----------
    path : str or Path
        It need not exist: a file that is gone or damaged gives a job without figures.
    place : sequence of str
        The parts of the path below `results/`: `benchmarks`, the dataset, then the stage and the model where it has
        any, and the file.
    """
    path = Path(path)
    figures = _figures(path)
    facts = read_facts(path, place) if figures else {}
    stage = place[2] if place[2] in STAGES else "cohorts"
    return Job(
        stage,
        _model(place[3]) if stage == "models" else "",
        figures.get("s"),
        figures.get("cpu_time"),
        figures["max_rss"] * _MIB if "max_rss" in figures else None,
        facts.get("device", ""),
        facts.get("host", ""),
    )


def _model(name: str) -> str:
    """Return the model that a job counts for: what was begun from another seed is a part of its model's cost."""
    return base_of(name) if is_reseeded(name) else name


def _figures(path: Path) -> dict[str, float]:
    """Return the numbers of a benchmark file; none without the seconds, which every whole file has."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            row = list(csv.DictReader(file, delimiter="\t"))[-1]
    except (OSError, UnicodeDecodeError, IndexError):
        return {}
    figures = {name: _number(row.get(name)) for name in ("s", "cpu_time", "max_rss")}
    return {} if figures["s"] is None else {name: value for name, value in figures.items() if value is not None}


def _number(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:  # `NA`, where a job ended before it was looked at
        return None
    return value if 0 <= value < float("inf") else None


def read_facts(path: str | Path, place: Sequence[str]) -> dict[str, Any]:
    """Return the manifest of the job that a benchmark file belongs to; nothing if it is gone or damaged.

    Parameters
    ----------
    path, place : as for `read_job`
    """
    manifest = Path(path).parents[len(place) - 1].joinpath(*place[1:]).with_suffix(ENDING)
    try:
        facts = read_json(manifest)
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return {}
    return facts if isinstance(facts, dict) else {}


def cost_table(jobs: Iterable[Job]) -> dict[str, Any]:
    """Return the table of cost: a row a stage, under `models` a row a model, and the sum.

    Parameters
    ----------
    jobs : iterable of Job

    Returns
    -------
    dict
        `rows`: dicts of texts `name`, `jobs`, `seconds`, `cpu_seconds`, `memory`, `device`, with `model` (None for a
        stage; else how the model is named, see `naming`); `without_figures`: number of jobs; `hosts`: number of
        machines. Stages without jobs have no row; without any job there are no rows.
    """
    jobs = list(jobs)
    rows = []
    for stage in STAGES:
        own = [job for job in jobs if job.stage == stage]
        rows += [_row(stage, own)] if own else []
        for model in beside_their_models(dict.fromkeys(job.model for job in own if job.model)):
            named = naming({"name": model, "reference": False})
            rows.append(_row(named["called"], [job for job in own if job.model == model]) | {"model": named})
    return {
        "rows": [*rows, _row("all", jobs)] if rows else [],
        "without_figures": sum(job.seconds is None for job in jobs),
        "hosts": len({job.host for job in jobs if job.host}),
    }


def _row(name: str, jobs: list[Job]) -> dict[str, Any]:
    measured = [job for job in jobs if job.seconds is not None]
    lost = len(measured) < len(jobs)
    return {
        "name": name,
        "model": None,
        "jobs": f"{whole(len(measured))} of {whole(len(jobs))}" if lost else whole(len(jobs)),
        "seconds": clock(_sum(job.seconds for job in measured)),
        "cpu_seconds": clock(_sum(job.cpu_seconds for job in measured)),
        "memory": size(max((job.peak_bytes for job in measured if known(job.peak_bytes)), default=None)),
        "device": listed(sorted({job.device for job in measured if job.device})) or MISSING,
    }


def _sum(values: Iterable[float | None]) -> float | None:
    values = [value for value in values if value is not None]
    return sum(values) if values else None
