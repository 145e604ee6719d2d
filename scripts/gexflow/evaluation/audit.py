"""The audit of a cohort: every check for leaks in one table, from the folds to the refitted pipelines."""

from collections.abc import Callable
from dataclasses import dataclass

import anndata
import numpy as np
import pandas as pd

from gexflow.cohorts.near_duplicates import LEAST_GENES, find_near_duplicates
from gexflow.evaluation.audit_batches import batch_row, nested_row, permutable_within
from gexflow.evaluation.audit_draws import (
    permuted_row,
    pooled_balanced_accuracy,
    random_genes_row,
    score_beside,
    within_batches_row,
)
from gexflow.evaluation.audit_proxies import audit_columns
from gexflow.evaluation.audit_purity import purity_row, with_noise
from gexflow.evaluation.audit_refits import (
    FREE,
    WITHIN_BATCHES,
    Pipeline,
    permuted_draws,
    random_gene_draws,
    refit,
)
from gexflow.evaluation.audit_rows import NOT_TESTABLE, Row
from gexflow.evaluation.audit_splits import audit_splits
from gexflow.recipe_names import chooses_genes
from gexflow.recipes.folds import prepare_folds

PURE_FOLD = 1  # purity is exact: one fold tells it


@dataclass(frozen=True)
class Refitted:
    """What the refits of a model gave.

    Attributes
    ----------
    permuted, random : DataFrame
        Draws, with the columns of `audit_refits`; either may be empty.
    keep : int
        Genes of a random draw.
    own : DataFrame of sample, label, predicted, or None
        What the model itself predicted of all samples in the first repeat.
    asked : int
        Draws of random genes that the config asks for; none are made where the recipe chooses no genes.
    """

    permuted: pd.DataFrame
    random: pd.DataFrame
    keep: int
    own: pd.DataFrame | None
    asked: int

    @property
    def result(self) -> float | None:
        """Pooled balanced accuracy of the model itself."""
        return None if self.own is None else pooled_balanced_accuracy(self.own["label"], self.own["predicted"])


def batches_of(cohort: anndata.AnnData) -> np.ndarray | None:
    """Return the batch of every sample, "" where it is unknown; None where none is known."""
    if "batch" not in cohort.obs:
        return None
    batches = cohort.obs["batch"].astype(str).to_numpy(dtype=str)
    return batches if (batches != "").any() else None


def audit_cohort(
    cohort: anndata.AnnData,
    splits: pd.DataFrame,
    card: dict,
    refitted: dict[str, Refitted],
    recipes: dict[str, tuple[list, anndata.AnnData]],
    again: Callable[[], anndata.AnnData],
    seed: int,
    everybody: pd.DataFrame | None = None,
) -> list[Row]:
    """Audit a cohort, its folds, the recipes in use and the refitted models.

    Parameters
    ----------
    cohort : AnnData
        Without a hold-out. It is changed: samples outside the training part of fold 1 become noise.
    splits : DataFrame
        The folds in use.
    card : dict
        Of the cohort; its near-duplicates are taken from there, and searched where it has none.
    refitted : {model: Refitted}
    recipes : {recipe: (steps, its fitted.h5ad of fold 1)}
    again : function () -> AnnData
        Reads the cohort anew.
    seed : int
    everybody : DataFrame or None
        Label and group of all samples, those of a hold-out too; None where there is none.

    Returns
    -------
    list of Row
    """
    labels, batches = cohort.obs["label"].to_numpy().astype(str), batches_of(cohort)
    everybody = cohort.obs if everybody is None else everybody
    rows = audit_splits(splits, everybody, *_near_duplicates(cohort, card, len(everybody) > cohort.n_obs))
    names = [
        symbol or str(gene) for gene, symbol in zip(cohort.var_names, cohort.var["symbol"].astype(str), strict=True)
    ]
    columns = audit_columns(cohort.X, labels, names)
    classes, results = len(set(labels)), {name: found.result for name, found in refitted.items() if found.result}
    permuted, drawn = [], []
    for model, found in refitted.items():
        form = found.permuted["form"]
        free = found.permuted[form == FREE]
        permuted.append(permuted_row(free, model, classes, score_beside(free, found.own)))
        if permutable_within(labels, batches):
            within = found.permuted[form == WITHIN_BATCHES]
            permuted.append(within_batches_row(within, model, score_beside(within, found.own)))
        else:
            permuted.append(nested_row(labels, batches, model))
        drawn.append(random_genes_row(found.random, model, found.keep, found.result, found.asked))
    if not refitted:
        why = "evaluation.audit.models names no model that runs on this dataset."
        permuted.append(Row("permuted labels", "", NOT_TESTABLE, "", "", why))
    alone = batch_row(splits, cohort.obs, results)
    return [*rows, *_purity(cohort, splits, recipes, again, seed), *permuted, *columns, alone, *drawn]


