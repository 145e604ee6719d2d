"""Files in the config: many in one line, listings, mirrors and published sizes, with clear errors."""

from copy import deepcopy

import pytest

from gexflow.config_files import merged_entry, resolve_files, resolve_weights
from gexflow.errors import InputError
from tests.workflow.test_config import SMALL, load

HTTP = "https://example.org"


def config_of(matrix, **more):
    config = deepcopy(SMALL)
    config["datasets"]["own"]["files"] = {"matrix": matrix, **more}
    return config


def entries(tmp_path, matrix, kind="matrix", **more):
    return load(tmp_path, config_of(matrix, **more))["datasets"]["own"]["files"][kind]


def refused(tmp_path, matrix, **more):
    with pytest.raises(InputError) as caught:
        resolve_files(load(tmp_path, config_of(matrix, **more)))
    lines = str(caught.value).splitlines()
    assert len(lines) == 2, lines
    return str(caught.value)


def test_each_stands_for_one_file_a_value(tmp_path):
    short = {"address": f"{HTTP}/{{cohort}}/gdac_{{cohort}}.tar.gz", "each": {"cohort": ["ACC", "BLCA"]}}
    short["mirrors"] = [f"{HTTP}/mirror/{{cohort}}.tar.gz"]
    found = entries(tmp_path, [short, f"{HTTP}/last.tsv"])
    assert found == [
        {"address": f"{HTTP}/ACC/gdac_ACC.tar.gz", "mirrors": [f"{HTTP}/mirror/ACC.tar.gz"]},
        {"address": f"{HTTP}/BLCA/gdac_BLCA.tar.gz", "mirrors": [f"{HTTP}/mirror/BLCA.tar.gz"]},
        {"address": f"{HTTP}/last.tsv"},
    ]


def test_each_fills_local_paths_and_names_but_no_variables(tmp_path):
    short = {"address": "${HOME}/{n}/${n}.tsv", "each": {"n": [1, "b"]}}
    assert [entry["address"] for entry in entries(tmp_path, short)] == ["${HOME}/1/${n}.tsv", "${HOME}/b/${n}.tsv"]
    short = {"listing": f"{HTTP}/files", "name": "{n} x.mat", "each": {"n": ["a", "b"]}}
    assert [entry["name"] for entry in entries(tmp_path, short)] == ["a x.mat", "b x.mat"]


def test_each_fills_annotation_as_well(tmp_path):
    short = {"address": f"{HTTP}/{{n}}.annot.gz", "each": {"n": ["GPL570", "GPL571"]}}
    found = entries(tmp_path, f"{HTTP}/m.tsv", "annotation", annotation=short)
    assert [entry["address"] for entry in found] == [f"{HTTP}/GPL570.annot.gz", f"{HTTP}/GPL571.annot.gz"]


