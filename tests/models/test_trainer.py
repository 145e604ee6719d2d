"""Training learns, repeats itself exactly, and sees training rows only."""

import numpy as np
import pytest
import torch

from gexflow.errors import InputError
from gexflow.models.fold import Fold, train_fold
from gexflow.models.gexpnet import GexpNet
from gexflow.models.trainer import Training, _batches, predict, seed_all, train

CPU = torch.device("cpu")
FAST = Training("adamax", 5e-3, 6, 16, "plateau")


@pytest.fixture
def fold() -> Fold:
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], 30)
    values = rng.normal(size=(90, 24)).astype(np.float32)
    values[:, :6] += 2.0 * np.repeat(np.eye(3), 30, axis=0).repeat(2, axis=1)
    parts = np.tile(["train", "train", "train", "validation", "test"], 18)
    return Fold(values, np.array([f"s{i}" for i in range(90)]), labels, parts, ["a", "b", "c"], 1)


def fit(fold: Fold, training: Training = FAST, seed: int = 3):
    return train_fold(fold, GexpNet, training, seed, CPU)


def test_gexpnet_learns_what_can_be_learned(fold):
    _, history, predictions, facts = fit(fold)
    test = predictions[predictions["part"] == "test"]
    assert (test["label"] == test["predicted"]).mean() > 0.8
    assert history["loss"].iloc[-1] < history["loss"].iloc[0]
    assert facts["device"] == "cpu"


def test_the_same_seed_gives_the_same_network_and_predictions(fold):
    first, _, one, _ = fit(fold)
    second, _, two, _ = fit(fold)
    other, _, _, _ = fit(fold, seed=4)
    assert one.equals(two)
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_noise_in_test_and_validation_rows_leaves_the_weights_bit_identical(fold):
    first, *_ = fit(fold)
    fold.values[fold.parts != "train"] = np.random.default_rng(7).normal(5, 9, (36, 24))
    second, *_ = fit(fold)
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name


def test_predictions_are_those_of_all_rows_that_did_not_train(fold):
    _, _, predictions, _ = fit(fold)
    assert set(predictions["sample"]) == set(fold.samples[fold.parts != "train"])
    probabilities = predictions[["p:a", "p:b", "p:c"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-8)
    assert (probabilities.idxmax(axis=1).str[2:] == predictions["predicted"]).all()


def test_history_has_a_line_an_epoch_with_validation_scores(fold):
    _, history, _, _ = fit(fold)
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert history[["loss", "accuracy", "validation_loss", "validation_accuracy"]].notna().all().all()


def test_plateau_halves_the_learning_rate_when_the_training_loss_stalls():
    torch.manual_seed(0)
    values, targets = np.zeros((32, 8), dtype=np.float32), np.arange(32) % 2  # nothing to learn
    network = GexpNet(8, 2, stem_dropout=0, head_dropout=0, hidden_dropout=0)
    training = Training("adamax", 0.5, 40, 32, "plateau")
    history = train(network, values, targets, training, CPU, torch.Generator().manual_seed(0))
    assert history[0]["learning_rate"] == 0.5
    assert history[-1]["learning_rate"] < 0.5


def test_a_loss_that_is_not_finite_stops_with_epoch_and_fold(fold):
    fold.values[0, 0] = np.inf
    with pytest.raises(InputError, match=r"fold 1: .*epoch 1"):
        fit(fold)


@pytest.mark.parametrize(("samples", "sizes"), [(10, [4, 4, 2]), (9, [4, 5]), (8, [4, 4]), (1, [1])])
def test_no_batch_holds_a_single_sample(samples, sizes):
    assert [len(batch) for batch in _batches(torch.arange(samples), 4)] == sizes


def test_prediction_does_not_depend_on_the_batches():
    seed_all(1, 1)
    network = GexpNet(12, 3)
    values = np.random.default_rng(1).normal(size=(700, 12)).astype(np.float32)
    whole = predict(network, values, CPU, FAST)
    np.testing.assert_allclose(predict(network, values[:5], CPU, FAST), whole[:5], atol=1e-6)


def test_training_in_bfloat16_comes_near_to_float32(fold):
    exact = fit(fold)[1]["loss"]
    rough = fit(fold, Training("adamax", 5e-3, 6, 16, "plateau", "bfloat16"))[1]["loss"]
    assert not rough.equals(exact)
    np.testing.assert_allclose(rough, exact, rtol=0.1)


def test_predictions_are_float32_whatever_the_training(fold):
    seed_all(1, 1)
    network = GexpNet(24, 3)
    rough = Training("adam", 1e-3, 1, 8, precision="bfloat16")
    np.testing.assert_array_equal(predict(network, fold.values, CPU, rough), predict(network, fold.values, CPU, FAST))


def test_no_optimiser_brings_a_penalty_of_its_own(fold):
    torch.manual_seed(0)
    network = GexpNet(24, 3)
    before = network.hidden[1].weight.detach().clone()
    none = Training("adamw", 1e-12, 1, 90)
    train(network, *fold.part("train"), none, CPU, torch.Generator().manual_seed(0))
    torch.testing.assert_close(network.hidden[1].weight.detach(), before, rtol=0, atol=1e-11)
