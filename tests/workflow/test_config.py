"""A mistake in the config is answered in two lines with the nearest valid name."""

import json
from copy import deepcopy
from pathlib import Path

import pytest
import yaml

from gexflow.candidates import INNER_FOLDS, candidates, changes, inner_folds
from gexflow.config import complete, load_config, merge
from gexflow.config_files import local_path, resolve_files
from gexflow.errors import InputError
from gexflow.network_names import REFERENCES

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
SMALL = {
    "run": {"datasets": ["own"], "models": ["gexpnet", "majority"]},
    "datasets": {"own": {"source": "table", "files": {"matrix": "own.tsv"}, "label": {"field": "type"}}},
    "recipes": {"plain": ["impute_median", {"select_variance": {"top": 5}}]},
    "models": {
        "gexpnet": {"network": "gexpnet", "recipe": "plain"},
        "resnet50": {"network": "resnet50", "recipe": "plain"},
        "majority": {"network": "majority", "recipe": "plain"},
        "logistic": {"network": "logistic", "recipe": "plain"},
        "mlp": {"network": "mlp", "recipe": "plain"},
    },
}


def load(tmp_path, config=SMALL, *overlays, arguments=None):
    paths = []
    for number, content in enumerate((config, *overlays)):
        paths.append(tmp_path / f"config{number}.yaml")
        paths[-1].write_text(yaml.safe_dump(content))
    return load_config(paths, SCHEMA, arguments)


def changed(path: str, value):
    config = deepcopy(SMALL)
    *parents, last = path.split(".")
    place = config
    for key in parents:
        place = place.setdefault(key, {})
    place[last] = value
    return config


def test_defaults_are_filled_in(tmp_path):
    config = load(tmp_path)
    assert config["run"]["folds"] == 10
    assert config["run"]["seed"] == 32
    assert config["models"]["gexpnet"]["epochs"] == 100
    assert config["models"]["resnet50"]["layout"] == {"order": "alphabetical", "size": 102}
    assert config["recipes"]["plain"] == [{"impute_median": {}}, {"select_variance": {"top": 5}}]
    assert config["datasets"]["own"]["files"] == {"matrix": [{"address": "own.tsv"}], "labels": [], "annotation": []}


def test_off_is_a_word_although_yaml_reads_it_as_false(tmp_path):
    assert load(tmp_path)["datasets"]["own"]["near_duplicates"] == "auto"
    for value, meant in ((False, "off"), ("off", "off"), (0.99, 0.99)):
        assert (
            load(tmp_path, changed("datasets.own.near_duplicates", value))["datasets"]["own"]["near_duplicates"]
            == meant
        )


def test_on_and_off_are_words_for_stack_too(tmp_path):
    assert load(tmp_path)["models"]["gexpnet"]["stack"] == "auto"
    for value, meant in ((True, "on"), (False, "off"), ("on", "on")):
        assert load(tmp_path, changed("models.gexpnet.stack", value))["models"]["gexpnet"]["stack"] == meant


PRESET_KEYS = ("optimiser", "learning_rate", "epochs", "batch_size", "min_steps", "schedule")


def preset(tmp_path, **keys) -> list:
    config = load(tmp_path, changed("models.gexpnet", {"network": "gexpnet", "recipe": "plain", **keys}))
    return [config["models"]["gexpnet"][key] for key in PRESET_KEYS]


def test_a_preset_gives_defaults_and_own_keys_come_first(tmp_path):
    schema = yaml.safe_load(SCHEMA.read_text())["$defs"]["preset_fast"]["properties"]
    fast = [schema[key]["default"] for key in PRESET_KEYS]
    paper = ["adamax", 1e-4, 100, 64, 0, "plateau"]
    assert fast[0] in ("adam", "adamax", "adamw")
    assert fast[-1] == "one-cycle"
    assert fast[2] < 100
    assert preset(tmp_path) == paper
    assert preset(tmp_path, preset="paper") == paper
    assert preset(tmp_path, preset="fast") == fast
    assert preset(tmp_path, preset="fast", epochs=7, learning_rate="2e-3") == [fast[0], 2e-3, 7, *fast[3:]]
    assert preset(tmp_path, epochs=7) == ["adamax", 1e-4, 7, 64, 0, "plateau"]