REMOTE = f"{HTTP}/{{c}}.tsv"
MISTAKES = {
    "no place": ({"address": f"{HTTP}/x.tsv", "each": {"c": ["A", "B"]}}, ["{c} does not stand in the address"]),
    "place in the name only": ({"address": f"{HTTP}/x", "name": "{c}", "each": {"c": ["A"]}}, ["in the address"]),
    "one name": ({"address": REMOTE, "name": "x.tsv", "each": {"c": ["A", "B"]}}, ["same name, x.tsv"]),
    "one checksum": ({"address": REMOTE, "md5": "0" * 32, "each": {"c": ["A"]}}, ["one md5", "each"]),
    "no value": ({"address": REMOTE, "each": {"c": []}}, ["each.c is []", "at least 1"]),
    "no list": ({"address": REMOTE, "each": {"c": "A"}}, ["each.c is 'A'", "of type array"]),
    "no word": ({"address": REMOTE, "each": {}}, ["each is {}", "1 key"]),
    "two words": ({"address": REMOTE, "each": {"c": ["A"], "d": ["B"]}}, ["each", "1 key"]),
    "a list": ({"address": REMOTE, "each": ["A"]}, ["each is ['A']", "of type object"]),
    "a value twice": ({"address": REMOTE, "each": {"c": ["A", "A"]}}, ["without repetitions"]),
    "NO of YAML": ({"address": REMOTE, "each": {"c": [False]}}, ["each.c.0 is `false`", "quotes"]),
    "neither": ({"name": "x.tsv"}, ["either an address or a listing"]),
    "both": ({"address": f"{HTTP}/x", "listing": HTTP, "name": "x"}, ["either an address or a listing"]),
    "nameless listing": ({"listing": HTTP}, ["which file of the listing", "name:"]),
    "local listing": ({"listing": "files.json", "name": "x"}, ["listing is 'files.json'", "http"]),
    "local mirror": ({"address": REMOTE, "mirrors": ["x.tsv"]}, ["mirrors.0 is 'x.tsv'", "http"]),
    "one mirror as text": ({"address": REMOTE, "mirrors": f"{HTTP}/x"}, ["mirrors", "of type array"]),
    "mirror of a local file": ({"address": "x.tsv", "mirrors": [HTTP]}, ["mirrors belongs to a download"]),
    "no size": ({"address": REMOTE, "size_bytes": "1 GB"}, ["size_bytes", "integer"]),
    "size 0": ({"address": REMOTE, "size_bytes": 0}, ["size_bytes", "at least 1"]),
    "unknown": ({"address": REMOTE, "mirror": HTTP}, ['"mirror"', 'mean "mirrors"']),
    "slash in a name": ({"address": REMOTE, "name": "../x"}, ["name", "letters, digits"]),
    "number": (5, ["is 5", "of type object"]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_two_lines(tmp_path, mistake):
    matrix, words = MISTAKES[mistake]
    message = refused(tmp_path, matrix)
    assert "datasets.own.files.matrix" in message
    for word in words:
        assert word in message


def two(tmp_path, first, second):
    config = config_of(first)
    config["datasets"]["other"] = config_of(second)["datasets"]["own"]
    config["run"]["datasets"] = ["own", "other"]
    resolve_files(load(tmp_path, config))


def test_two_datasets_agree_on_a_shared_download(tmp_path):
    entry = {"address": f"{HTTP}/x.tsv", "size_bytes": 5}
    two(tmp_path, entry, {"address": f"{HTTP}/x.tsv", "md5": "0" * 32})
    with pytest.raises(InputError, match=r"another size_bytes of x\.tsv"):
        two(tmp_path, entry, {**entry, "size_bytes": 6})
    with pytest.raises(InputError, match=r"same name, x\.tsv"):
        two(tmp_path, entry, {"listing": f"{HTTP}/files", "name": "x.tsv"})


def test_what_two_datasets_know_of_a_download_is_put_together():
    first = {"address": "a", "mirrors": ["m", "n"], "md5": "1"}
    merged = merged_entry(first, {"address": "a", "mirrors": ["o", "m"], "size_bytes": 5})
    assert merged == {"address": "a", "mirrors": ["m", "n", "o"], "md5": "1", "size_bytes": 5}


def test_weights_of_hubs_keep_apart_by_their_checksum(tmp_path):
    own = tmp_path / "own.pth"
    own.touch()
    address = "https://hub.example/{}/resolve/main/model.safetensors?download=true"
    places = {"a": (address.format("a"), "1"), "b": (address.format("b"), "2"), "c": (str(own), "3")}
    models = {name: {"weights": {"address": place, "sha256": 8 * digit}} for name, (place, digit) in places.items()}
    config = {"run": {"models": [*models, "d"]}, "models": {**models, "d": {"weights": "random"}}}
    resolve_weights(config)
    kept = [models[name]["weights"]["file"] for name in "ab"]
    assert kept == ["11111111-model.safetensors", "22222222-model.safetensors"]
    assert models["c"]["weights"]["path"] == str(own)
    own.unlink()
    with pytest.raises(InputError, match=r"models.c.weights: there is no file .*own.pth"):
        resolve_weights(config)
