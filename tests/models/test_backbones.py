"""Image networks are the published ones, cut where they learn, and fed exactly."""

import numpy as np
import pandas as pd
import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

from gexflow.errors import InputError
from gexflow.files import sha256
from gexflow.models.backbones import BACKBONES, HALF, IMAGENET, cut
from gexflow.models.gene_image import GeneImage
from gexflow.models.gexpnet import GexpNet
from gexflow.models.image_network import ImageNetwork, build_image_network
from gexflow.models.weights import load_imagenet, load_network, save_network

LEARNING = {"xception": 4_748_800, "densenet169": 252_608, "resnet50": 4_462_592, "vgg19": 2_359_808}


def image(side: int, genes: int, resize: int | None = None, normalisation=IMAGENET) -> GeneImage:
    pixels = np.arange(genes)
    return GeneImage(pixels // side, pixels % side, (side, side), resize, *normalisation)


def test_gene_image_puts_each_gene_on_its_pixel_in_all_channels():
    layer = GeneImage([0, 1, 1], [1, 0, 1], (2, 2), None, *HALF)
    x = torch.tensor([[0.25, 0.5, 1.0]])
    expected = (torch.tensor([[0.0, 0.25], [0.5, 1.0]]) - 0.5) / 0.5
    torch.testing.assert_close(layer(x), expected.expand(1, 3, 2, 2))


def test_gene_image_resizes_by_nearest_neighbour():
    layer = GeneImage([0, 0, 1, 1], [0, 1, 0, 1], (2, 2), 4, (0, 0, 0), (1, 1, 1))
    seen = layer(torch.tensor([[1.0, 2.0, 3.0, 4.0]]))[0, 0]
    expected = torch.tensor([[1.0, 2.0], [3.0, 4.0]]).repeat_interleave(2, 0).repeat_interleave(2, 1)
    torch.testing.assert_close(seen, expected)


def test_gradients_of_an_image_land_on_the_genes():
    layer = image(3, 7)
    x = torch.rand(2, 7, requires_grad=True)
    layer(x)[:, 0].sum().backward()
    torch.testing.assert_close(x.grad, torch.full((2, 7), 1 / 0.229))


@pytest.mark.parametrize("name", BACKBONES)
def test_layers_that_learn_have_the_published_number_of_parameters(name):
    with torch.device("meta"):  # shapes without values
        network = ImageNetwork(name, image(72, 100), 33)
    head = {id(p) for p in network.head.parameters()}
    learning = [p for p in network.parameters() if p.requires_grad and id(p) not in head]
    assert sum(p.numel() for p in learning) == LEARNING[name]
    grouped = {id(p) for group in network.parameter_groups() for p in group["params"]}
    assert grouped == {id(p) for p in network.parameters() if p.requires_grad}


@pytest.mark.parametrize("name", BACKBONES)
def test_trunk_and_learning_layers_make_up_the_whole_backbone(name):
    torch.manual_seed(1)
    whole = BACKBONES[name].build().eval()
    trunk, learning = cut(name, whole, "last-block")
    x = torch.randn(2, 3, 80, 80)
    with torch.no_grad():
        ours = learning(trunk(x))
        if name == "xception":
            theirs = torch.relu(whole.forward_features(x))
        elif name == "resnet50":
            modules = [m for key, m in whole.named_children() if key not in ("avgpool", "fc")]
            theirs = torch.nn.Sequential(*modules)(x)
        else:
            theirs = whole.features(x)
            theirs = torch.relu(theirs) if name == "densenet169" else theirs
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_frozen_batchnorm_keeps_its_statistics_in_training():
    torch.manual_seed(0)
    network = ImageNetwork("resnet50", image(32, 500), 3).train()
    before = {name: values.clone() for name, values in network.trunk.state_dict().items()}
    learning = network.learning.state_dict()["0.bn1.running_mean"].clone()
    optimiser = torch.optim.Adam(network.parameter_groups(), lr=1e-3)
    for _ in range(2):
        torch.nn.functional.cross_entropy(network(torch.rand(8, 500)), torch.arange(8) % 3).backward()
        optimiser.step()
    for name, values in network.trunk.state_dict().items():
        assert torch.equal(values, before[name]), name
    assert not torch.equal(network.learning.state_dict()["0.bn1.running_mean"], learning)
    assert not any(module.training for module in network.trunk.modules())


def test_only_the_first_hidden_kernel_carries_the_published_penalty():
    groups = ImageNetwork("densenet169", image(32, 500), 3).parameter_groups()
    assert [group.get("weight_decay", 0) for group in groups] == [0, 0.02]
    assert groups[1]["params"][0].shape == (2048, 1664)
    assert len(ImageNetwork("xception", image(72, 500), 3).parameter_groups()) == 1


def test_an_image_too_small_for_the_network_is_refused():
    with pytest.raises(InputError, match="at least 71 pixels"):
        ImageNetwork("xception", image(32, 500), 3)


@pytest.mark.parametrize("name", BACKBONES)
@pytest.mark.parametrize("learn", ["head", "all"])
def test_only_the_head_or_all_layers_learn(name, learn):
    with torch.device("meta"):
        network = ImageNetwork(name, image(72, 100), 33, learn=learn, head="light")
        whole = sum(p.numel() for p in BACKBONES[name].build().parameters())
    head = sum(p.numel() for p in network.head.parameters())
    learning = sum(p.numel() for p in network.parameters() if p.requires_grad) - head
    classifier = {"xception": 2_049_000, "densenet169": 1_665_000, "resnet50": 2_049_000, "vgg19": 123_642_856}[name]
    assert learning == {"head": 0, "all": whole - classifier}[learn]


def test_any_network_of_timm_takes_a_name_alone():
    settings = {**SETTINGS, "network": "timm/resnet10t", "learn": "head"}
    network = build_image_network(settings, LAYOUT, 4, None)
    theirs = timm.create_model("resnet10t", pretrained=False, num_classes=0).eval()
    theirs.load_state_dict(network.trunk[0].network.state_dict())
    x = torch.rand(2, 3)
    with torch.no_grad():
        ours = network.eval().trunk(network.image(x))
        torch.testing.assert_close(ours[:, :, 0, 0], theirs(network.image(x)), rtol=1e-5, atol=1e-5)
    assert [layer.__class__.__name__ for layer in network.head][-2:] == ["Dropout", "Linear"]


def test_networks_that_timm_does_not_know_or_cannot_cut_are_refused():
    with pytest.raises(InputError, match='no network "resnet10x"'):
        build_image_network({**SETTINGS, "network": "timm/resnet10x"}, LAYOUT, 4, None)
    with pytest.raises(InputError, match="`learn` to head or all"):
        build_image_network({**SETTINGS, "network": "timm/resnet10t"}, LAYOUT, 4, None)
    settings = {**SETTINGS, "network": "timm/vit_tiny_patch16_224", "learn": "head"}
    with pytest.raises(InputError, match="cannot take images of 32x32 pixels"):
        build_image_network(settings, LAYOUT, 4, None)


def test_an_image_too_small_for_its_layout_is_refused_since_it_would_lose_genes():
    with pytest.raises(InputError, match=r"lose genes of a layout of 60 x 60: .* at least 60"):
        ImageNetwork("resnet50", image(60, 3600, resize=48), 3)
    ImageNetwork("resnet50", image(60, 3600, resize=60), 3)


@pytest.fixture(scope="module")
def weights_file(tmp_path_factory):
    torch.manual_seed(5)
    path = tmp_path_factory.mktemp("weights") / "resnet50.pth"
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), path)
    return path


