"""Scores are scikit-learn's; what a fold cannot tell is not counted as zero."""

import numpy as np
import pytest
import torch
import torchmetrics
from sklearn import metrics
from tests.evaluation.tables import answer, make_predictions

from gexflow.errors import InputError
from gexflow.evaluation.confusion import confusion_counts, confusion_scores
from gexflow.evaluation.metrics import METRICS, confusion_table, score_classes, score_folds, score_rows
from gexflow.evaluation.probabilities import calibration_error, class_auroc, confidence_bins, sample_brier
from gexflow.evaluation.tested import check_same_rows, merge_classes, read_tested

TABLE = make_predictions(0, samples=300)
TESTED = read_tested(TABLE, "model")
LABELS, PREDICTED = (TABLE.sort_values(["fold", "sample"])[key].to_numpy() for key in ("label", "predicted"))
EVERYTHING = np.ones(300, dtype=bool)


def scored(labels: str, predicted: str, classes: str = "abc") -> dict[str, float]:
    """Score single letters."""
    table = make_predictions(0, samples=len(labels), classes=classes).assign(label=list(labels), fold=1)
    return score_rows(read_tested(answer(table, predicted), "model"), np.ones(len(labels), dtype=bool))


def test_every_score_equals_scikit_learn_s():
    scores, many = score_rows(TESTED, EVERYTHING), {"labels": ["a", "b", "c"]}
    oracle = {
        "accuracy": metrics.accuracy_score(LABELS, PREDICTED),
        "balanced_accuracy": metrics.balanced_accuracy_score(LABELS, PREDICTED),
        "mcc": metrics.matthews_corrcoef(LABELS, PREDICTED),
        "auroc": metrics.roc_auc_score(LABELS, TESTED.probabilities, multi_class="ovr", average="macro", **many),
        "log_loss": metrics.log_loss(LABELS, TESTED.probabilities, **many),
        "brier": metrics.brier_score_loss(LABELS, TESTED.probabilities, scale_by_half=False, **many),
    }
    for average in ("macro", "weighted"):
        for name in ("precision", "recall", "f1"):
            oracle[f"{average}_{name}"] = getattr(metrics, f"{name}_score")(LABELS, PREDICTED, average=average)
    assert {*oracle, "ece"} == {*METRICS}
    assert {name: scores[name] for name in oracle} == pytest.approx(oracle, abs=1e-12)


def test_two_classes_have_the_binary_auroc():
    tested = read_tested(make_predictions(3, classes="ab"), "model")
    oracle = metrics.roc_auc_score(tested.targets, tested.probabilities[:, 1])
    assert score_rows(tested, np.ones(90, dtype=bool))["auroc"] == pytest.approx(oracle, abs=1e-12)


def test_tied_probabilities_are_worth_half_in_auroc():
    assert class_auroc(np.full((6, 2), 0.5), np.array([0, 1, 1, 0, 1, 1])) == pytest.approx([0.5, 0.5])


def test_many_confusion_matrices_at_once_score_as_one_by_one():
    halves = [confusion_counts(TESTED.targets[rows], TESTED.predicted[rows], 3) for rows in np.split(np.arange(300), 4)]
    together = confusion_scores(np.stack(halves))
    for place, counts in enumerate(halves):
        alone = {name: float(value) for name, value in confusion_scores(counts).items()}
        assert {name: values[place] for name, values in together.items()} == pytest.approx(alone, abs=1e-15)


def test_ece_equals_torchmetrics_where_both_have_the_same_bins():
    # as many samples in each fifteenth of 0 to 1: bins of equal size are bins of equal width
    sure = (np.arange(300) + 0.5) / 300
    hits = np.random.default_rng(0).random(300) < sure
    oracle = torchmetrics.classification.BinaryCalibrationError(n_bins=15, norm="l1")
    # torchmetrics takes the probability of class 1 for the confidence, and the target for the hit
    expected = float(oracle(torch.tensor(sure, dtype=torch.float64), torch.tensor(hits.astype(int))))
    assert calibration_error(sure, hits) == pytest.approx(expected, abs=1e-8)


