"""GexpNet for training: the computations of the published form, for one or many folds at once, in few passes.

Equal to `GexpNet` in training mode, from the same weights. BatchNorms behind convolutions are put into the kernels
(`patches`); heads with fewer channels are added without padding; the last BatchNorm goes into the dense layer; and the
channels that no head reaches, which are linear in the stem's output, are never computed: the dense layer's weights for
them are brought down to the stem's channels.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gexflow.models.gexpnet import GexpNet, Head
from gexflow.models.patches import PatchMoments, channels_last, convolve, normalise_kernel, patch_moments
from gexflow.models.stacked_layers import HeadSum, NormalisedLinear

_MOMENTUM = 0.1  # of torch's BatchNorm
# the dense layer's weights: for the channels that heads reach, and for the others
_DENSE, _REST = "hidden.1.weight", "hidden.1.weight, other channels"


class StackedGexpNet:
    """The same GexpNet for several folds: every weight has the fold as its first axis.

    Parameters
    ----------
    networks : list of GexpNet of one shape, one a fold
    device : torch.device
    orders : list of int64 Tensor (genes,) or None
        Order in which each fold's network sees the genes, where it isn't theirs.

    Attributes
    ----------
    parameters : {name of GexpNet's state_dict: Tensor (folds, ...)}
        What learns. A convolution's bias before a BatchNorm has no part in the loss and gets no gradient.
    """

    def __init__(self, networks: list[GexpNet], device: torch.device, orders: list[Tensor] | None = None):
        self.folds = len(networks)
        self._orders = None if orders is None else torch.stack(orders).to(device)
        self._plain = networks[0]
        self._eps = networks[0].block.norm.eps
        self._reached = max(head.norm.num_features for head in self._plain.block.heads)
        states = [network.state_dict() for network in networks]
        stacked = {name: torch.stack([state[name] for state in states]).to(device) for name in states[0]}
        learned = {name for name, _ in networks[0].named_parameters()}
        parameters = {name: value for name, value in stacked.items() if name in learned}
        self.statistics = {name: value for name, value in stacked.items() if name not in learned}
        dense = parameters[_DENSE].unflatten(2, (self._plain.block.norm.num_features, -1)).transpose(2, 3)
        parameters[_DENSE] = dense[..., : self._reached].contiguous()
        parameters[_REST] = dense[..., self._reached :].contiguous()
        self.parameters = {name: value.requires_grad_() for name, value in parameters.items()}

    def groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return [{"params": list(self.parameters.values())}]

    def state(self, fold: int) -> dict[str, Tensor]:
        """Return a fold's weights and statistics by their names in GexpNet's state_dict."""
        found = {name: value[fold].detach() for name, value in {**self.parameters, **self.statistics}.items()}
        found[_DENSE] = torch.cat([found[_DENSE], found.pop(_REST)], dim=2).transpose(1, 2).flatten(1)
        return found

    def forward(self, x: Tensor, present: Tensor | None = None) -> Tensor:
        """Map gene values to logits, in training mode.

        Parameters
        ----------
        x : Tensor (folds, samples, genes)
        present : Tensor (folds, samples) of 0 and 1, or None
            Samples that count; the others fill up the batch of a fold that has fewer.

        Returns
        -------
        logits : Tensor (folds, samples, classes)
        """
        if self._orders is not None:
            x = x.gather(2, self._orders[:, None].expand_as(x))
        trained = torch.ones(self.folds, 1) if present is None else present.any(dim=1, keepdim=True)
        self._momentum = _MOMENTUM * trained.to(x)
        present = None if present is None else present.T.contiguous()  # samples, folds
        hidden = self._block(self._stem(x.transpose(0, 1).contiguous(), present), present)
        hidden = hidden + self.parameters["hidden.1.bias"][:, None]
        layer_norm = self._plain.hidden[2]
        hidden = functional.layer_norm(hidden, layer_norm.normalized_shape, eps=layer_norm.eps)
        hidden = hidden * self.parameters["hidden.2.weight"][:, None] + self.parameters["hidden.2.bias"][:, None]
        hidden = functional.dropout(functional.gelu(hidden), self._plain.hidden[4].p)
        weight, bias = self.parameters["classifier.weight"], self.parameters["classifier.bias"]
        return torch.baddbmm(bias[:, None], hidden, weight.transpose(1, 2))

    def _stem(self, x: Tensor, present: Tensor | None) -> Tensor:
        convolution, dropout = self._plain.stem[0], self._plain.stem[3]
        moments = patch_moments(x, self.folds, convolution.kernel_size[0], present)
        outputs = torch.relu(channels_last(self._convolve(x, "stem.0", "stem.1", moments)))
        keep = _keep(outputs, dropout.p)
        return outputs if keep is None else outputs * keep

    def _block(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Map (samples, folds * channels, genes) through block, norm and dense layer to (folds, samples, hidden)."""
        heads = self._plain.block.heads
        moments = patch_moments(x, self.folds, max(head.convolution.kernel_size[0] for head in heads), present)
        total, shortcuts, rest = self._pointwise(x, moments.centre(1))
        parts = []
        for number, (head, shortcut) in enumerate(zip(heads, shortcuts, strict=True)):
            name = f"block.heads.{number}"
            branch = self._convolve(x, f"{name}.convolution", f"{name}.norm", moments)
            if head.second:
                parts += self._second(branch, shortcut, name, head, present)
            else:
                parts += [self._by_fold(branch), shortcut, _keep(self._by_fold(branch), head.dropout.p)]
        kinds = tuple(type(head.activation) for head in heads)
        total = HeadSum.apply(total, torch.softmax(self.parameters["block.weights"], dim=1), kinds, *parts)
        return self._dense(total, self._by_fold(x), rest, moments, present)

    def _pointwise(self, x: Tensor, moments: PatchMoments) -> tuple[Tensor, list[Tensor], tuple[Tensor, Tensor]]:
        """Apply all 1x1 convolutions with their norms to (samples, folds * channels, genes).

        Returns
        -------
        total : Tensor (samples, folds, channels that heads reach, genes), the block's shortcut
        shortcuts : list of Tensor (samples, folds, head channels, genes), one a head
        rest : kernel (folds, other channels, stem channels) and the variance (folds, other channels) of what it gives
        """
        names = [f"block.heads.{number}.shortcut" for number in range(len(self._plain.block.heads))]
        names = ["block.shortcut", *(name for name in names if f"{name}.0.weight" in self.parameters)]
        weights = [self.parameters[f"{name}.0.weight"] for name in names]
        widths = [weight.shape[1] for weight in weights]
        scale, shift = (
            torch.cat([self.parameters[f"{name}.1.{kind}"] for name in names], dim=1) for kind in ("weight", "bias")
        )
        folded = normalise_kernel(torch.cat(weights, dim=1), scale, shift, moments, self._eps)
        statistics = zip(folded.mean.split(widths, dim=1), folded.variance.split(widths, dim=1), strict=True)
        for name, (mean, variance) in zip(names, statistics, strict=True):
            bias = self.parameters[f"{name}.0.bias"]
            self._remember(f"{name}.1", mean.detach() + bias.detach(), variance.detach(), moments.count)
        kernel, bias = folded.kernel.view(self.folds, sum(widths), -1), folded.bias.view(self.folds, -1)
        total = self._multiply(x, kernel[:, : self._reached], bias[:, : self._reached])
        rows = iter(zip(kernel.split(widths, dim=1)[1:], bias.split(widths, dim=1)[1:], strict=True))
        same, heads = self._by_fold(x), self._plain.block.heads
        shortcuts = [
            same if isinstance(head.shortcut, nn.Identity) else self._multiply(x, *next(rows)) for head in heads
        ]
        other = slice(self._reached, widths[0])
        variance = folded.variance[:, other]
        return total, shortcuts, (kernel[:, other], scale[:, other] ** 2 * variance / (variance + self._eps))

    def _dense(
        self, total: Tensor, x: Tensor, rest: tuple[Tensor, Tensor], moments: PatchMoments, present: Tensor | None
    ) -> Tensor:
        """Apply the block's norm and the dense layer to the channels that heads reach and to the others."""
        scale, shift = self._norm("block.norm")
        reached, other = slice(self._reached), slice(self._reached, None)
        outputs, mean, variance = NormalisedLinear.apply(
            total, scale[:, reached], shift[:, reached], self.parameters[_DENSE], present, self._eps
        )
        kernel, other_variance = rest
        weight = self.parameters[_REST]  # folds, hidden, genes, channels
        kernel = kernel * (scale[:, other] * torch.rsqrt(other_variance + self._eps))[:, :, None]
        weight_of_x = torch.bmm(weight.flatten(1, 2), kernel).view(
            *weight.shape[:3], -1
        )  # folds, hidden, genes, channels
        flat = x.permute(1, 0, 3, 2).flatten(2)
        outputs = outputs + torch.bmm(flat, weight_of_x.flatten(2).transpose(1, 2))
        x_mean = moments.centre(1).mean  # folds, stem channels, 1
        constant = weight.sum(dim=2) @ shift[:, other, None] - weight_of_x.sum(dim=2) @ x_mean
        other_mean = self.parameters["block.shortcut.1.bias"][:, other].detach()
        mean, variance = torch.cat([mean, other_mean], dim=1), torch.cat([variance, other_variance.detach()], dim=1)
        self._remember("block.norm", mean, variance, moments.count)
        return outputs + constant.transpose(1, 2)

    def _second(self, branch: Tensor, shortcut: Tensor, name: str, head: Head, present: Tensor | None) -> list:
        """Return what HeadSum needs of a head with a second convolution, whose own activation is then in `shortcut`."""
        inner = functional.dropout(head.activation(branch), head.dropout.p)
        moments = patch_moments(inner, self.folds, head.convolution.kernel_size[0], present)
        second = self._convolve(inner, f"{name}.second_convolution", f"{name}.second_norm", moments)
        # HeadSum adds act(branch): the activation of zero is zero
        return [torch.zeros_like(shortcut), self._by_fold(second) + shortcut, None]

    def _convolve(self, x: Tensor, convolution: str, norm: str, moments: PatchMoments) -> Tensor:
        """Apply a convolution and its norm to (samples, folds * channels, genes)."""
        kernel, bias = self._kernel(convolution, norm, moments)
        return convolve(x, kernel, bias, self.folds)

    def _multiply(self, x: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        """Apply a 1x1 convolution (folds, outputs, channels); return (samples, folds, outputs, genes)."""
        return self._by_fold(convolve(x, kernel.flatten(0, 1)[..., None], bias.flatten(), self.folds))

    def _kernel(self, convolution: str, norm: str, moments: PatchMoments) -> tuple[Tensor, Tensor]:
        kernel = self.parameters[f"{convolution}.weight"]
        folded = normalise_kernel(
            kernel, *self._norm(norm), moments.centre(kernel.shape[3]), self._plain.block.norm.eps
        )
        mean = folded.mean + self.parameters[f"{convolution}.bias"]
        self._remember(norm, mean.detach(), folded.variance.detach(), moments.count)
        return folded.kernel, folded.bias

    def _norm(self, name: str) -> tuple[Tensor, Tensor]:
        return self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]

    @torch.no_grad()
    def _remember(self, norm: str, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        """Update a BatchNorm's running statistics as torch does, with the unbiased variance."""
        count = count.to(mean).view(-1, 1)
        self.statistics[f"{norm}.running_mean"].lerp_(mean, self._momentum)
        self.statistics[f"{norm}.running_var"].lerp_(variance * count / (count - 1).clamp(min=1), self._momentum)
        self.statistics[f"{norm}.num_batches_tracked"] += (self._momentum[:, 0] > 0).long()

    def _by_fold(self, x: Tensor) -> Tensor:
        return x.view(len(x), self.folds, -1, x.shape[2])


def _keep(x: Tensor, dropout: float) -> Tensor | None:
    """Draw a dropout mask, already scaled; None where nothing is dropped."""
    if dropout == 0:
        return None
    if x.device.type != "cpu":
        return torch.empty_like(x).bernoulli_(1 - dropout).div_(1 - dropout)
    # four draws of 16 bits from each random number: torch draws single booleans ten times slower on a CPU
    bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(1 << 63), None).view(torch.int16)
    threshold = round(dropout * 65536) - 32768
    keep = torch.ge(bits[: x.numel()], threshold, out=torch.empty(x.numel(), dtype=x.dtype))
    return keep.div_(1 - dropout).as_strided(x.shape, x.stride())  # in any order: the draws are independent