SETTINGS = {
    "network": "resnet50",
    "layout": {"order": "alphabetical", "size": 32},
    "image_size": "native",
    "learn": "last-block",
    "head": "published",
    "seed": 32,
}
LAYOUT = pd.DataFrame({"gene": list("abc"), "row": [0, 0, 1], "column": [0, 1, 0]})


def test_imagenet_weights_come_from_a_checked_file(weights_file):
    network = build_image_network({**SETTINGS, "sha256": sha256(weights_file)[:8]}, LAYOUT, 4, weights_file)
    state = torch.load(weights_file, weights_only=True)
    assert torch.equal(network.trunk[0].weight, state["conv1.weight"])
    assert torch.equal(network.learning[0].conv1.weight, state["layer4.2.conv1.weight"])


def test_a_damaged_or_missing_weights_file_is_refused(weights_file, tmp_path):
    with pytest.raises(InputError, match="sha256"):
        build_image_network({**SETTINGS, "sha256": "0123abcd"}, LAYOUT, 4, weights_file)
    with pytest.raises(InputError, match="missing"):
        build_image_network({**SETTINGS, "sha256": "0"}, LAYOUT, 4, tmp_path / "none.pth")


def test_weights_of_another_network_are_refused(weights_file):
    network = torchvision.models.squeezenet1_0(weights=None)
    with pytest.raises(InputError, match="does not fit this network"):
        load_imagenet(network, weights_file, sha256(weights_file))


