"""Training learns, repeats itself exactly, and sees training rows only."""

import anndata
import numpy as np
import pandas as pd
import pytest
import torch

from gexflow.models.batches import batch_cuts
from gexflow.models.dense import DenseNetwork
from gexflow.models.fold import Fold
from gexflow.models.fold_training import Trained, train_folds
from gexflow.models.gexpnet import GexpNet
from gexflow.models.stacks import stack
from gexflow.models.trainer import FoldData, NotFinite, Training, exact_convolutions, predict, seed_all, train
from gexflow.recipes.folds import prepare_folds

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


def fit(fold: Fold, training: Training = FAST, seed: int = 3, build=GexpNet) -> Trained:
    return train_folds([fold], build, training, seed, CPU)[0]


def train_one(network, values, targets, training) -> list[dict]:
    data = FoldData(values, targets, None, torch.Generator().manual_seed(0), 1)
    return train(stack([network], CPU), [data], int(targets.max()) + 1, training, CPU)[0]


def test_exact_convolutions_keep_cudnn():
    before = torch._C._get_cudnn_enabled()
    with exact_convolutions():
        assert torch._C._get_cudnn_enabled() == before
        assert not torch.backends.cudnn.allow_tf32
    assert torch._C._get_cudnn_enabled() == before


def test_gexpnet_learns_what_can_be_learned(fold):
    trained = fit(fold)
    test = trained.predictions[trained.predictions["part"] == "test"]
    assert (test["label"] == test["predicted"]).mean() > 0.8
    assert trained.history["loss"].iloc[-1] < trained.history["loss"].iloc[0]
    assert trained.facts["device"] == "cpu"


def test_the_same_seed_gives_the_same_network_and_predictions(fold):
    first, second, other = fit(fold), fit(fold), fit(fold, seed=4)
    assert first.predictions.equals(second.predictions)
    for name, values in first.network.state_dict().items():
        assert torch.equal(values, second.network.state_dict()[name]), name
    assert not torch.equal(first.network.classifier.weight, other.network.classifier.weight)


def test_noise_in_test_and_validation_rows_leaves_the_weights_bit_identical(fold):
    first = fit(fold).network
    fold.values[fold.parts != "train"] = np.random.default_rng(7).normal(5, 9, (36, 24))
    second = fit(fold).network
    for name, values in first.state_dict().items():
        assert torch.equal(values, second.state_dict()[name]), name


def test_predictions_are_those_of_all_rows_that_did_not_train(fold):
    predictions = fit(fold).predictions
    assert set(predictions["sample"]) == set(fold.samples[fold.parts != "train"])
    probabilities = predictions[["p:a", "p:b", "p:c"]]
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-8)
    assert (probabilities.idxmax(axis=1).str[2:] == predictions["predicted"]).all()


def test_history_has_a_line_an_epoch_with_validation_scores(fold):
    history = fit(fold).history
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    assert history[["loss", "accuracy", "validation_loss", "validation_accuracy"]].notna().all().all()


def test_plateau_halves_the_learning_rate_when_the_training_loss_stalls():
    torch.manual_seed(0)
    values, targets = np.zeros((32, 8), dtype=np.float32), np.arange(32) % 2  # nothing to learn
    network = GexpNet(8, 2, stem_dropout=0, head_dropout=0, hidden_dropout=0)
    training = Training("adamax", 0.5, 40, 32, "plateau")
    history = train_one(network, values, targets, training)
    assert history[0]["learning_rate"] == 0.5
    assert history[-1]["learning_rate"] < 0.5


def test_a_loss_that_is_not_finite_stops_with_epoch_and_fold(fold):
    fold.values[0, 0] = np.inf
    with pytest.raises(NotFinite, match=r"fold 1: .*epoch 1") as error:
        fit(fold)
    assert error.value.fold == 1
    assert all(torch.isfinite(values.float()).all() for values in error.value.network.state_dict().values())


@pytest.mark.parametrize(("samples", "sizes"), [(10, [4, 4, 2]), (9, [4, 5]), (8, [4, 4]), (1, [1])])
def test_no_batch_holds_a_single_sample(samples, sizes):
    assert [end - start for start, end in batch_cuts(samples, 4)] == sizes


def test_prediction_does_not_depend_on_the_batches():
    seed_all(1, 1)
    network = GexpNet(12, 3)
    values = np.random.default_rng(1).normal(size=(700, 12)).astype(np.float32)
    whole = predict(network, values, CPU, FAST)
    np.testing.assert_allclose(predict(network, values[:5], CPU, FAST), whole[:5], atol=1e-6)


def test_training_in_bfloat16_comes_near_to_float32(fold):
    exact = fit(fold, build=DenseNetwork).history["loss"]
    rough = fit(fold, Training("adamax", 5e-3, 6, 16, "plateau", "bfloat16"), build=DenseNetwork).history["loss"]
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
    train_one(network, *fold.part("train"), none)
    torch.testing.assert_close(network.hidden[1].weight.detach(), before, rtol=0, atol=1e-11)


