"""Words in braces, which Snakemake takes for wildcards: files of such names are read, folders are refused in words."""

import os
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gexflow.brace_paths import check_folders, link_files, original
from gexflow.errors import InputError
from gexflow.files import read_json
from tests.workflow.conftest import ROOT, Project
from tests.workflow.tiny import tiny_study

FOLDERS = {"downloads": "resources/downloads", "weights": "resources/weights"}


def braced_study(folder: Path) -> Project:
    """A study of one table, whose three files have braces in their names or their folder."""
    project = tiny_study(folder, "a")
    table = pd.read_csv(folder / "a.csv", index_col="id")
    (folder / "of {dataset}").mkdir()
    genes = table.drop(columns="type")
    genes.to_csv(folder / "m{1}.csv")
    table[["type"]].to_csv(folder / "of {dataset}" / "labels.csv")
    pd.DataFrame({"gene": genes.columns, "symbol": [f"S{gene}" for gene in genes]}).to_csv(
        folder / "a{x, y}.tsv", sep="\t", index=False
    )
    config = yaml.safe_load(Path(project.config).read_text())
    config["datasets"]["a"]["files"] = {
        "matrix": {"address": str(folder / "m{1}.{kind}"), "each": {"kind": ["csv"]}},
        "labels": str(folder / "of {dataset}" / "labels.csv"),
        "annotation": str(folder / "a{x, y}.tsv"),
    }
    path = folder / "mine{1}.yaml"
    path.write_text(yaml.safe_dump(config))
    return Project(ROOT, folder / "study {a b} 'c' #1", str(path))


@pytest.mark.workflow
def test_files_with_braces_in_their_paths_are_read_and_missed_like_others(tmp_path):
    project = braced_study(tmp_path)
    assert project.run()["read_cohort"] == 1
    card = read_json(project.study / "results/a/card.json")
    assert (card["samples"], card["genes"]) == (40, 30)
    assert [entry["file"] for entry in card["origin"]] == ["m{1}.csv", "labels.csv", "a{x, y}.tsv"]
    assert project.would_run() == {}
    matrix = tmp_path / "m{1}.csv"
    matrix.write_text(matrix.read_text().replace("g29", "g30"))
    assert project.would_run()["read_cohort"] == 1
    matrix.unlink()
    done = project.snakemake("--dry-run", ok=False)
    assert f"datasets.a.files.matrix: there is no file {matrix}" in done.stdout + done.stderr


@pytest.mark.workflow
def test_a_run_in_a_folder_with_a_word_in_braces_is_refused_in_words(tmp_path):
    project = tiny_study(tmp_path, "a")
    project.study = tmp_path / "of {dataset}"
    done = project.snakemake("--dry-run", ok=False)
    assert f"the run's folder is {project.study}" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("key", ["downloads", "weights"])
def test_folders_of_downloads_and_of_the_project_have_no_braces(key):
    check_folders(Path("/p"), {**FOLDERS, key: "{a b}/x"})
    with pytest.raises(InputError, match=rf"run\.{key} is \{{a\}}/x"):
        check_folders(Path("/p"), {**FOLDERS, key: "{a}/x"})
    with pytest.raises(InputError, match=r"GexFlow lies in /p\{a b\}"):
        check_folders(Path("/p{a b}"), FOLDERS)


def test_a_link_keeps_the_ending_and_follows_its_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("own{1}.pth").touch()
    weights = {"path": "own{1}.pth"}
    plain = {"path": "own{a b}.tsv"}
    config = {"datasets": {"a": {"files": {"matrix": [plain]}}}, "models": {"m": {"weights": weights}, "n": {}}}
    link_files(config, Path("notes"))
    assert plain["path"] == "own{a b}.tsv"
    link = Path(weights["path"])
    assert link.name == "own(1).pth"
    assert original(str(link)) == str(tmp_path / "own{1}.pth")
    assert original("own{a b}.tsv") == "own{a b}.tsv"
    link.unlink()
    link.symlink_to("elsewhere")
    weights["path"] = "own{1}.pth"
    link_files(config, Path("notes"))
    assert os.readlink(link) == str(tmp_path / "own{1}.pth")
