"""A config file is read as it was meant, or refused: what YAML would drop or change in silence."""

import pytest
import yaml

from gexflow.config import load_config
from gexflow.config_yaml import load_trusted, read_yaml
from gexflow.errors import InputError
from tests.workflow.test_config import SCHEMA, SMALL

CONFIG = load_trusted(SCHEMA.read_text())


def written(tmp_path, text: str):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def refusal(tmp_path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_yaml(written(tmp_path, text))
    message = str(caught.value)
    assert len(message.splitlines()) == 2, message
    assert str(tmp_path / "mine.yaml") in message
    return message


TWICE = {
    "a block": ("run:\n  holdout: 0.2\n\nrun:\n  folds: 3\n", ["`run`", "line 1", "line 4"]),
    "deep": ("datasets:\n  mine:\n    label: {field: a}\n    label:\n      field: b\n", ["`datasets.mine.label`", "4"]),
    "in one line": ("run: {folds: 3, seed: 1, folds: 5}\n", ["`run.folds`", "twice, in line 1"]),
    "in a list": ("external:\n- {train: a, test: b}\n- train: a\n  train: b\n", ["`external.1.train`", "3", "4"]),
    "in quotes": ("a:\n  x: 1\n  'x': 2\n", ["`a.x`", "2", "3"]),
    "numbers": ("map: {1: a, 2: b, 1: c}\n", ["`map.1`"]),
    "in an anchor": ("a: &a\n  x: 1\n  x: 2\nb: *a\n", ["`a.x`", "2", "3"]),
    "in a map that is merged": ("b:\n  <<: {x: 1, x: 2}\n", ["x`", "line 2"]),
    "two merges": ("a: &a {x: 1}\nb: &b {y: 1}\nc:\n  <<: *a\n  <<: *b\n", ["`c.<<`", "4", "5", "`<<: [*a, *b]`"]),
    "a number and its text": ("map: {1: a, '1': b}\n", ["`map.1`"]),
}


@pytest.mark.parametrize("case", TWICE)
def test_a_key_that_is_written_twice_is_refused_with_both_lines(tmp_path, case):
    text, words = TWICE[case]
    message = refusal(tmp_path, text)
    assert all(word in message for word in words), message


LEGAL = {
    "an overridden merge": "a: &a {x: 1, y: 2}\nb:\n  <<: *a\n  x: 3\n",
    "a merge of a merge": "a: &a {x: 1}\nb: &b {<<: *a, x: 2, y: 1}\nc: {<<: *b, y: 3}\n",
    "a merge of several": "a: &a {x: 1}\nb: &b {x: 2, y: 1}\nc: {<<: [*a, *b], y: 3}\n",
    "an alias used twice": "a: &a {x: [1, {y: 2}]}\nb: *a\nc: {x: *a}\n",
    "the same key elsewhere": "a: {x: 1}\nb: {x: 2}\nc: [{x: 3}, {x: 4}]\n",
    "numbers and text": "map: {1: a, NA: b, '01': c}\n",
    "a merge and its text": "a: &a {x: 1}\nb: {<<: *a, '<<': 2}\n",
}


@pytest.mark.parametrize("case", LEGAL)
def test_anchors_and_merges_are_read_as_ever(tmp_path, case):
    assert read_yaml(written(tmp_path, LEGAL[case])) == yaml.safe_load(LEGAL[case])


def refused_by_schema(tmp_path, text: str) -> str:
    with pytest.raises(InputError) as caught:
        read_yaml(written(tmp_path, text), CONFIG)
    message = str(caught.value)
    assert len(message.splitlines()) == 2, message
    return message


WORDS = {
    "yes": "true",
    "No": "false",
    "on": "true",
    "off": "false",
    "true": "true",
    "~": "nothing",
    "null": "nothing",
    "2020-01-31": "a date",
    "2020-02-31": "a date",
    "1.0": "the number 1.0",
    "010": "the number 8",
    "1:30": "the number 90",
    "0x1F": "the number 31",
    "1_000": "the number 1000",
    "+5": "the number 5",
}
PLACES = [
    "label.map.K",
    "expected.K",
    "merge.K",
    "published.K",
    "label.map.x: V",
    "label.field: V",
    "merge.x: [a, V]",
    "holdout.batch: [V]",
    "ignore: [V]",
    "files.matrix.address: V",
    "files.matrix.each.n: [a, V]",
    "files.labels: [{address: V}]",
    "title: V",
]


@pytest.mark.parametrize(
    ("place", "word"),
    [*((PLACES[0], word) for word in WORDS), *((place, word) for place in PLACES[1:] for word in ("yes", "010"))],
)
def test_a_name_that_yaml_reads_as_something_else_is_named_as_written(tmp_path, place, word):
    *parents, last = place.split(": ")[0].split(".")
    value = place.partition(": ")[2].replace("V", word)
    text = f"{last}: {value}" if value else f"{word}: a"
    for parent in reversed(parents):
        text = f"{parent}:\n" + "\n".join(f"  {line}" for line in text.splitlines())
    text = "datasets:\n  mine:\n" + "\n".join(f"    {line}" for line in text.splitlines()) + "\n"
    message = refused_by_schema(tmp_path, text)
    assert f"`{word}`, which YAML reads as {WORDS[word]}" in message
    assert ".".join(["datasets.mine", *parents]) in message
    assert f'"{word}"' in message.splitlines()[1]
    assert f"line {text.count(chr(10))}" in message


@pytest.mark.parametrize("value", ["null", "~", ""])
@pytest.mark.parametrize(("rule", "words"), [("label", "left out"), ("group", "their own name"), ("batch", "own name")])
def test_a_key_of_a_map_without_a_value_is_to_be_left_out(tmp_path, rule, words, value):
    text = f"datasets:\n  my.own:\n    {rule}:\n      field: a\n      map:\n        T: x\n        N: {value}\n"
    first, second = refused_by_schema(tmp_path, text).splitlines()
    assert f"line 7: datasets.my.own.{rule}.map.N has no value" in first
    assert second.startswith("leave the key out: values that are not in the map are ")
    assert words in second


MEANT = """
datasets:
  mine:
    title: ~12
    sample: null
    near_duplicates: off
    label: {field: type, map: {1: 2, "yes": "no", -3: y, 0: n, 1e5: "010", 08: a}}
    files: {matrix: {address: "{n}.tsv", each: {n: [1, 20, "01"]}}}
    merge: {both: [1, "1.0"]}
models: {gexpnet: {stack: on, epochs: 1_000}}
"""


def test_whole_numbers_and_what_is_in_quotes_are_names(tmp_path):
    assert read_yaml(written(tmp_path, MEANT), CONFIG) == yaml.safe_load(MEANT)


def test_a_merged_map_is_held_to_the_keys_that_it_joins(tmp_path):
    text = "datasets:\n  mine:\n    label: {field: a, map: {<<: {b: c, d: yes}}}\n"
    assert "datasets.mine.label.map.d is `yes`" in refused_by_schema(tmp_path, text)


def test_a_day_that_does_not_exist_is_no_valid_yaml(tmp_path):
    assert "not valid YAML" in refusal(tmp_path, "run: {folds: 2020-02-31}\n")


def test_a_hold_out_that_a_second_block_would_drop_is_refused_by_the_whole_way(tmp_path):
    base = tmp_path / "base.yaml"
    base.write_text(yaml.safe_dump(SMALL))
    path = written(tmp_path, "run: {holdout: 0.2}\nevaluation: {}\nrun: {folds: 3}\n")
    with pytest.raises(InputError, match=r"mine\.yaml: the key `run` is written twice, in line 1 and in line 3"):
        load_config([base, path], SCHEMA)


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n"])
def test_an_empty_file_changes_nothing(tmp_path, text):
    assert read_yaml(written(tmp_path, text)) == {}


@pytest.mark.parametrize("text", ["- a\n", "word\n"])
def test_a_file_without_keys_is_refused(tmp_path, text):
    assert "holds no keys" in refusal(tmp_path, text)
