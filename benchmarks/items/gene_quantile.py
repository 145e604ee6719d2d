"""gene-quantile-1 and gene-quantile-10: each gene onto a normal distribution, beside scikit-learn."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, largest_difference
from benchmarks.simulate import TCGA_SIZES, Population, draw_folds, draw_labels

SIZES = {
    "full": {"samples": 9000, "genes": 5000, "classes": 33, "folds": 10},
    "small": {"samples": 120, "genes": 40, "classes": 3, "folds": 3},
}
_COMPARED = 200  # genes of every fold that are handed to the comparison


def make(folder: Path, settings: Settings) -> dict:
    """Draw linear RNA-seq-like values with their tied zeros."""
    rng = np.random.default_rng(32)
    labels = draw_labels(settings["samples"], TCGA_SIZES[: settings["classes"]], rng)
    values = Population.draw(settings["genes"], settings["classes"], rng).rnaseq(labels, rng)
    np.savez(folder / "data.npz", values=values, labels=labels, fold=draw_folds(labels, settings["folds"], rng))
    return {"input_bytes": values.nbytes, "share_of_zeros": round(float((values == 0).mean()), 3)}


def load(folder: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return values, labels and folds."""
    with np.load(folder / "data.npz") as data:
        return data["values"], data["labels"], data["fold"]


def ours_one(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Fit the step on the training part of one fold, transform all samples."""
    from gexflow.recipes.quantile import GeneQuantile

    values, _, fold = load(folder)
    train = fold != 0
    GeneQuantile(output="normal").fit(values[:50, :5]).transform(values[:50, :5])
    return lambda: Outcome({"fold0": GeneQuantile(output="normal").fit(values[train]).transform(values)})


def peer_one(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Do the same with scikit-learn, in float64 (made before the clock runs), all samples and 1,000 quantiles."""
    from sklearn.preprocessing import QuantileTransformer

    values, _, fold = load(folder)
    values, train = values.astype(np.float64), fold != 0
    mapper = QuantileTransformer(output_distribution="normal", subsample=None, n_quantiles=min(1000, train.sum()))
    return lambda: Outcome({"fold0": mapper.fit(values[train]).transform(values)})


def ours_all(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Prepare all folds by a recipe of this one step."""
    from benchmarks.ours import cohort_of, prepared

    values, labels, fold = load(folder)
    cohort = cohort_of(values, labels, values.shape[1], "linear")

    def run() -> Outcome:
        kept = {}
        for features in prepared(cohort, fold, [{"gene_quantile": {"output": "normal"}}]):
            kept[f"fold{len(kept)}"] = features.X[:, :_COMPARED].copy()
            del features  # before the next fold is made
        return Outcome(kept)

    return run


def peer_all(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Fit and transform fold by fold with scikit-learn."""
    from sklearn.preprocessing import QuantileTransformer

    values, _, fold = load(folder)
    values = values.astype(np.float64)

    def run() -> Outcome:
        kept = {}
        for number in range(fold.max() + 1):
            train = fold != number
            mapper = QuantileTransformer(output_distribution="normal", subsample=None)
            mapper.set_params(n_quantiles=min(1000, train.sum()))
            kept[f"fold{number}"] = mapper.fit(values[train]).transform(values)[:, :_COMPARED].copy()
        return Outcome(kept)

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Normal scores equal to 1e-5 where |z| < 4, and the same values at the ends."""
    inner, same_ends = 0.0, True
    for name, theirs in peer.items():
        ends = np.abs(theirs) > 5.19
        within = np.abs(theirs) < 4
        inner = max(inner, largest_difference(ours[name][within], theirs[within]))
        same_ends &= bool((ends == (np.abs(ours[name]) > 5.19)).all())
    agrees = set(ours) == set(peer) and inner <= 1e-5 and same_ends
    words = f"to {inner:.1e} where abs(z) < 4; {'the same' if same_ends else 'other'} values clipped"
    return {"agrees": bool(agrees), "words": words, "largest_difference": inner}


PEER = "scikit-learn QuantileTransformer, float64"
ITEMS = [
    Item(
        name="gene-quantile-1",
        about="9,000 x 5,000, one fold, fit and transform",
        data="gene-quantile",
        make=make,
        sizes=SIZES,
        ours=ours_one,
        peers={PEER: peer_one},
        compare=compare,
        at_least=5,
        aim="10 x",
    ),
    Item(
        name="gene-quantile-10",
        about="the same, ten folds",
        data="gene-quantile",
        make=make,
        sizes=SIZES,
        ours=ours_all,
        peers={PEER: peer_all},
        compare=compare,
        at_least=15,
        aim="30 x",
    ),
]
