"""Learning rates over a training, one for each fold of a stack."""

import math
from typing import Protocol

import numpy as np

_RISE = 0.1  # share of the steps


class Schedule(Protocol):
    """The learning rates of all folds, float64 (folds,)."""

    rates: np.ndarray

    def after_step(self, step: int) -> None:
        """Note that `step` steps (from 1) have been made."""

    def after_epoch(self, losses: np.ndarray) -> None:
        """Note the training losses (folds,) of an epoch."""

    def state(self) -> dict[str, list]:
        """Return what changes during training, for a checkpoint."""

    def restore(self, state: dict[str, list]) -> None:
        """Go on from what `state` returned."""


class Constant:
    """The same learning rate throughout."""

    def __init__(self, rate: float, folds: int):
        self.rates = np.full(folds, float(rate))

    def after_step(self, step: int) -> None:
        """Change nothing."""

    def after_epoch(self, losses: np.ndarray) -> None:
        """Change nothing."""

    def state(self) -> dict[str, list]:
        """Return all arrays as lists."""
        return {name: values.tolist() for name, values in vars(self).items() if isinstance(values, np.ndarray)}

    def restore(self, state: dict[str, list]) -> None:
        """Take the arrays that `state` returned."""
        vars(self).update({name: np.array(values) for name, values in state.items()})


class Plateau(Constant):
    """Halve a fold's rate when its training loss has not fallen for more than 10 epochs (as GexpNet).

    Equal to torch's ReduceLROnPlateau(factor=0.5, patience=10): a loss counts as better if it is lower by 0.01 %.
    """

    def __init__(self, rate: float, folds: int):
        super().__init__(rate, folds)
        self._best, self._waited = np.full(folds, np.inf), np.zeros(folds, dtype=int)

    def after_epoch(self, losses: np.ndarray) -> None:
        """Compare the losses with the best ones so far."""
        better = losses < self._best * (1 - 1e-4)
        self._best = np.where(better, losses, self._best)
        self._waited = np.where(better, 0, self._waited + 1)
        halved = self._waited > 10
        self.rates = np.where(halved & (self.rates > 2e-8), self.rates / 2, self.rates)
        self._waited[halved] = 0


class OneCycle(Constant):
    """Let the rate rise to its maximum over the first tenth of the steps and fall to nothing after that (Smith 2018).

    Both ways follow a half cosine: from 1/25 of the maximum, and to 1/250,000 of it (fastai's and torch's form, without
    its change of momentum).
    """

    def __init__(self, rate: float, folds: int, steps: np.ndarray):
        super().__init__(rate, folds)
        self._highest, self._steps = float(rate), steps
        self.after_step(0)

    def after_step(self, step: int) -> None:
        """Set the rates for the next step."""
        self.rates = np.array([self._rate(step, int(steps)) for steps in self._steps])

    def _rate(self, step: int, steps: int) -> float:
        top = max(1.0, _RISE * steps - 1)
        first, last = self._highest / 25, self._highest / 250_000
        if step <= top:
            return _half_cosine(first, self._highest, step / top)
        return _half_cosine(self._highest, last, min(1.0, (step - top) / max(1.0, steps - 1 - top)))


def _half_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


def build_schedule(kind: str, rate: float, steps: np.ndarray) -> Schedule:
    """Make a schedule: constant, plateau or one-cycle; `steps` (folds,) is the number of steps of each fold."""
    if kind == "one-cycle":
        return OneCycle(rate, len(steps), steps)
    return (Plateau if kind == "plateau" else Constant)(rate, len(steps))
