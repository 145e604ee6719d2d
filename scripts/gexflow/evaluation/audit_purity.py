"""The audit of recipes: with noise in place of all samples that do not train, every fitted value stays, bit for bit."""

from collections.abc import Callable

import anndata
import numpy as np
import pandas as pd

from gexflow.errors import listed
from gexflow.evaluation.audit_rows import FINDING, PASS, Row

_TOLERANCE = 1e-4  # of other numbers of threads; single precision in the products of a solver
_AT_THE_EDGE = 0.01  # of the genes
Fit = Callable[[anndata.AnnData], anndata.AnnData]


def with_noise(cohort: anndata.AnnData, parts: np.ndarray, seed: int) -> None:
    """Replace, in place, values and labels of all samples that do not train.

    The new values are values of the training samples, of any gene, times three: a scale keeps its kind (counts stay
    counts, no value is below 0 where none was), but no gene keeps its distribution. Labels are permuted.

    Parameters
    ----------
    cohort : AnnData
    parts : str array (samples,)
    """
    random = np.random.default_rng(seed)
    train, others = np.flatnonzero(parts == "train"), np.flatnonzero(parts != "train")
    for row in others:
        genes = random.integers(cohort.n_vars, size=cohort.n_vars)
        cohort.X[row] = 3 * cohort.X[train[random.integers(len(train), size=cohort.n_vars)], genes]
    labels = cohort.obs["label"].to_numpy().astype(str)
    labels[others] = random.permutation(labels[others])
    cohort.obs["label"] = pd.Categorical(labels)


def fitted_arrays(fitted: anndata.AnnData) -> dict[str, np.ndarray]:
    """Return all that a recipe learned, by name."""
    arrays = {name: fitted.var[name].to_numpy() for name in fitted.var}
    return arrays | {name: np.asarray(fitted.varm[name]) for name in fitted.varm}


def differing(one: anndata.AnnData, other: anndata.AnnData) -> list[str]:
    """Return the names of the fitted arrays that are not bit-identical."""
    first, second = fitted_arrays(one), fitted_arrays(other)
    names = dict.fromkeys([*first, *second])
    found = [name for name in names if not _identical(first.get(name), second.get(name))]
    return found + ["steps"] * (str(one.uns["steps"]) != str(other.uns["steps"]))


def _identical(one: np.ndarray | None, other: np.ndarray | None) -> bool:
    if one is None or other is None or one.shape != other.shape:
        return False
    # texts and numbers alike; the bytes of numbers tell -0 from 0 and know NaN
    same = one.dtype == other.dtype and one.dtype != object
    return one.tobytes() == other.tobytes() if same else bool((one == other).all())


def _near(one: anndata.AnnData, other: anndata.AnnData) -> bool:
    """Tell whether fitted values differ by rounding alone.

    A gene at the edge of a choice may then change sides, one in a hundred at most; but no choice changes while all
    numbers that it rests on stay bit for bit.
    """
    first, second = fitted_arrays(one), fitted_arrays(other)
    if set(first) != set(second):
        return False
    choices = [name for name in first if name.endswith("kept")]
    numbers = [name for name in first if name not in choices]
    rounded = any(not _identical(first[name], second[name]) for name in numbers)
    edge = _AT_THE_EDGE if rounded else 0.0
    return all(_turned(first[name], second[name]) <= edge for name in choices) and all(
        np.allclose(first[name], second[name], rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True) for name in numbers
    )


def _turned(one: np.ndarray, other: np.ndarray) -> float:
    """Return the share of genes about which two choices differ; NaN stands for a gene that no choice reached."""
    one, other = one.astype(float), other.astype(float)
    return float(np.mean((one != other) & ~(np.isnan(one) & np.isnan(other))))


def purity_row(recipe: str, fold: int, stored: anndata.AnnData, noisy: anndata.AnnData, again: Callable) -> Row:
    """Compare what a fold's recipe learned with what it learns with noise in place of the other samples.

    Parameters
    ----------
    recipe : str
    fold : int
    stored : AnnData
        The fold's `fitted.h5ad`.
    noisy : AnnData
        Refitted with noise.
    again : function () -> AnnData
        Refits without noise. It is called where the two differ, since another number of threads changes last digits.
    """
    check, place = "fold purity", f"fold {fold}"
    if not differing(stored, noisy):
        detail = f"With noise in place of all samples outside the training part, all fitted values of {place} stay."
        return Row(check, recipe, PASS, "0", "0", detail)
    clean = again()
    changed = differing(clean, noisy)
    if not changed and _near(stored, clean):
        detail = (
            f"With noise in place of all samples outside the training part, all fitted values of {place} stay; those "
            "in fitted.h5ad differ by rounding, as after a run with another number of threads."
        )
        return Row(check, recipe, PASS, "0", "0", detail)
    names = changed or differing(stored, clean)
    what = "depend on samples outside the training part" if changed else "are not what the recipe learns from it"
    detail = f"{len(names)} fitted arrays of {place} {what}: {listed(names, 5)}."
    return Row(check, recipe, FINDING, str(len(names)), "0", detail)
