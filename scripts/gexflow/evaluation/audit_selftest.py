"""The audit's own test: simulated cohorts without and with leaks, and what the audit says of each."""

from collections.abc import Iterable, Sequence

import anndata
import numpy as np
import pandas as pd

from gexflow.audit_names import LEAKS
from gexflow.evaluation.audit import audit_cohort, refit_model
from gexflow.evaluation.audit_leaks import audit_leak
from gexflow.evaluation.audit_refits import Pipeline, split
from gexflow.evaluation.audit_rows import flagged
from gexflow.recipes.folds import prepare_folds

NULL, UNEVEN, SIGNAL = "clean null", "clean null, groups of uneven size", "clean with signal"
UNEVEN_GROUPS = (1,) * 30 + (20,) * 3
_PATIENT_SHARE = 0.3  # of the variance, shared by the samples of a patient


def draw_cohort(
    seed: int,
    samples: int = 96,
    genes: int = 80,
    classes: int = 3,
    shift: float = 0.0,
    per_group: int | Sequence[int] = 2,
) -> anndata.AnnData:
    """Draw a cohort: standard normal genes, of which a tenth are shifted in each class; groups share a part of them.

    Parameters
    ----------
    seed, samples, genes, classes : int
    shift : float
        In standard deviations; 0 for a cohort whose labels mean nothing.
    per_group : int, or sequence of int
        Samples of a group, all of one class; of each group, whose sum takes the place of `samples`.
    """
    random = np.random.default_rng(seed)
    count = samples // per_group if isinstance(per_group, int) else len(per_group)
    code = np.repeat(random.permutation(np.arange(count) % classes), per_group)
    group = np.repeat(np.arange(count), per_group)
    means = shift * (random.random((classes, genes)) < 0.1) * random.choice([-1.0, 1.0], size=genes)
    own, shared = random.standard_normal((len(code), genes)), random.standard_normal((count, genes))
    values = means[code] + np.sqrt(_PATIENT_SHARE) * shared[group] + np.sqrt(1 - _PATIENT_SHARE) * own
    obs = pd.DataFrame({"label": [f"class {c}" for c in code], "group": [f"patient {g}" for g in group]})
    obs.index = [f"sample {i}" for i in range(len(code))]
    var = pd.DataFrame({"symbol": ""}, index=[f"gene {i}" for i in range(genes)])
    return anndata.AnnData(values.astype(np.float32), obs=obs, var=var, uns={"scale": "log2"})


def self_test(
    pipeline: Pipeline, seeds: Iterable[int], permutations: int = 20, shift: float = 1.0, leaks: bool = True
) -> pd.DataFrame:
    """Run the audit on clean cohorts and on planted leaks.

    Parameters
    ----------
    pipeline : Pipeline
        Without a leak.
    seeds : iterable of int
    permutations : int
    shift : float
        Of the cohorts with signal.
    leaks : bool
        False leaves the planted leaks out.

    Returns
    -------
    DataFrame of cohort, seed, flagged
        `cohort` is one of three clean kinds or a leak; `flagged` the checks that found something, "" for none.
    """
    rows = []
    for seed in seeds:
        clean = {NULL: (0.0, 2), UNEVEN: (0.0, UNEVEN_GROUPS), SIGNAL: (shift, 2)}
        for kind, (size, per_group) in clean.items():
            cohort = draw_cohort(seed, shift=size, per_group=per_group)
            rows.append((kind, seed, "; ".join(flagged(_audit_clean(cohort, pipeline, permutations)))))
        for leak in LEAKS if leaks else ():
            found = audit_leak(draw_cohort(seed, shift=shift), pipeline, leak, permutations, "model")
            rows.append((leak, seed, "; ".join(flagged(found))))
    return pd.DataFrame(rows, columns=["cohort", "seed", "flagged"])


def _audit_clean(cohort: anndata.AnnData, pipeline: Pipeline, permutations: int) -> list:
    splits = split(cohort, cohort.obs["label"].to_numpy().astype(str), pipeline)
    refitted = refit_model(cohort, splits, pipeline, permutations, 0)
    part = splits[splits["fold"] == 1].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)
    stored = next(prepare_folds(cohort, [part], pipeline.steps)).fitted
    kept = cohort.copy()
    recipes = {"recipe": (pipeline.steps, stored)}
    return audit_cohort(cohort, splits, {}, {"model": refitted}, recipes, kept.copy, pipeline.seed)
