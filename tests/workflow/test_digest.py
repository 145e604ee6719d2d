"""The digest of a script changes with the code that it runs, and with nothing else."""

import errno
import json
import shutil
from pathlib import Path

import pytest

import gexflow.digest as digest_module

SCRIPTS = Path(__file__).parents[2] / "scripts"


def forget() -> None:
    """Begin as a new process does."""
    for function in (digest_module._imports, digest_module._facts, digest_module._known):
        function.cache_clear()


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Digest scripts of a copy of the library; the function takes (file, old text, new text) edits first."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(digest_module, "_LIBRARY", tmp_path / "scripts/gexflow")

    def run(script, *edits):
        forget()
        for name, old, new in edits:
            path = tmp_path / "scripts" / name
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        return digest_module.code_digest(tmp_path / "scripts" / script)

    yield run
    forget()


def test_an_edited_library_module_changes_the_rules_that_import_it(digest):
    before = {name: digest(name) for name in ("train_gexpnet.py", "attribute_genes.py", "fit_reference.py")}
    edit = ("gexflow/models/gexpnet.py", "STEM_CHANNELS = 8", "STEM_CHANNELS = 9")
    assert digest("train_gexpnet.py", edit) != before["train_gexpnet.py"]
    assert digest("attribute_genes.py") != before["attribute_genes.py"]
    assert digest("fit_reference.py") == before["fit_reference.py"]


def test_a_module_reached_through_others_counts(digest):
    before = digest("prepare_folds.py")
    edit = ("gexflow/recipes/quantile.py", "_LARGEST = 1000", "_LARGEST = 999")
    assert digest("prepare_folds.py", edit) != before


@pytest.mark.parametrize(
    "edit",
    [
        ("gexflow/models/gexpnet.py", '"""GexpNet, the', '"""The GexpNet, the'),
        ("gexflow/models/gexpnet.py", "STEM_CHANNELS = 8", "STEM_CHANNELS = 8  # channels\n\n# a comment\n"),
        ("gexflow/log.py", "INFO", "DEBUG"),
    ],
    ids=["docstring", "comment", "log"],
)
def test_words_and_logging_change_nothing(digest, edit):
    before = digest("train_gexpnet.py")
    assert digest("train_gexpnet.py", edit) == before


def test_the_script_itself_counts(digest):
    before = digest("score_cohort.py")
    assert digest("score_cohort.py", ("score_cohort.py", "tables = [", "tables = list() or [")) != before


def test_what_is_known_of_a_file_is_not_found_out_again(digest, monkeypatch):
    before = digest("train_gexpnet.py")
    read, anew = digest_module._read, []
    monkeypatch.setattr(digest_module, "_read", lambda text: anew.append(text) or read(text))
    assert (digest("train_gexpnet.py"), anew) == (before, [])
    assert digest("train_gexpnet.py", ("gexflow/models/gexpnet.py", "STEM_CHANNELS = 8", "STEM_CHANNELS = 9")) != before
    assert len(anew) == 1
    assert digest("train_gexpnet.py", ("gexflow/models/gexpnet.py", "STEM_CHANNELS = 9", "STEM_CHANNELS = 8")) == before
    assert len(anew) == 1


@pytest.mark.parametrize(
    "harm",
    [
        lambda place: place.write_bytes(place.read_bytes()[:1000]),
        lambda place: place.write_text("[]"),
        lambda place: place.write_text(place.read_text().replace('"by": "', '"by": "f')),
        lambda place: place.write_text(json.dumps({**json.loads(place.read_text()), "files": {"ab": 1}})),
        lambda place: place.unlink(),
        lambda place: (place.unlink(), place.mkdir()),
    ],
    ids=["cut short", "another form", "of other code", "another content", "lost", "not to be written"],
)
def test_what_is_known_is_never_trusted_when_it_is_damaged(digest, harm):
    before = digest("train_gexpnet.py")
    place = digest_module._place(digest_module._LIBRARY)
    harm(place)
    assert digest("train_gexpnet.py") == before
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_library_on_a_read_only_disk_has_its_digests_all_the_same(digest, monkeypatch):
    before = digest("train_gexpnet.py")
    digest_module._place(digest_module._LIBRARY).unlink()

    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    for name in ("mkdir", "write_text", "unlink"):
        monkeypatch.setattr(Path, name, refuse)
    assert digest("train_gexpnet.py") == before


def test_no_more_is_remembered_than_the_library_needs(digest, monkeypatch):
    monkeypatch.setattr(digest_module, "_MOST", 5)
    digest("train_gexpnet.py")
    kept = json.loads(digest_module._place(digest_module._LIBRARY).read_text())["files"]
    assert len(kept) == 5
