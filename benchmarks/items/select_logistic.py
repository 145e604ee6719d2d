"""select-logistic-*: genes chosen by a multinomial logistic regression, beside scikit-learn's fastest solver."""

import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, Unsuitable, share_of_equal
from benchmarks.simulate import MENDELEY_SIZES, TCGA_SIZES, Population, draw_labels

C = 0.1
_EFFECT = 0.5
LARGE = {
    "full": {"samples": 9000, "genes": 2000, "classes": 33},
    "small": {"samples": 200, "genes": 40, "classes": 4},
}
SMALL = {
    "full": {"samples": 1877, "genes": 971, "classes": 5},
    "small": {"samples": 100, "genes": 30, "classes": 3},
}
# newton-cholesky holds and factorises a Hessian of all coefficients
_LARGEST_HESSIAN = 2 * 2**30


def make(folder: Path, settings: Settings) -> dict:
    """Draw standardised expression, float32, of classes of very unequal size, of about 5 % Bayes error.

    That is what linear models reach on 33 TCGA types; classes that nothing confuses are no task for any solver.
    """
    rng = np.random.default_rng(32)
    sizes = MENDELEY_SIZES if settings["classes"] == len(MENDELEY_SIZES) else TCGA_SIZES[: settings["classes"]]
    labels = draw_labels(settings["samples"], sizes, rng)
    values = Population.draw(settings["genes"], len(sizes), rng, _EFFECT).log2(labels, rng)
    values -= values.mean(axis=0)
    values /= values.std(axis=0)
    np.savez(folder / "data.npz", values=values, labels=labels)
    return {"input_bytes": values.nbytes}


def load(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return values and labels."""
    with np.load(folder / "data.npz") as data:
        return data["values"], data["labels"]


def ours(folder: Path, settings: Settings, precision: str) -> Callable[[], Outcome]:
    """Fit the recipe's step."""
    from sklearn.base import clone

    from gexflow.memory import keep_freed_memory
    from gexflow.recipes.recipe import STEPS

    keep_freed_memory()
    values, labels = load(folder)
    step = STEPS["select_logistic"](C=C, keep="median")
    step.set_params(precision=precision)
    _ = clone(step).fit(values[:400, :50], labels[:400])  # load the libraries

    def run() -> Outcome:
        step.fit(values, labels)
        return Outcome({"kept": step.kept_, "weights": step.coef_, "intercepts": step.intercept_})

    return run


def peer(folder: Path, settings: Settings, solver: str, dtype: str) -> Callable[[], Outcome]:
    """Fit scikit-learn's estimator with one solver, on values of one precision (made before the clock runs)."""
    from sklearn.base import clone
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    hessian = 8 * (settings["classes"] * (settings["genes"] + 1)) ** 2
    if solver == "newton-cholesky" and hessian > _LARGEST_HESSIAN:
        raise Unsuitable(f"its Hessian would take {hessian / 2**30:.0f} GiB")
    values, labels = load(folder)
    values = values.astype(dtype)
    model = LogisticRegression(C=C, class_weight="balanced", solver=solver, max_iter=1000)
    with warnings.catch_warnings(action="ignore"):
        clone(model).set_params(max_iter=5).fit(values[:400, :50], labels[:400])  # load the libraries

    def run() -> Outcome:
        start = time.perf_counter()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            model.fit(values, labels)
        size = np.abs(model.coef_).sum(axis=0)
        kept = size >= np.median(size)
        seconds = time.perf_counter() - start
        warned = any(issubclass(one.category, ConvergenceWarning) for one in caught)
        facts = {"iterations": int(np.max(model.n_iter_)), "converged": not warned}
        facts["objective"] = objective(values, labels, model.coef_, model.intercept_)
        return Outcome({"kept": kept, "weights": model.coef_, "intercepts": model.intercept_}, facts, seconds)

    return run


def sound(facts: dict[str, dict], arrays: dict[str, Arrays]) -> set[str]:
    """Accept the solvers that say they converged and choose 99 % of the genes that the lowest objective chooses."""
    lowest = min(facts, key=lambda words: facts[words]["objective"])
    converged = {words for words in facts if facts[words]["converged"]}
    shares = {words: share_of_equal(arrays[words]["kept"], arrays[lowest]["kept"]) for words in converged}
    return {words for words in converged if shares[words] >= 0.99} or {lowest}


def objective(values: np.ndarray, labels: np.ndarray, weights: np.ndarray, intercepts: np.ndarray) -> float:
    """Return the penalised, class-balanced negative log likelihood; products in the precision of `values`."""
    logits = (values @ weights.T.astype(values.dtype)).astype(np.float64) + intercepts
    logits -= logits.max(axis=1, keepdims=True)
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]
    balanced = len(labels) / (len(weights) * np.bincount(labels))
    return float((balanced[labels] * losses).sum() + (weights.astype(np.float64) ** 2).sum() / (2 * C))


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Of our choice 99 % is scikit-learn's, and our objective is at most 1e-4 relative above its."""
    values, labels = load(folder)
    values = values.astype(np.float64)
    shared = share_of_equal(ours["kept"], peer["kept"])
    mine, theirs = (objective(values, labels, side["weights"], side["intercepts"]) for side in (ours, peer))
    excess = mine / theirs - 1
    return {
        "share_of_equal_genes": shared,
        "objective": mine,
        "peer_objective": theirs,
        "agrees": shared >= 0.99 and excess <= 1e-4,
        "words": f"{100 * shared:.1f} % the same genes, objective {excess:+.1e} relative",
    }


SOLVERS = ["lbfgs", "newton-cg", "newton-cholesky"]
PEERS = {
    f"scikit-learn {solver}, {dtype}": partial(peer, solver=solver, dtype=dtype)
    for solver in SOLVERS
    for dtype in ("float64", "float32")
}


def _item(name: str, about: str, sizes: dict[str, Settings], precision: str, at_least: float, aim: str) -> Item:
    return Item(
        name=name,
        about=about,
        data="select-logistic" if sizes is LARGE else "select-logistic-small",
        make=make,
        sizes=sizes,
        ours=partial(ours, precision=precision),
        peers=PEERS,
        compare=compare,
        at_least=at_least,
        aim=aim,
        sound=sound,
    )


STREAM = "ten folds in one stream of products"
ITEMS = [
    _item("select-logistic-fp32", "9,000 x 2,000, 33 classes", LARGE, "float32", 4, STREAM),
    _item("select-logistic-bf16", "the same, products in bfloat16", LARGE, "bfloat16", 8, STREAM),
    _item("select-logistic-small", "1,877 x 971, 5 classes", SMALL, "auto", 1, "never slower"),
]