def test_early_stopping_goes_back_to_the_best_validation_epoch(fold):
    patient = Training("adamax", 5e-2, 60, 16, early_stopping=4)
    trained = fit(fold, patient)
    losses = trained.history["validation_loss"]
    assert len(losses) < 60
    assert losses.idxmin() == len(losses) - 5
    table = trained.predictions[trained.predictions["part"] == "validation"]
    chosen = table.apply(lambda row: row[f"p:{row['label']}"], axis=1)
    assert -np.log(chosen).mean() == pytest.approx(losses.min(), rel=1e-5)


def test_without_early_stopping_the_last_epoch_counts(fold):
    trained = fit(fold, Training("adamax", 5e-2, 12, 16, "plateau"))
    assert trained.history["validation_loss"].idxmin() < 11
    assert trained.facts["best_epoch"] is None
    table = trained.predictions[trained.predictions["part"] == "validation"]
    chosen = table.apply(lambda row: row[f"p:{row['label']}"], axis=1)
    assert -np.log(chosen).mean() == pytest.approx(trained.history["validation_loss"].iloc[-1], rel=1e-5)


def test_keep_best_takes_the_weights_that_training_had_after_its_best_epoch(fold):
    trained = fit(fold, Training("adamax", 5e-2, 12, 16, "plateau", keep="best"))
    best = trained.facts["best_epoch"]
    assert 1 < best < 12
    assert len(trained.history) == trained.facts["epochs"] == 12
    assert trained.history["validation_loss"].idxmin() == best - 1
    oracle = fit(fold, Training("adamax", 5e-2, best, 16, "plateau"))
    assert trained.predictions.equals(oracle.predictions)
    for name, values in oracle.network.state_dict().items():
        assert torch.equal(values, trained.network.state_dict()[name]), name


def test_the_best_epoch_is_never_chosen_by_the_test_part(fold):
    training = Training("adamax", 5e-2, 12, 16, keep="best")
    first = fit(fold, training)
    test = fold.parts == "test"
    fold.values[test] = np.random.default_rng(7).normal(5, 9, (test.sum(), 24))
    fold.labels[test] = np.random.default_rng(8).permutation(fold.labels[test])
    second = fit(fold, training)
    assert 1 < first.facts["best_epoch"] == second.facts["best_epoch"] < 12
    for name, values in first.network.state_dict().items():
        assert torch.equal(values, second.network.state_dict()[name]), name


def test_keep_best_without_validation_samples_means_the_last_epoch(fold):
    fold.parts[fold.parts == "validation"] = "test"
    trained = fit(fold, Training("adamax", 5e-3, 3, 16, keep="best"))
    assert trained.facts["best_epoch"] is None
    assert trained.predictions.equals(fit(fold, Training("adamax", 5e-3, 3, 16)).predictions)


def test_a_small_cohort_has_more_epochs_for_as_many_steps():
    training = Training("adamax", 4e-3, 12, 128, min_steps=100)
    assert training.for_samples(2086).epochs == 12
    assert training.for_samples(256).epochs == 50
    assert training.for_samples(83).epochs == 100  # one batch an epoch
    assert Training("adamax", 4e-3, 12, 128).for_samples(83).epochs == 12


def test_with_random_labels_validation_accuracy_is_at_chance():
    """Recipe and network are fitted without the validation rows: they cannot know their labels."""
    rng = np.random.default_rng(5)
    labels = rng.permutation(np.repeat(["a", "b"], 150))
    cohort = anndata.AnnData(
        rng.normal(size=(300, 400)).astype(np.float32),
        obs=pd.DataFrame(
            {"label": labels, "group": [f"g{n}" for n in range(300)]}, index=[f"s{n}" for n in range(300)]
        ),
        var=pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(400)]),
        uns={"scale": "log2"},
    )
    parts = np.tile(["train", "train", "validation", "test"], 75)
    steps = ["gene_quantile", {"select_logistic": {"keep": 40}}]
    features = next(prepare_folds(cohort, [parts], steps)).features
    fold = Fold(features.X, features.obs_names.to_numpy(), labels, parts, ["a", "b"], 1)
    history = fit(fold, Training("adam", 1e-3, 15, 32)).history
    assert history["accuracy"].iloc[-1] > 0.75  # learned by heart
    assert abs(history["validation_accuracy"].mean() - 0.5) < 0.15
    best = fit(fold, Training("adam", 1e-3, 15, 32, keep="best")).predictions
    test = best[best["part"] == "test"]
    assert abs((test["label"] == test["predicted"]).mean() - 0.5) < 0.17  # three standard deviations of 75 samples
