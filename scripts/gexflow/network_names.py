"""Names of networks in the config and what they need, for whoever must not import the networks themselves."""

IMAGE_NETWORKS = ("xception", "densenet169", "resnet50", "vgg19")
TIMM = "timm/"
SMALLEST_SIDES = {"xception": 71, "densenet169": 32, "resnet50": 32, "vgg19": 32}  # of an image, in pixels
FITTED = ("majority", "centroid", "logistic", "svm", "forest", "boosting")  # by scikit-learn's means, without PyTorch
REFERENCES = (*FITTED, "mlp")  # reference models; the last is a network of the one trainer


def is_image_network(network: str) -> bool:
    """Tell the networks on images: the study's four, and those of timm."""
    return network in IMAGE_NETWORKS or network.startswith(TIMM)