def test_defaults_of_gexpnet_are_the_published_ones(tmp_path):
    model = load(tmp_path)["models"]["gexpnet"]
    shape = ("heads", "stem_channels", "stem_kernel", "block_channels", "hidden", "second_convolution")
    assert [model[key] for key in shape] == [3, 8, 5, 64, 64, False]
    assert [model[key] for key in ("stem_dropout", "head_dropout", "hidden_dropout")] == [0.1, 0.5, 0.2]
    off = ("early_stopping", "label_smoothing", "class_weights", "stack")
    assert [model[key] for key in off] == [None, 0, "none", "auto"]
    assert model["controls"] == ["shuffled", "dense"]
    assert load(tmp_path)["models"]["resnet50"]["controls"] == ["random", "shuffled"]


def test_image_networks_keep_the_best_epoch_and_nothing_else_differs_from_the_published_training(tmp_path):
    model = load(tmp_path)["models"]["resnet50"]
    keys = ("keep", "early_stopping", "label_smoothing", "class_weights", "schedule")
    assert [model[key] for key in keys] == ["best", None, 0, "none", "constant"]


def test_heads_of_one_s_own_get_their_activation(tmp_path):
    heads = [{"kernel": 3, "channels": 8}, {"kernel": 31, "channels": 64, "activation": "elu"}]
    found = load(tmp_path, changed("models.gexpnet.heads", heads))["models"]["gexpnet"]["heads"]
    assert found == [{"kernel": 3, "channels": 8, "activation": "relu"}, heads[1]]


@pytest.mark.parametrize("model", ["gexpnet", "resnet50"])
def test_early_stopping_needs_validation_samples_where_the_model_is_run(tmp_path, model):
    config = changed(f"models.{model}.early_stopping", 5)
    config["run"] |= {"validation": 0.1, "models": [model]}
    assert load(tmp_path, config)["models"][model]["early_stopping"] == 5
    config["run"] |= {"validation": 0, "models": ["majority"]}
    load(tmp_path, config)
    config["run"]["models"] = [model]
    with pytest.raises(InputError, match="early_stopping needs validation samples"):
        load(tmp_path, config)