def test_ece_does_not_depend_on_the_order_of_the_samples():
    sure = np.round(np.random.default_rng(1).random(200), 1)  # many ties
    hits = np.random.default_rng(2).random(200) < 0.7
    mixed = np.random.default_rng(3).permutation(200)
    assert calibration_error(sure[mixed], hits[mixed]) == pytest.approx(calibration_error(sure, hits), abs=1e-12)
    assert all(len(np.unique(confidence_bins(sure)[sure == value])) == 1 for value in np.unique(sure))


def test_bins_have_equal_size_without_ties():
    assert set(np.bincount(confidence_bins(np.random.default_rng(0).random(150)))) == {10}


def test_brier_of_a_sure_mistake_is_two():
    assert sample_brier(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([1, 1])) == pytest.approx([2.0, 0.5])


def test_a_class_absent_from_the_test_part_has_no_score():
    assert scored("aab", "acb")["macro_recall"] == 0.75


def test_a_single_class_has_neither_mcc_nor_auroc():
    scores = scored("aa", "ab")
    assert np.isnan([scores["mcc"], scores["auroc"]]).all()
    assert scores["accuracy"] == 0.5


def test_a_fold_says_what_is_undefined_and_why():
    table = answer(make_predictions(0, samples=6).assign(fold=[1, 1, 1, 2, 2, 2], label=list("aabccc")), "aaaabc")
    notes = score_folds(read_tested(table, "model"))["note"]
    assert notes[0] == "no sample of c, which no average counts; mcc counts as 0: a single class is predicted; " + (
        "nothing assigned to b, whose precision counts as 0"
    )
    assert notes[1] == "no sample of a, b, which no average counts; mcc and auroc undefined: a single class"


def test_per_class_scores_count_every_class_and_leave_undefined_ones_open():
    table = score_classes(read_tested(TABLE.assign(**{"p:d": 0.0}), "model"))
    assert list(table["support"]) == [*(int((name == LABELS).sum()) for name in "abc"), 0]
    oracle = metrics.precision_recall_fscore_support(LABELS, PREDICTED, labels=["a", "b", "c"])
    np.testing.assert_allclose(table[["precision", "recall", "f1"]].to_numpy()[:3], np.array(oracle[:3]).T, atol=1e-12)
    assert table.loc[3, ["precision", "recall", "f1"]].isna().all()


def test_the_confusion_table_counts_every_pair():
    counts = confusion_table(TESTED)["count"].to_numpy().reshape(3, 3)
    assert (counts == metrics.confusion_matrix(LABELS, PREDICTED)).all()


def test_the_merged_view_renames_answers_and_adds_probabilities():
    merged = merge_classes(TESTED, {"bc": ["b", "c"]})
    assert merged.classes == ["a", "bc"]
    np.testing.assert_allclose(merged.probabilities[:, 1], TESTED.probabilities[:, 1:].sum(axis=1), atol=1e-15)
    assert (merged.targets == (LABELS != "a")).all()
    assert (merged.predicted == (PREDICTED != "a")).all()


BROKEN = {
    "a probability is missing": {"p:a": np.nan},
    "a probability is not between 0 and 1": {"p:a": 1.5},
    "its probabilities do not add up to 1": {"p:a": 0.9, "p:b": 0.9, "p:c": 0.1},
    "the predicted class is not the most probable one": {"predicted": "c", "p:a": 1.0, "p:b": 0.0, "p:c": 0.0},
    "its label or its predicted class is none of the classes": {"label": "z"},
}


@pytest.mark.parametrize("sentence", BROKEN)
def test_broken_predictions_are_refused_with_their_place(sentence):
    table = TABLE.copy()
    for key, value in BROKEN[sentence].items():
        table.loc[7, key] = value
    with pytest.raises(InputError, match=f"model, fold {table.loc[7, 'fold']}, sample s0007: {sentence}"):
        read_tested(table, "model")


def test_models_tested_on_different_samples_or_labels_are_refused():
    other = TABLE.assign(label=np.where(TABLE["sample"] == "s0001", "c", TABLE["label"]))
    assert (other["label"] != TABLE["label"]).any()
    for table in (TABLE.iloc[:-2], other):
        with pytest.raises(InputError, match="different"):
            check_same_rows({"x": TESTED, "y": read_tested(table, "y")})
