"""The rule train_gexpnet: one job for all folds, which loses nothing when it dies."""

import shutil
import threading
import time
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from tests.jobs import job_of, run_script

from gexflow.files import read_json, read_table
from gexflow.models import finished, fold_training, lease, trainer
from gexflow.models.checkpoints import Checkpoint

KINDS = {
    "predictions": "predictions.tsv",
    "model": "model.safetensors",
    "history": "history.tsv",
    "facts": "training.json",
}
FOLDS = 3


@pytest.fixture
def settings() -> dict:
    shape = {"heads": 2, "stem_channels": 4, "stem_kernel": 3, "block_channels": 16, "hidden": 8}
    dropouts = {"stem_dropout": 0.1, "head_dropout": 0.2, "hidden_dropout": 0.1}
    course = {"optimiser": "adamax", "learning_rate": 5e-3, "epochs": 3, "batch_size": 16, "schedule": "plateau"}
    return {
        **shape,
        **dropouts,
        **course,
        "second_convolution": False,
        "stack": "auto",
        "seed": 3,
        "network": "gexpnet",
    }


class Job:
    """The rule's job in a folder of its own."""

    def __init__(self, folder: Path, settings: dict, genes=(20, 20, 20)):
        self.model, self.settings, self.features = folder / "models/gexpnet", settings, []
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(2)
        for number, count in enumerate(genes, 1):
            labels = np.tile(["a", "b", "c"], 20)
            values = rng.normal(size=(60, count)).astype(np.float32) + 2 * np.eye(3, count)[np.arange(60) % 3]
            part = np.where(np.arange(60) // 20 == number - 1, "test", "train")
            obs = pd.DataFrame({"label": labels, "group": labels, "part": part}, index=[f"s{n}" for n in range(60)])
            self.features.append(str(folder / f"features{number}.h5ad"))
            anndata.AnnData(values.astype(np.float32), obs=obs).write_h5ad(self.features[-1])

    def run(self, code: str = "1") -> None:
        outputs = {kind: [str(self.place(n, kind)) for n in range(1, FOLDS + 1)] for kind in KINDS}
        job = job_of(
            "train_gexpnet",
            self.model / "logs/train.log",
            {"features": [str(path) for path in self.features], "tuning": []},
            outputs,
            self.settings,
            params={"code": code, "steps": ""},
        )
        run_script(job)

    def place(self, number: int, kind: str) -> Path:
        return self.model / f"fold{number}" / KINDS[kind]

    def contents(self) -> dict:
        kinds = ("predictions", "model", "history")
        return {(n, kind): self.place(n, kind).read_bytes() for n in range(1, FOLDS + 1) for kind in kinds}

    def log(self) -> str:
        return (self.model / "logs/train.log").read_text()


def die_in_fold(monkeypatch, number: int) -> None:
    """Let the job die while a fold trains, as by a signal: nothing of it is cleaned up."""
    real = fold_training.train_folds

    def train_folds(folds, *arguments):
        if folds[0].number == number:
            raise KeyboardInterrupt
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", train_folds)


def test_all_outputs_are_there_and_nothing_else(tmp_path, settings):
    job = Job(tmp_path, settings)
    job.run()
    found = {str(path.relative_to(job.model)) for path in job.model.rglob("*") if path.is_file()}
    assert found == {f"fold{n}/{name}" for n in range(1, FOLDS + 1) for name in KINDS.values()} | {
        "logs/train.log",
        "train.manifest.json",
    }
    assert read_json(job.place(2, "facts"))["folds_at_once"] == 1
    assert read_table(job.place(1, "history"))["epoch"].tolist() == [1, 2, 3]


def test_a_job_that_dies_keeps_finished_folds_and_ends_as_an_uninterrupted_one(tmp_path, settings, monkeypatch):
    (tmp_path / "cut").mkdir()
    (tmp_path / "whole").mkdir()
    whole, cut = Job(tmp_path / "whole", settings), Job(tmp_path / "cut", settings)
    whole.run()
    with monkeypatch.context() as patch:
        die_in_fold(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            cut.run()
    assert not cut.place(1, "model").exists()  # the job's outputs appear together
    with monkeypatch.context() as patch:
        die_in_fold(patch, 1)  # fold 1 and 2 aren't trained again
        cut.run()
    assert "2 of 3 folds were finished" in cut.log()
    assert cut.contents() == whole.contents()
    assert not (cut.model / ".finished").exists()


@pytest.mark.parametrize("stack", ["off", "on"])
def test_a_fold_that_was_cut_short_goes_on_after_its_last_checkpoint(tmp_path, settings, monkeypatch, stack):
    monkeypatch.setattr(Checkpoint, "interval_seconds", 0.0)
    settings["stack"] = stack
    whole, cut, real = Job(tmp_path / "whole", settings), Job(tmp_path / "cut", settings), trainer.fold_losses
    whole.run()
    calls = []

    def die(*arguments):
        calls.append(1)
        if len(calls) == (9 + 8 if stack == "off" else 8):  # 3 steps an epoch, 9 a fold: in the third epoch
            raise KeyboardInterrupt
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "fold_losses", die)
        with pytest.raises(KeyboardInterrupt):
            cut.run()
    cut.run()
    assert "resumed after epoch 2" in cut.log()
    assert ("1 of 3 folds were finished" in cut.log()) == (stack == "off")
    assert cut.contents() == whole.contents()
    assert not list(cut.model.rglob(".*"))


@pytest.mark.parametrize("change", ["settings", "code", "features"])
def test_finished_folds_of_other_settings_code_or_features_are_not_taken(tmp_path, settings, monkeypatch, change):
    job = Job(tmp_path, settings)
    with monkeypatch.context() as patch:
        die_in_fold(patch, 3)
        with pytest.raises(KeyboardInterrupt):
            job.run()
    if change == "settings":
        job.settings = settings | {"epochs": 2}
    elif change == "features":
        shutil.copy(job.features[0], job.features[1])
    job.run(code="2" if change == "code" else "1")
    assert "were finished" not in job.log()


def test_folds_train_at_once_where_asked_for_grouped_by_their_number_of_genes(tmp_path, settings):
    job = Job(tmp_path, settings | {"stack": "on"}, genes=(20, 24, 20))
    job.run()
    assert [read_json(job.place(n, "facts"))["folds_at_once"] for n in (1, 2, 3)] == [2, 1, 2]
    table = read_table(job.place(3, "predictions"), text=("sample", "label", "predicted", "part"))
    assert len(table) == 20


def test_a_dense_control_trains_one_fold_after_the_other(tmp_path, settings):
    job = Job(tmp_path, settings | {"stack": "on", "control": "dense"})
    job.run()
    assert read_json(job.place(1, "facts"))["folds_at_once"] == 1


def test_a_loss_that_is_no_number_names_epoch_and_fold_and_keeps_what_was_good(tmp_path, settings, monkeypatch):
    job, real = Job(tmp_path, settings), trainer.fold_losses
    calls = []

    def explode(*arguments):
        calls.append(1)
        return real(*arguments) * (float("nan") if len(calls) > 12 else 1.0)  # 3 steps an epoch: fold 2, epoch 2

    monkeypatch.setattr(trainer, "fold_losses", explode)
    with pytest.raises(SystemExit):
        job.run()
    assert "fold 2: the training loss is not finite in epoch 2: lower the model's learning_rate" in job.log()
    kept = load_file(job.model / "fold2/last_good.safetensors")
    assert all(torch.isfinite(values.float()).all() for values in kept.values())
    monkeypatch.setattr(trainer, "fold_losses", real)
    job.run()
    assert "1 of 3 folds were finished" in job.log()


def test_a_fold_is_kept_whole_or_not_at_all(tmp_path):
    folds = finished.FinishedFolds(tmp_path, "mark")

    def half(paths):
        paths[0].write_text("first")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        folds.keep(1, ["a", "b"], half)
    assert not folds.has(1)
    assert not list((tmp_path / ".finished/mark").iterdir())


@pytest.mark.parametrize("links", [True, False], ids=["second names", "copies"])
@pytest.mark.parametrize("done", range(4))
def test_a_job_that_dies_while_it_delivers_delivers_again(tmp_path, monkeypatch, done, links):
    folds = finished.FinishedFolds(tmp_path / "model", "mark")
    outputs = [[tmp_path / f"model/fold{fold}/{name}" for name in ("a", "b")] for fold in (1, 2)]
    for fold, paths in enumerate(outputs, 1):
        folds.keep(fold, paths, lambda places, fold=fold: [place.write_text(f"{fold}{place.name}") for place in places])
    put, times = finished._put, []

    def dying(*paths):
        if len(times) == done:
            raise KeyboardInterrupt
        times.append(put(*paths))

    if not links:
        monkeypatch.setattr(finished.os, "link", lambda *_: (_ for _ in ()).throw(OSError("no second names here")))
    monkeypatch.setattr(finished, "_put", dying)
    with pytest.raises(KeyboardInterrupt):
        folds.deliver(outputs)
    monkeypatch.setattr(finished, "_put", put)
    outputs[0][0].unlink(missing_ok=True)  # Snakemake removes some, all or none of them
    again = finished.FinishedFolds(tmp_path / "model", "mark")
    assert again.has(1)
    assert again.has(2)
    again.deliver(outputs)
    assert [path.read_text() for paths in outputs for path in paths] == ["1a", "1b", "2a", "2b"]
    assert sorted(path.name for path in (tmp_path / "model").rglob("*")) == ["a", "a", "b", "b", "fold1", "fold2"]


def test_of_two_jobs_at_once_the_second_trains_nothing_and_both_end_well(tmp_path, settings, monkeypatch):
    monkeypatch.setattr(lease, "_LOOK_SECONDS", 0.2)
    job, trained = Job(tmp_path, {**settings, "epochs": 30}), []
    real = fold_training.train_folds

    def counted(folds, *arguments):
        trained.append(folds[0].number)
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", counted)
    first = threading.Thread(target=job.run)
    first.start()
    while not trained:
        time.sleep(0.05)
    job.run()
    first.join()
    assert trained == [1, 2, 3]
    assert "nothing is left to do" in job.log()
    assert not (job.model / ".lease").exists()
