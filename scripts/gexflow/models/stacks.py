"""What the trainer trains: several networks of one shape as one, or a single network."""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from gexflow.models.gene_network import ShuffledGenes
from gexflow.models.gexpnet import GexpNet
from gexflow.models.stacked_gexpnet import StackedGexpNet
from gexflow.models.weights import learned


class Stack(Protocol):
    """Networks of several folds, trained together.

    Attributes
    ----------
    folds : int
    images : bool
        Whether they are image networks, which train in bfloat16 on a GPU.
    """

    folds: int
    images: bool

    def groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""

    def forward(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Map values (folds, samples, genes) to logits (folds, samples, classes), in training mode."""

    def network(self, fold: int) -> nn.Module:
        """Return the network of a fold (from 0) with its present weights."""

    def settle(self, fold: int, state: dict[str, Tensor]) -> None:
        """End the training of a fold, with the weights of `state` in place of the present ones."""

    def tensors(self) -> dict[str, Tensor]:
        """Return all that a step of training changes in place, by name."""


class OneNetwork:
    """A network of any kind as a stack of one."""

    folds = 1

    def __init__(self, network: nn.Module, device: torch.device):
        self._network = network.to(device)
        self.images = getattr(network, "images", False)

    def groups(self) -> list[dict]:
        """Return what learns, as the optimiser wants it."""
        return self._network.parameter_groups()

    def forward(self, x: Tensor, present: Tensor | None) -> Tensor:
        """Map values (1, samples, genes) to logits (1, samples, classes)."""
        return self._network.train()(x[0])[None]

    def network(self, fold: int) -> nn.Module:
        """Return the network."""
        return self._network

    def settle(self, fold: int, state: dict[str, Tensor]) -> None:
        """Load the weights that `state` holds."""
        self._network.load_state_dict(state, strict=False)

    def tensors(self) -> dict[str, Tensor]:
        """Return the network's weights and statistics."""
        return learned(self._network)


class GexpNets:
    """GexpNets, or GexpNets on genes in another order, in the form that trains fast."""

    images = False

    def __init__(self, networks: Sequence[nn.Module], device: torch.device):
        self.folds = len(networks)
        self._networks = [network.to(device) for network in networks]
        shuffled = isinstance(networks[0], ShuffledGenes)
        self._inner = [network.network for network in networks] if shuffled else list(networks)
        orders = [network.order for network in networks] if shuffled else None
        self._stacked = StackedGexpNet(self._inner, device, orders)
        self.groups, self.forward = self._stacked.groups, self._stacked.forward

    def network(self, fold: int) -> nn.Module:
        """Return the network of a fold with its present weights."""
        self._inner[fold].load_state_dict(self._stacked.state(fold))
        return self._networks[fold]

    def settle(self, fold: int, state: dict[str, Tensor]) -> None:
        """Load the weights that `state` holds into the fold's network."""
        self.network(fold).load_state_dict(state, strict=False)

    def tensors(self) -> dict[str, Tensor]:
        """Return weights and statistics of all folds, in the form that trains."""
        return {**self._stacked.parameters, **self._stacked.statistics}


def can_stack(network: nn.Module) -> bool:
    """Tell whether networks of this kind can be trained several at once."""
    return isinstance(network.network if isinstance(network, ShuffledGenes) else network, GexpNet)


def stack(networks: Sequence[nn.Module], device: torch.device) -> Stack:
    """Make a stack of networks of one kind and shape; only `can_stack` ones may be several."""
    if can_stack(networks[0]):
        return GexpNets(networks, device)
    (network,) = networks
    return OneNetwork(network, device)
