"""A control is its model with one thing changed."""

from pathlib import Path

import pytest
import yaml

from gexflow.config import load_config
from gexflow.variants import base_of, control_of, controls_of, with_controls

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
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


IMAGE = {"network": "vgg19", "weights": "imagenet", "layout": {"order": "alphabetical", "size": 9}}
BOTH = ["random", "shuffled"]


def test_controls_of_an_image_network_change_weights_or_layout_alone():
    found = with_controls({"vgg19": {**IMAGE, "controls": BOTH}})
    assert list(found) == ["vgg19", "vgg19~random", "vgg19~shuffled"]
    assert found["vgg19"] == IMAGE
    assert found["vgg19~random"] == {**IMAGE, "weights": "random"}
    assert found["vgg19~shuffled"] == {**IMAGE, "layout": {"order": "random", "size": 9}}


@pytest.mark.parametrize(
    ("own", "left"),
    [
        ({"weights": "random"}, ["vgg19", "vgg19~shuffled"]),
        ({"layout": {"order": "random", "size": 9}}, ["vgg19", "vgg19~random"]),
        ({"weights": "random", "layout": {"order": "random", "size": 9}}, ["vgg19"]),
    ],
)
def test_a_control_that_changes_nothing_is_none(own, left):
    assert list(with_controls({"vgg19": {**IMAGE, **own, "controls": BOTH}})) == left


def test_the_shipped_image_networks_have_both_controls_and_the_offline_demo_s_one_alone():
    for overlay, expected in (([], BOTH), (["resources/demo/config.yaml"], ["shuffled"])):
        config = load_config([ROOT / "config.yaml", *(ROOT / path for path in overlay)], SCHEMA)
        found = with_controls({"resnet50": config["models"]["resnet50"]})
        assert [control_of(name) for name in found] == ["", *expected]


def test_the_order_of_the_list_changes_nothing():
    turned = {"gexpnet": {**MODELS["gexpnet"], "controls": ["shuffled", "dense"]}}
    assert list(with_controls(turned)) == list(with_controls({"gexpnet": MODELS["gexpnet"]}))


def test_names_are_taken_apart():
    assert (base_of("gexpnet~dense"), control_of("gexpnet~dense")) == ("gexpnet", "dense")
    assert (base_of("gexpnet"), control_of("gexpnet")) == ("gexpnet", "")


def test_the_schema_knows_the_same_controls():
    schema = yaml.safe_load(SCHEMA.read_text())["$defs"]
    for network, kind in {"gexpnet": "gexpnet", "vgg19": "image", "timm/resnet18": "image"}.items():
        assert schema[kind]["properties"]["controls"]["items"]["enum"] == list(controls_of(network))
