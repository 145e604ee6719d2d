"""A config file is read as it was meant, or refused: what YAML would drop or change in silence."""

import pytest
import yaml

from gexflow.config import load_config
from gexflow.config_yaml import read_yaml
from gexflow.errors import InputError
from tests.workflow.test_config import SCHEMA, SMALL


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
    "two merges": ("a: &a {x: 1}\nb: &b {y: 1}\nc:\n  <<: *a\n  <<: *b\n", ["`c.<<`", "4", "5"]),
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
    "a number and its text": "map: {1: a, '1': b}\n",
}


@pytest.mark.parametrize("case", LEGAL)
def test_anchors_and_merges_are_read_as_ever(tmp_path, case):
    assert read_yaml(written(tmp_path, LEGAL[case])) == yaml.safe_load(LEGAL[case])


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
