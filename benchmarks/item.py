"""What a benchmark is: data made once, GexFlow's way, the peer's ways, and a check that both give the same."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

Settings = dict[str, Any]
Arrays = dict[str, np.ndarray]


class Unsuitable(Exception):
    """A way cannot be measured here; the text says why."""


@dataclass
class Outcome:
    """What a timed call returns.

    Attributes
    ----------
    arrays : map of arrays
        Handed to the item's `compare`.
    facts : map
        Kept in the record, e.g. what a solver says of itself.
    seconds : float or None
        Takes the place of the clock's time where a part of the call does not count or a part stands for the whole.
    scaled : str
        How `seconds` was scaled up; "" if it was not.
    """

    arrays: Arrays
    facts: dict[str, Any] = field(default_factory=dict)
    seconds: float | None = None
    scaled: str = ""


# A way gets the data's folder and the settings, loads and warms up, and returns the call that is timed.
Way = Callable[[Path, Settings], Callable[[], Outcome]]


@dataclass(frozen=True)
class Item:
    """One line of the table.

    Attributes
    ----------
    name : str
        As in the table.
    about : str
        The data and the work, in words.
    data : str
        Folder of the data; items that share their data name the same one.
    make : function (folder, settings) -> facts
        Writes the data; `input_bytes` among the facts is the size of the matrix in memory, or of the file.
    sizes : {scale: settings}
    ours : Way
    peers : {words: Way}
        Several are timed once, and the fastest that `sound` accepts is the peer.
    compare : function (arrays of ours, of the peer, folder, settings) -> agreement
        A map with `agrees` (bool), `words` and figures.
    at_least : float or None
        The bar: how many times as fast as the peer GexFlow has to be.
    aim : str
    peer_package : str
        "" where the peer is a package that GexFlow itself depends on; otherwise it runs in the peers' environment.
    most_memory : float or None
        Bound on GexFlow's peak memory in sizes of the input.
    sound : function ({words: facts}, {words: arrays}) -> set of words, or None
        Which of the peer's ways gave a full answer; at least one.
    gpu : bool
        Whether the item can run on a GPU.
    """

    name: str
    about: str
    data: str
    make: Callable[[Path, Settings], dict[str, Any]]
    sizes: dict[str, Settings]
    ours: Way
    peers: dict[str, Way]
    compare: Callable[[Arrays, Arrays, Path, Settings], dict[str, Any]]
    at_least: float | None = None
    aim: str = ""
    peer_package: str = ""
    most_memory: float | None = None
    sound: Callable[[dict[str, dict], dict[str, Arrays]], set[str]] | None = None
    gpu: bool = False


def load_arrays(path: str | Path) -> Arrays:
    """Read the arrays of an answer."""
    with np.load(path) as stored:
        return dict(stored)


def largest_difference(ours: np.ndarray, peer: np.ndarray) -> float:
    """Return the largest absolute difference of two arrays of one shape; infinite where only one is finite."""
    difference = np.abs(ours.astype(np.float64) - peer.astype(np.float64))
    return float(np.nan_to_num(difference, nan=np.inf).max(initial=0.0))


def share_of_equal(kept: np.ndarray, others: np.ndarray) -> float:
    """Return the share of the others' genes that are kept, too; bool arrays (genes,)."""
    return float((kept & others).sum() / others.sum())
