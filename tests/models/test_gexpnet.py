"""GexpNet is the published network."""

import pytest
import torch
from torch import nn

from gexflow.models.gexpnet import GexpNet


def plain_forward(network: GexpNet, x: torch.Tensor) -> torch.Tensor:
    """The published order of operations, written out: zero-padded heads stacked, then weighted and summed."""
    block = network.block
    x = network.stem(x[:, None, :])
    padded = []
    for head in block.heads:
        out = head.dropout(head.activation(head.norm(head.convolution(x))))
        if hasattr(head, "second_convolution"):
            out = head.second_norm(head.second_convolution(out))
        out = head.activation(out + head.shortcut(x))
        full = torch.zeros(len(x), block.norm.num_features, x.shape[2], dtype=x.dtype)
        full[:, : out.shape[1]] = out
        padded.append(full)
    weights = torch.exp(block.weights) / torch.exp(block.weights).sum()
    total = (torch.stack(padded, dim=-1) * weights).sum(dim=-1)
    features = block.norm(total + block.shortcut(x))
    return network.classifier(network.hidden(features))


def test_published_size_has_the_published_number_of_parameters():
    assert sum(p.numel() for p in GexpNet(486, 5).parameters()) == 1_995_392


OPTIONS = {
    "published": {},
    "second convolutions": {"second_convolution": True},
    "other sizes": {"heads": [(1, 3, "elu"), (11, 20, "silu")], "stem_channels": 3, "stem_kernel": 9, "hidden": 7},
    "a wider block": {"heads": 4, "block_channels": 80, "second_convolution": True},
}


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
def test_forward_equals_the_published_order_of_operations(options):
    torch.manual_seed(0)
    network = GexpNet(40, 3, **options).double().eval()
    with torch.no_grad():
        network.block.weights.copy_(torch.tensor([0.3, 1.0, -0.5, 0.1])[: len(network.block.heads)])
        x = torch.randn(7, 40, dtype=torch.float64)
        torch.testing.assert_close(network(x), plain_forward(network, x), rtol=1e-10, atol=1e-12)


def test_second_convolutions_are_those_that_the_published_code_carries_unused():
    assert sum(p.numel() for p in GexpNet(486, 5, second_convolution=True).parameters()) == 1_995_392 + 8_808


def test_options_reach_their_layers():
    heads = [(1, 3, "elu"), (11, 20, "silu")]
    network = GexpNet(30, 4, heads, stem_channels=3, stem_kernel=9, block_channels=24, hidden=7)
    assert tuple(network.stem[0].weight.shape) == (3, 1, 9)
    shapes = [(tuple(h.convolution.weight.shape), type(h.activation)) for h in network.block.heads]
    assert shapes == [((3, 3, 1), nn.ELU), ((20, 3, 11), nn.SiLU)]
    assert isinstance(network.block.heads[0].shortcut, nn.Identity)
    assert tuple(network.hidden[1].weight.shape) == (7, 24 * 30)
    assert tuple(network.classifier.weight.shape) == (4, 7)


def test_a_head_wider_than_the_block_is_refused():
    with pytest.raises(ValueError, match="more channels than the block's 31"):
        GexpNet(20, 2, block_channels=31)


def test_heads_have_their_published_kernels_channels_and_activations():
    heads = GexpNet(20, 2, heads=4).block.heads
    shapes = [(h.convolution.kernel_size[0], h.convolution.out_channels, type(h.activation)) for h in heads]
    assert shapes == [(3, 8, nn.ReLU), (5, 16, nn.GELU), (7, 32, nn.SiLU), (9, 64, nn.ELU)]
    assert isinstance(heads[0].shortcut, nn.Identity)


def test_dropout_rates_are_the_published_ones():
    rates = [m.p for m in GexpNet(20, 2).modules() if isinstance(m, nn.Dropout)]
    assert rates == [0.1, 0.5, 0.5, 0.5, 0.2]
