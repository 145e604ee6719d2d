"""The multinomial solver reaches scikit-learn's optimum, whatever the shape, scale and precision."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression

from gexflow.errors import InputError
from gexflow.recipes import multinomial
from gexflow.recipes.logistic_selection import SelectLogistic
from gexflow.recipes.multinomial import fit_multinomial
from gexflow.recipes.quantile import GeneQuantile

BOTH = pytest.mark.parametrize("bfloat16", [False, True])


def draw(samples: int, genes: int, classes: int, factors: int, effect: float, seed: int = 0):
    """Correlated genes (factors that share out), classes of unequal size whose means differ."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(classes, 2.0))
    codes = rng.permutation(
        np.r_[np.tile(np.arange(classes), 3), rng.choice(classes, size=samples - 3 * classes, p=shares)]
    )
    X = rng.normal(size=(samples, genes)) + effect * rng.normal(size=(classes, genes))[codes]
    if factors:
        X += rng.normal(size=(samples, factors)) @ (
            rng.normal(size=(factors, genes)) / np.arange(1, factors + 1)[:, None] ** 0.5
        )
    return ((X - X.mean(axis=0)) / X.std(axis=0)).astype(np.float32), codes


SHAPES = {
    "few genes": (600, 40, 4, 0, 0.5),
    "array": (500, 300, 5, 10, 0.3),
    "more genes than samples": (120, 700, 6, 20, 0.4),
    "hardly any signal": (700, 200, 5, 10, 0.03),
    "many classes": (1200, 250, 20, 15, 0.4),
    "two classes": (300, 150, 2, 5, 0.2),
}


def weights(codes: np.ndarray) -> np.ndarray:
    counts = np.bincount(codes)
    return (len(codes) / (len(counts) * counts))[codes]


def reference(X: np.ndarray, codes: np.ndarray, C: float = 0.1) -> LogisticRegression:
    """Converge scikit-learn in float64 far beyond its defaults."""
    model = LogisticRegression(C=C, class_weight="balanced", solver="newton-cg", tol=1e-9, max_iter=500)
    return model.fit(X.astype(np.float64), codes)


def objective(X: np.ndarray, codes: np.ndarray, coefficients: np.ndarray, intercept: np.ndarray, C: float = 0.1):
    """Write scikit-learn's objective down in float64."""
    coefficients = coefficients.astype(np.float64)
    logits = X.astype(np.float64) @ coefficients.T + intercept
    if logits.shape[1] == 1:
        logits = np.hstack([np.zeros_like(logits), logits])
    losses = -log_softmax(logits, axis=1)[np.arange(len(codes)), codes]
    return C * weights(codes) @ losses + 0.5 * (coefficients**2).sum()


def chosen(coefficients: np.ndarray) -> np.ndarray:
    sums = np.abs(coefficients).sum(axis=0)
    return sums >= np.median(sums)


@BOTH
@pytest.mark.parametrize("shape", SHAPES)
def test_objective_coefficients_and_choice_equal_scikit_learn_s_converged_ones(shape, bfloat16):
    X, codes = draw(*SHAPES[shape])
    fit, oracle = fit_multinomial(X, codes, bfloat16=bfloat16), reference(X, codes)
    best = objective(X, codes, oracle.coef_, oracle.intercept_)
    found = objective(X, codes, fit.coefficients, fit.intercept)
    assert fit.converged
    assert abs(found - best) <= 5e-6 * best
    assert fit.objective == pytest.approx(found, rel=1e-5)
    error = np.linalg.norm(fit.coefficients - oracle.coef_)
    assert error <= 1.1 * multinomial.TOLERANCE * np.linalg.norm(oracle.coef_)
    assert (chosen(fit.coefficients) == chosen(oracle.coef_)).mean() >= 0.99


@BOTH
@pytest.mark.parametrize("C", [1e-4, 10.0])
def test_the_strength_of_the_penalty_is_scikit_learn_s(C, bfloat16):
    X, codes = draw(400, 60, 4, 5, 0.3)
    fit, oracle = fit_multinomial(X, codes, C=C, bfloat16=bfloat16), reference(X, codes, C)
    np.testing.assert_allclose(fit.coefficients, oracle.coef_, atol=1e-2 * np.abs(oracle.coef_).max())