MISTAKES = {
    "run.fold": (5, ['"fold"', 'mean "folds"']),
    "run.folds": (1, ["run.folds", "at least 2"]),
    "run.datasets": (["onw"], ['unknown dataset "onw"', 'mean "own"']),
    "run.models": (["gexpnett"], ['"gexpnett"', 'mean "gexpnet"']),
    "datasets.own.near_duplicates": (0.5, ["datasets.own.near_duplicates", "at least 0.9"]),
    "models.gexpnet.epoch": (5, ['"epoch"', 'mean "epochs"']),
    "models.gexpnet.network": ("resnet5", ['"resnet5"', 'mean "resnet50"']),
    "models.gexpnet.recipe": ("plane", ['"plane"', 'mean "plain"']),
    "models.gexpnet.learning_rate": ("fast", ["learning_rate", "number"]),
    "models.gexpnet.preset": ("quick", ["models.gexpnet.preset", "paper", "fast"]),
    "models.gexpnet.heads": (5, ["models.gexpnet.heads", "at most 4"]),
    "models.gexpnet.stem_kernel": (4, ["models.gexpnet.stem_kernel is 4", "odd number"]),
    "models.gexpnet.block_channels": (31, ["block_channels is 31, but a head has 32 channels", "32 or more"]),
    "models.gexpnet.hidden": (0, ["models.gexpnet.hidden", "at least 1"]),
    "models.gexpnet.second_convolution": ("yes please", ["second_convolution", "boolean"]),
    "models.gexpnet.early_stopping": (5, ["early_stopping needs validation samples", "set run.validation"]),
    "models.gexpnet.label_smoothing": (1, ["label_smoothing", "below 1"]),
    "models.gexpnet.class_weights": ("balance", ["class_weights", 'mean "balanced"']),
    "models.gexpnet.schedule": ("onecycle", ["schedule", 'mean "one-cycle"']),
    "models.gexpnet.stack": ("always", ["models.gexpnet.stack"]),
    "models.resnet50.keep": ("bets", ["models.resnet50.keep", 'mean "best"']),
    "models.gexpnet.controls": (["shuffle"], ["models.gexpnet.controls", 'mean "shuffled"']),
    "models.gexpnet.control": ("dense", ['"control"', 'mean "controls"']),
    "models.resnet50.controls": (["dense"], ["models.resnet50.controls", "random, shuffled"]),
    "models.majority.controls": (["shuffled"], ['unknown key "controls"']),
    "models.resnet50.layout": ({"order": "correlated"}, ["layout.order", 'mean "correlation"']),
    "models.resnet50.layout.size": (0, ["models.resnet50.layout.size", "at least 1", "[rows, columns]"]),
    "models.resnet50.layout.method": ("pca", ["layout.method", "alphabetical has none", "set layout.order"]),
    "models.majority.epochs": (3, ['"epochs"']),
    "recipes.plain": (["imputemedian"], ['"imputemedian"', 'mean "impute_median"']),
    "recipes.logs": ([{"to_log2": {"ofset": 1}}], ['"ofset"', 'mean "offset"']),
    "recipes.both": ([{"select_variance": {"top": 5, "threshold": 1}}], ["recipes.both.0.select_variance"]),
    "datasets.own.source": ("geoo", ['"geoo"', 'mean "geo"']),
    "datasets.own.label": ({}, ["datasets.own.label", '"field"']),
    "datasets.own.label.pattern": ("(a", ["datasets.own.label.pattern", "no regular expression"]),
    "datasets.own.recipes": ({"gexpnet": "plan"}, ["datasets.own.recipes", 'mean "plain"']),
    "datasets.own.simulate": ({}, ["either files or simulate"]),
    "datasets.own.variants": (["publish"], ["datasets.own.variants", 'mean "published"']),
    "datasets.a~b": (SMALL["datasets"]["own"], ['"a~b"', "not allowed"]),
    "models.gexpnet~dense": (SMALL["models"]["gexpnet"], ['"gexpnet~dense"', "not allowed"]),
    "datasets.own.models": (["resnet50"], ["datasets.own.models", "no model of run.models"]),
    "attribution.methods": ([], ['"methods"']),
    "attribution.models": (["gexnet"], ["attribution.models", 'mean "gexpnet"']),
}


HEADS = {
    "an even kernel": ({"kernel": 4, "channels": 8}, ["heads.0.kernel is 4", "odd number"]),
    "a long kernel": ({"kernel": 33, "channels": 8}, ["heads.0.kernel", "at most 31"]),
    "no channels": ({"kernel": 3}, ["heads.0", '"channels"']),
    "an activation": ({"kernel": 3, "channels": 8, "activation": "relux"}, ["heads.0.activation", 'mean "relu"']),
    "too wide": ({"kernel": 3, "channels": 65}, ["block_channels is 64, but a head has 65 channels"]),
}


@pytest.mark.parametrize("case", HEADS)
def test_a_mistake_in_a_head_is_told(tmp_path, case):
    head, words = HEADS[case]
    with pytest.raises(InputError) as caught:
        load(tmp_path, changed("models.gexpnet.heads", [head]))
    assert len(str(caught.value).splitlines()) == 2
    for word in words:
        assert word in str(caught.value)


