"""Two layers of the stacked GexpNet with their gradients written out, so that each makes few passes over memory."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.nn import functional

_aten = torch.ops.aten
# of each activation: itself, and its gradient from that of its output and its input
_ACTIVATIONS = {
    nn.ReLU: (torch.relu, lambda gradient, x: _aten.threshold_backward(gradient, x, 0)),
    nn.GELU: (functional.gelu, _aten.gelu_backward),
    nn.SiLU: (functional.silu, _aten.silu_backward),
    nn.ELU: (functional.elu, lambda gradient, x: _aten.elu_backward(gradient, 1, 1, 1, False, x)),
}


class HeadSum(Function):
    """total + sum over heads of weight * act(act(branch) * keep + shortcut), in the first channels of `total`."""

    @staticmethod
    def forward(ctx: Any, total: Tensor, weights: Tensor, kinds: tuple, *parts: Tensor | None) -> Tensor:
        """Add the heads up.

        Parameters
        ----------
        total : Tensor (samples, folds, channels, genes)
        weights : Tensor (folds, heads)
        kinds : tuple of activation classes, one a head
        parts : branch, shortcut, keep of the first head, then of the next
            (samples, folds, head channels, genes); keep is the scaled dropout mask, or None.
        """
        ctx.kinds, saved = kinds, [weights]
        total = total.clone()
        for head, kind in enumerate(kinds):
            branch, shortcut, keep = parts[3 * head : 3 * head + 3]
            activation, _ = _ACTIVATIONS[kind]
            inner = activation(branch)
            inner = inner.add_(shortcut) if keep is None else torch.addcmul(shortcut, inner, keep, out=inner)
            value = activation(inner)
            part = total[:, :, : value.shape[2]]
            part.addcmul_(value, _by_fold(weights[:, head]))
            saved += [branch, inner, value, keep]
        ctx.save_for_backward(*saved)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple:
        """Return the gradients of total, weights and every branch and shortcut."""
        weights, *saved = ctx.saved_tensors
        of_weights, of_parts = torch.empty_like(weights), []
        for head, kind in enumerate(ctx.kinds):
            branch, inner, value, keep = saved[4 * head : 4 * head + 4]
            _, derivative = _ACTIVATIONS[kind]
            part = gradient[:, :, : value.shape[2]]
            of_weights[:, head] = (part * value).sum(dim=(0, 2, 3))
            of_shortcut = derivative(part * _by_fold(weights[:, head]), inner)
            of_branch = derivative(of_shortcut if keep is None else of_shortcut * keep, branch)
            of_parts += [of_branch, of_shortcut, None]
        return gradient, of_weights, None, *of_parts


def _by_fold(values: Tensor) -> Tensor:
    return values.view(1, -1, 1, 1)


class NormalisedLinear(Function):
    """BatchNorm over channels, flattened, and the linear layer behind it, in one."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        scale: Tensor,
        shift: Tensor,
        weight: Tensor,
        present: Tensor | None,
        eps: float,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Normalise and multiply.

        Parameters
        ----------
        x : Tensor (samples, folds, channels, genes)
        scale, shift : Tensor (folds, channels)
        weight : Tensor (folds, outputs, genes, channels)
        present : Tensor (samples, folds) of 0 and 1, or None
        eps : float

        Returns
        -------
        outputs : Tensor (folds, samples, outputs)
        mean, variance : Tensor (folds, channels), without a gradient
        """
        samples, folds, _, genes = x.shape
        if present is None:
            count = x.new_full((folds, 1), float(samples * genes))
            mean = x.sum(dim=(0, 3)) / count
            centred = x - mean[:, :, None]
        else:
            count = present.sum(dim=0).clamp(min=1)[:, None] * genes
            mean = torch.einsum("nfcg,nf->fc", x, present) / count
            centred = (x - mean[:, :, None]) * present[:, :, None, None]
        variance = (centred * centred).sum(dim=(0, 3)) / count
        spread = torch.rsqrt(variance + eps)
        scaled = (weight * (scale * spread)[:, None, None]).flatten(2)
        flat = centred.permute(1, 0, 3, 2).flatten(2)
        outputs = _product(flat, scaled) + (weight.sum(dim=2) @ shift[:, :, None]).transpose(1, 2)
        ctx.save_for_backward(centred, scale, shift, weight, scaled, spread, count, present)
        ctx.mark_non_differentiable(mean, variance)
        return outputs, mean, variance

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple:
        """Return the gradients of x, scale, shift and weight."""
        centred, scale, shift, weight, scaled, spread, count, present = ctx.saved_tensors
        samples, folds, channels, genes = centred.shape
        flat = centred.permute(1, 0, 3, 2).flatten(2)
        of_scaled = _transposed_product(gradient, flat)
        total = gradient.sum(dim=1)  # folds, outputs
        of_scaled = of_scaled.view_as(weight)
        along = (of_scaled * weight).sum(dim=(1, 2))  # how the loss follows a factor on the channel
        of_scale = along * spread
        of_shift = (weight.sum(dim=2) * total[:, :, None]).sum(dim=1)
        constant = (total[:, :, None] * shift[:, None])[:, :, None]
        of_weight = torch.addcmul(constant, of_scaled, (scale * spread)[:, None, None])
        of_x = _plain_product(gradient, scaled)
        if folds == 1:  # the very strides of x: others, of an axis of length one even, slow the next layers down
            of_x = of_x.view(samples, genes, 1, channels).permute(0, 2, 3, 1)
        else:
            of_x = of_x.view(folds, samples, genes, channels).permute(1, 0, 3, 2)
        mean = (of_x.sum(dim=(0, 3)) if present is None else torch.einsum("nfcg,nf->fc", of_x, present)) / count
        of_x.sub_(mean[:, :, None]).addcmul_(centred, (-along * scale * spread**3 / count)[None, :, :, None])
        if present is not None:
            of_x = of_x * present[:, :, None, None]
        return of_x, of_scale, of_shift, of_weight, None, None


def _onednn(x: Tensor) -> bool:
    """Tell whether oneDNN multiplies here; on some processors it is twice as fast as the other library."""
    plain = x.device.type == "cpu" and x.dtype == torch.float32 and len(x) == 1
    return plain and torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")


def _linear(x: Tensor, weight: Tensor) -> Tensor:
    return torch.ops.mkldnn._linear_pointwise(x, weight, None, "none", [], "")


def _product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x @ weight^T, fold by fold."""
    return _linear(x[0], weight[0])[None] if _onednn(x) else torch.bmm(x, weight.transpose(1, 2))


def _plain_product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x @ weight, fold by fold."""
    return _linear(x[0], weight[0].T)[None] if _onednn(x) else torch.bmm(x, weight)


def _transposed_product(x: Tensor, y: Tensor) -> Tensor:
    """Return x^T @ y, fold by fold."""
    return _linear(x[0].T, y[0].T)[None] if _onednn(x) else torch.bmm(x.transpose(1, 2), y)
