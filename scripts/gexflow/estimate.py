"""A rough estimate of a run, before it: a row a rule, from jobs measured here or else from rough constants."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

from gexflow.work import Task, disk_bytes, seconds

HONEST = (
    "Rough: within a factor of about 2 where it rests on jobs of like size measured here, of about 5 on constants.\n"
    "A busy machine takes longer still."
)
UNTIMED = "The constants of GPUs are guesses that nobody has timed: run one job on the GPU and estimate again."
MEASURED, CONSTANT = "jobs measured here", "rough constants"


@dataclass(frozen=True)
class Planned:
    """A job still to run, or one that has run.

    Attributes
    ----------
    task : Task
    model : str
        "" where it is of no model.
    threads : int
    on_gpu : bool
    seconds : float or None
        What it took, of a job that has run.
    """

    task: Task
    model: str = ""
    threads: int = 1
    on_gpu: bool = False
    seconds: float | None = None


def estimate(planned: Iterable[Planned], measured: Iterable[Planned]) -> list[dict[str, Any]]:
    """Return a row a rule, in the order of the jobs.

    A job's rough time is multiplied by how much longer or shorter the jobs measured here took than theirs: the median
    over those of its rule, model and kind of device.

    Returns
    -------
    list of dict
        `rule`, `jobs`, `seconds` (summed over jobs), `core_seconds` (on CPUs, times threads), `gpu_seconds`,
        `disk_bytes`, `basis`.
    """
    ratios = _ratios(measured)
    rows: dict[str, dict[str, Any]] = {}
    bases: dict[str, set[str]] = {}
    for job in planned:
        rule = job.task.rule
        row = rows.setdefault(rule, {"rule": rule, **dict.fromkeys(_SUMMED, 0)})
        ratio = ratios.get(_kind(job))
        time = seconds(job.task, job.on_gpu) * (ratio or 1.0)
        row["jobs"] += 1
        row["seconds"] += time
        row["gpu_seconds" if job.on_gpu else "core_seconds"] += time if job.on_gpu else time * job.threads
        row["disk_bytes"] += disk_bytes(job.task)
        bases.setdefault(rule, set()).add(CONSTANT if ratio is None else MEASURED)
    return [row | {"basis": " and ".join(sorted(bases[rule]))} for rule, row in rows.items()]


_SUMMED = ("jobs", "seconds", "core_seconds", "gpu_seconds", "disk_bytes")


def _kind(job: Planned) -> tuple[str, str, bool]:
    return job.task.rule, job.model, job.on_gpu


def _ratios(measured: Iterable[Planned]) -> dict[tuple[str, str, bool], float]:
    found: dict[tuple[str, str, bool], list[float]] = {}
    for job in measured:
        if job.seconds:
            found.setdefault(_kind(job), []).append(job.seconds / seconds(job.task, job.on_gpu))
    return {kind: median(ratios) for kind, ratios in found.items()}


def write_estimate(rows: Iterable[Mapping[str, Any]], unknown: Iterable[str] = ()) -> str:
    """Return the table as text, with its totals.

    Parameters
    ----------
    rows : iterable of dict
        See `estimate`.
    unknown : iterable of str
        Datasets whose size had to be assumed.
    """
    rows, unknown = list(rows), list(unknown)
    total = {key: sum(row[key] for row in rows) for key in _SUMMED}
    lines = [f"{'rule':<20} {'jobs':>6} {'hours':>9}  {'on':<4} based on"]
    for row in rows:
        place = "GPU" if row["gpu_seconds"] else "CPU"
        lines.append(f"{row['rule']:<20} {row['jobs']:>6,} {_hours(row['seconds']):>9}  {place:<4} {row['basis']}")
    lines += [
        "",
        f"jobs            {total['jobs']:>9,}",
        f"CPU core hours  {_hours(total['core_seconds']):>9}  of jobs on CPUs: hours x threads",
        f"GPU hours       {_hours(total['gpu_seconds']):>9}",
        f"disk            {total['disk_bytes'] / 1e9:>9,.1f}  GB, downloads included",
        "",
        "Hours are summed over jobs; jobs that run side by side take less by the clock.",
        HONEST,
    ]
    if any(row["gpu_seconds"] and CONSTANT in row["basis"] for row in rows):
        lines.append(UNTIMED)
    if unknown:
        lines.append(f"Size not known beforehand, so assumed: {', '.join(unknown)}.")
    return "\n".join(lines)


def _hours(time: float) -> str:
    hours = time / 3600
    return f"{hours:,.0f}" if hours >= 100 else f"{hours:,.2f}" if hours < 10 else f"{hours:,.1f}"
