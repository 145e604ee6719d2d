"""The digest of a script changes with the code that it runs, and with nothing else."""

import shutil
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """Digest scripts of a copy of the library; the function takes (file, old text, new text) edits first."""
    shutil.copytree(SCRIPTS, tmp_path / "scripts", ignore=shutil.ignore_patterns("__pycache__"))

    def run(script, *edits):
        import gexflow.digest as module

        monkeypatch.setattr(module, "_LIBRARY", tmp_path / "scripts/gexflow")
        module._imports.cache_clear()
        module._digest.cache_clear()
        for name, old, new in edits:
            path = tmp_path / "scripts" / name
            assert old in path.read_text()
            path.write_text(path.read_text().replace(old, new))
        return module.code_digest(tmp_path / "scripts" / script)

    yield run
    import gexflow.digest as module

    module._imports.cache_clear()
    module._digest.cache_clear()


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
