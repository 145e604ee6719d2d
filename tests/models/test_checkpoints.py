"""A training that was cut short goes on from its checkpoint and ends as one that was not."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tests.jobs import job_of, run_script
from tests.repeats import ten_times
from tests.small_disk import small_disk
from torch import nn

from gexflow.errors import InputError
from gexflow.models import checkpoints, image_network, trunk_features
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, train_folds
from gexflow.models.gexpnet import GexpNet
from gexflow.models.schedules import build_schedule
from gexflow.models.trainer import Training

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
EPOCHS = 30
NAME = ".checkpoint.safetensors"


class SmallImageNetwork(nn.Module):
    """An image network in small: a frozen trunk with random weights, layers that learn, a head with dropout."""

    def __init__(self, genes: int, classes: int):
        super().__init__()
        self.image = nn.Identity()
        self.trunk = nn.Sequential(nn.Linear(genes, 12), nn.BatchNorm1d(12), nn.ReLU()).requires_grad_(False)
        self.learning = nn.Sequential(nn.Linear(12, 10), nn.BatchNorm1d(10), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.5), nn.Linear(10, classes))

    def train(self, mode: bool = True) -> nn.Module:
        super().train(mode)
        self.trunk.eval()
        return self

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.learning(self.trunk(self.image(x))))

    def parameter_groups(self) -> list[dict]:
        decayed = {"params": [self.head[1].weight], "weight_decay": 0.02}
        return [{"params": [*self.learning.parameters(), self.head[1].bias]}, decayed]


@pytest.fixture(autouse=True)
def save_every_epoch(monkeypatch):
    monkeypatch.setattr(Checkpoint, "interval_seconds", 0.0)


@pytest.fixture
def told(monkeypatch, caplog):
    monkeypatch.setattr(logging.getLogger("gexflow"), "propagate", True)
    caplog.set_level(logging.INFO)
    return caplog


def make_fold(number: int = 1, samples: int = 80) -> Fold:
    rng = np.random.default_rng(number)
    labels = np.tile(["a", "b"], samples // 2)
    values = rng.normal(size=(samples, 16)).astype(np.float32)
    values[:, :4] += (labels == "a")[:, None]
    parts = np.tile(["train", "train", "train", "validation", "test"], samples // 5)
    return Fold(values, np.array([f"s{i}" for i in range(samples)]), labels, parts, ["a", "b"], number)


class Cut(Exception):
    """What ends a training in the middle."""


def fit(training, checkpoint=None, cut=None, build=SmallImageNetwork, folds=None) -> list[Trained]:
    """Train; with `cut`, until the first history line after that epoch."""

    def report(_, line):
        if cut is not None and line["epoch"] > cut:
            raise Cut

    return train_folds(folds or [make_fold()], build, training, 3, CPU, report, checkpoint)


def assert_equal(found: list[Trained], expected: list[Trained]) -> None:
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one.history, other.history, check_exact=True)
        pd.testing.assert_frame_equal(one.predictions, other.predictions, check_exact=True)
        assert one.facts["best_epoch"] == other.facts["best_epoch"]
        for name, values in other.network.state_dict().items():
            assert torch.equal(values, one.network.state_dict()[name]), name


COURSES = {
    "adam": Training("adam", 1e-2, EPOCHS, 16),
    "adam, plateau": Training("adam", 0.1, EPOCHS, 16, "plateau"),
    "adamax, one-cycle": Training("adamax", 1e-2, EPOCHS, 16, "one-cycle", keep="best"),
    "adam, best epoch": Training("adam", 3e-2, EPOCHS, 16, keep="best"),
    "adamw, balanced": Training("adamw", 0.2, EPOCHS, 16, "plateau", keep="best", class_weights="balanced"),
    "adamax, early stopping": Training("adamax", 3e-2, EPOCHS, 16, early_stopping=8, label_smoothing=0.1),
    "bfloat16": Training("adam", 1e-2, EPOCHS, 16, precision="bfloat16"),
}


@pytest.mark.parametrize("course", COURSES)
def test_a_resumed_training_equals_an_uninterrupted_one_bit_for_bit(tmp_path, told, course):
    training = COURSES[course]
    whole = fit(training)
    if training.schedule != "constant":
        assert whole[0].history["learning_rate"].iloc[9:].nunique() > 1
    if course == "adam, best epoch":
        assert 1 < whole[0].facts["best_epoch"] < 9  # the second checkpoint is all that knows its weights
    for cut in (1, 9):  # twice: the second job goes on from the first one's checkpoint, and is cut, too
        with pytest.raises(Cut):
            fit(training, Checkpoint(tmp_path / NAME, "mark"), cut)
    resumed = fit(training, Checkpoint(tmp_path / NAME, "mark"))
    assert "resumed after epoch 1" in told.text
    assert "resumed after epoch 9" in told.text
    assert_equal(resumed, whole)


@pytest.mark.parametrize("sizes", [[80], [80, 60]], ids=["alone", "stacked"])
def test_gexpnet_resumes_alone_and_in_a_stack(tmp_path, sizes):
    folds = [make_fold(number, samples) for number, samples in enumerate(sizes, 1)]
    training = Training("adamax", 2e-2, 12, 16, "plateau", early_stopping=4)
    whole = fit(training, None, None, GexpNet, folds)
    assert min(trained.facts["epochs"] for trained in whole) > 4
    with pytest.raises(Cut):
        fit(training, Checkpoint(tmp_path / NAME, "mark"), 4, GexpNet, folds)
    assert_equal(fit(training, Checkpoint(tmp_path / NAME, "mark"), None, GexpNet, folds), whole)


def test_a_training_that_died_after_its_last_epoch_trains_no_more(tmp_path):
    training = COURSES["adamax, early stopping"]
    whole = fit(training, Checkpoint(tmp_path / NAME, "mark"))
    assert whole[0].facts["epochs"] < EPOCHS  # it stopped early
    assert_equal(fit(training, Checkpoint(tmp_path / NAME, "mark"), cut=0), whole)


def test_plateau_goes_on_waiting_where_it_was():
    steps = np.array([100, 100])
    whole, cut, resumed = (build_schedule("plateau", 1.0, steps) for _ in range(3))
    for _ in range(8):
        whole.after_epoch(np.array([1.0, 2.0]))
        cut.after_epoch(np.array([1.0, 2.0]))
    resumed.restore(json.loads(json.dumps(cut.state())))
    for losses in ([1.0, 1.0], [1.0, 2.0], [1.0, 2.0], [1.0, 2.0]):
        for schedule in (whole, resumed):
            schedule.after_epoch(np.array(losses))
    assert resumed.rates.tolist() == whole.rates.tolist() == [0.5, 1.0]


def test_a_checkpoint_holds_what_learns_and_no_frozen_trunk(tmp_path):
    fit(COURSES["adamax, one-cycle"], Checkpoint(tmp_path / NAME, "mark"))
    with safe_open(tmp_path / NAME, framework="pt") as file:
        names = list(file.keys())
    assert "/network/learning.1.running_mean" in names
    assert "/best/0/head.1.weight" in names
    assert not [name for name in names if "trunk." in name]


def saved_file(path: Path) -> dict:
    state = {"epoch": 3, "losses": [0.1, float("inf")], "network": {"a": torch.arange(3.0), "n": torch.tensor(7)}}
    Checkpoint(path, "mark").save_now_and_then(lambda: state)
    return state


def test_a_state_comes_back_as_it_was_saved(tmp_path):
    state, found = saved_file(tmp_path / NAME), Checkpoint(tmp_path / NAME, "mark").load()
    network, expected = found.pop("network"), state.pop("network")
    assert found == state
    assert network.keys() == expected.keys()
    for name, values in expected.items():
        assert values.dtype == network[name].dtype
        assert torch.equal(values, network[name])


def test_a_damaged_checkpoint_is_ignored_and_removed_wherever_the_damage_is(tmp_path, told):
    path = tmp_path / NAME
    saved_file(path)
    content = path.read_bytes()
    damaged = [content[:length] for length in range(0, len(content), 5)]
    for place in range(len(content)):
        damaged.append(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    for other in damaged:
        path.write_bytes(other)
        told.clear()
        assert Checkpoint(path, "mark").load() is None
        assert "is damaged" in told.text
        assert not path.exists()


def test_training_begins_anew_where_its_checkpoint_is_damaged_or_of_another_training(tmp_path, told):
    training = COURSES["adam"]
    whole = fit(training)
    for mark, damage, word in (("other", 0, "another training"), ("mark", 100, "damaged")):
        with pytest.raises(Cut):
            fit(training, Checkpoint(tmp_path / NAME, mark), 9)
        os.truncate(tmp_path / NAME, (tmp_path / NAME).stat().st_size - damage)
        told.clear()
        assert_equal(fit(training, Checkpoint(tmp_path / NAME, "mark")), whole)
        assert word in told.text
        assert "resumed" not in told.text
        Checkpoint(tmp_path / NAME, "mark").remove()


def test_a_disk_that_stutters_costs_no_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / NAME
    saved_file(path)
    content = path.read_bytes()

    def stale(_):
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(checkpoints, "_read", stale)
    with pytest.raises(InputError, match=r"Stale file handle.*run snakemake again"):
        Checkpoint(path, "mark").load()
    assert path.read_bytes() == content


def test_a_checkpoint_that_cannot_be_written_is_told_and_stops_nothing(tmp_path, told):
    (tmp_path / "file").touch()
    training = Training("adam", 1e-2, 2, 16)
    assert_equal(fit(training, Checkpoint(tmp_path / "file" / NAME, "mark")), fit(training))
    assert "could not be written" in told.text


def test_a_full_disk_stops_no_training_and_keeps_nothing_of_a_checkpoint(tmp_path, told):
    training = Training("adam", 1e-2, 2, 16)
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        disk.fill()
        assert_equal(fit(training, Checkpoint(disk.path / NAME, "mark")), fit(training))
        assert [path.name for path in disk.path.iterdir()] == ["filling"]
    assert told.text.count("No space left on device (os error 28)); training goes on") == 2


def test_checkpoints_keep_their_distance_and_add_up_the_seconds(tmp_path, monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(checkpoints, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Checkpoint, "interval_seconds", 30.0)
    saved = []
    checkpoint = Checkpoint(tmp_path / NAME, "mark")
    for clock[0] in (1.0, 29.0, 31.0, 60.0, 62.0, 90.0):
        checkpoint.save_now_and_then(lambda: saved.append(clock[0]) or {})
    assert saved == [31.0, 62.0]
    second = Checkpoint(tmp_path / NAME, "mark")
    second.load()
    clock[0] += 40
    second.save_now_and_then(dict)
    third = Checkpoint(tmp_path / NAME, "mark")
    third.load()
    assert third.seconds == 62 + 40


# --- the rule finetune_backbone

SETTINGS = {
    "network": "resnet50",
    "weights": "random",
    "sha256": "",
    "layout": {"order": "alphabetical", "size": 32},
    "image_size": "native",
    "learn": "last-block",
    "head": "published",
    "optimiser": "adam",
    "learning_rate": 1e-3,
    "epochs": 3,
    "batch_size": 8,
    "schedule": "plateau",
    "keep": "best",
    "seed": 3,
}
OUTPUTS = {
    "predictions": "predictions.tsv",
    "model": "model.safetensors",
    "history": "history.tsv",
    "facts": "training.json",
}


def run_rule(folder: str, study: str, small: bool) -> None:
    """Run the rule's script as Snakemake does, on features in the folder `study`, with a small network or its own."""
    if small:
        image_network.build_image_network = lambda _, layout, classes, *__: SmallImageNetwork(len(layout), classes)
        trunk_features.learn_from_features = lambda network, *_: network  # it has no images
    job = job_of(
        "finetune_backbone",
        Path(folder).parent / f"logs/{Path(folder).name}.log",
        {
            "features": f"{study}/features.h5ad",
            "layout": f"{study}/layout.tsv",
            "weights": [],
            "trunk": [],
            "tuning": [],
        },
        {kind: f"{folder}/{name}" for kind, name in OUTPUTS.items()},
        SETTINGS,
        params={"steps": ""},
        wildcards={"fold": "1", "model": "resnet50"},
        resources={"tmpdir": f"{folder}.scratch", "disk_mb": 1000},
    )
    run_script(job)


