"""A dense network as wide as GexpNet, without its convolutions: the control that asks what they give."""

from torch import Tensor, nn


class DenseNetwork(nn.Module):
    """From gene values to class logits through two dense layers, which know no neighbours.

    GexpNet's stem and block become one dense layer as wide as the block; what stands behind them is GexpNet's.

    Parameters
    ----------
    n_genes, n_classes : int
    hidden_dropout, head_dropout : float
        Dropout before the last layer (0.2), and where GexpNet has that of its heads (0.5).
    block_channels, hidden : int
        Widths of the two dense layers.
    """

    def __init__(
        self,
        n_genes: int,
        n_classes: int,
        hidden_dropout: float = 0.2,
        head_dropout: float = 0.5,
        block_channels: int = 64,
        hidden: int = 64,
    ):
        super().__init__()
        self.dense = nn.Sequential(
            nn.Linear(n_genes, block_channels),
            nn.BatchNorm1d(block_channels),
            nn.ReLU(),
            nn.Dropout(head_dropout),
        )
        self.hidden = nn.Sequential(
            nn.Linear(block_channels, hidden),
            nn.LayerNorm(hidden),
            nn.GELU(),
            nn.Dropout(hidden_dropout),
        )
        self.classifier = nn.Linear(hidden, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        return self.classifier(self.hidden(self.dense(x)))

    def parameter_groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return [{"params": list(self.parameters())}]