def test_old_densenet_names_are_understood(tmp_path):
    torch.manual_seed(2)
    network = torchvision.models.densenet169(weights=None)
    old = {
        name.replace("norm1.", "norm.1.").replace("conv2.", "conv.2.") if "denselayer" in name else name: values
        for name, values in network.state_dict().items()
    }
    path = tmp_path / "densenet.pth"
    torch.save(old, path)
    other = torchvision.models.densenet169(weights=None)
    load_imagenet(other, path, sha256(path))
    assert torch.equal(
        other.state_dict()["features.denseblock2.denselayer3.conv2.weight"],
        network.state_dict()["features.denseblock2.denselayer3.conv2.weight"],
    )


def test_random_trunks_are_drawn_again_and_checked(tmp_path):
    path = tmp_path / "model.safetensors"
    network = build_image_network(SETTINGS, LAYOUT, 4, None)
    save_network(network, path, {})
    assert not any(name.startswith("trunk.") for name in load_file(path))
    torch.manual_seed(99)
    again = build_image_network(SETTINGS, LAYOUT, 4, None)
    load_network(again, path)
    x = torch.rand(3, 3)
    assert torch.equal(again.eval()(x), network.eval()(x))
    with pytest.raises(InputError, match="layer trunk"):
        load_network(build_image_network({**SETTINGS, "seed": 1}, LAYOUT, 4, None), path)


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    for name in ("w.pth", "w.safetensors"):
        path = tmp_path / name
        path.write_bytes(b"<html>not found</html>" * 20)
        with pytest.raises(InputError, match=f"{name} is no file of network weights"):
            build_image_network({**SETTINGS, "sha256": sha256(path)}, LAYOUT, 4, path)


def test_weights_of_safetensors_are_read(tmp_path):
    path = tmp_path / "resnet50.safetensors"
    state = torchvision.models.resnet50(weights=None).state_dict()
    save_file(state, path)
    network = build_image_network({**SETTINGS, "sha256": sha256(path)}, LAYOUT, 4, path)
    assert torch.equal(network.trunk[0].weight, state["conv1.weight"])


def test_saved_networks_leave_out_what_a_checked_file_holds(weights_file, tmp_path):
    network = build_image_network({**SETTINGS, "sha256": sha256(weights_file)}, LAYOUT, 4, weights_file)
    path = tmp_path / "model.safetensors"
    save_network(network, path, {"a": 1})
    assert not any(name.startswith("trunk.") for name in load_file(path))
    torch.manual_seed(99)
    again = build_image_network({**SETTINGS, "sha256": sha256(weights_file)}, LAYOUT, 4, weights_file)
    load_network(again, path)
    with pytest.raises(InputError, match="does not fit this network"):
        load_network(GexpNet(20, 4), path)
    x = torch.rand(3, 3)
    assert torch.equal(again.eval()(x), network.eval()(x))
