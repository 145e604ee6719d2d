"""What the schema cannot say of a model's settings."""

from gexflow.errors import InputError
from gexflow.models.heads import HEADS


def check_model(name: str, model: dict, run: dict) -> None:
    """Refuse settings of a model that contradict each other or the part `run` of the config."""
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
    if model["early_stopping"] is not None and not run["validation"] and name in run["models"]:
        raise InputError(
            f"config: models.{name}.early_stopping needs validation samples, but run.validation is 0\n"
            "set run.validation to a share such as 0.1, or early_stopping to null"
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
