"""GexpNet for training: the computations of the published form, for one or many folds at once, in few passes.

Equal to `GexpNet` in training mode, from the same weights: BatchNorms behind convolutions are put into the kernels
(`patches`), heads with fewer channels are added without padding, and the last BatchNorm goes into the dense layer.
"""

import torch
from torch import Tensor
from torch.nn import functional

from gexflow.models.gexpnet import GexpNet, Head
from gexflow.models.patches import PatchMoments, normalise_kernel, patch_moments
from gexflow.models.stacked_layers import HeadSum, NormalisedLinear

_MOMENTUM = 0.1  # of torch's BatchNorm


class StackedGexpNet:
    """The same GexpNet for several folds: every weight has the fold as its first axis.

    Parameters
    ----------
    networks : list of GexpNet of one shape, one a fold
    device : torch.device
    order : int64 Tensor (folds, genes) or None
        Order in which each fold's network sees the genes, where it isn't theirs.

    Attributes
    ----------
    parameters : {name of GexpNet's state_dict: Tensor (folds, ...)}
        What learns. A convolution's bias before a BatchNorm has no part in the loss and gets no gradient.
    """

    def __init__(self, networks: list[GexpNet], device: torch.device, order: Tensor | None = None):
        self.folds = len(networks)
        self.order = None if order is None else order.to(device)
        self._plain = networks[0]
        states = [network.state_dict() for network in networks]
        stacked = {name: torch.stack([state[name] for state in states]).to(device) for name in states[0]}
        learned = {name for name, _ in networks[0].named_parameters()}
        self.parameters = {name: value.requires_grad_() for name, value in stacked.items() if name in learned}
        self.statistics = {name: value for name, value in stacked.items() if name not in learned}

    def state(self, fold: int) -> dict[str, Tensor]:
        """Return a fold's weights and statistics by their names in GexpNet's state_dict."""
        return {name: value[fold].detach() for name, value in {**self.parameters, **self.statistics}.items()}

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
        if self.order is not None:
            x = x.gather(2, self.order[:, None].expand_as(x))
        present = None if present is None else present.T.contiguous()  # samples, folds
        stem = self._stem(x.transpose(0, 1).contiguous(), present)
        total = self._block(stem, present)
        outputs, mean, variance = NormalisedLinear.apply(
            total, *self._norm("block.norm"), self.parameters["hidden.1.weight"], present, self._plain.block.norm.eps
        )
        count = torch.as_tensor(len(x[0]) if present is None else present.sum(dim=0)) * x.shape[2]
        self._remember("block.norm", mean, variance, count)
        hidden = outputs + self.parameters["hidden.1.bias"][:, None]
        layer_norm = self._plain.hidden[2]
        hidden = functional.layer_norm(hidden, layer_norm.normalized_shape, eps=layer_norm.eps)
        hidden = hidden * self.parameters["hidden.2.weight"][:, None] + self.parameters["hidden.2.bias"][:, None]
        hidden = functional.dropout(functional.gelu(hidden), self._plain.hidden[4].p)
        weight, bias = self.parameters["classifier.weight"], self.parameters["classifier.bias"]
        return torch.baddbmm(bias[:, None], hidden, weight.transpose(1, 2))

    def _stem(self, x: Tensor, present: Tensor | None) -> Tensor:
        convolution, dropout = self._plain.stem[0], self._plain.stem[3]
        moments = patch_moments(x, self.folds, convolution.kernel_size[0], present)
        outputs = torch.relu(self._convolve(x, "stem.0", "stem.1", moments))
        return functional.dropout(outputs, dropout.p)

    def _block(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Map (samples, folds * channels, genes) to the heads' sum (samples, folds, channels, genes)."""
        heads = self._plain.block.heads
        moments = patch_moments(x, self.folds, max(head.convolution.kernel_size[0] for head in heads), present)
        shortcuts = [f"block.heads.{number}.shortcut" for number in range(len(heads))]
        pointwise = [name for name in shortcuts if f"{name}.0.weight" in self.parameters]
        (total,) = self._pointwise(x, ["block.shortcut"], moments)
        ahead = dict(zip(pointwise, self._pointwise(x, pointwise, moments), strict=True))
        same = x.view(len(x), self.folds, -1, x.shape[2])
        parts = []
        for number, head in enumerate(heads):
            name = f"block.heads.{number}"
            branch = self._convolve(x, f"{name}.convolution", f"{name}.norm", moments)
            shortcut = ahead.get(f"{name}.shortcut", same)
            parts += self._second(branch, shortcut, name, head, present) if head.second else [
                self._by_fold(branch), shortcut, _keep(self._by_fold(branch), head.dropout.p)
            ]  # fmt: skip
        weights = torch.softmax(self.parameters["block.weights"], dim=1)
        kinds = tuple(type(head.activation) for head in heads)
        return HeadSum.apply(total, weights, kinds, *parts)

    def _pointwise(self, x: Tensor, names: list[str], moments: PatchMoments) -> list[Tensor]:
        """Apply several 1x1 convolutions and their norms as one product; (samples, folds, channels, genes) each."""
        if not names:
            return []
        kernels = [self._kernel(f"{name}.0", f"{name}.1", moments) for name in names]
        weight = torch.cat([kernel.view(self.folds, -1, kernel.shape[1]) for kernel, _ in kernels], dim=1)
        bias = torch.cat([bias.view(self.folds, -1) for _, bias in kernels], dim=1)
        outputs = weight @ x.view(len(x), self.folds, -1, x.shape[2]) + bias[:, :, None]
        widths = [len(bias) // self.folds for _, bias in kernels]
        return list(outputs.split(widths, dim=2)) if len(widths) > 1 else [outputs]

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
        return functional.conv1d(x, kernel, bias, padding=kernel.shape[2] // 2, groups=self.folds)

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
        self.statistics[f"{norm}.running_mean"].lerp_(mean, _MOMENTUM)
        self.statistics[f"{norm}.running_var"].lerp_(variance * count / (count - 1).clamp(min=1), _MOMENTUM)
        self.statistics[f"{norm}.num_batches_tracked"] += 1

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
    return keep.div_(1 - dropout).view_as(x)
