"""ImageNet networks without their classifier, cut into the layers that stay frozen and those that learn."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gexflow.errors import InputError, nearest
from gexflow.network_names import TIMM

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


@dataclass(frozen=True)
class Backbone:
    """How to build one network, and what the study did with it.

    Attributes
    ----------
    build : function () -> Module
        The network with random weights.
    split : function (Module) -> (list of Module, list of Module)
        Its layers before the last block, and the last block; that is empty where no block is known.
    head : light, wide or flat
        See `image_heads`.
    normalisation : (means, deviations) of the three channels
    published_side : int
        Pixels a side of the image it was made for.
    """

    build: Callable[[], nn.Module]
    split: Callable[[nn.Module], tuple[list[nn.Module], list[nn.Module]]]
    head: str
    normalisation: tuple[tuple[float, ...], tuple[float, ...]]
    published_side: int


# torchvision and timm take seconds to import: each is loaded by the network that needs it


def _timm(name: str) -> nn.Module:
    import timm

    return timm.create_model(name, pretrained=False)


def _torchvision(name: str) -> nn.Module:
    import torchvision

    return torchvision.models.get_model(name, weights=None)


def _split_xception(network: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Cut before block 14: two separable convolutions with their normalisation."""
    stem = [network.conv1, network.bn1, nn.ReLU(), network.conv2, network.bn2, nn.ReLU()]
    blocks = [getattr(network, f"block{number}") for number in range(1, 13)]
    return stem + blocks, [network.conv3, network.bn3, nn.ReLU(), network.conv4, network.bn4, nn.ReLU()]


class _DenseLayer(nn.Module):
    """A DenseNet layer that keeps its input beside its own output, as a dense block does."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layer(x)], dim=1)


def _split_densenet(network: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Cut before the last dense layer (conv5_block32), which the final normalisation follows."""
    features = network.features
    *first, last = features.denseblock4.children()
    trunk = [module for name, module in features.named_children() if name not in ("denseblock4", "norm5")]
    trunk += [_DenseLayer(layer) for layer in first]
    return trunk, [_DenseLayer(last), features.norm5, nn.ReLU()]


def _split_resnet(network: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Cut before the last bottleneck (conv5_block3)."""
    stem = [network.conv1, network.bn1, network.relu, network.maxpool]
    *first, last = network.layer4.children()
    return [*stem, network.layer1, network.layer2, network.layer3, *first], [last]


def _split_vgg(network: nn.Module) -> tuple[list[nn.Module], list[nn.Module]]:
    """Cut before the last convolution (block5_conv4); activation and pooling follow it."""
    layers = list(network.features.children())
    return layers[:34], layers[34:]


BACKBONES = {
    "xception": Backbone(partial(_timm, "legacy_xception"), _split_xception, "light", HALF, 299),
    "densenet169": Backbone(partial(_torchvision, "densenet169"), _split_densenet, "wide", IMAGENET, 224),
    "resnet50": Backbone(partial(_torchvision, "resnet50"), _split_resnet, "wide", IMAGENET, 224),
    "vgg19": Backbone(partial(_torchvision, "vgg19"), _split_vgg, "flat", IMAGENET, 224),
}


class _Pooled(nn.Module):
    """A timm network without its classifier, whatever its inside: one feature map of one pixel a channel."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network(x)[:, :, None, None]


def _any_timm(architecture: str) -> Backbone:
    """Return a backbone for a network that timm knows by name."""
    import timm

    if not timm.is_model(architecture):
        raise InputError(f'timm knows no network "{architecture}": {nearest(architecture, timm.list_models())}')
    known = timm.get_pretrained_cfg(architecture) or timm.models.PretrainedCfg()
    return Backbone(
        build=lambda: timm.create_model(architecture, pretrained=False, num_classes=0),
        split=lambda network: ([_Pooled(network)], []),
        head="light",
        normalisation=(tuple(known.mean), tuple(known.std)),
        published_side=known.input_size[-1],
    )


def find_backbone(name: str) -> Backbone:
    """Return the backbone of a config's `network`: one of `BACKBONES`, or `timm/` and a name that timm knows."""
    return _any_timm(name.removeprefix(TIMM)) if name.startswith(TIMM) else BACKBONES[name]


def cut(name: str, network: nn.Module, learn: str) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut a network into the layers that stay frozen and those that learn beside the head.

    Parameters
    ----------
    name : str
    network : Module
        From the backbone's `build`.
    learn : head, last-block or all

    Raises
    ------
    InputError
        If the last block of this network is not known.
    """
    first, last = find_backbone(name).split(network)
    if learn == "head":
        return nn.Sequential(*first, *last), nn.Sequential()
    if learn == "all":
        return nn.Sequential(), nn.Sequential(*first, *last)
    if not last:
        raise InputError(f"the last block of {name} is not known: set the model's `learn` to head or all")
    return nn.Sequential(*first), nn.Sequential(*last)