RECTANGLES = {
    "a side of 0": ([96, 0], ["layout.size.1 is 0", "at least 1"]),
    "half a pixel": ([96.5, 108], ["layout.size.0 is 96.5", "integer"]),
    "three sides": ([96, 108, 3], ["layout.size", "at most 2"]),
    "one side": ([96], ["layout.size", "at least 2"]),
    "words": (["96", 108], ["layout.size.0 is '96'", "integer"]),
    "a square of half a pixel": (9.5, ["layout.size is 9.5", "integer"]),
}


@pytest.mark.parametrize("case", RECTANGLES)
def test_a_mistake_in_the_size_of_a_layout_is_told(tmp_path, case):
    size, words = RECTANGLES[case]
    with pytest.raises(InputError) as caught:
        load(tmp_path, changed("models.resnet50.layout", {"size": size}))
    assert len(str(caught.value).splitlines()) == 2
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("network", "keys", "words"),
    [
        ("resnet50", {"layout": {"size": 31}}, ["models.resnet50.layout.size is 31", "at least 32"]),
        ("vgg19", {"layout": {"size": [100, 20]}}, ["layout.size is [100, 20]", "vgg19", "at least 32"]),
        ("xception", {"layout": {"size": 70}}, ["layout.size is 70", "at least 71"]),
        ("xception", {"image_size": 70}, ["models.resnet50.image_size is 70", "at least 71"]),
    ],
)
def test_an_image_too_small_for_its_network_is_refused_with_the_least_size(tmp_path, network, keys, words):
    own = {"network": network, "recipe": "plain"}
    with pytest.raises(InputError) as caught:
        load(tmp_path, changed("models.resnet50", {**own, **keys}))
    assert len(str(caught.value).splitlines()) == 2
    assert all(word in str(caught.value) for word in words), caught.value


@pytest.mark.parametrize(
    ("network", "keys"),
    [
        ("xception", {"layout": {"size": 71}}),
        ("xception", {"layout": {"size": 8}, "image_size": "published"}),
        ("resnet50", {"layout": {"size": 8}, "image_size": 32}),
        ("resnet50", {"layout": {"size": "auto"}}),
        ("timm/resnet18", {"layout": {"size": 8}, "weights": "random"}),
    ],
)
def test_an_image_that_may_be_large_enough_is_taken(tmp_path, network, keys):
    load(tmp_path, changed("models.resnet50", {"network": network, "recipe": "plain", **keys}))


def test_only_a_correlation_layout_has_a_method(tmp_path):
    def layout(**keys):
        return load(tmp_path, changed("models.resnet50.layout", keys))["models"]["resnet50"]["layout"]

    assert layout(order="correlation") == {"order": "correlation", "size": 102, "method": "tsne"}
    assert layout(order="correlation", size=[96, 108], method="pca")["method"] == "pca"
    assert layout(order="chromosome", size="auto") == {"order": "chromosome", "size": "auto"}


@pytest.mark.parametrize("place", ["run.models", "datasets.own.models", "attribution.models"])
def test_a_control_is_chosen_by_its_model_not_by_name(tmp_path, place):
    with pytest.raises(InputError, match=r"names gexpnet~dense, a control\n.*models\.gexpnet\.controls"):
        load(tmp_path, changed(place, ["gexpnet", "gexpnet~dense"]))


def test_a_variant_is_chosen_by_its_dataset_not_by_name(tmp_path):
    with pytest.raises(InputError, match=r"names own~published, a variant\n.*datasets\.own\.variants"):
        load(tmp_path, changed("run.datasets", ["own", "own~published"]))


@pytest.mark.parametrize("place", MISTAKES)
def test_a_mistake_is_told_in_two_lines_with_the_remedy(tmp_path, place):
    value, words = MISTAKES[place]
    with pytest.raises(InputError) as caught:
        load(tmp_path, changed(place, value))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2, lines
    assert max(map(len, lines)) < 200
    for word in words:
        assert word in str(caught.value)


