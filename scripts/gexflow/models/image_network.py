"""An image network on gene vectors: GeneImage, frozen trunk, layers that learn, head."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor, nn

from gexflow.errors import InputError
from gexflow.models.backbones import cut, find_backbone
from gexflow.models.gene_image import GeneImage
from gexflow.models.image_heads import build_head
from gexflow.models.weights import load_imagenet
from gexflow.network_names import SMALLEST_SIDES
from gexflow.recipes.layout_shape import layout_shape

# The published L2(.01) adds .01 x the sum of squares of one kernel to the loss: weight decay .02 on it alone.
KERNEL_DECAY = 0.02


class ImageNetwork(nn.Module):
    """A fine-tuned backbone on gene vectors.

    Parameters
    ----------
    name : str
        xception, densenet169, resnet50, vgg19, or `timm/` and a name.
    image : GeneImage
    n_classes : int
    fill : function or None
        Called with the whole backbone before it is cut, to load pretrained weights; None leaves them random.
    learn : last-block, head or all
        What learns beside the head: the last block as published, nothing, or all layers.
    head : published, light, wide or flat
    seed : int
        Of random weights of the backbone, which are the same in every fold, as pretrained ones are.

    Notes
    -----
    The frozen trunk stays in inference mode in training, so its BatchNorm keeps its statistics. Deviations from the
    Keras original: torchvision's ResNet50 is v1.5; BatchNorm of the head has torch's momentum and eps (Keras' momentum
    of .99 is slow for so few steps), and after training the BatchNorm layers that learn get the statistics of the
    training samples under the final weights (`batch_statistics`).
    """

    images = True

    def __init__(
        self,
        name: str,
        image: GeneImage,
        n_classes: int,
        fill: Callable[[nn.Module], None] | None = None,
        learn: str = "last-block",
        head: str = "published",
        seed: int = 0,
    ):
        super().__init__()
        backbone = find_backbone(name)
        smallest = min(image.size) if image.resize is None else image.resize
        least = SMALLEST_SIDES.get(name, 1)  # unknown of timm: such a network says so itself
        if smallest < least:
            raise InputError(
                f"{name} needs images of at least {least} pixels a side, but gets {smallest}: "
                "raise the model's `image_size` or its layout's size"
            )
        if image.resize is not None and image.resize < max(image.size):
            raise InputError(
                f"an image of {image.resize} x {image.resize} pixels would lose genes of a layout of {image.size[0]} x "
                f"{image.size[1]}: set the model's `image_size` to native or to at least {max(image.size)}, or keep "
                "fewer genes"
            )
        self.name = name
        self.image = image
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = backbone.build()
        if fill is not None:
            fill(network)
        kind = backbone.head if head == "published" else head
        self.trunk, self.learning = cut(name, network, learn)
        if learn == "head" and kind != "flat":
            self.trunk.append(nn.AdaptiveAvgPool2d(1))  # the head's own first step: less to keep
        self.trunk.requires_grad_(False)
        self.head = build_head(kind, self._shape_before_head(), n_classes)

    @torch.no_grad()
    def _shape_before_head(self) -> tuple[int, int, int]:
        self.eval()
        genes = torch.zeros(1, len(self.image.pixels))
        try:
            channels, height, width = self.learning(self.trunk(self.image(genes))).shape[1:]
        except (AssertionError, RuntimeError) as error:
            side = self.image.resize or "x".join(map(str, self.image.size))
            raise InputError(
                f"{self.name} cannot take images of {side} pixels ({error}): set the model's `image_size` to published"
            ) from None
        return channels, height, width

    def train(self, mode: bool = True) -> "ImageNetwork":
        """Switch to training, except for the frozen trunk."""
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, x: Tensor) -> Tensor:
        """Map gene values (samples, genes) to logits (samples, classes)."""
        # no graph through the trunk, unless the gradient is to reach the genes (attribution)
        with torch.set_grad_enabled(torch.is_grad_enabled() and (x.requires_grad or not len(self.trunk))):
            features = self.trunk(self.image(x))
        return self.head(self.learning(features))

    def parameter_groups(self) -> list[dict]:
        """Return what learns; the first hidden kernel of the head carries the published L2 penalty."""
        linear = [module for module in self.head if isinstance(module, nn.Linear)]
        decayed = [linear[0].weight] if len(linear) > 1 else []
        others = [p for p in self.parameters() if p.requires_grad and not any(p is d for d in decayed)]
        groups = [{"params": others}]
        return groups + ([{"params": decayed, "weight_decay": KERNEL_DECAY}] if decayed else [])


class LearningPart(nn.Module):
    """What learns of an image network, on the output of its frozen trunk; weights are shared with the network."""

    images = True

    def __init__(self, network: ImageNetwork):
        super().__init__()
        self.learning, self.head = network.learning, network.head
        self.parameter_groups = network.parameter_groups

    def forward(self, features: Tensor) -> Tensor:
        """Map trunk output (samples, channels, height, width) to logits (samples, classes)."""
        if not torch.is_autocast_enabled(features.device.type):
            features = features.float()
        return self.head(self.learning(features))


def build_image_network(settings: dict, layout: pd.DataFrame, n_classes: int, weights: Path | None) -> ImageNetwork:
    """Build a backbone on gene vectors.

    Parameters
    ----------
    settings : dict
        The model's keys of the config, `seed` and, with weights, `sha256`: all of it or its first hex digits.
    layout : DataFrame of gene, row, column
    n_classes : int
    weights : Path or None
        File of pretrained weights, which is checked, or None for random ones.
    """
    name = settings["network"]
    backbone = find_backbone(name)
    shape = layout_shape(settings["layout"]["size"], len(layout))
    resize = {"native": None, "published": backbone.published_side}.get(settings["image_size"], settings["image_size"])
    image = GeneImage(layout["row"], layout["column"], shape, resize, *backbone.normalisation)
    fill = None if weights is None else lambda network: load_imagenet(network, weights, settings["sha256"])
    network = ImageNetwork(name, image, n_classes, fill, settings["learn"], settings["head"], settings["seed"])
    return network.to(memory_format=torch.channels_last)
