"""A control is its model with one thing changed; the published protocol is a dataset that leaks, and says so."""

import re
from copy import deepcopy

import pytest
import yaml

from gexflow.config import load_config
from gexflow.variants import (
    PUBLISHED,
    base_of,
    control_of,
    controls_of,
    is_leaky,
    is_reseeded,
    with_controls,
    with_published,
)
from tests.workflow.conftest import ROOT, Project

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
MODELS = {
    "gexpnet": {"network": "gexpnet", "epochs": 3, "controls": ["dense", "shuffled"]},
    "mine": {"network": "gexpnet", "epochs": 4, "controls": []},
    "logistic": {"network": "logistic"},
}


def test_the_column_of_patients_is_no_gene_where_patients_are_not_known():
    table = {"source": "table", "group": {"field": "patient"}, "ignore": ["age"], "variants": [PUBLISHED]}
    found = with_published({"a": table, "b": {**table, "source": "tcga"}}, ["vgg19"])
    assert [found[f"{name}~published"]["ignore"] for name in "ab"] == [["age", "patient"], ["age"]]
    assert found["a"] is table
    assert "group" not in found["a~published"]


def test_controls_follow_their_model_with_one_key_changed():
    found = with_controls(MODELS)
    assert list(found) == ["gexpnet", "gexpnet~shuffled", "gexpnet~dense", "mine", "logistic"]
    assert found["gexpnet"] == {"network": "gexpnet", "epochs": 3}
    assert found["gexpnet~dense"] == {**found["gexpnet"], "control": "dense"}
    assert found["logistic"] == {"network": "logistic"}


def test_other_seeds_follow_the_controls_of_their_model():
    found = with_controls({"gexpnet": {"network": "gexpnet", "epochs": 3, "controls": ["dense"], "seeds": 3}})
    assert list(found) == ["gexpnet", "gexpnet~dense", "gexpnet~seed2", "gexpnet~seed3"]
    assert found["gexpnet"] == {"network": "gexpnet", "epochs": 3}
    assert [found[f"gexpnet~seed{n}"] for n in (2, 3)] == [{**found["gexpnet"], "reseed": n - 1} for n in (2, 3)]
    assert [name for name in found if is_reseeded(name)] == ["gexpnet~seed2", "gexpnet~seed3"]


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


def test_all_shuffled_controls_of_one_size_share_a_layout():
    layouts = [{"order": "alphabetical", "size": 102}, {"order": "correlation", "method": "tsne", "size": 102}]
    models = {f"m{i}": {"network": "vgg19", "layout": own, "controls": ["shuffled"]} for i, own in enumerate(layouts)}
    found = with_controls(models)
    assert found["m0~shuffled"]["layout"] == found["m1~shuffled"]["layout"] == {"order": "random", "size": 102}
    assert found["m1"]["layout"]["method"] == "tsne"


def test_the_schema_knows_the_same_controls():
    schema = yaml.safe_load(SCHEMA.read_text())["$defs"]
    for network, kind in {"gexpnet": "gexpnet", "vgg19": "image", "timm/resnet18": "image"}.items():
        assert schema[kind]["properties"]["controls"]["items"]["enum"] == list(controls_of(network))


CLEAN = {
    "source": "tcga",
    "title": "T",
    "files": {"matrix": [{"address": "m.tsv"}]},
    "label": {"field": "type"},
    "group": {"field": "case"},
    "sample_types": {"all": ["01"], "SKCM": ["06"]},
    "adjacent_label": "normal",
    "near_duplicates": "auto",
    "min_class_size": 4,
    "merge": {"AB": ["A", "B"]},
    "recipes": {"resnet50": "image-top"},
    "expected": {"A": 3},
    "family": "tcga",
    "variants": ["published"],
}


def test_the_published_protocol_knows_neither_patients_nor_normals():
    before = deepcopy(CLEAN)
    found = with_published({"a": CLEAN, "b": {"variants": []}}, ["resnet50", "vgg19"])
    assert list(found) == ["a", "a~published", "b"]
    assert found["a"] == CLEAN == before
    leaky = found["a~published"]
    for key in ("group", "adjacent_label", "expected", "variants"):
        assert key not in leaky
    assert leaky["protocol"] == "published"
    assert leaky["sample_types"] == {"all": []}
    assert (leaky["near_duplicates"], leaky["folds"], leaky["repeats"]) == ("off", 1, 1)
    for key in ("source", "title", "files", "label", "min_class_size", "merge", "recipes", "family"):
        assert leaky[key] == CLEAN[key]