def test_numbers_in_yaml_s_text_form_are_understood(tmp_path):
    assert load(tmp_path, changed("models.gexpnet.learning_rate", "1e-4"))["models"]["gexpnet"]["learning_rate"] == 1e-4


def test_whole_numbers_may_be_written_with_a_point(tmp_path):
    config = load(tmp_path, changed("run.folds", 5.0), changed("models.gexpnet.seeds", 2.0))
    found = config["run"]["folds"], config["models"]["gexpnet"]["seeds"], config["evaluation"]["audit"]["random_genes"]
    assert [type(number) for number in found] == [int] * 3
    with pytest.raises(InputError, match=r"run\.folds is 5\.5"):
        load(tmp_path, changed("run.folds", 5.5))


def test_seeds_need_a_model_that_draws_at_random(tmp_path):
    own = {"network": "boosting", "recipe": "plain", "seeds": 2}
    load(tmp_path, SMALL, {"models": {"boosting": own}})
    load(tmp_path, SMALL, {"models": {"boosting": {**own, "max_features": 1, "tune": {"max_features": [0.1, 0.5]}}}})
    for same in ({"max_features": 1}, {"tune": {"max_features": [1]}}):
        with pytest.raises(InputError, match=r"models\.boosting\.seeds is 2.*\nset seeds to 1"):
            load(tmp_path, SMALL, {"models": {"boosting": {**own, **same}}})


def test_folds_by_site_of_a_table_need_a_column_of_sites(tmp_path):
    table = {"source": "table", "files": {"matrix": "m.tsv"}, "label": {"field": "type"}, "variants": ["sites"]}
    load(tmp_path, SMALL, {"datasets": {"mine": {**table, "batch": {"field": "hospital"}}}})
    with pytest.raises(InputError, match=r"datasets\.mine\.variants names sites, but no batch"):
        load(tmp_path, SMALL, {"datasets": {"mine": table}})


def test_overlays_merge_maps_but_replace_lists_and_catalogue_entries(tmp_path):
    overlay = {
        "run": {"models": ["majority"]},
        "models": {"gexpnet": {"network": "gexpnet", "recipe": "plain", "heads": 2}},
        "report": {"title": "T"},
    }
    base = changed("models.gexpnet.epochs", 7)
    config = load(tmp_path, base, overlay, arguments={"run": {"seed": 1}})
    assert config["run"]["models"] == ["majority"]
    assert config["run"]["datasets"] == ["own"]
    assert config["run"]["seed"] == 1
    assert config["models"]["gexpnet"]["epochs"] == 100  # the base's 7 is gone with the entry
    assert config["models"]["gexpnet"]["heads"] == 2
    assert merge({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}) == {"a": {"b": 1, "c": 3}}


@pytest.mark.parametrize("rule", ["label", "group", "batch"])
def test_numbers_and_text_may_be_keys_of_one_map(tmp_path, rule):
    def keys(mapping, *overlays):
        config = load(tmp_path, changed(f"datasets.own.{rule}", {"field": "dx", "map": mapping}), *overlays)
        found = config["datasets"]["own"][rule]["map"]
        json.dumps(found, sort_keys=True)  # as the settings of a rule are written
        return found

    assert keys({"01": "tumour", 2: "normal"}) == {"01": "tumour", "2": "normal"}
    assert keys({1: "tumour", "NA": "normal"}) == {"1": "tumour", "NA": "normal"}
    assert keys({10: "tumour", 9: "normal"}) == {10: "tumour", 9: "normal"}  # else results of before would run again
    overlay = {"datasets": {"own": {rule: {"map": {"1": "adjacent"}}}}}
    assert keys({1: "tumour", 2: "normal"}, overlay) == {"1": "adjacent", "2": "normal"}


