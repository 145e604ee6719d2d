"""The study that a run leaves for its jobs is the very same, and code that was edited since is seen."""

import math

import pytest

from gexflow import frozen
from gexflow.config import load_config
from gexflow.digest import code_digest
from tests.workflow.conftest import ROOT

ODD = {
    "map": {9: "nine", 10: "ten", 1: "one", "2": "two"},
    "C": math.inf,
    "rate": 1e-5,
    "words": ["1e-4", "on", "NA", "\u00fc", "", None, True, 0.1 + 0.2],
}


@pytest.fixture(autouse=True)
def _no_run(monkeypatch):
    monkeypatch.setenv("GEXFLOW_RUN", "")  # put back what there was
    monkeypatch.delenv("GEXFLOW_RUN")


def test_jobs_find_the_study_of_their_run_in_the_same_order(tmp_path):
    schema = ROOT / "workflow/schemas/config.schema.yaml"
    for study in (ODD, load_config([ROOT / "config.yaml"], schema)):
        frozen.begin(study, {"a.py": "ab"}, tmp_path / "notes")
        assert repr(frozen.began()) == repr({"study": study, "codes": {"a.py": "ab"}})


def test_without_a_run_or_a_place_for_its_notes_nothing_is_found(tmp_path):
    assert frozen.began() is None
    (tmp_path / "file").touch()
    frozen.begin(ODD, {}, tmp_path / "notes")
    frozen.begin(ODD, {}, tmp_path / "file")
    assert frozen.began() is None


def test_only_code_that_the_run_knew_otherwise_is_edited(tmp_path, monkeypatch):
    script = ROOT / "scripts/score_cohort.py"
    assert not frozen.is_edited(script, "other")  # no run, as in a test
    frozen.begin(ODD, {}, tmp_path)
    assert frozen.is_edited(script, "other")
    assert not frozen.is_edited(script, "")
    assert not frozen.is_edited(script, code_digest(script))
    monkeypatch.setattr(frozen.sys.implementation, "cache_tag", "other-1")
    assert not frozen.is_edited(script, "other")
