"""The report's table of selection stability: one row a recipe."""

from typing import Any

from gexflow.report.words import interval, percent, span, whole


def stability_rows(dataset: dict[str, Any]) -> list[dict[str, str]]:
    """Return what is known of each recipe's selection over the folds."""
    found = [(recipe["name"], recipe["stability"]) for recipe in dataset["recipes"]]
    return [{"name": name, **_row(facts)} for name, facts in found if facts]


def _row(facts: dict[str, Any]) -> dict[str, str]:
    always, once, repeats = facts["kept_always"], facts["kept_once"], facts["repeats"]
    estimate = facts["stability"]
    return {
        "folds": whole(facts["folds"]) + (f" in {repeats} repeats" if repeats > 1 else ""),
        "genes": whole(facts["genes"]),
        "kept": span((facts["kept_least"], facts["kept_most"])),
        "once": whole(once),
        "always": f"{whole(always)} ({percent(always / once)} %)",
        "stability": facts["note"] if estimate is None else f"{estimate:.3f}",
        "interval": interval(facts, percentages=False),
    }
