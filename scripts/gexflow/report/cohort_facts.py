"""What the card of a cohort found out about its values and samples, in a few rows of the report."""

from collections.abc import Iterator
from typing import Any

from gexflow.report.words import counted, listed, percent, whole

Card = dict[str, Any]


def card_facts(card: Card) -> list[tuple[str, str]]:
    """Return names and texts of rows; a card without such entries gives none."""
    return [row for rows in (_negatives, _merged, _batches, _near_duplicates, _separating) for row in rows(card)]


def _negatives(card: Card) -> Iterator[tuple[str, str]]:
    negatives = card.get("negatives") or {}
    if negatives.get("count"):
        yield "Values below 0", f"{whole(negatives['count'])} ({percent(negatives['share'], 2)} %)"


def _merged(card: Card) -> Iterator[tuple[str, str]]:
    merged = card.get("merged") or {}
    for name, parts in (merged.get("labels") or {}).items():
        size = merged["classes"].get(name, 0)
        yield "Merged view", f"{name} = {' + '.join(parts)}: {counted(size, 'sample')}"


def _batches(card: Card) -> Iterator[tuple[str, str]]:
    batches = card.get("batches") or {}
    if not batches:
        return
    few = [name for name, count in batches["of_class"].items() if count == 1]
    alone = f"; in a single one: {listed(few)}" if few and batches["count"] > 1 else ""
    largest = batches["largest"]
    unknown = f"; of {counted(batches['unknown'], 'sample')} unknown" if batches.get("unknown") else ""
    text = f"{whole(batches['count'])}; largest {largest['name']} ({whole(largest['samples'])}){alone}{unknown}"
    yield "Batches", text


def _near_duplicates(card: Card) -> Iterator[tuple[str, str]]:
    found = card.get("near_duplicates") or {}
    if not found:
        return
    if not found["count"]:
        undecided = f"; undecided {counted(len(found['undecided']), 'pair')}" if found["undecided"] else ""
        yield "Near-duplicates", f"none{undecided}{_needed(found)}"
        return
    first = ", ".join(f"{' and '.join(pair['samples'])} ({pair['similarity']:.4f})" for pair in found["pairs"][:3])
    more = f" and {found['count'] - 3} more" if found["count"] > 3 else ""
    yield "Near-duplicates", f"{counted(found['count'], 'pair')}, now of one group: {first}{more}{_needed(found)}"


def _needed(found: Card) -> str:
    threshold = found.get("threshold")
    return f" (a typical pair needs Spearman {threshold:.4f})" if threshold is not None else f": {found['why']}"


def _separating(card: Card) -> Iterator[tuple[str, str]]:
    found = card.get("separating")
    if found is None:
        return
    names = [gene["symbol"] or gene["gene"] for gene in found["genes"]][:6]
    more = f" and {whole(found['count'] - len(names))} more" if found["count"] > len(names) else ""
    text = f"{whole(found['count'])}: {', '.join(names)}{more}" if names else "none"
    yield "Genes that set a class apart by one cut", f"{text} (seen on the whole cohort; no model uses this)"