@pytest.mark.parametrize("bfloat16", [False, True])
def test_a_tighter_tolerance_comes_nearer(bfloat16):
    X, codes = draw(*SHAPES["array"])
    fit, oracle = fit_multinomial(X, codes, bfloat16=bfloat16, tolerance=1e-4), reference(X, codes)
    assert fit.converged
    np.testing.assert_allclose(fit.coefficients, oracle.coef_, atol=1e-4 * np.abs(oracle.coef_).max())
    np.testing.assert_allclose(
        fit.intercept - fit.intercept.mean(), oracle.intercept_ - oracle.intercept_.mean(), atol=1e-3
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_the_gradient_bounds_the_error_as_the_rule_says(shape):
    X, codes = draw(*SHAPES[shape])
    if codes.max() == 1:
        pytest.skip("the form with two rows is internal there")
    fit, oracle = fit_multinomial(X, codes, tolerance=3e-2), reference(X, codes)
    wide = X.astype(np.float64)
    residuals = softmax(wide @ fit.coefficients.T + fit.intercept, axis=1) - np.eye(codes.max() + 1)[codes]
    residuals *= 0.1 * weights(codes)[:, None]
    gradient = np.linalg.norm(residuals.T @ wide + fit.coefficients)
    size = np.linalg.norm(fit.coefficients)
    assert gradient <= 1.01 * 3e-2 * size  # centred genes: their means are 0 here, the weighted ones nearly so
    assert np.linalg.norm(fit.coefficients - oracle.coef_) <= 1.01 * 3e-2 * size


def test_without_signal_the_coefficients_are_zero_and_classes_equal():
    codes = np.repeat([0, 1, 2], [5, 10, 30])
    fit = fit_multinomial(np.full((45, 7), 3.0, dtype=np.float32), codes)
    assert fit.converged
    assert not fit.coefficients.any()
    np.testing.assert_allclose(fit.intercept, 0, atol=1e-7)  # balanced: every class weighs the same
    assert fit.objective == pytest.approx(0.1 * 45 * np.log(3), rel=1e-6)


def test_one_gene_in_two_classes_has_the_closed_form():
    X = np.repeat([[-1.0], [1.0]], 50, axis=0).astype(np.float32)
    fit = fit_multinomial(X, np.repeat([0, 1], 50), C=0.1, tolerance=1e-6)
    w = float(fit.coefficients[0, 0])
    assert w == pytest.approx(0.1 * 100 / (1 + np.exp(w)), rel=1e-5)  # the derivative is zero
    assert fit.intercept[0] == pytest.approx(0, abs=1e-6)


def test_copying_the_samples_of_a_class_changes_nothing_but_n():
    X, codes = draw(300, 50, 3, 5, 0.3)
    again = np.r_[np.arange(300), np.flatnonzero(codes == 1)]
    counts = len(again) / 300  # balanced weights sum to the number of samples
    twice = fit_multinomial(X[again], codes[again], C=0.1 / counts, tolerance=1e-4)
    once = fit_multinomial(X, codes, C=0.1, tolerance=1e-4)
    np.testing.assert_allclose(twice.coefficients, once.coefficients, atol=2e-4 * np.abs(once.coefficients).max())


def test_genes_far_from_zero_are_met():
    X, codes = draw(500, 100, 4, 5, 0.3)
    shifted = (X * 1.5 + 8).astype(np.float32)  # as log2 expression
    fit, oracle = fit_multinomial(shifted, codes), reference(shifted, codes)
    assert fit.converged
    assert np.linalg.norm(fit.coefficients - oracle.coef_) <= 5e-3 * np.linalg.norm(oracle.coef_)


@BOTH
def test_the_same_input_gives_the_same_bits(bfloat16):
    X, codes = draw(*SHAPES["array"])
    larger = np.vstack([X, np.full((3, X.shape[1]), np.nan, dtype=np.float32)])
    first = fit_multinomial(X, codes, bfloat16=bfloat16)
    again = fit_multinomial(larger[: len(X)], codes, bfloat16=bfloat16)
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.intercept, again.intercept)


def test_a_large_matrix_is_neither_copied_nor_changed(monkeypatch):
    monkeypatch.setattr(multinomial, "COPIED", 0)
    X, codes = draw(*SHAPES["array"])
    view = np.vstack([X, X])[: len(X)]
    view.flags.writeable = False
    problem = multinomial._Problem(view, codes, np.bincount(codes), 0.1, False)
    assert problem.x.x.data_ptr() == view.ctypes.data
    assert problem.x.turned is None
    assert problem.rough is problem.x
    fit_multinomial(view, codes)
    np.testing.assert_array_equal(view, X)


@pytest.mark.parametrize("bfloat16", [False, True])
def test_transposed_copies_change_no_more_than_rounding(monkeypatch, bfloat16):
    X, codes = draw(*SHAPES["array"])
    copied = fit_multinomial(X, codes, tolerance=1e-4, bfloat16=bfloat16).coefficients
    monkeypatch.setattr(multinomial, "COPIED", 0)
    monkeypatch.setattr(multinomial, "_BLOCK", 1 << 14)
    in_blocks = fit_multinomial(X, codes, tolerance=1e-4, bfloat16=bfloat16).coefficients
    np.testing.assert_allclose(copied, in_blocks, atol=2e-4 * np.abs(in_blocks).max())


def test_products_are_those_of_numpy():
    rng = np.random.default_rng(5)
    X, rows, columns = (rng.standard_normal(shape, dtype=np.float32) for shape in ((700, 90), (4, 700), (4, 90)))
    matrix = multinomial._Matrix(torch.from_numpy(X))
    np.testing.assert_array_equal(matrix.turned.numpy(), X.T)
    np.testing.assert_allclose(matrix.sums(torch.from_numpy(rows)).numpy(), rows @ X, atol=1e-4)
    np.testing.assert_allclose(matrix.times(torch.from_numpy(columns)).numpy(), X @ columns.T, atol=1e-4)


