"""Names that differ only in capitals, blanks or accents: most likely one class, patient or batch written two ways."""

import json
import re
import unicodedata
from collections import Counter, defaultdict

from gexflow.errors import shorten
from gexflow.log import CAUTION

_SHOWN = 5
# Between a letter and a letter or digit a blank may be missing; between digits it parts two numbers.
_NEEDLESS = re.compile(r"(?<=[^\W\d_]) (?=[^\W_])|(?<=\d) (?=[^\W\d_])")


def similar_spellings(names: list[str]) -> list[list[str]]:
    """Return the sets of names that differ only in capitals, blanks or accents, the more frequent spelling first."""
    found = defaultdict(list)
    for name, _ in Counter(names).most_common():
        found[_plainly(name)].append(name)
    return [spellings for spellings in found.values() if len(spellings) > 1]


def _plainly(name: str) -> str:
    letters = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    return _NEEDLESS.sub("", " ".join(letters.casefold().split()))


def spelling_notes(names: list[str], what: str, key: str, all_named: bool = False, mapped: bool = False) -> list[str]:
    """Return a note on names of one kind that differ in spelling only, and how to join them.

    Parameters
    ----------
    names : list of str
        One per sample.
    what : str
        classes, patients (groups) or batches.
    key : str
        Config key of their rule.
    all_named : bool
        Whether the map must name every value, since others would be left out (that of labels).
    mapped : bool
        Whether the rule has a map already. It names the source's values, which `names` no longer are, so the note
        shows no map of its own.
    """
    alike = similar_spellings(names)
    if not alike:
        return []
    counts = Counter(names)
    shown = "; ".join(
        " and ".join(f"{shorten(name)} ({counts[name]})" for name in spellings) for spellings in alike[:_SHOWN]
    )
    shown += f"; and {len(alike) - _SHOWN} more" * (len(alike) > _SHOWN)
    remedy = f"give them one name in {key}.map" if mapped else _map_of(alike, counts, key, all_named)
    return [f"{CAUTION}some {what} differ only in capitals, blanks or accents: {shown}. If they are one, {remedy}."]


def adjacent_notes(labels: list[str], adjacent: str, dataset: str) -> list[str]:
    """Return a note on a class that differs from the label of adjacent normal samples in spelling only."""
    alike = [label for label in dict.fromkeys(labels) if label != adjacent and _plainly(label) == _plainly(adjacent)]
    return [
        f"{CAUTION}the class {shorten(label)} and datasets.{dataset}.adjacent_label, {shorten(adjacent)}, differ only "
        "in capitals, blanks or accents: if they are one, give that key the name of the class."
        for label in alike
    ]


def _map_of(alike: list[list[str]], counts: Counter, key: str, all_named: bool) -> str:
    joined = {name: spellings[0] for spellings in alike[:_SHOWN] for name in spellings[1:]}
    if all_named:
        joined = {name: joined.get(name, name) for name in sorted(counts)}
    some = f" (it joins the first {_SHOWN} of {len(alike)} only)" * (len(alike) > _SHOWN)
    return f"join them with {key}.map: {json.dumps(joined, ensure_ascii=False)}{some}"
