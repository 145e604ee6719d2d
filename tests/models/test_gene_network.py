"""GexpNet and its controls are built from the config's keys, and differ in one thing."""

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from gexflow.attribution.integrated_gradients import attribute
from gexflow.config import complete
from gexflow.models.dense import DenseNetwork
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.gene_network import ShuffledGenes, build_gene_network, random_order
from gexflow.models.gexpnet import GexpNet
from gexflow.models.trainer import Training
from gexflow.models.weights import load_network, save_network

SCHEMA = yaml.safe_load((Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml").read_text())
CPU = torch.device("cpu")


def settings(**given) -> dict:
    """Complete a model's settings as the workflow does."""
    model = {"network": "gexpnet", "recipe": "any", **given}
    return {**complete(model, SCHEMA["$defs"]["model"], SCHEMA), "seed": 32}


def built(n_genes: int = 24, **given) -> torch.nn.Module:
    torch.manual_seed(5)
    return build_gene_network(settings() | given, n_genes, 3)


def test_the_defaults_are_the_published_network():
    network = built(486)
    assert type(network) is GexpNet
    torch.manual_seed(5)
    published = GexpNet(486, 3)
    assert str(network) == str(published)
    for name, values in published.state_dict().items():
        assert torch.equal(values, network.state_dict()[name]), name


def test_every_option_of_the_config_reaches_the_network():
    heads = [{"kernel": 1, "channels": 3, "activation": "elu"}, {"kernel": 11, "channels": 20, "activation": "silu"}]
    widths = {"stem_channels": 3, "stem_kernel": 9, "block_channels": 24, "hidden": 7, "second_convolution": True}
    dropouts = {"stem_dropout": 0.01, "head_dropout": 0.02, "hidden_dropout": 0.03}
    network = build_gene_network(settings(heads=heads, **widths, **dropouts), 30, 4)
    plain = GexpNet(30, 4, heads=[(1, 3, "elu"), (11, 20, "silu")], **widths, **dropouts)
    assert str(network) == str(plain)


def test_shuffled_is_the_same_network_on_genes_in_random_order():
    plain, shuffled = built(control=None).eval(), built(control="shuffled").eval()
    assert isinstance(shuffled, ShuffledGenes)
    order = shuffled.order
    assert sorted(order.tolist()) == list(range(24))
    assert order.tolist() != list(range(24))
    for name, values in plain.state_dict().items():
        assert torch.equal(values, shuffled.network.state_dict()[name]), name
    x = torch.randn(6, 24)
    assert torch.equal(shuffled(x), plain(x[:, order]))
    assert not torch.allclose(shuffled(x), plain(x))


def test_the_random_order_belongs_to_the_seed_and_the_number_of_genes():
    assert torch.equal(random_order(50, 1), random_order(50, 1))
    assert not torch.equal(random_order(50, 1), random_order(50, 2))
    assert random_order(50, 1).tolist() != [place for place in random_order(51, 1).tolist() if place < 50]
    before = torch.get_rng_state()
    random_order(50, 1)
    assert torch.equal(before, torch.get_rng_state())


def test_dense_takes_the_widths_and_dropouts_that_it_shares_with_gexpnet():
    network = built(control="dense", block_channels=40, hidden=9, head_dropout=0.1, hidden_dropout=0.3)
    assert str(network) == str(DenseNetwork(24, 3, 0.3, 0.1, 40, 9))


def test_dense_gives_the_same_answer_whatever_the_order_of_the_genes():
    network, order, x = built(control="dense").eval(), random_order(24, 1), torch.randn(5, 24)
    expected = network(x)
    with torch.no_grad():
        network.dense[0].weight.copy_(network.dense[0].weight[:, order])
    torch.testing.assert_close(network(x[:, order]), expected)


@pytest.fixture
def fold() -> Fold:
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 30)
    values = rng.normal(size=(90, 24)).astype(np.float32)
    values[:, :6] += 2.0 * np.repeat(np.eye(3), 30, axis=0).repeat(2, axis=1)
    parts = np.tile(["train", "train", "train", "validation", "test"], 18)
    return Fold(values, np.array([f"s{i}" for i in range(90)]), labels, parts, ["a", "b", "c"], 1)


@pytest.mark.parametrize("control", ["shuffled", "dense"])
def test_a_control_learns_and_is_saved_and_loaded(fold, tmp_path, control):
    def build(genes, classes):
        return build_gene_network(settings() | {"control": control}, genes, classes)

    (trained,) = train_folds([fold], build, Training("adamax", 5e-3, 8, 16), 3, CPU)
    network, predictions = trained.network, trained.predictions
    test = predictions[predictions["part"] == "test"]
    assert (test["label"] == test["predicted"]).mean() > 0.8
    save_network(network, tmp_path / "model.safetensors", settings())
    again = build(24, 3)
    if control == "shuffled":
        again.order.copy_(torch.arange(24))  # the order comes from the file
    load_network(again, tmp_path / "model.safetensors")
    x = torch.from_numpy(fold.values)
    assert torch.equal(again.eval()(x), network.eval()(x))


@pytest.mark.parametrize("control", ["shuffled", "dense"])
def test_noise_in_other_parts_leaves_the_weights_of_a_control_bit_identical(fold, control):
    def fit():
        build = lambda genes, classes: build_gene_network(settings() | {"control": control}, genes, classes)  # noqa: E731
        return train_folds([fold], build, Training("adamax", 5e-3, 3, 16), 3, CPU)[0].network.state_dict()

    first = fit()
    fold.values[fold.parts != "train"] = np.random.default_rng(7).normal(5, 9, (36, 24))
    for name, values in fit().items():
        assert torch.equal(values, first[name]), name


def test_attributions_of_shuffled_land_on_the_genes_themselves():
    shuffled = built(control="shuffled").eval()
    values, baseline = torch.randn(4, 24).numpy(), np.zeros(24, dtype=np.float32)
    found, targets, deltas = attribute(shuffled, values, baseline, 16, CPU)
    order = shuffled.order.numpy()
    inner, same, _ = attribute(shuffled.network, values[:, order], baseline, 16, CPU)
    assert (targets == same).all()
    np.testing.assert_allclose(found[:, order], inner, rtol=1e-5, atol=1e-7)
    assert np.abs(deltas).max() < 0.05
