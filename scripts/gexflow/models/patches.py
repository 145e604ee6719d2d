"""Mean and covariance of all patches that a convolution sees: enough for its BatchNorm's statistics.

A convolution is linear in its patch, so the mean and variance of each of its outputs follow from those of the patches.
The normalisation then goes into kernel and bias, and no pass over the outputs is needed.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass
class PatchMoments:
    """Moments over all positions and samples of a fold, of patches with zero padding.

    Attributes
    ----------
    mean : Tensor (folds, channels, reach)
    covariance : Tensor (folds, channels, reach, channels, reach)
    count : Tensor (folds,) or float
        Positions that were counted.
    """

    mean: Tensor
    covariance: Tensor
    count: Tensor

    def centre(self, reach: int) -> "PatchMoments":
        """Return the moments of narrower patches around the same positions."""
        rim = (self.mean.shape[2] - reach) // 2
        inner = slice(rim, rim + reach)
        return PatchMoments(self.mean[:, :, inner], self.covariance[:, :, inner, :, inner], self.count)


def patch_moments(x: Tensor, folds: int, reach: int, present: Tensor | None = None) -> PatchMoments:
    """Compute the moments of the patches of odd width `reach` around every position.

    Parameters
    ----------
    x : Tensor (samples, folds * channels, positions)
    folds, reach : int
    present : Tensor (samples, folds) of 0 and 1, or None
        Samples that count; the others' `x` must be finite.

    Notes
    -----
    Over all integer positions, beyond both ends too, the second moment of two places in the patch depends on their
    distance alone: it is the autocorrelation of `x`, which is the weight gradient of a convolution of `x` with itself.
    What the positions beyond the ends add to it is taken off again.
    """
    samples, _, positions = x.shape
    channels = x.shape[1] // folds
    count = x.new_full((folds,), float(samples)) if present is None else present.sum(dim=0).clamp(min=1)
    count = count * positions
    if present is not None:
        x = x * present.repeat_interleave(channels, dim=1).unsqueeze(2)
    beyond = _patches_beyond(x, folds, reach)  # folds, channels * reach, patches
    lags = _autocorrelation(x, folds, reach)
    distance = torch.arange(reach, device=x.device)
    second = lags[..., (distance[None] - distance[:, None]) + reach - 1].permute(0, 1, 3, 2, 4)
    second = second - (beyond @ beyond.transpose(1, 2)).view_as(second)
    total = x.sum(dim=(0, 2)).view(folds, channels, 1)
    mean = (total - beyond.sum(dim=2).view(folds, channels, reach)) / count.view(-1, 1, 1)
    product = mean[:, :, :, None, None] * mean[:, None, None]
    return PatchMoments(mean, second / count.view(-1, 1, 1, 1, 1) - product, count)


def _autocorrelation(x: Tensor, folds: int, reach: int) -> Tensor:
    """Return sums of x_i[u] x_j[u + lag], (folds, channels, channels, lags from 1 - reach to reach - 1)."""
    channels = x.shape[1] // folds
    image = channels_last(x).unsqueeze(2)
    padded = functional.pad(image, (0, reach - 1)).contiguous(memory_format=torch.channels_last)
    shape = (folds * channels, channels, 1, reach)
    ahead = torch.nn.grad.conv2d_weight(padded, shape, image, groups=folds).view(folds, channels, channels, reach)
    behind = ahead[..., 1:].transpose(1, 2).flip(-1)
    return torch.cat([behind, ahead], dim=-1)


def _patches_beyond(x: Tensor, folds: int, reach: int) -> Tensor:
    """Return the patches around positions before the first and behind the last one that still touch `x`."""
    rim = reach // 2
    if rim == 0:
        return x.new_zeros(folds, x.shape[1] // folds, 0)
    padded = functional.pad(x, (2 * rim, 2 * rim))
    ends = [padded[..., : 3 * rim], padded[..., padded.shape[-1] - 3 * rim :]]
    windows = torch.cat([end.unfold(2, reach, 1) for end in ends], dim=2)  # samples, channels, patches, reach
    samples, _, patches, _ = windows.shape
    windows = windows.view(samples, folds, -1, patches, reach).permute(1, 2, 4, 0, 3)
    return windows.reshape(folds, -1, samples * patches)


@dataclass
class NormalisedKernel:
    """A convolution with the BatchNorm behind it: kernel and bias that do both, and the statistics it met.

    Attributes
    ----------
    kernel : Tensor (folds * outputs, channels, reach)
    bias, mean, variance : Tensor (folds * outputs,), (folds, outputs), (folds, outputs)
    """

    kernel: Tensor
    bias: Tensor
    mean: Tensor
    variance: Tensor


def normalise_kernel(
    kernel: Tensor, scale: Tensor, shift: Tensor, moments: PatchMoments, eps: float
) -> NormalisedKernel:
    """Put a training BatchNorm into the convolution before it; the convolution's own bias has no part in the result.

    Parameters
    ----------
    kernel : Tensor (folds, outputs, channels, reach)
    scale, shift : Tensor (folds, outputs), of the BatchNorm
    moments : PatchMoments of the input, of the kernel's reach
    eps : float

    Returns
    -------
    NormalisedKernel
        Its `mean` leaves the convolution's bias out.
    """
    folds, outputs, channels, reach = kernel.shape
    flat = kernel.reshape(folds, outputs, -1)
    covariance = moments.covariance.reshape(folds, channels * reach, channels * reach)
    mean = (flat @ moments.mean.reshape(folds, -1, 1)).squeeze(2)
    variance = ((flat @ covariance) * flat).sum(dim=2).clamp(min=0)
    factor = scale / torch.sqrt(variance + eps)
    folded = (kernel * factor[:, :, None, None]).view(folds * outputs, channels, reach)
    return NormalisedKernel(folded, (shift - factor * mean).flatten(), mean, variance)


def channels_last(x: Tensor) -> Tensor:
    """Lay (samples, channels, positions) out with the channels side by side: convolutions take half the time so."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last).squeeze(2)


def convolve(x: Tensor, kernel: Tensor, bias: Tensor, folds: int) -> Tensor:
    """Convolve (samples, folds * channels, positions), laid out by `channels_last`; the result is laid out alike."""
    image, kernel = x.unsqueeze(2), kernel.unsqueeze(2).contiguous(memory_format=torch.channels_last)
    return functional.conv2d(image, kernel, bias, padding=(0, kernel.shape[3] // 2), groups=folds).squeeze(2)
