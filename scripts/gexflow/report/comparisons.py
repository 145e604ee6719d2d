"""Comparisons in words and rows: every model against the linear reference, every network against its controls."""

from typing import Any

from gexflow.report.controls import is_control, naming
from gexflow.report.words import interval, known

_TITLES = {"linear reference": "Against the linear reference model", "controls": "Against the model's own controls"}


def comparisons(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the families of comparisons, each with its rows."""
    return [
        {"title": title, "rows": [_row(row) for row in dataset["comparisons"] if row["family"] == family]}
        for family, title in _TITLES.items()
        if any(row["family"] == family for row in dataset["comparisons"])
    ]


def _row(row: dict[str, Any]) -> dict[str, Any]:
    control = {"name": row["other"], "reference": False}
    return {
        "name": row["model"],
        "other": naming(control)["name"] if is_control(control) else row["other"],
        "difference": _points(row["difference"]),
        "interval": _interval(row["low"], row["high"]),
        "bootstrap": _interval(row["bootstrap_low"], row["bootstrap_high"]),
        "p_holm": _p(row["p_holm"]),
        "p_exact": _p(row["p_exact"]),
        "test": row["test"],
        "counts": f"{row['better_on']:.0f} / {row['worse_on']:.0f}",
        "detectable": _detectable(row["detectable"]),
        "verdict": row["verdict"],
        "note": row["note"] if known(row["note"]) else "",
    }


def _points(share: float) -> str:
    return f"{100 * share:+.2f}" if known(share) else ""


def _detectable(share: float) -> str:
    if not known(share):
        return ""
    return f"{100 * share:.2f}" if share <= 1 else "none"


def _interval(low: float, high: float) -> str:
    return f"[{100 * low:+.2f}, {100 * high:+.2f}]" if known(low) and known(high) else ""


def _p(value: float) -> str:
    """Write a p-value with two digits, a small one as a bound."""
    if not known(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def published(dataset: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what others published beside what was measured here, and whether protocol and data are the same."""
    models, rows = {model["name"]: model for model in dataset["models"]}, []
    for name, entry in dataset["published"].items():
        found = (models.get(name) or {"intervals": {}})["intervals"].get("accuracy", {}).get("nadeau_bengio")
        rows.append(
            {
                "name": name,
                "published": f"{100 * entry['accuracy']:.2f}",
                "published_interval": interval(entry, 2),
                "measured": f"{100 * found['estimate']:.2f}" if found else "not run",
                "measured_interval": interval(found, 2),
                "protocol": entry["protocol"],
                "data": entry["data"],
                "source": entry["source"],
                "note": entry["note"],
            }
        )
    return rows
