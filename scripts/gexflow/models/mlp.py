"""A small multilayer perceptron: the reference model that is a network."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class Mlp(nn.Module):
    """From gene values to class logits through dense layers with ReLU, dropout behind each.

    Parameters
    ----------
    n_genes, n_classes : int
    hidden : sequence of int
        Units of the layers between.
    dropout : float
    """

    def __init__(self, n_genes: int, n_classes: int, hidden: Sequence[int] = (128,), dropout: float = 0.3):
        super().__init__()
        widths, layers = [n_genes, *hidden], []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(widths[-1], n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        return self.layers(x)

    def parameter_groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return [{"params": list(self.parameters())}]
