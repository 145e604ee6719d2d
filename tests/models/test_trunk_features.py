"""Frozen layers run once: training on what they give is the same training."""

import os

import numpy as np
import pytest
import torch

from gexflow.errors import InputError
from gexflow.files import read_json
from gexflow.models import trunk_features
from gexflow.models.backbones import IMAGENET
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.gene_image import GeneImage
from gexflow.models.image_network import ImageNetwork, LearningPart
from gexflow.models.trainer import FoldData, Training
from gexflow.models.trunk_features import (
    Scratch,
    learn_from_features,
    learn_from_shared,
    read_shared,
    trunk_shape,
    write_shared,
)

CPU = torch.device("cpu")
SIDE, GENES = 32, 400


def build(genes: int, classes: int, learn: str = "last-block", head: str = "light") -> ImageNetwork:
    pixels = np.arange(genes)
    image = GeneImage(pixels // SIDE, pixels % SIDE, (SIDE, SIDE), None, *IMAGENET)
    return ImageNetwork("resnet50", image, classes, None, learn, head)


@pytest.fixture(scope="module")
def fold() -> Fold:
    rng = np.random.default_rng(7)
    labels = np.array(["a", "b", "c"] * 14)
    values = rng.random((42, GENES), dtype=np.float32) * 0.5
    for number, label in enumerate("abc"):
        values[np.ix_(labels == label, range(number * 100, number * 100 + 100))] += 0.5
    parts = np.array(["train", "train", "validation", "train", "test", "train", "train"] * 6)
    return Fold(values, np.array([f"s{i}" for i in range(42)]), labels, parts, list("abc"), 1)


def trained(fold: Fold, prepare, learn: str = "last-block", head: str = "light", precision: str = "float32"):
    training = Training("adam", 1e-4, 3, 8, precision=precision)
    (one,) = train_folds([fold], lambda g, c: build(g, c, learn, head), training, 32, CPU, prepare=prepare)
    return one


def kept(scratch: Scratch, half: bool = False):
    return lambda network, part: learn_from_features(network, part, half, CPU, scratch)


def probabilities(one) -> np.ndarray:
    return one.predictions.filter(like="p:").to_numpy()


@pytest.mark.parametrize(("learn", "head"), [("last-block", "wide"), ("head", "light"), ("head", "flat")])
def test_a_step_on_kept_features_equals_a_step_through_the_trunk(fold, tmp_path, learn, head):
    torch.manual_seed(2)
    network = build(GENES, 3, learn, head)
    values, targets = fold.part("train")
    part = FoldData(values, targets, fold.part("validation"), torch.Generator(), 1)
    learner = learn_from_features(network, part, False, CPU, Scratch(tmp_path / "scratch", 10**9))
    gradients, losses = [], []
    for module, x in ((network, torch.as_tensor(values)), (learner, part.values)):
        network.zero_grad()
        torch.manual_seed(5)  # of dropout
        loss = torch.nn.functional.cross_entropy(module.train()(x[:16]), torch.as_tensor(targets[:16]))
        loss.backward()
        losses.append(loss.item())
        gradients.append(torch.cat([p.grad.flatten() for group in module.parameter_groups() for p in group["params"]]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    # other kernels for other numbers of samples: a little more than rounding, where a ReLU stands at its kink
    assert (gradients[0] - gradients[1]).norm() <= 5e-5 * gradients[0].norm()
    assert len(part.values) == len(values)
    assert list((tmp_path / "scratch").iterdir()) == []


def test_training_on_kept_features_goes_the_same_way(fold, tmp_path):
    ours, plain = (trained(fold, prepare) for prepare in (kept(Scratch(tmp_path, 10**9)), None))
    # rounding of the first steps grows: Adam takes steps of one size, however small a gradient is
    np.testing.assert_allclose(ours.history["loss"], plain.history["loss"], rtol=1e-2)
    np.testing.assert_allclose(ours.history["validation_loss"], plain.history["validation_loss"], rtol=1e-2)
    np.testing.assert_allclose(probabilities(ours), probabilities(plain), atol=0.01)


def test_one_pass_gives_what_the_trunk_gives(fold, tmp_path):
    torch.manual_seed(1)
    network = build(GENES, 3)
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, network, fold.values, False, CPU, 10**9)
    shared = read_shared(path, read_json(about))
    with torch.no_grad():
        expected = network.trunk(network.image(torch.as_tensor(fold.values)))
    assert tuple(shared.shape) == (42, *trunk_shape(network))
    torch.testing.assert_close(shared.permute(0, 3, 1, 2), expected, rtol=1e-5, atol=1e-6)


def test_a_pass_shared_by_all_folds_gives_the_same_training_and_predictions(fold, tmp_path):
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, build(GENES, 3), fold.values, False, CPU, 10**9)
    shared = read_shared(path, read_json(about))
    rows = {"train": fold.parts == "train", "validation": fold.parts == "validation", "held_out": fold.held_out}
    scratch = Scratch(tmp_path, 10**9)
    ours = trained(fold, lambda network, part: learn_from_shared(network, part, rows, shared, scratch))
    plain = trained(fold, None)
    np.testing.assert_allclose(ours.history["loss"], plain.history["loss"], rtol=1e-2)
    np.testing.assert_allclose(probabilities(ours), probabilities(plain), atol=0.01)
    assert list(ours.predictions["sample"]) == list(plain.predictions["sample"])


def test_features_kept_in_bfloat16_change_hardly_any_prediction(fold, tmp_path):
    torch.manual_seed(3)
    network = build(GENES, 3).eval()
    values = np.random.default_rng(3).random((200, GENES), dtype=np.float32)
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, network, values, True, CPU, 10**9)
    shared = read_shared(path, read_json(about))
    assert shared.dtype == torch.bfloat16
    with torch.no_grad():
        exact = network.trunk(network.image(torch.as_tensor(values)))
    error = (shared.permute(0, 3, 1, 2).float() - exact).norm() / exact.norm()
    assert 1e-5 < error < 2e-2


