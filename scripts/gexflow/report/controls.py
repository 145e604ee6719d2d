"""Controls in the report: how each is called, what it asks, and what came of it.

A control stands right below its model and is never ranked or counted as a model of its own.
"""

from collections.abc import Iterable
from typing import Any

from gexflow.report.words import listed
from gexflow.variants import base_of, control_of

# how a control is called, what is changed, what that asks
WORDS = {
    "shuffled": (
        "shuffled genes",
        "the genes stand in random order (in an image: on random pixels)",
        "does their order give anything?",
    ),
    "dense": (
        "dense layers",
        "dense layers of equal width stand in place of the convolutions",
        "do the convolutions give anything?",
    ),
    "random": (
        "random weights",
        "random weights stand in place of pretrained ones, also in layers that do not learn",
        "do the pretrained weights give anything: is it transfer learning?",
    ),
}
MOST_NAMED = 20


def naming(model: dict[str, Any]) -> dict[str, Any]:
    """Return how rows name a model: `name`, `of` (a control's model, or ""), `called` (away from its row)."""
    base, control = base_of(model["name"]), control_of(model["name"])
    if not control:
        return {"name": base, "of": "", "called": base, "reference": model["reference"]}
    words = _words(control)
    return {"name": words, "of": base, "called": f"{base} with {words}", "reference": model["reference"]}


def _words(control: str) -> str:
    return WORDS.get(control, (control,))[0]


def is_control(model: dict[str, Any]) -> bool:
    """Tell a control from a model of its own."""
    return bool(control_of(model["name"]))


def without_controls(models: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the models that count as such."""
    return [model for model in models if not is_control(model)]


def beside_their_models(names: Iterable[str]) -> list[str]:
    """Return names in their order, but each control right behind its model."""
    names = list(names)
    places = {base: place for place, base in enumerate(dict.fromkeys(map(base_of, names)))}
    return sorted(names, key=lambda name: (places[base_of(name)], bool(control_of(name))))


def explained(datasets: Iterable[dict[str, Any]]) -> list[dict[str, str]]:
    """Say once what every kind of control changes and asks: dicts of `name`, `change`, `question`, `models`."""
    kinds: dict[str, dict[str, None]] = {}
    for dataset in datasets:
        for model in filter(is_control, dataset["models"]):
            kinds.setdefault(control_of(model["name"]), {})[model["name"]] = None
    return [
        dict(zip(("name", "change", "question"), WORDS[kind], strict=True)) | {"models": listed(names, MOST_NAMED)}
        for kind, names in kinds.items()
        if kind in WORDS
    ]