def test_broken_yaml_names_file_and_line(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("run:\n  folds: [1, 2\nseed: 3\n")
    with pytest.raises(InputError, match=r"config\.yaml, line 3"):
        load_config([path], SCHEMA)


def test_an_ftp_address_is_no_local_path():
    with pytest.raises(InputError, match=r"files\.matrix: ftp://host/a\.gz is neither .*\n.*https://"):
        local_path("ftp://host/a.gz", "datasets.own.files.matrix")


def test_a_missing_file_or_variable_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = load(tmp_path)
    with pytest.raises(InputError, match=r"datasets\.own\.files\.matrix: there is no file .*own\.tsv"):
        resolve_files(config)
    monkeypatch.delenv("NOWHERE", raising=False)
    with pytest.raises(InputError, match="NOWHERE"):
        resolve_files(load(tmp_path, changed("datasets.own.files.matrix", "${NOWHERE}/own.tsv")))


def test_a_download_needs_a_file_name(tmp_path):
    with pytest.raises(InputError, match="ends in no file name"):
        resolve_files(load(tmp_path, changed("datasets.own.files.matrix", "https://example.org/")))
    config = load(tmp_path, changed("datasets.own.files.matrix", "https://example.org/a%20b/x.tsv.gz?v=1"))
    resolve_files(config)
    assert config["datasets"]["own"]["files"]["matrix"][0]["name"] == "x.tsv.gz"


def test_only_networks_are_attributed(tmp_path):
    with pytest.raises(InputError, match="majority, which is no network"):
        load(tmp_path, changed("attribution.models", ["majority"]))


TUNED = {
    "models.logistic.tune": ({"c": [1]}, ['unknown key "c" in models.logistic.tune', 'mean "C"']),
    "models.logistic.tune.C": ([], ["models.logistic.tune.C is []", "at least 1"]),
    "models.mlp.tune.hidden": ([[8], []], ["models.mlp.tune.hidden.1", "at least 1"]),
    "models.mlp.tune.epochs": (5, ["models.mlp.tune.epochs is 5", "array"]),
    "models.gexpnet.tune.heads": ([1, 5], ["models.gexpnet.tune.heads.1 is 5", "at most 4"]),
    "models.gexpnet.tune.schedule": (["onecycle"], ["models.gexpnet.tune.schedule.0", 'mean "one-cycle"']),
    "models.gexpnet.tune.block_channels": ([64, 16], ["block_channels is 16, but a head has 32 channels"]),
    "models.gexpnet.tune.early_stopping": ([3], ["models.gexpnet.early_stopping needs validation", "run.validation"]),
    "models.resnet50.tune": ({"layout": [{}]}, ['unknown key "layout" in models.resnet50.tune']),
    "models.majority.tune": ({"C": [1]}, ['unknown key "tune" in models.majority']),
}


@pytest.mark.parametrize("place", TUNED)
def test_a_mistake_in_a_grid_is_told_in_two_lines_with_its_key(tmp_path, place):
    value, words = TUNED[place]
    with pytest.raises(InputError) as caught:
        load(tmp_path, changed(place, value))
    assert len(str(caught.value).splitlines()) == 2
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(("C", "words"), [(0, "above 0"), ("strong", "number"), ([1], "number")])
def test_a_value_of_a_grid_has_the_bounds_of_its_setting(tmp_path, C, words):
    with pytest.raises(InputError, match=rf"models\.logistic\.tune\.C\.1 is .*{words}"):
        load(tmp_path, changed("models.logistic.tune", {"C": [0.1, C]}))


def test_grids_are_understood_and_need_validation_samples_only_for_settings_that_do(tmp_path):
    config = changed("models.logistic.tune", {"C": ["1e-3", 1]})
    assert load(tmp_path, config)["models"]["logistic"]["tune"] == {"C": [1e-3, 1]}
    config["models"]["mlp"]["tune"] = {"learning_rate": [1e-3, 1e-2]}
    config["run"]["models"] = ["mlp"]
    assert load(tmp_path, config)["models"]["mlp"]["tune"] == {"learning_rate": [1e-3, 1e-2]}
    config["models"]["resnet50"]["tune"] = {"keep": ["last", "best"]}
    load(tmp_path, config)  # resnet50 is not run
    config["run"]["models"] = ["resnet50"]
    with pytest.raises(InputError, match=r"models\.resnet50\.tune\.keep needs validation samples"):
        load(tmp_path, config)
    config["run"]["validation"] = 0.1
    assert load(tmp_path, config)["models"]["resnet50"]["tune"] == {"keep": ["last", "best"]}


def test_candidates_are_all_combinations_in_a_stated_order():
    model = {"network": "mlp", "dropout": 0.1, "tune": {"epochs": [3, 5], "dropout": [0.5, 0.2]}}
    grid = [{"dropout": dropout, "epochs": epochs} for dropout in (0.5, 0.2) for epochs in (3, 5)]
    assert changes(model) == grid
    assert candidates(model)[1] == {"network": "mlp", "dropout": 0.5, "epochs": 5}
    plain = {"network": "mlp", "dropout": 0.1}
    assert (changes(plain), candidates(plain)) == ([{}], [plain])


@pytest.mark.parametrize("network", ["logistic", "mlp", "gexpnet", "resnet50"])
def test_only_tuned_models_without_validation_samples_have_inner_folds(network):
    tuned = {"network": network, "tune": {"C": [1]}}
    assert inner_folds(tuned, 0) == INNER_FOLDS
    assert inner_folds(tuned, 0.1) == inner_folds({"network": network}, 0) == 0


def test_two_addresses_never_share_one_download(tmp_path):
    config = changed("datasets.own.files.matrix", "https://example.org/one/counts.tsv")
    config["datasets"]["other"] = deepcopy(config["datasets"]["own"])
    config["datasets"]["other"]["files"]["matrix"] = "https://example.org/two/counts.tsv"
    config["run"]["datasets"] = ["own", "other"]
    with pytest.raises(InputError, match=r"same name, counts\.tsv"):
        resolve_files(load(tmp_path, config))
    config["datasets"]["other"]["files"]["matrix"] = "https://example.org/one/counts.tsv"
    resolve_files(load(tmp_path, config))


@pytest.mark.parametrize("overlay", [None, "resources/demo/config.yaml", "tests/real/config.yaml"])
def test_the_shipped_configs_are_valid(overlay):
    paths = [ROOT / "config.yaml"] + ([ROOT / overlay] if overlay else [])
    config = load_config(paths, SCHEMA)
    assert set(config["run"]["models"]) <= set(config["models"])


def test_the_study_is_the_published_one():
    config = load_config([ROOT / "config.yaml"], SCHEMA)
    assert (config["run"]["folds"], config["run"]["seed"]) == (10, 32)
    assert {"gexpnet", "xception", "densenet169", "resnet50", "vgg19", "logistic"} <= set(config["run"]["models"])
    assert set(REFERENCES) <= {config["models"][name]["network"] for name in config["run"]["models"]}
    sources = {config["datasets"][name]["source"] for name in config["run"]["datasets"]}
    assert sources == {"geo", "mendeley", "tcga"}


def test_every_key_of_the_schema_refuses_unknown_neighbours():
    schema = yaml.safe_load(SCHEMA.read_text())

    def check(node, place):
        if isinstance(node, dict):
            if "properties" in node and node.get("type") == "object" and place != "$defs.model":
                assert "additionalProperties" in node, place
            for key, part in node.items():
                check(part, f"{place}.{key}" if place else key)

    check({key: part for key, part in schema.items() if key != "$defs"}, "")
    check(schema["$defs"], "$defs")
    assert complete({}, schema, schema)["report"]["top_genes"] == 20
