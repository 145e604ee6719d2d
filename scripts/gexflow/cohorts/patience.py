"""Trying again: how often, after which waits, and for which failures."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from gexflow.log import logger

Result = TypeVar("Result")
_PROGRESS_BYTES = 1 << 20  # an attempt that brought this much does not count as one in vain


@dataclass(frozen=True)
class Patience:
    """How long a download tries.

    Parameters
    ----------
    waits : tuple of float
        Seconds before the second, third, ... attempt; as many attempts again as there are waits.
    connect_seconds, read_seconds : float
        Longest silence of a server, before and after the connection stands.
    longest_wait : float
        Bound on the seconds that a server may ask for (`Retry-After`).
    """

    waits: tuple[float, ...] = (1, 4, 15, 40)
    connect_seconds: float = 20
    read_seconds: float = 60
    longest_wait: float = 120


class Failure(Exception):
    """Why an address gave no file.

    Parameters
    ----------
    reason : str
        In words, to stand in parentheses behind the address.
    passing : bool
        Another attempt may succeed.
    wait : float
        Seconds that the server asks for.
    """

    def __init__(self, reason: str, passing: bool = False, wait: float = 0):
        super().__init__(reason)
        self.reason = reason
        self.passing = passing
        self.wait = wait


def persist(
    attempt: Callable[[], Result], address: str, patience: Patience, received: Callable[[], int] = lambda: 0
) -> Result:
    """Call `attempt` until it succeeds, fails for good, or patience ends.

    Parameters
    ----------
    attempt : callable
    address : str
        For the log.
    patience : Patience
    received : callable
        The bytes so far; the waits begin anew whenever they have grown well beyond the last such point.

    Raises
    ------
    Failure
        The last one.
    """
    failed, furthest = 0, received()
    while True:
        try:
            return attempt()
        except Failure as failure:
            if received() >= furthest + _PROGRESS_BYTES:
                failed, furthest = 0, received()
            if not failure.passing or failed >= len(patience.waits):
                raise
            wait = max(patience.waits[failed], min(failure.wait, patience.longest_wait))
            logger.warning("%s: %s; trying again in %.3g s", address, failure.reason, wait)
            time.sleep(wait)
            failed += 1
