"""Manifests: a damaged result is found by who reads it and by `make check`, which names the file to delete."""

import subprocess
import sys
from pathlib import Path

import pytest

from gexflow import files, manifest
from gexflow.errors import InputError
from gexflow.manifest import check_sizes, checked_files, manifest_path, write_manifest

SCRIPT = Path(__file__).parents[1] / "scripts/check_results.py"


@pytest.fixture
def results(tmp_path, monkeypatch) -> Path:
    """Two jobs: one wrote two folds below its own folder, one a table beside them."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results/khan/models/gexpnet")
    folds = [folder / f"fold{fold}/predictions.tsv" for fold in (1, 2)]
    for path in folds:
        files.write_text(f"{path}\n", path)
    write_manifest(
        manifest_path("results/logs/khan/models/gexpnet/train_gexpnet.log"), folds, {"rule": "train_gexpnet"}
    )
    files.write_text("table\n", "results/khan/cohort.tsv")
    write_manifest(manifest_path("results/logs/khan/read_cohort.log"), ["results/khan/cohort.tsv"], {})
    manifest._manifests.cache_clear()
    return Path("results")


def check(folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, SCRIPT, folder], capture_output=True, text=True, check=False)


def test_a_manifest_says_what_a_job_wrote_and_where(results):
    found = files.read_json("results/khan/models/gexpnet/train_gexpnet.manifest.json")
    assert found["rule"] == "train_gexpnet"
    path = Path("results/khan/models/gexpnet/fold2/predictions.tsv")
    assert found["outputs"]["fold2/predictions.tsv"] == {"bytes": path.stat().st_size, "sha256": files.sha256(path)}
    assert found["host"]
    assert found["device"]
    assert found["versions"]["numpy"]


def test_whole_files_pass_and_so_do_files_of_no_job(results):
    files.write_text("", "results/own.tsv")
    check_sizes(["results/khan/models/gexpnet/fold1/predictions.tsv", "results/khan/cohort.tsv", "results/own.tsv"])
    done = check(results)
    assert (done.returncode, done.stdout) == (0, "3 files are as their jobs wrote them\n")


def test_a_truncated_file_is_refused_by_its_reader_and_found_by_the_check(results):
    path = Path("results/khan/models/gexpnet/fold2/predictions.tsv")
    path.write_text("resu")
    words = f"{path} has 4 bytes, but its job wrote 50"
    with pytest.raises(InputError, match=f"^{words}: delete it and run snakemake again$"):
        check_sizes([path])
    done = check(results)
    assert done.returncode == 1
    assert done.stdout == f"{words}\nDelete and run snakemake again:\n  rm {path}\n"


def test_another_content_of_the_same_size_is_found_by_the_check(results):
    path = Path("results/khan/cohort.tsv")
    path.write_text("tabel\n")
    check_sizes([path])
    complaint = f"{path} has the size that its job wrote, but another content"
    assert [found for found in checked_files(results) if found[1]] == [(path, complaint)]


def test_a_file_that_is_gone_is_no_damage(results):
    Path("results/khan/cohort.tsv").unlink()
    assert [path.name for path, _ in checked_files(results)] == ["predictions.tsv"] * 2
    assert not any(complaint for _, complaint in checked_files(results))


def test_a_damaged_manifest_is_named(results):
    path = Path("results/khan/read_cohort.manifest.json")
    path.write_text('{"outputs":')
    with pytest.raises(InputError, match=f"^{path} is damaged: delete it$"):
        check_sizes(["results/khan/cohort.tsv"])
    done = check(results)
    assert (done.returncode, done.stderr) == (1, f"{path} is damaged: delete it\n")


def test_nothing_to_check_is_said(tmp_path):
    assert "no manifest below" in check(tmp_path).stderr
    done = check(tmp_path / "absent")
    assert (done.returncode, "is no folder" in done.stderr) == (2, True)
