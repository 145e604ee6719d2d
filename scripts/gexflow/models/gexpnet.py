"""GexpNet, the one-dimensional convolutional network on a vector of genes, as published.

Source: IEEE TCBB 2025, doi 10.1109/TCBBIO.2025.3637184, section on the architecture.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gexflow.models.heads import HEADS

ACTIVATIONS = {"relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "elu": nn.ELU}
STEM_CHANNELS = 8
STEM_KERNEL = 5
BLOCK_CHANNELS = 64
HIDDEN = 64


class Head(nn.Module):
    """One residual head: convolution, norm, activation, dropout, plus a shortcut, then the activation again.

    With `second`, another convolution of the same width and its norm stand behind the dropout.
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        kernel: int,
        activation: type[nn.Module],
        dropout: float,
        second: bool = False,
    ):
        super().__init__()
        self.convolution = nn.Conv1d(channels_in, channels, kernel, padding="same")
        self.norm = nn.BatchNorm1d(channels)
        self.activation = activation()
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Identity() if channels == channels_in else pointwise(channels_in, channels)
        if second:
            self.second_convolution = nn.Conv1d(channels, channels, kernel, padding="same")
            self.second_norm = nn.BatchNorm1d(channels)
        self.second = second

    def forward(self, x: Tensor) -> Tensor:
        """Map (samples, channels_in, genes) to (samples, channels, genes)."""
        branch = self.dropout(self.activation(self.norm(self.convolution(x))))
        if self.second:
            branch = self.second_norm(self.second_convolution(branch))
        return self.activation(branch + self.shortcut(x))


def pointwise(channels_in: int, channels: int) -> nn.Sequential:
    """Return a 1x1 convolution with normalisation, for shortcuts that change the channel count."""
    return nn.Sequential(nn.Conv1d(channels_in, channels, 1), nn.BatchNorm1d(channels))


class MultiHeadBlock(nn.Module):
    """Heads of different widths on the same input, summed with learned softmax weights, plus a shortcut.

    A head with fewer channels than the block counts as zero in the channels that it lacks (the published code pads it).
    """

    def __init__(
        self,
        channels_in: int,
        channels: int,
        heads: Sequence[tuple[int, int, str]],
        dropout: float,
        second_convolution: bool = False,
    ):
        super().__init__()
        if max(width for _, width, _ in heads) > channels:
            raise ValueError(f"a head has more channels than the block's {channels}")  # padding would cut them off
        self.heads = nn.ModuleList(
            Head(channels_in, width, kernel, ACTIVATIONS[activation], dropout, second_convolution)
            for kernel, width, activation in heads
        )
        self.weights = nn.Parameter(torch.ones(len(heads)))
        self.shortcut = pointwise(channels_in, channels)
        self.norm = nn.BatchNorm1d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (samples, channels_in, genes) to (samples, channels, genes)."""
        weights = torch.softmax(self.weights, dim=0)
        outputs = [weight * head(x) for weight, head in zip(weights, self.heads, strict=True)]
        total = self.shortcut(x)
        padded = [nn.functional.pad(output, (0, 0, 0, total.shape[1] - output.shape[1])) for output in outputs]
        return self.norm(total + sum(padded))


class GexpNet(nn.Module):
    """GexpNet: from gene values to class logits.

    Parameters
    ----------
    n_genes : int
        Length of the input vector; genes stand in input order.
    n_classes : int
    heads : int or sequence of (kernel, channels, activation name)
        1 to 4 of the published heads (three of them were published as GexpNet), or heads of one's own; activations are
        relu, gelu, silu and elu.
    stem_channels, stem_kernel : int
        Width of the stem and the genes that it sees at once.
    block_channels : int
        Width of the multi-head block, at least that of the widest head.
    hidden : int
        Width of the dense layer before the last one.
    second_convolution : bool
        A second convolution in every head, behind its dropout.
    stem_dropout, head_dropout, hidden_dropout : float
        Dropout after the stem (0.1), in the heads (0.5) and before the last layer (0.2).

    Raises
    ------
    ValueError
        If a head is wider than the block.

    Notes
    -----
    With 486 genes and 5 classes 1,995,392 parameters take part. The published code carries second convolutions in its
    heads that never run; `second_convolution` lets them take part.
    """

    def __init__(
        self,
        n_genes: int,
        n_classes: int,
        heads: int | Sequence[tuple[int, int, str]] = 3,
        stem_channels: int = STEM_CHANNELS,
        stem_kernel: int = STEM_KERNEL,
        block_channels: int = BLOCK_CHANNELS,
        hidden: int = HIDDEN,
        second_convolution: bool = False,
        stem_dropout: float = 0.1,
        head_dropout: float = 0.5,
        hidden_dropout: float = 0.2,
    ):
        super().__init__()
        heads = HEADS[:heads] if isinstance(heads, int) else heads
        self.stem = nn.Sequential(
            nn.Conv1d(1, stem_channels, stem_kernel, padding="same"),
            nn.BatchNorm1d(stem_channels),
            nn.ReLU(),
            nn.Dropout(stem_dropout),
        )
        self.block = MultiHeadBlock(stem_channels, block_channels, heads, head_dropout, second_convolution)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(block_channels * n_genes, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            nn.Dropout(hidden_dropout),
        )
        self.classifier = nn.Linear(hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        return self.classifier(self.hidden(self.block(self.stem(x.unsqueeze(1)))))

    def parameter_groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return [{"params": list(self.parameters())}]
