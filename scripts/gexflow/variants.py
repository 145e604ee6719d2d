"""Variants: what runs the ordinary way with one thing changed, named `{model}~{control}`.

Light: Snakemake reads it at every start and in every job.
"""

from copy import deepcopy

from gexflow.config_models import is_image_network

_MARK = "~"
# controls in the order of the report, each with the settings that it changes
_GEXPNET = {"shuffled": {"control": "shuffled"}, "dense": {"control": "dense"}}
_IMAGE = {"random": {"weights": "random"}, "shuffled": {"layout": {"order": "random"}}}


def with_controls(models: dict[str, dict]) -> dict[str, dict]:
    """Return models and, right behind each, the controls that it names, all without the key `controls`.

    Parameters
    ----------
    models : {name: settings}
        As in the config; `controls` lists those wanted. One that would change nothing is left out: a network that
        starts from random weights has no control `random`.
    """
    found = {}
    for name, settings in models.items():
        plain = {key: deepcopy(value) for key, value in settings.items() if key != "controls"}
        found[name] = plain
        for control, change in controls_of(settings["network"]).items():
            changed = _changed(plain, change)
            if control in settings.get("controls", []) and changed != plain:
                found[f"{name}{_MARK}{control}"] = changed
    return found


def controls_of(network: str) -> dict[str, dict]:
    """Return the controls that a network can have."""
    if is_image_network(network):
        return _IMAGE
    return _GEXPNET if network == "gexpnet" else {}


def _changed(settings: dict, change: dict) -> dict:
    """Lay a change over settings; maps in it change only the keys that they name."""
    inner = {
        key: _changed(settings.get(key, {}), value) if isinstance(value, dict) else value
        for key, value in change.items()
    }
    return {**deepcopy(settings), **inner}


def base_of(name: str) -> str:
    """Return the model that a control belongs to; a model is its own."""
    return name.split(_MARK)[0]


def control_of(name: str) -> str:
    """Return the name of the control alone; "" for a model."""
    return name.partition(_MARK)[2]