def _near_duplicates(cohort: anndata.AnnData, card: dict, locked: bool) -> tuple[list[tuple[str, str]], str]:
    """Return pairs of near-duplicates and where they come from; searched here where the card has no search."""
    known = card.get("near_duplicates") or {}
    if known.get("threshold") is not None:
        pairs = [tuple(pair["samples"]) for pair in known.get("pairs", [])]
        listed = len(pairs) < known.get("count", 0)
        return pairs, f"the first {len(pairs)} of {known['count']} on the card" if listed else "from the card"
    if cohort.n_vars < LEAST_GENES:
        return [], ""
    columns = (list(cohort.obs[name].astype(str)) for name in ("label", "group"))
    found = find_near_duplicates(cohort.X, *columns)
    names = cohort.obs_names
    where = "searched by the audit, a locked hold-out left out" if locked else "searched by the audit"
    return [(str(names[i]), str(names[j])) for i, j, _ in found.pairs], where


def _purity(
    cohort: anndata.AnnData,
    splits: pd.DataFrame,
    recipes: dict[str, tuple[list, anndata.AnnData]],
    again: Callable[[], anndata.AnnData],
    seed: int,
) -> list[Row]:
    part = splits[splits["fold"] == PURE_FOLD].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)
    with_noise(cohort, part, seed)
    return [
        purity_row(
            name,
            PURE_FOLD,
            stored,
            next(prepare_folds(cohort, [part], steps)).fitted,
            lambda steps=steps: next(prepare_folds(again(), [part], steps)).fitted,
        )
        for name, (steps, stored) in recipes.items()
    ]


def refit_model(
    cohort: anndata.AnnData, splits: pd.DataFrame, pipeline: Pipeline, permutations: int, random_genes: int
) -> Refitted:
    """Refit a pipeline in memory: the result, permuted labels (within batches, too, where that tells), random genes.

    The workflow does the same in jobs of their own.
    """
    first = splits[splits["repeat"] == 1]
    labels = cohort.obs["label"].to_numpy().astype(str)
    own = refit(cohort, labels, first, pipeline)
    permuted = all_permuted_draws(cohort, pipeline, permutations)
    part = first[first["fold"] == 1].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)
    keep = next(prepare_folds(cohort, [part], pipeline.steps)).features.n_vars
    draws = random_genes if chooses_genes(pipeline.steps) else 0
    random = random_gene_draws(cohort, splits, pipeline, draws, keep)
    return Refitted(permuted, random, keep, own, random_genes)


def all_permuted_draws(cohort: anndata.AnnData, pipeline: Pipeline, count: int) -> pd.DataFrame:
    """Refit on permuted labels and, where at least half of the samples lie in mixed batches, within these too."""
    labels, batches = cohort.obs["label"].to_numpy().astype(str), batches_of(cohort)
    tables = [permuted_draws(cohort, pipeline, count)]
    if permutable_within(labels, batches):
        tables.append(permuted_draws(cohort, pipeline, count, batches))
    return pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)
