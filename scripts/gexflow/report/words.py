"""How numbers are written in the report."""

import math
from collections.abc import Iterable
from typing import Any

DASH = "\u2013"
MISSING = DASH


def known(value: Any) -> bool:
    """Say whether a value is there: neither None, nor NaN, nor an empty or `NA` text."""
    return not (value is None or value in ("", "NA") or (isinstance(value, float) and math.isnan(value)))


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share of one as a percentage, without the sign."""
    return f"{100 * share:.{digits}f}" if known(share) else MISSING


def whole(number: float | None) -> str:
    """Write a whole number with thousands apart."""
    return f"{round(number):,}" if known(number) else MISSING


def number(value: Any, digits: int = 3) -> str:
    """Write a number with so many significant digits."""
    return f"{value:.{digits}g}" if known(value) else MISSING


def span(values: Iterable[Any]) -> str:
    """Write the smallest and the largest of whole numbers, once where they are equal."""
    values = [value for value in values if known(value)]
    if not values:
        return MISSING
    low, high = whole(min(values)), whole(max(values))
    return low if low == high else f"{low}{DASH}{high}"


def interval(row: dict[str, Any] | None, digits: int = 1, percentages: bool = True) -> str:
    """Write the two ends of an interval, or nothing where there is none."""
    if not row or not (known(row.get("low")) and known(row.get("high"))):
        return ""
    if percentages:
        return f"[{percent(row['low'], digits)}, {percent(row['high'], digits)}]"
    return f"[{row['low']:.3f}, {row['high']:.3f}]"


def duration(seconds: float | None) -> str:
    """Write a time in the unit a person would choose."""
    if not known(seconds):
        return MISSING
    if seconds < 100:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def clock(seconds: float | None) -> str:
    """Write a time as h:mm:ss."""
    if not known(seconds):
        return MISSING
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60:,}:{minutes % 60:02d}:{rest:02d}"


def size(size_bytes: float | None) -> str:
    """Write a file's size in decimal units."""
    if not known(size_bytes):
        return MISSING
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.3g} {unit}"
    return f"{size_bytes:.0f} B"


def listed(names: Iterable[str], most: int = 8) -> str:
    """Join names with commas; name the first ones and count the others."""
    names = list(map(str, names))
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def counted(count: int, noun: str) -> str:
    """Write a count with its noun, in the plural where it is one."""
    return f"{whole(count)} {noun}" if count == 1 else f"{whole(count)} {noun}{'es' if noun.endswith('s') else 's'}"


def mean(values: Iterable[Any]) -> float | None:
    """Return the mean of the known values, None where there are none."""
    values = [value for value in values if known(value)]
    return sum(values) / len(values) if values else None
