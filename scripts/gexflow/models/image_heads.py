"""Heads of image networks: from the last feature maps to logits."""

from torch import nn

HIDDEN = {"light": (), "wide": (2048, 512), "flat": (512, 512)}


def build_head(kind: str, shape: tuple[int, int, int], n_classes: int) -> nn.Sequential:
    """Return a head for feature maps of `shape` (channels, height, width).

    Parameters
    ----------
    kind : light, wide or flat
        light: global average, BN, dropout, linear (published for Xception). wide: the same with 2048 and 512 hidden
        units (DenseNet169, ResNet50). flat: flattened, with 512 and 512 hidden units (VGG19).
    shape : (int, int, int)
    n_classes : int
    """
    inputs = shape[0] * shape[1] * shape[2] if kind == "flat" else shape[0]
    pooling = [nn.Flatten()] if kind == "flat" else [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers: list[nn.Module] = [*pooling, nn.BatchNorm1d(inputs), nn.Dropout(0.5)]
    for units in HIDDEN[kind]:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    layers.append(nn.Linear(inputs, n_classes))
    for layer in layers:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)
