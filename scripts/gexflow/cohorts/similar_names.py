"""Other spellings: the field, or the sample, that was most likely meant where a name does not fit."""

import re
from collections.abc import Collection
from difflib import SequenceMatcher, get_close_matches

import numpy as np
import pandas as pd

from gexflow.cohorts.bad_cell import MISSING

_SIMILAR_FIELD, _SIMILAR_ID = 0.6, 0.8  # ratios of difflib
_LEAST_SHARED = 6  # characters of an id that begins another one
_MADE_BY_R = re.compile(r"^X(?=[\W_]*\d)")  # make.names: "0-T" becomes "X0.T"


def similar_field(fields: pd.DataFrame, name: str, rows: np.ndarray) -> str:
    """Return the field that most likely holds what the field `name` lacks in some samples.

    Parameters
    ----------
    fields : DataFrame, one row per sample, all columns str
    name : str
        Of the field that lacks values.
    rows : bool array (samples,)
        The samples without a value.

    Returns
    -------
    str
        Of the other fields that have a value in at least half of `rows`, the one whose name is most similar: all words
        of one name in the other, or a `difflib` ratio of at least 0.6, in any case. "" if there is none.
    """
    if not rows.any():
        return ""
    filled = 1 - fields.loc[rows].isin(MISSING).mean()
    likeness = {other: _likeness(name, other) for other in fields.columns[filled >= 0.5] if other != name}
    best = max(likeness, key=likeness.get, default="")
    return best if best and likeness[best] > 0 else ""


def nearest_id(sample: str, ids: Collection[str]) -> str:
    """Return the id that was most likely meant by another spelling of `sample`.

    Parameters
    ----------
    sample : str
    ids : collection of str

    Returns
    -------
    str
        The first of these that exists, else "": an id that is equal in another case; one of the same letters and digits
        ("X0.T", as R's make.names writes it, for "0-T"); of those that begin with `sample`, or that it begins with, as
        TCGA barcodes do, the one nearest in length; `difflib`'s nearest with a cutoff of 0.8. The numbers in the last
        two must be the same: GSM1 is neither GSM12 nor GSM2. Nor is P05-T meant by P05-N, one letter apart.
    """
    if not _letters(sample):
        return ""
    for spell in (str.casefold, _letters):
        wanted = spell(sample)
        same = next((known for known in ids if spell(known) == wanted), "")
        if same:
            return same
    wanted, spelled = _plain(sample), {known: _plain(known) for known in ids}
    sharing = [known for known, other in spelled.items() if _begins(wanted, other) or _begins(other, wanted)]
    if sharing:
        return min(sharing, key=lambda known: abs(len(spelled[known]) - len(wanted)))
    numbers = _numbers(sample)
    near = {
        other: known for known, other in spelled.items() if _numbers(known) == numbers and not _coded(wanted, other)
    }
    close = get_close_matches(wanted, near, n=1, cutoff=_SIMILAR_ID)
    return near[close[0]] if close else ""


def _likeness(one: str, other: str) -> float:
    """Return the `difflib` ratio of two names; 0 where they are not similar."""
    one, other = _plain(one), _plain(other)
    ratio = SequenceMatcher(None, one, other).ratio()
    contained = f".{one}." in f".{other}." or f".{other}." in f".{one}."
    return ratio if one and other and (contained or ratio >= _SIMILAR_FIELD) else 0.0


def _plain(name: str) -> str:
    """Return a name in small letters, with a dot between its words, without the X that R puts before a digit."""
    return re.sub(r"[\W_]+", ".", _MADE_BY_R.sub("", name)).strip(".").casefold()


def _letters(name: str) -> str:
    return _plain(name).replace(".", "")


def _numbers(name: str) -> list[str]:
    return [number.lstrip("0") for number in re.findall(r"\d+", name)]


def _coded(one: str, other: str) -> bool:
    """Tell names that differ in one letter alone: P05-T and P05-N are two samples of a patient, no two spellings."""
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


def _begins(short: str, long: str) -> bool:
    """Tell whether an id is the beginning of another one that cuts no number."""
    if len(short) < _LEAST_SHARED or not long.startswith(short):
        return False
    return not (short[-1].isdigit() and long[len(short) : len(short) + 1].isdigit())
