"""A control is its model with one thing changed."""

from pathlib import Path

import yaml

from gexflow import variants
from gexflow.variants import CONTROLS, base_of, control_of, with_controls

SCHEMA = Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml"
MODELS = {
    "gexpnet": {"network": "gexpnet", "epochs": 3, "controls": ["dense", "shuffled"]},
    "mine": {"network": "gexpnet", "epochs": 4, "controls": []},
    "logistic": {"network": "logistic"},
}


def test_controls_follow_their_model_with_one_key_changed():
    found = with_controls(MODELS)
    assert list(found) == ["gexpnet", "gexpnet~shuffled", "gexpnet~dense", "mine", "logistic"]
    assert found["gexpnet"] == {"network": "gexpnet", "epochs": 3}
    assert found["gexpnet~dense"] == {**found["gexpnet"], "control": "dense"}
    assert found["logistic"] == {"network": "logistic"}


def test_a_change_may_lie_inside_a_map(monkeypatch):
    change = {"random": {"weights": "random"}, "shuffled": {"layout": {"order": "random"}}}
    monkeypatch.setitem(variants.CONTROLS, "resnet50", change)
    model = {"network": "resnet50", "weights": "imagenet", "layout": {"order": "alphabetical", "size": 9}}
    found = with_controls({"resnet50": {**model, "controls": ["random", "shuffled"]}})
    assert found["resnet50"] == model
    assert found["resnet50~random"] == {**model, "weights": "random"}
    assert found["resnet50~shuffled"] == {**model, "layout": {"order": "random", "size": 9}}


def test_the_order_of_the_list_changes_nothing():
    turned = {"gexpnet": {**MODELS["gexpnet"], "controls": ["shuffled", "dense"]}}
    assert list(with_controls(turned)) == list(with_controls({"gexpnet": MODELS["gexpnet"]}))


def test_names_are_taken_apart():
    assert (base_of("gexpnet~dense"), control_of("gexpnet~dense")) == ("gexpnet", "dense")
    assert (base_of("gexpnet"), control_of("gexpnet")) == ("gexpnet", "")


def test_the_schema_knows_the_same_controls():
    schema = yaml.safe_load(SCHEMA.read_text())["$defs"]
    for network, controls in CONTROLS.items():
        assert schema[network]["properties"]["controls"]["items"]["enum"] == list(controls)
