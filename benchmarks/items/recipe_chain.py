"""recipe-chain: the whole recipe gexpnet-paper on a TCGA-size cohort, ten folds, beside scikit-learn's Pipeline."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.item import Arrays, Item, Outcome, Settings, share_of_equal
from benchmarks.simulate import TCGA_SIZES, Population, draw_folds, draw_labels

STEPS = ["impute_median", {"gene_quantile": {"output": "normal"}}, {"select_logistic": {"C": 0.1, "keep": "median"}}]
_BLOCK = 500  # samples written at a time


def make(folder: Path, settings: Settings) -> dict:
    """Write a cohort block by block: linear values, a fifth of the genes missing in a tenth of the samples, as in EB++.

    The matrix is never in memory as a whole, so that the file may be larger than it.
    """
    import h5py

    from benchmarks.ours import cohort_of

    rng = np.random.default_rng(32)
    samples, genes, classes = settings["samples"], settings["genes"], settings["classes"]
    labels = draw_labels(samples, TCGA_SIZES[:classes], rng)
    population = Population.draw(genes, classes, rng)
    cohort_of(None, labels, genes, "linear").write_h5ad(folder / "cohort.h5ad")
    batch, sparse = rng.random(samples) < 0.1, np.arange(genes) % 5 == 0
    with h5py.File(folder / "cohort.h5ad", "r+") as file:
        file.pop("X", None)
        matrix = file.create_dataset("X", (samples, genes), dtype=np.float32)
        matrix.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for start in range(0, samples, _BLOCK):
            rows = slice(start, start + _BLOCK)
            block = population.rnaseq(labels[rows], rng)
            block[np.ix_(batch[rows], sparse)] = np.nan
            matrix[rows] = block
    np.savez(folder / "folds.npz", labels=labels, fold=draw_folds(labels, settings["folds"], rng))
    return {"input_bytes": samples * genes * 4}


def load_folds(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return labels and folds."""
    with np.load(folder / "folds.npz") as data:
        return data["labels"], data["fold"]


def ours(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Read the cohort and prepare all folds; each fold's features are let go before the next."""
    from benchmarks.ours import prepared
    from gexflow import files

    _, fold = load_folds(folder)

    def run() -> Outcome:
        cohort = files.read_by_gene(folder / "cohort.h5ad")
        folds = prepared(cohort, fold, STEPS)
        kept = cohort.var_names.isin(next(folds).var_names)
        for features in folds:
            del features
        return Outcome({"kept": kept})

    return run


def peer(folder: Path, settings: Settings) -> Callable[[], Outcome]:
    """Read the cohort, fit scikit-learn's Pipeline on the first fold's training part, transform all samples.

    The time of the fold is multiplied, that of reading is not. The values stay float32, as AnnData hands them over:
    that is the faster and smaller way here.
    """
    import anndata
    from sklearn.feature_selection import SelectFromModel
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    labels, fold = load_folds(folder)
    train = fold != 0
    mapper = QuantileTransformer(n_quantiles=min(1000, train.sum()), output_distribution="normal", subsample=None)
    model = LogisticRegression(C=0.1, class_weight="balanced", solver="newton-cg", max_iter=1000)
    chain = make_pipeline(SimpleImputer(strategy="median"), mapper, SelectFromModel(model, threshold="median"))

    def run() -> Outcome:
        start = time.perf_counter()
        values = anndata.read_h5ad(folder / "cohort.h5ad").X
        reading = time.perf_counter() - start
        chain.fit(values[train], labels[train])
        chain.transform(values)
        one = time.perf_counter() - start - reading
        fitted = chain[-1].estimator_
        facts = {"seconds_of_one_fold": one, "iterations": int(np.max(fitted.n_iter_))}
        words = f"one fold measured, times {settings['folds']}"
        arrays = {"kept": chain[-1].get_support()}
        # its tolerance leaves thousands of genes near the median on either side: outside the measured time, it goes on
        fitted.set_params(tol=1e-6, warm_start=True).fit(chain[:-1].transform(values[train]), labels[train])
        sizes = np.abs(fitted.coef_).sum(axis=0)
        arrays["kept_in_the_end"] = sizes >= np.median(sizes)
        return Outcome(arrays, facts, reading + one * settings["folds"], words)

    return run


def compare(ours: Arrays, peer: Arrays, folder: Path, settings: Settings) -> dict:
    """Of the genes that scikit-learn's solver keeps in the first fold once it has converged, 99 % are ours."""
    measured, converged = (share_of_equal(ours["kept"], peer[name]) for name in ("kept", "kept_in_the_end"))
    words = f"{100 * converged:.1f} % the same genes as its solver in the end, {100 * measured:.1f} % as then"
    return {"agrees": converged >= 0.99, "words": words, "share_of_equal_genes": converged, "when_measured": measured}


ITEMS = [
    Item(
        name="recipe-chain",
        about="gexpnet-paper, 10,446 x 20,531, 33 classes, ten folds",
        data="recipe-chain",
        make=make,
        sizes={
            "full": {"samples": 10446, "genes": 20531, "classes": 33, "folds": 10},
            "small": {"samples": 150, "genes": 60, "classes": 3, "folds": 3},
        },
        ours=ours,
        peers={"scikit-learn Pipeline (median, quantiles, newton-cg), float32": peer},
        compare=compare,
        at_least=5,
        aim="15 x",
        most_memory=3,
    )
]
