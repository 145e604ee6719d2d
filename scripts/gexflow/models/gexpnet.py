"""GexpNet, the one-dimensional convolutional network on a vector of genes, as published.

Source: IEEE TCBB 2025, doi 10.1109/TCBBIO.2025.3637184, section on the architecture.
"""

import torch
from torch import Tensor, nn

# kernel, channels and activation of the heads as published; the fourth belongs to the four-head variant
HEADS = ((3, 8, nn.ReLU), (5, 16, nn.GELU), (7, 32, nn.SiLU), (9, 64, nn.ELU))
STEM_CHANNELS = 8
BLOCK_CHANNELS = 64
HIDDEN = 64


class Head(nn.Module):
    """One residual head: convolution, norm, activation, dropout, plus a shortcut, then the activation again."""

    def __init__(self, channels_in: int, channels: int, kernel: int, activation: type[nn.Module], dropout: float):
        super().__init__()
        self.convolution = nn.Conv1d(channels_in, channels, kernel, padding="same")
        self.norm = nn.BatchNorm1d(channels)
        self.activation = activation()
        self.dropout = nn.Dropout(dropout)
        self.shortcut = nn.Identity() if channels == channels_in else pointwise(channels_in, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (samples, channels_in, genes) to (samples, channels, genes)."""
        branch = self.dropout(self.activation(self.norm(self.convolution(x))))
        return self.activation(branch + self.shortcut(x))


def pointwise(channels_in: int, channels: int) -> nn.Sequential:
    """Return a 1x1 convolution with normalisation, for shortcuts that change the channel count."""
    return nn.Sequential(nn.Conv1d(channels_in, channels, 1), nn.BatchNorm1d(channels))


class MultiHeadBlock(nn.Module):
    """Heads of different widths on the same input, summed with learned softmax weights, plus a shortcut.

    A head with fewer channels than the block counts as zero in the channels that it lacks (the published code pads it).
    """

    def __init__(self, channels_in: int, channels: int, heads: int, dropout: float):
        super().__init__()
        self.heads = nn.ModuleList(
            Head(channels_in, head_channels, kernel, activation, dropout)
            for kernel, head_channels, activation in HEADS[:heads]
        )
        self.weights = nn.Parameter(torch.ones(heads))
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
    heads : int
        1 to 4 heads, three as published.
    stem_dropout, head_dropout, hidden_dropout : float
        Dropout after the stem (0.1), in the heads (0.5) and before the last layer (0.2).

    Notes
    -----
    With 486 genes and 5 classes 1,995,392 parameters take part. The published code carries second convolutions in its
    heads that never run; they are left out.
    """

    def __init__(
        self,
        n_genes: int,
        n_classes: int,
        heads: int = 3,
        stem_dropout: float = 0.1,
        head_dropout: float = 0.5,
        hidden_dropout: float = 0.2,
    ):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv1d(1, STEM_CHANNELS, 5, padding="same"),
            nn.BatchNorm1d(STEM_CHANNELS),
            nn.ReLU(),
            nn.Dropout(stem_dropout),
        )
        self.block = MultiHeadBlock(STEM_CHANNELS, BLOCK_CHANNELS, heads, head_dropout)
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(BLOCK_CHANNELS * n_genes, HIDDEN),
            nn.LayerNorm(HIDDEN),
            nn.GELU(),
            nn.Dropout(hidden_dropout),
        )
        self.classifier = nn.Linear(HIDDEN, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        return self.classifier(self.hidden(self.block(self.stem(x.unsqueeze(1)))))

    def parameter_groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return [{"params": list(self.parameters())}]