def test_coarse_features_that_folds_share_predict_nothing(fold, tmp_path):
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, build(GENES, 3), fold.values, True, CPU, 10**9)
    shared, part = read_shared(path, read_json(about)), FoldData(*fold.part("train"), None, torch.Generator(), 1)
    rows = {"train": fold.parts == "train", "validation": fold.parts == "none", "held_out": fold.held_out}
    learner = learn_from_shared(build(GENES, 3), part, rows, shared, Scratch(tmp_path, 10**9))
    assert isinstance(learner, LearningPart)
    assert part.values.dtype == torch.bfloat16
    assert part.held_out is None


def test_random_backbones_are_the_same_in_every_fold():
    first, second = (build(GENES, 3) for _ in range(2))
    assert torch.equal(first.trunk[0].weight, second.trunk[0].weight)
    assert not torch.equal(first.head[-1].weight, second.head[-1].weight)


def test_output_above_the_limit_is_not_kept_and_that_is_said(fold, tmp_path, caplog):
    one = trained(fold, kept(Scratch(tmp_path, 1000)))
    assert "disk_mb" in caplog.text
    np.testing.assert_array_equal(probabilities(one), probabilities(trained(fold, None)))
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_and_the_trunk_runs_in_every_epoch(fold, tmp_path, caplog, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, build(GENES, 3), fold.values, False, CPU, 10**9)
    assert read_shared(path, read_json(about)) is None
    assert path.stat().st_size == 0
    assert "No space left on device" in caplog.text


def test_damaged_or_foreign_features_are_refused(fold, tmp_path):
    path, about = tmp_path / "features.bin", tmp_path / "about.json"
    write_shared(path, about, build(GENES, 3), fold.values, False, CPU, 10**9)
    os.truncate(path, 100)
    with pytest.raises(InputError, match="damaged"):
        read_shared(path, read_json(about))
    foreign = torch.zeros(42, 1, 1, 7)
    with pytest.raises(InputError, match="not this network's"):
        learn_from_shared(build(GENES, 3), None, {}, foreign, Scratch(tmp_path, 10**9))


def test_nothing_is_kept_where_all_layers_learn(fold, tmp_path, monkeypatch):
    monkeypatch.setattr(trunk_features, "run_trunk", None)
    network = build(GENES, 3, "all")
    assert learn_from_features(network, None, False, CPU, Scratch(tmp_path, 10**9)) is network
    loss = network.train()(torch.as_tensor(fold.values[:6])).square().sum()
    loss.backward()
    assert network.learning[0].weight.grad.abs().sum() > 0
