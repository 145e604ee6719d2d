"""Adamax, Adam and AdamW for one network or a stack of networks, each with a learning rate of its own.

The updates are torch's; what torch lacks is a learning rate for each fold of a stack, and folds that pause.
"""

import torch
from torch import Tensor

OPTIMISERS = ("adamax", "adam", "adamw")
_BETAS = (0.9, 0.999)
_EPS = 1e-8


class StackOptimiser:
    """Update parameters in place from their gradients, which are used up.

    Parameters
    ----------
    kind : adamax, adam or adamw
    groups : list of {"params": list of Tensor, "weight_decay": float}
        With several folds, a parameter's first axis is the fold.
    folds : int
    """

    def __init__(self, kind: str, groups: list[dict], folds: int):
        self.kind, self.folds = kind, folds
        self._parameters = [(p, group.get("weight_decay", 0.0)) for group in groups for p in group["params"]]
        self._moments = [(torch.zeros_like(p), torch.zeros_like(p)) for p, _ in self._parameters]
        self.steps = torch.zeros(folds, dtype=torch.float64)

    def clear(self) -> None:
        """Forget all gradients."""
        for parameter, _ in self._parameters:
            parameter.grad = None

    def state(self) -> dict:
        """Return steps and moments, for a checkpoint."""
        return {"steps": self.steps, "moments": [list(pair) for pair in self._moments]}

    def restore(self, state: dict) -> None:
        """Go on from what `state` returned."""
        self.steps.copy_(state["steps"])
        for own, saved in zip(self._moments, state["moments"], strict=True):
            for values, before in zip(own, saved, strict=True):
                values.copy_(before)

    @torch.no_grad()
    def step(self, rates: Tensor, active: Tensor | None = None) -> None:
        """Make one step.

        Parameters
        ----------
        rates : float64 Tensor (folds,) on the CPU
            Learning rate of each fold.
        active : bool Tensor (folds,) on the CPU, or None for all
            Folds that make the step; the others stay as they are.
        """
        self.steps += 1 if active is None else active
        steps = self.steps.clamp(min=1)
        first, second = (1 - beta**steps for beta in _BETAS)
        device = self._parameters[0][0].device
        # one transfer a step: learning rate, step size and the divisor's correction of every fold
        factors = torch.stack([rates, rates / first, second.sqrt()])
        factors = factors if self.folds == 1 else factors.to(device)
        resting = None if active is None or bool(active.all()) else (~active).nonzero()[:, 0].to(device)
        for (parameter, decay), (mean, spread) in zip(self._parameters, self._moments, strict=True):
            if parameter.grad is None:
                continue
            kept = [] if resting is None else [values[resting].clone() for values in (parameter, mean, spread)]
            self._update(parameter, parameter.grad, mean, spread, decay, factors)
            for values, before in zip((parameter, mean, spread), kept, strict=False):
                values[resting] = before

    def _update(
        self, parameter: Tensor, gradient: Tensor, mean: Tensor, spread: Tensor, decay: float, factors: Tensor
    ) -> None:
        first, second = _BETAS
        rate, size, correction = (self._shaped(each, parameter) for each in factors)
        if decay and self.kind == "adamw":
            parameter.mul_(1 - rate * decay)
        elif decay:
            gradient.add_(parameter, alpha=decay)
        mean.lerp_(gradient, 1 - first)
        # the gradient is used up: its memory takes what the mean is divided by
        if self.kind == "adamax":
            torch.maximum(spread.mul_(second), gradient.abs_().add_(_EPS), out=spread)
            divisor = spread
        else:
            spread.mul_(second).addcmul_(gradient, gradient, value=1 - second)
            divisor = torch.sqrt(spread, out=gradient).div_(correction).add_(_EPS)
        if self.folds == 1:
            parameter.addcdiv_(mean, divisor, value=-size)
        else:
            parameter.sub_(torch.div(mean, divisor, out=gradient).mul_(size))

    def _shaped(self, values: Tensor, parameter: Tensor) -> Tensor | float:
        """Return a value of each fold, ready to be multiplied with a parameter."""
        if self.folds == 1:
            return float(values[0])
        return values.to(parameter.dtype).view(-1, *[1] * (parameter.ndim - 1))
