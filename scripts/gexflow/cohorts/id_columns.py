"""Which column of a table holds the ids of a matrix: the one that holds most, unless another column disagrees."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property

EXACT = 99
_RIVAL_SHARE = 0.1  # of the ids that the best column holds


@dataclass(frozen=True)
class Candidate:
    """A column that may hold the ids.

    Attributes
    ----------
    name : str
    keys : list of str
        One per row of the table.
    wanted : list of str
        One per id of the matrix, in the terms of `keys` (a patient for each sample, say).
    nameless : bool
        Whether the file gives the column no name: it is never preferred to one that has a name.
    detail : int
        How exact the match is: how many letters of a barcode count. A column that holds half as many ids as another one
        is taken before it if it is more exact.
    """

    name: str
    keys: list[str]
    wanted: list[str]
    nameless: bool = False
    detail: int = EXACT

    @cached_property
    def count(self) -> int:
        """Number of ids of the matrix that the column holds."""
        held = set(self.keys) - {""}
        return sum(key in held for key in self.wanted)

    @property
    def certain(self) -> bool:
        """Whether the column holds all ids, and does not merely number the rows without a name."""
        return self.count == len(self.wanted) and not (self.nameless and numbers_rows(self.keys))

    @property
    def by_chance(self) -> bool:
        """Whether these are numbers that are those of less than half of the ids."""
        return 2 * self.count < len(self.wanted) and all(key.isdigit() for key in self.keys if key)

    def answers(self, answers: Sequence[Hashable]) -> list[set[Hashable]]:
        """Return what the rows of each id of the matrix answer."""
        found = defaultdict(set)
        for key, answer in zip(self.keys, answers, strict=True):
            found[key].add(answer)
        return [found.get(key, set()) if key else set() for key in self.wanted]


def numbers_rows(keys: list[str]) -> bool:
    """Tell whether these are 1, 2, 3, ... or 0, 1, 2, ..., as R and pandas write the numbers of rows."""
    return any(keys == [str(number) for number in range(first, first + len(keys))] for first in (0, 1))


@dataclass(frozen=True)
class Rival:
    """A column that disagrees with the best one.

    Attributes
    ----------
    name : str
    example : int
        Position of an id of the matrix of which the two columns give different answers.
    answers : tuple of two
        What the best column and this one answer.
    """

    name: str
    example: int
    answers: tuple[Hashable, Hashable]


def choose_column(candidates: list[Candidate], answers: Sequence[Hashable]) -> tuple[Candidate, Rival | None]:
    """Return the column that holds most of the ids, and a rival: another one that some ids match with another answer.

    Columns of numbers hold ids by chance where ids are numbers: an age, a number of the row. Beside a column that holds
    all ids, only another one that does is a rival; else one that holds a tenth as many. A column that
    gives an id two answers is no id column, and so no rival, unless the best one does as well.

    Parameters
    ----------
    candidates : list of Candidate, at least one
    answers : sequence
        Per row of the table, what the match decides, such as the label.
    """
    most = max(found.count for found in candidates)
    exact = max(found.detail for found in candidates if 2 * found.count >= most)
    candidates = [found for found in candidates if found.detail >= exact]
    best = max(candidates, key=lambda found: (found.count, not found.nameless))
    least = best.count if best.certain else max(2, _RIVAL_SHARE * best.count)
    own = best.answers(answers)
    torn = any(len(found) > 1 for found in own)
    for other in candidates:
        if other is best or other.count < least:
            continue
        others = other.answers(answers)
        if any(len(found) > 1 for found in others):
            continue
        for place, (first, second) in enumerate(zip(own, others, strict=True)):
            if first and second and (len(first) > 1 if torn else first != second):
                return best, Rival(other.name, place, (next(iter(first - second)), next(iter(second))))
    return best, None


def more_held(first: int, of_first: int, second: int, of_second: int) -> bool | None:
    """Tell whether a table of labels names the first ids (`first` of `of_first`) rather than the second ones.

    Returns
    -------
    bool or None
        None where neither stands out: the lesser share is half of the other, or more.
    """
    shares = first / max(1, of_first), second / max(1, of_second)
    return None if 2 * min(shares) >= max(shares) else shares[0] > shares[1]
