"""BatchNorm statistics of image networks belong to the weights that are kept, and to training samples alone."""

import numpy as np
import pytest
import torch
from torch import nn

from gexflow.models.batch_statistics import renew_statistics
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.trainer import Training

CPU = torch.device("cpu")


class Small(nn.Module):
    """A frozen layer with statistics of its own, one that learns, and a head."""

    images = True

    def __init__(self, genes: int, classes: int):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(genes, 16), nn.BatchNorm1d(16)).requires_grad_(False)
        self.head = nn.Sequential(nn.BatchNorm1d(16), nn.Dropout(0.5), nn.Linear(16, classes))

    def train(self, mode: bool = True) -> "Small":
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, x):
        return self.head(self.trunk(x))

    def parameter_groups(self) -> list[dict]:
        return [{"params": [p for p in self.parameters() if p.requires_grad]}]


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(1).normal(3, 1, (64, 10)).astype(np.float32)


def test_statistics_are_those_of_the_batches(values):
    torch.manual_seed(0)
    network = Small(10, 2)
    before = [one.clone() for one in network.trunk.state_dict().values()]
    momentum = network.head[0].momentum
    renew_statistics(network, values, 20, CPU)
    with torch.no_grad():
        batches = [network.trunk(batch) for batch in torch.as_tensor(values).tensor_split(3)]
    torch.testing.assert_close(network.head[0].running_mean, torch.stack([b.mean(dim=0) for b in batches]).mean(dim=0))
    torch.testing.assert_close(network.head[0].running_var, torch.stack([b.var(dim=0) for b in batches]).mean(dim=0))
    for one, other in zip(before, network.trunk.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    assert network.head[0].momentum == momentum
    assert not any(module.training for module in network.modules())


def test_a_network_without_such_layers_stays_as_it_is(values):
    network = nn.Sequential(nn.Linear(10, 4), nn.Dropout(0.5))
    renew_statistics(network, values, 8, CPU)
    assert not network.training


@pytest.mark.parametrize("keep", ["last", "best"])
def test_a_trained_network_has_the_statistics_of_its_training_samples_alone(values, keep):
    parts = np.array(["train", "train", "train", "validation"] * 12 + ["test"] * 16)
    labels = np.where(np.arange(64) % 2, "a", "b")
    names = np.array([f"s{n}" for n in range(64)])
    kept = []
    for noise in (0.0, 50.0):
        changed = values.copy()
        changed[parts == "test"] += noise
        fold = Fold(changed, names, labels, parts, ["a", "b"], 1)
        (trained,) = train_folds([fold], Small, Training("adam", 1e-2, 3, 12, keep=keep), 1, CPU)
        kept.append(trained.network)
        expected = Small(10, 2)
        expected.load_state_dict(trained.network.state_dict())
        renew_statistics(expected, changed[parts == "train"], 12, CPU)
        torch.testing.assert_close(trained.network.head[0].running_mean, expected.head[0].running_mean, rtol=0, atol=0)
    for one, other in zip(kept[0].state_dict().values(), kept[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)
