"""Names of image networks in the config, for whoever must not import the networks themselves."""

IMAGE_NETWORKS = ("xception", "densenet169", "resnet50", "vgg19")
TIMM = "timm/"


def is_image_network(network: str) -> bool:
    """Tell the networks on images: the study's four, and those of timm."""
    return network in IMAGE_NETWORKS or network.startswith(TIMM)
