"""Variants: what runs the ordinary way with one thing changed, named `{model}~{control}` or `{dataset}~{variant}`.

A model's are its controls, and `~seed2` and so on: the same model begun from other seeds, which tells luck from merit.
Datasets have three kinds: `~published`, the leaking protocol of a study; `~permuted` and `~random`, which the audit
refits; and `~leak-...`, leaks planted to test the audit.

Light: Snakemake reads it at every start and in every job.
"""

from copy import deepcopy

from gexflow.audit_names import LEAKS
from gexflow.network_names import is_image_network

_MARK = "~"
# controls in the order of the report, each with the settings that it changes
_GEXPNET = {"shuffled": {"control": "shuffled"}, "dense": {"control": "dense"}}
_IMAGE = {"random": {"weights": "random"}, "shuffled": {"layout": {"order": "random"}}}
_SEED = "seed"
# The protocol of the published transfer-learning study, which leaks: `{dataset}~published`.
PUBLISHED = "published"
# What that protocol knows nothing of, and what the config says of the clean dataset alone.
_NOT_PUBLISHED = ("group", "adjacent_label", "expected", "tried_on", "variants")


def with_controls(models: dict[str, dict]) -> dict[str, dict]:
    """Return models and, right behind each, its controls and its other seeds, without the keys that ask for them.

    Parameters
    ----------
    models : {name: settings}
        As in the config; `controls` lists those wanted, `seeds` counts the seeds. A control that would change nothing
        is left out: a network that starts from random weights has no control `random`. `reseed` is what another seed
        has more than `run.seed`.
    """
    found = {}
    for name, settings in models.items():
        plain = {key: deepcopy(value) for key, value in settings.items() if key not in ("controls", "seeds")}
        found[name] = plain
        for control, change in controls_of(settings["network"]).items():
            changed = _changed(plain, change)
            if changed.get("layout", {}).get("order") == "random":
                changed["layout"].pop("method", None)  # it is the layout of all controls, whatever their models have
            if control in settings.get("controls", []) and changed != plain:
                found[f"{name}{_MARK}{control}"] = changed
        for seed in range(2, settings.get("seeds", 1) + 1):
            found[f"{name}{_MARK}{_SEED}{seed}"] = {**deepcopy(plain), "reseed": seed - 1}
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


def with_published(datasets: dict[str, dict], image_models: list[str]) -> dict[str, dict]:
    """Return datasets and, right behind each that asks for it, its copy under the published protocol.

    The copy keeps all sample types, so that adjacent normals carry the tumour's label, knows no patients, has one
    split, and runs the image networks alone. Without such a model a dataset gets none.

    Parameters
    ----------
    datasets : {name: settings}
        As in the config; `variants` lists those wanted.
    image_models : list of str
        The image networks that are run.

    Returns
    -------
    {name: settings}
        The copy's `protocol` is "published". The config's schema has no such key: nothing else can carry it.
    """
    found = {}
    for name, settings in datasets.items():
        found[name] = settings
        models = [model for model in image_models if model in settings.get("models", image_models)]
        if PUBLISHED in settings.get("variants", []) and models:
            kept = {key: deepcopy(value) for key, value in settings.items() if key not in _NOT_PUBLISHED}
            if settings["source"] == "table" and "field" in settings.get("group", {}):  # a column that is no gene
                kept["ignore"] = [*settings.get("ignore", []), settings["group"]["field"]]
            protocol = {"protocol": PUBLISHED, "sample_types": {"all": []}, "near_duplicates": "off"}
            found[f"{name}{_MARK}{PUBLISHED}"] = {**kept, **protocol, "folds": 1, "repeats": 1, "models": models}
    return found


def base_of(name: str) -> str:
    """Return the model that a control, or the dataset that a variant belongs to; others are their own."""
    return name.split(_MARK)[0]


def control_of(name: str) -> str:
    """Return the name of the control alone; "" for a model."""
    return name.partition(_MARK)[2]


def is_reseeded(model: str) -> bool:
    """Tell a model that was begun from another seed."""
    return control_of(model).startswith(_SEED)


def is_leaky(dataset: str) -> bool:
    """Tell the variants that leak by intention, whose scores rank nowhere: the published protocol and planted leaks."""
    return control_of(dataset) in (PUBLISHED, *LEAKS)
