"""The dense network is as wide as GexpNet and knows no neighbours."""

import numpy as np
import torch
from torch import nn

from gexflow.models.dense import DenseNetwork
from gexflow.models.gexpnet import GexpNet


def test_forward_equals_the_formula():
    torch.manual_seed(0)
    network = DenseNetwork(30, 4, hidden_dropout=0.2, head_dropout=0.5)
    with torch.no_grad():
        network.dense[1].running_mean.normal_()
        network.dense[1].running_var.uniform_(0.5, 2)
    network.double().eval()
    state = {name: values.numpy() for name, values in network.state_dict().items()}
    x = np.random.default_rng(0).normal(size=(9, 30))
    first = x @ state["dense.0.weight"].T + state["dense.0.bias"]
    norm = (first - state["dense.1.running_mean"]) / np.sqrt(state["dense.1.running_var"] + 1e-5)
    second = np.maximum(norm * state["dense.1.weight"] + state["dense.1.bias"], 0)
    hidden = second @ state["hidden.0.weight"].T + state["hidden.0.bias"]
    centred = hidden - hidden.mean(axis=1, keepdims=True)
    normed = centred / np.sqrt(hidden.var(axis=1, keepdims=True) + 1e-5)
    gelu = nn.functional.gelu(torch.from_numpy(normed * state["hidden.1.weight"] + state["hidden.1.bias"])).numpy()
    logits = gelu @ state["classifier.weight"].T + state["classifier.bias"]
    np.testing.assert_allclose(network(torch.from_numpy(x)).detach().numpy(), logits, rtol=1e-9, atol=1e-11)


def test_widths_and_dropouts_are_those_of_gexpnet():
    dense, convolutional = DenseNetwork(50, 3, 0.2, 0.5), GexpNet(50, 3, hidden_dropout=0.2, head_dropout=0.5)
    assert dense.dense[0].out_features == convolutional.block.norm.num_features == 64
    assert dense.hidden[0].out_features == convolutional.hidden[1].out_features == 64
    assert [m.p for m in dense.modules() if isinstance(m, nn.Dropout)] == [0.5, 0.2]
    assert convolutional.block.heads[0].dropout.p == 0.5


def test_all_parameters_learn():
    network = DenseNetwork(12, 3)
    learning = {id(p) for group in network.parameter_groups() for p in group["params"]}
    assert learning == {id(p) for p in network.parameters()}
    nn.functional.cross_entropy(network(torch.randn(8, 12)), torch.arange(8) % 3).backward()
    assert all(p.grad is not None for p in network.parameters())
