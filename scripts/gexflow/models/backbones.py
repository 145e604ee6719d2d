"""Four ImageNet networks, split into a frozen trunk, the last layers that learn, and a published head."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from gexflow.errors import InputError
from gexflow.models.gene_image import GeneImage

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
# The published L2(.01) adds .01 x the sum of squares of one kernel to the loss: weight decay .02 on it alone.
KERNEL_DECAY = 0.02


@dataclass(frozen=True)
class Backbone:
    """How to build one network: its parts, head, published image side and smallest image."""

    build: Callable[[], nn.Module]
    split: Callable[[nn.Module], tuple[nn.Sequential, nn.Sequential]]
    head: str
    normalisation: tuple[tuple[float, ...], tuple[float, ...]]
    published_side: int
    smallest_side: int


# torchvision and timm take seconds to import: each is loaded by the network that needs it


def _timm(name: str) -> nn.Module:
    import timm

    return timm.create_model(name, pretrained=False)


def _torchvision(name: str) -> nn.Module:
    import torchvision

    return torchvision.models.get_model(name, weights=None)


def _split_xception(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut before block 14: two separable convolutions with their normalisation learn."""
    stem = [network.conv1, network.bn1, nn.ReLU(), network.conv2, network.bn2, nn.ReLU()]
    blocks = [getattr(network, f"block{number}") for number in range(1, 13)]
    learning = [network.conv3, network.bn3, nn.ReLU(), network.conv4, network.bn4, nn.ReLU()]
    return nn.Sequential(*stem, *blocks), nn.Sequential(*learning)


class _LastDenseLayer(nn.Module):
    """A DenseNet layer that keeps its input beside its own output, as a dense block does."""

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.layer(x)], dim=1)


def _split_densenet(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut before the last dense layer (conv5_block32): it and the final normalisation learn."""
    features = network.features
    *first, last = features.denseblock4.children()
    trunk = [module for name, module in features.named_children() if name not in ("denseblock4", "norm5")]
    trunk += [_LastDenseLayer(layer) for layer in first]
    return nn.Sequential(*trunk), nn.Sequential(_LastDenseLayer(last), features.norm5, nn.ReLU())


def _split_resnet(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut before the last bottleneck (conv5_block3)."""
    stem = [network.conv1, network.bn1, network.relu, network.maxpool]
    *first, last = network.layer4.children()
    return nn.Sequential(*stem, network.layer1, network.layer2, network.layer3, *first), nn.Sequential(last)


def _split_vgg(network: nn.Module) -> tuple[nn.Sequential, nn.Sequential]:
    """Cut before the last convolution (block5_conv4); activation and pooling follow it."""
    layers = list(network.features.children())
    return nn.Sequential(*layers[:34]), nn.Sequential(*layers[34:])


BACKBONES = {
    "xception": Backbone(partial(_timm, "legacy_xception"), _split_xception, "light", HALF, 299, 71),
    "densenet169": Backbone(partial(_torchvision, "densenet169"), _split_densenet, "wide", IMAGENET, 224, 32),
    "resnet50": Backbone(partial(_torchvision, "resnet50"), _split_resnet, "wide", IMAGENET, 224, 32),
    "vgg19": Backbone(partial(_torchvision, "vgg19"), _split_vgg, "flat", IMAGENET, 224, 32),
}


def _head(kind: str, shape: tuple[int, int, int], n_classes: int) -> nn.Sequential:
    """Return a published head for trunk output of `shape` (channels, height, width).

    light: global average, BN, dropout, linear. wide: the same with 2048 and 512 hidden units. flat: flattened, with
    512 and 512 hidden units.
    """
    inputs = shape[0] * shape[1] * shape[2] if kind == "flat" else shape[0]
    pooling = [nn.Flatten()] if kind == "flat" else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    hidden = {"light": [], "wide": [2048, 512], "flat": [512, 512]}[kind]
    layers: list[nn.Module] = [*pooling, nn.BatchNorm1d(inputs), nn.Dropout(0.5)]
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    layers.append(nn.Linear(inputs, n_classes))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


class ImageNetwork(nn.Module):
    """A fine-tuned backbone on gene vectors: GeneImage, frozen trunk, learning layers, head.

    Parameters
    ----------
    name : xception, densenet169, resnet50 or vgg19
    image : GeneImage
    n_classes : int
    fill : function or None
        Called with the whole backbone before it is cut, to load pretrained weights; None leaves them random.

    Notes
    -----
    The frozen trunk stays in inference mode in training, so its BatchNorm keeps its statistics. Deviations from the
    Keras original: torchvision's ResNet50 is v1.5; BatchNorm of the head has torch's momentum and eps (Keras' momentum
    of .99 is slow for so few steps).
    """

    def __init__(self, name: str, image: GeneImage, n_classes: int, fill: Callable[[nn.Module], None] | None = None):
        super().__init__()
        backbone = BACKBONES[name]
        side = min(image.size) if image.resize is None else image.resize
        if side < backbone.smallest_side:
            raise InputError(
                f"{name} needs images of at least {backbone.smallest_side} pixels a side, but gets {side}: "
                "raise the model's `image_size` or its layout's size"
            )
        self.name = name
        self.image = image
        network = backbone.build()
        if fill is not None:
            fill(network)
        self.trunk, self.learning = backbone.split(network)
        self.trunk.requires_grad_(False)
        self.head = _head(backbone.head, self._shape_before_head(), n_classes)

    @torch.no_grad()
    def _shape_before_head(self) -> tuple[int, int, int]:
        self.eval()
        genes = torch.zeros(1, len(self.image.pixels))
        channels, height, width = self.learning(self.trunk(self.image(genes))).shape[1:]
        return channels, height, width

    def train(self, mode: bool = True) -> "ImageNetwork":
        """Switch to training, except for the frozen trunk."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        # no graph through the trunk, unless the gradient is to reach the genes (attribution)
        with torch.set_grad_enabled(torch.is_grad_enabled() and x.requires_grad):
            features = self.trunk(self.image(x))
        return self.head(self.learning(features))

    def parameter_groups(self) -> list[dict]:
        """Return what learns; the first hidden kernel of the head carries the published L2 penalty."""
        linear = [module for module in self.head if isinstance(module, nn.Linear)]
        decayed = [linear[0].weight] if len(linear) > 1 else []
        others = [p for p in self.parameters() if p.requires_grad and not any(p is d for d in decayed)]
        groups = [{"params": others}]
        return groups + ([{"params": decayed, "weight_decay": KERNEL_DECAY}] if decayed else [])
