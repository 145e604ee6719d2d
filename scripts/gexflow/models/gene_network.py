"""A network on gene vectors as the config describes it: GexpNet, one of its controls, or a plain one."""

import torch
from torch import Tensor, nn

from gexflow.models.dense import DenseNetwork
from gexflow.models.gexpnet import GexpNet
from gexflow.models.mlp import Mlp

_WIDTHS = ("block_channels", "hidden", "hidden_dropout", "head_dropout")  # what GexpNet and the dense network share
_SHAPE = (*_WIDTHS, "stem_channels", "stem_kernel", "second_convolution", "stem_dropout")


class ShuffledGenes(nn.Module):
    """A network that sees the genes in another order: the control that asks what their order gives.

    Gene values come in, and attributions go out, in the order of the features.

    Parameters
    ----------
    network : Module with `parameter_groups()`
        From gene values to logits.
    order : int64 tensor (genes,)
        A permutation: the network's gene i is gene `order[i]` of the features.
    """

    def __init__(self, network: nn.Module, order: Tensor):
        super().__init__()
        self.network = network
        self.register_buffer("order", order)

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        return self.network(x[:, self.order])

    def parameter_groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return self.network.parameter_groups()


def build_gene_network(settings: dict, n_genes: int, n_classes: int) -> nn.Module:
    """Build GexpNet, a control of it, or a multilayer perceptron.

    Parameters
    ----------
    settings : dict
        The model's keys of the config, and `seed`. `network` mlp is the perceptron. `control` names the control: absent
        or None for GexpNet itself, `shuffled` for genes in random order, `dense` for a dense network of equal width.
    n_genes, n_classes : int

    Notes
    -----
    The random order has a generator of its own, so that `shuffled` starts from the very weights of the GexpNet it is
    compared with. It is one order of positions for one seed and number of genes; as every fold selects genes of its
    own, the neighbours still differ between folds.
    """
    if settings.get("network") == "mlp":
        return Mlp(n_genes, n_classes, settings["hidden"], settings["dropout"])
    control = settings.get("control")
    if control == "dense":
        return DenseNetwork(n_genes, n_classes, **{key: settings[key] for key in _WIDTHS})
    network = GexpNet(n_genes, n_classes, heads=_heads(settings["heads"]), **{key: settings[key] for key in _SHAPE})
    return ShuffledGenes(network, random_order(n_genes, settings["seed"])) if control == "shuffled" else network


def random_order(n_genes: int, seed: int) -> Tensor:
    """Return a random permutation of the genes' positions, int64 (genes,); no other generator is touched."""
    return torch.randperm(n_genes, generator=torch.Generator().manual_seed(seed))


def _heads(heads: int | list[dict]) -> int | list[tuple[int, int, str]]:
    if isinstance(heads, int):
        return heads
    return [(head["kernel"], head["channels"], head["activation"]) for head in heads]