def test_the_published_protocol_runs_the_image_networks_of_the_dataset_alone():
    narrowed = {**CLEAN, "models": ["vgg19", "logistic"]}
    assert with_published({"a": CLEAN}, ["resnet50", "vgg19"])["a~published"]["models"] == ["resnet50", "vgg19"]
    assert with_published({"a": narrowed}, ["resnet50", "vgg19"])["a~published"]["models"] == ["vgg19"]
    assert list(with_published({"a": narrowed}, ["resnet50"])) == ["a"]
    assert list(with_published({"a": CLEAN}, [])) == ["a"]


def test_no_key_of_the_config_makes_a_dataset_leaky():
    schema = yaml.safe_load(SCHEMA.read_text())["$defs"]
    assert "protocol" not in schema["dataset"]["properties"]
    assert schema["dataset"]["additionalProperties"] is False
    for name in ("a~published", "~published", "published", "a.published"):
        leaks = re.match(schema["name"]["pattern"], name) and is_leaky(name)
        assert not leaks
    assert PUBLISHED in schema["dataset"]["properties"]["variants"]["items"]["enum"]
    assert is_leaky("a~published")


STUDY = {
    "run": {"datasets": ["one", "two"], "models": ["gexpnet", "resnet50", "logistic"], "folds": 4, "repeats": 2},
    "datasets": {
        name: {
            "source": "tcga",
            "simulate": {"samples": 60, "genes": 60, "seed": seed},
            "label": {"field": "cancer type"},
        }
        for seed, name in enumerate(("one", "two"), 1)
    },
    "models": {"resnet50": {"network": "resnet50", "recipe": "image-top", "weights": "random"}},
    "attribution": {"models": ["gexpnet", "resnet50"]},
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> list[tuple[str, str, str]]:
    """Rule, input and first folder of the output below `results` of every job of a study with one leaky variant."""
    folder = tmp_path_factory.mktemp("published")
    study = deepcopy(STUDY)
    study["datasets"]["one"]["variants"] = [PUBLISHED]
    (folder / "mine.yaml").write_text(yaml.safe_dump(study))
    text = Project(ROOT, folder / "study", str(folder / "mine.yaml")).snakemake("--dry-run").stdout
    jobs = re.findall(r"^(?:local)?rule (\w+):\n(?:    input: (.*)\n)?    output: results/([^/]+)/", text, re.MULTILINE)
    return [(rule, given, place) for rule, given, place in jobs]


@pytest.mark.workflow
def test_the_published_protocol_has_one_fold_and_the_image_networks_alone(planned):
    own = sorted(rule for rule, _, place in planned if place == "one~published")
    jobs = ["finetune_backbone", "lay_out_genes_1", "prepare_folds_1", "read_cohort", "score_cohort", "split_cohort"]
    assert own == jobs
    clean = [[rule for rule, _, place in planned if place == name] for name in ("one", "two")]
    assert clean[0].count("finetune_backbone") == 4 * 2 * 2  # and its control
    assert sorted(clean[0]) == sorted(clean[1])
    assert not any(rule.endswith("_1") for rule in clean[0])


@pytest.mark.workflow
def test_the_published_protocol_reads_the_same_files_and_is_compared_with_nothing(planned):
    inputs = {(rule, place): given for rule, given, place in planned}
    simulated = "results/one/simulated/matrix, results/one/simulated/labels"
    assert inputs["read_cohort", "one"] == inputs["read_cohort", "one~published"] == simulated
    assert inputs["prepare_folds_1", "one~published"].startswith("results/one~published/cohort.h5ad")
    for rule in ("find_shared_samples", "compare_cohorts"):
        assert "results/two/" in inputs[rule, "comparison"]
        assert "~" not in inputs[rule, "comparison"]
    assert "results/one~published/evaluation/metrics.tsv" in inputs["write_report", "report"]