def test_plain_torch_products_serve_where_onednn_is_missing(monkeypatch):
    X, codes = draw(*SHAPES["array"])
    expected = fit_multinomial(X, codes, tolerance=1e-4).coefficients
    monkeypatch.setattr(torch.backends.mkldnn, "is_available", lambda: False)
    found = fit_multinomial(X, codes, tolerance=1e-4).coefficients
    np.testing.assert_allclose(found, expected, atol=2e-4 * np.abs(expected).max())


def test_mistakes_are_told():
    X, codes = draw(60, 10, 3, 0, 0.5)
    with pytest.raises(InputError, match="class 1 has no training sample"):
        fit_multinomial(X, np.where(codes == 1, 2, codes))
    with pytest.raises(InputError, match="of one class"):
        fit_multinomial(X, np.zeros(60, dtype=int))
    for value, words in ((np.nan, "missing values"), (np.inf, "infinite"), (-np.inf, "infinite")):
        broken = X.copy()
        broken[7, 3] = value
        with pytest.raises(InputError, match=words):
            SelectLogistic().fit(broken, codes)
    with pytest.raises(InputError, match="precision"):
        SelectLogistic(precision="half").fit(X, codes)


def test_iterations_that_run_out_are_told_and_the_best_so_far_is_kept():
    X, codes = draw(*SHAPES["array"])
    step = SelectLogistic(max_iter=1).fit(X, codes)
    assert step.note(X) == "select_logistic did not converge: raise max_iter"
    assert step.kept_.sum() == 150
    assert SelectLogistic().fit(X, codes).note(X) == ""


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16"])
def test_the_step_chooses_scikit_learn_s_genes_for_any_labels(precision):
    X, codes = draw(*SHAPES["many classes"])
    labels = np.array([f"type {chr(116 - code)}" for code in codes])
    kept = SelectLogistic(precision=precision).fit(X, labels).kept_
    assert (kept == chosen(reference(X, codes).coef_)).mean() >= 0.99


def genuine(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Read a genuine cohort: values (samples, genes) on a log scale, labels."""
    folder = Path(os.environ["GEXFLOW_REALDATA"])
    if name == "khan":
        table = pd.read_csv(folder / "table/khan.tsv.gz", sep="\t")
        return table.iloc[:, 2:].to_numpy(np.float32), table["label"].to_numpy(str)
    if name == "tcga32":
        table = pd.read_csv(folder / "tcga/joint_ebpp_hiseqv2_90genes.tsv.gz", sep="\t")
        values = table.iloc[:, 2:].fillna(table.iloc[:, 2:].median())
        return values.to_numpy(np.float32), table["acronym"].to_numpy(str)
    counts = pd.read_csv(folder / "tcga/tcga6_counts_genes_x_samples.tsv.gz", sep="\t", index_col=0).T
    labels = pd.read_csv(folder / "tcga/tcga6_labels.tsv", sep="\t", index_col=0).iloc[:, 0].loc[counts.index]
    values = np.log2(counts.to_numpy(np.float64) / counts.sum(axis=1).to_numpy()[:, None] * 1e6 + 1)
    return values[:, np.argsort(-values.var(axis=0))[:3000]].astype(np.float32), labels.to_numpy(str)


@cache
def genuine_reference(name: str, normal: bool) -> tuple[np.ndarray, np.ndarray, LogisticRegression]:
    X, labels = genuine(name)
    X = GeneQuantile().fit(X).transform(X) if normal else X
    codes = np.unique(labels, return_inverse=True)[1]
    oracle = LogisticRegression(C=0.1, class_weight="balanced", solver="newton-cg", tol=1e-7, max_iter=300)
    return X, codes, oracle.fit(X.astype(np.float64), codes)


@BOTH
@pytest.mark.real
@pytest.mark.skipif("GEXFLOW_REALDATA" not in os.environ, reason="GEXFLOW_REALDATA is not set")
@pytest.mark.parametrize(
    ("name", "normal"), [("khan", True), ("khan", False), ("tcga6", True), ("tcga6", False), ("tcga32", True)]
)
def test_genuine_cohorts_give_scikit_learn_s_converged_choice(name, normal, bfloat16):
    X, codes, oracle = genuine_reference(name, normal)
    fit = fit_multinomial(X, codes, bfloat16=bfloat16)
    best = objective(X, codes, oracle.coef_, oracle.intercept_)
    assert fit.converged
    assert objective(X, codes, fit.coefficients, fit.intercept) <= best * (1 + 5e-6)
    swapped = (chosen(fit.coefficients) != chosen(oracle.coef_)).sum()
    assert swapped <= max(2, 0.01 * X.shape[1])  # of 90 genes, one swap of two neighbours of the median is 2 %
