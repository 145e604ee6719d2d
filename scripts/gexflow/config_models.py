"""What the schema cannot say of a model's settings."""

from gexflow.candidates import candidates
from gexflow.errors import InputError
from gexflow.models.heads import HEADS
from gexflow.network_names import IMAGE_NETWORKS, SMALLEST_SIDES, TIMM, is_image_network


def check_model(name: str, model: dict, run: dict) -> None:
    """Refuse settings of a model, or of a candidate, that contradict each other or the part `run` of the config."""
    for candidate in candidates(model):
        _check_candidate(name, candidate, run)
    shares = {candidate.get("max_features") for candidate in candidates(model)}
    if model["network"] == "boosting" and model["seeds"] > 1 and shares == {1}:
        raise InputError(
            f"config: models.{name}.seeds is {model['seeds']}, but with max_features 1 nothing is drawn at random\n"
            "set seeds to 1, or max_features below 1"
        )
    if "keep" in model.get("tune", {}) and not run["validation"] and name in run["models"]:
        raise InputError(
            f"config: models.{name}.tune.keep needs validation samples, but run.validation is 0\n"
            "set run.validation to a share such as 0.1, or remove keep from tune"
        )


def _check_candidate(name: str, model: dict, run: dict) -> None:
    if is_image_network(model["network"]):
        _check_image_network(name, model)
    if model.get("early_stopping") is not None and not run["validation"] and name in run["models"]:
        raise InputError(
            f"config: models.{name}.early_stopping needs validation samples, but run.validation is 0\n"
            "set run.validation to a share such as 0.1, or early_stopping to null"
        )
    if "layout" in model:
        _check_layout(name, model["layout"])
    if model["network"] != "gexpnet":
        return
    widest, channels = widest_head(model["heads"]), model["block_channels"]
    if widest > channels:
        raise InputError(
            f"config: models.{name}.block_channels is {channels}, but a head has {widest} channels\n"
            f"set block_channels to {widest} or more, or make the head narrower"
        )


def _check_image_network(name: str, model: dict) -> None:
    _check_image_size(name, model)
    if not model["network"].startswith(TIMM):
        return
    if model["weights"] == "imagenet":
        raise InputError(
            f"config: models.{name}.weights is imagenet, but no file of weights is known for {model['network']}\n"
            "set weights to random, or to {address: <path or http(s) address>, sha256: <its first 8 hex digits or all>}"
        )
    if model["learn"] == "last-block":
        raise InputError(
            f"config: models.{name}.learn is last-block, which is known for {', '.join(IMAGE_NETWORKS)} only\n"
            "set learn to head or all"
        )


def _check_image_size(name: str, model: dict) -> None:
    """Refuse images that are too small for their network; the size of a layout that fits its genes is not known yet."""
    least, size, pixels = SMALLEST_SIDES.get(model["network"], 1), model["layout"]["size"], model["image_size"]
    key, side = ("layout.size", size) if pixels == "native" else ("image_size", pixels)
    sides = side if isinstance(side, list) else [side]
    if any(isinstance(side, int) and side < least for side in sides):
        raise InputError(
            f"config: models.{name}.{key} is {side}, but {model['network']} needs at least {least} pixels per side\n"
            f"raise it to {least} or more, or set models.{name}.image_size to published"
        )


def _check_layout(name: str, layout: dict) -> None:
    if "method" in layout and layout["order"] != "correlation":
        raise InputError(
            f"config: models.{name}.layout.method is set, but the order {layout['order']} has none\n"
            "set layout.order to correlation, or remove the method"
        )


def widest_head(heads: int | list[dict]) -> int:
    """Return the channels of the widest head, of the first published ones or of a list."""
    return max(
        [channels for _, channels, _ in HEADS[:heads]] if isinstance(heads, int) else [h["channels"] for h in heads]
    )


def check_audit(audit: dict, models: dict[str, dict], references: tuple[str, ...]) -> None:
    """Refuse models that the audit cannot refit; `references` are those that no network is in."""
    if audit["planted_leaks"] and not audit["permutations"]:
        raise InputError(
            "config: evaluation.audit.planted_leaks needs permutations, but evaluation.audit.permutations is 0\n"
            "set it to 20, or planted_leaks to false"
        )
    kinds = [models.get(name, {}).get("network", "") for name in audit["models"]]
    if audit["planted_leaks"] and not set(kinds) & set(references):
        raise InputError(
            "config: evaluation.audit.planted_leaks needs a reference model, but evaluation.audit.models names none\n"
            "name logistic there, or set planted_leaks to false"
        )
    for name in audit["models"]:
        network = models.get(name, {}).get("network", "")
        if not network or network in references:
            continue
        if network != "gexpnet":
            raise InputError(
                f"config: evaluation.audit.models names {name}, a network of a kind that the audit does not refit\n"
                "name reference models other than mlp, or a GexpNet with evaluation.audit.networks: true"
            )
        if not audit["networks"]:
            raise InputError(
                f"config: evaluation.audit.models names {name}, a network, which takes its training's time once for "
                "each permutation and draw\nset evaluation.audit.networks to true, or name reference models"
            )
