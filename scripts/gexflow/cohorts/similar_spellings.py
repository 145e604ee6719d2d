"""Names that differ only in capitals, blanks or accents: most likely one class, patient or batch written two ways."""

import unicodedata
from collections import Counter, defaultdict

from gexflow.errors import shorten
from gexflow.log import CAUTION

_SHOWN = 5


def similar_spellings(names: list[str]) -> list[list[str]]:
    """Return the sets of names that differ only in capitals, blanks or accents, the more frequent spelling first."""
    found = defaultdict(list)
    for name, _ in Counter(names).most_common():
        found[_plainly(name)].append(name)
    return [spellings for spellings in found.values() if len(spellings) > 1]


def _plainly(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    return "".join(
        letter for letter in decomposed if not unicodedata.combining(letter) and not letter.isspace()
    ).casefold()


def spelling_notes(names: list[str], what: str, key: str, all_named: bool = False) -> list[str]:
    """Return a note on names of one kind that differ in spelling only, with the map that joins them.

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
    """
    alike = similar_spellings(names)
    if not alike:
        return []
    counts = Counter(names)
    shown = "; ".join(
        " and ".join(f"{shorten(name)} ({counts[name]})" for name in spellings) for spellings in alike[:_SHOWN]
    )
    shown += f"; and {len(alike) - _SHOWN} more" * (len(alike) > _SHOWN)
    joined = {name: spellings[0] for spellings in alike[:_SHOWN] for name in spellings[1:]}
    if all_named:
        joined = {name: joined.get(name, name) for name in sorted(counts)}
    pairs = ", ".join(f'"{old}": "{new}"' for old, new in joined.items())
    return [
        f"{CAUTION}some {what} differ only in capitals, blanks or accents: {shown}. If they are one, join them with "
        f"{key}.map: {{{pairs}}}."
    ]
