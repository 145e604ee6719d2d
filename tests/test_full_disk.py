"""A full disk costs a sentence and the work under way, nothing else."""

import errno
import os
import re
from pathlib import Path

import anndata
import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from gexflow import files
from gexflow.log import job_log
from gexflow.models.checkpoints import Checkpoint
from tests.repeats import ten_times
from tests.small_disk import small_disk
from tests.workflow.tiny import tiny_study

BIG = 2_000_000
SENTENCE = r"No space left on device: results in \S+ have \d+ MB, .*\. Free some, and run snakemake again: .* is kept"


@pytest.fixture
def disk(tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        monkeypatch.chdir(disk.path)
        yield disk
        monkeypatch.chdir(tmp_path)


def write_safetensors(path: Path) -> None:
    with files.whole_file(path) as partial:
        save_file({"a": torch.ones(BIG // 4)}, partial)


WRITERS = {
    "text": lambda path: files.write_text("a" * BIG, path),
    "h5ad": lambda path: files.write_h5ad(anndata.AnnData(np.ones((1000, BIG // 4000), np.float32)), path),
    "safetensors": write_safetensors,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_result_that_does_not_fit_is_told_in_a_sentence_and_leaves_nothing(disk, capsys, kind):
    with pytest.raises(SystemExit), job_log("log"):
        WRITERS[kind](Path(f"folder/result.{kind}"))
    (line,) = capsys.readouterr().err.splitlines()
    assert re.search(f" ERROR {SENTENCE}$", line)
    assert Path("log").read_text() == f"{line}\n"
    assert list(Path("folder").iterdir()) == []


def test_the_sentence_reaches_the_terminal_where_even_the_log_has_no_room(disk, capsys):
    def work() -> None:
        with job_log("log") as log:
            disk.fill()
            log.info("a line")
            files.write_text("a", "result")

    with pytest.raises(SystemExit):
        work()
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert re.search(SENTENCE, lines[1])


def test_training_goes_on_where_its_checkpoint_has_no_room(disk, capsys):
    with job_log("log"):
        checkpoint = Checkpoint(Path(".checkpoint.safetensors"), "mark")
        checkpoint.interval_seconds = 0.0
        for size, warnings in ((10, 0), (BIG, 1), (20, 1)):
            checkpoint.save_now_and_then(lambda size=size: {"weights": torch.ones(size)})
            said = Path("log").read_text()
            assert said.count("could not be written") == said.count("No space left on device") == warnings
            assert [path.name for path in disk.path.glob(".*")] == [".checkpoint.safetensors"]
            saved = Checkpoint(Path(".checkpoint.safetensors"), "mark").load()["weights"]
            assert len(saved) == (10 if size == BIG else size)  # where one has no room, the one before stays


@pytest.mark.parametrize(
    ("code", "told"), [(errno.EDQUOT, "quota"), (errno.ENOSPC, "No space"), (errno.EACCES, "Traceback")]
)
def test_what_is_no_full_disk_keeps_its_traceback(tmp_path, capsys, code, told):
    with pytest.raises(SystemExit), job_log(tmp_path / "log"):
        raise ValueError("a library") from OSError(code, os.strerror(code))
    said = capsys.readouterr().err
    assert told in said
    assert ("Traceback" in said) == (told == "Traceback")


@pytest.mark.workflow
@ten_times
def test_on_a_full_disk_a_job_ends_in_a_sentence_and_goes_well_when_there_is_room(tmp_path, nth):
    cohort = "results/a/cohort.h5ad"
    project = tiny_study(tmp_path, "a", genes=20_000)  # 3.2 MB
    with small_disk(project.study, megabytes=2) as disk:
        done = project.snakemake("--", cohort, ok=False)
        (log,) = {path.read_text() for path in (project.study / "results/logs/a").glob("*.log")}
        for text in (done.stdout + done.stderr, log):
            assert "No space left on device: results in " in text
            assert "Free some, and run snakemake again" in text
            assert "Traceback" not in text
        assert not [path for path in (project.study / "results/a").rglob("*") if path.is_file()]
        disk.grow(megabytes=100)
        assert project.run("--", cohort) == {"read_cohort": 1}