def killed_while_writing(tensors, path, metadata) -> None:
    """Write half of a checkpoint, once there is one, and die as at `kill -9`."""
    save_file(tensors, path, metadata)
    if (path.parent / NAME).exists():
        os.truncate(path, path.stat().st_size // 2)
        os.kill(os.getpid(), signal.SIGKILL)


@ten_times
@pytest.mark.parametrize("small", [True, pytest.param(False, marks=pytest.mark.long)], ids=["small", "resnet50"])
def test_a_killed_job_of_the_rule_goes_on_and_gives_the_very_same_files(tmp_path, monkeypatch, small, nth):
    for module, name in ((image_network, "build_image_network"), (trunk_features, "learn_from_features")):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back afterwards
    fold = make_fold(samples=40)
    obs = pd.DataFrame({"label": fold.labels, "part": fold.parts}, index=fold.samples)
    anndata.AnnData(fold.values, obs=obs).write_h5ad(tmp_path / "features.h5ad")
    layout = pd.DataFrame({"gene": [f"g{n}" for n in range(16)], "row": np.arange(16) // 4, "column": range(16)})
    layout.to_csv(tmp_path / "layout.tsv", sep="\t", index=False)
    child = (
        "from tests.models import test_checkpoints as t\n"
        "t.Checkpoint.interval_seconds, t.checkpoints.save_file = 0.0, t.killed_while_writing\n"
        f"t.run_rule('{tmp_path}/cut', '{tmp_path}', {small})\n"
    )
    paths = f"{ROOT}{os.pathsep}{ROOT / 'scripts'}"
    done = subprocess.run([sys.executable, "-c", child], env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert done.returncode == -signal.SIGKILL
    left = sorted(path.name for path in (tmp_path / "cut").iterdir())
    assert len(left) == 3  # the checkpoint after epoch 1, half of the next one, and the lease
    assert {NAME, ".lease"} < set(left)
    run_rule(f"{tmp_path}/cut", str(tmp_path), small)
    assert "resumed after epoch 1" in (tmp_path / "logs/cut.log").read_text()
    assert sorted(path.name for path in (tmp_path / "cut").iterdir()) == sorted(OUTPUTS.values())
    run_rule(f"{tmp_path}/whole", str(tmp_path), small)
    assert "resumed" not in (tmp_path / "logs/whole.log").read_text()
    for kind in ("predictions", "model", "history"):
        assert (tmp_path / "cut" / OUTPUTS[kind]).read_bytes() == (tmp_path / "whole" / OUTPUTS[kind]).read_bytes()
    facts = [json.loads((tmp_path / folder / "training.json").read_text()) for folder in ("cut", "whole")]
    assert facts[0]["best_epoch"] == facts[1]["best_epoch"] in (1, 2, 3)
