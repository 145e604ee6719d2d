"""Leaks planted by intention to test the audit, as `{dataset}~leak-selection`: LEAKY, and ranked nowhere."""

import json
from collections.abc import Iterator
from dataclasses import replace

import anndata
import numpy as np
import pandas as pd

from gexflow.audit_names import LEAK_DISTRIBUTION, LEAK_GROUPS, LEAK_LABELS, LEAK_SELECTION
from gexflow.evaluation.audit_draws import permuted_row
from gexflow.evaluation.audit_proxies import audit_columns
from gexflow.evaluation.audit_purity import purity_row, with_noise
from gexflow.evaluation.audit_refits import Pipeline, permuted_draws, split
from gexflow.evaluation.audit_rows import FINDING, NOT_TESTABLE, NOTE, PASS, Row, flagged
from gexflow.evaluation.audit_splits import audit_splits
from gexflow.recipe_names import chooses_genes
from gexflow.recipes.folds import PreparedFold, prepare_folds

WORDS = {
    LEAK_SELECTION: "genes chosen on all samples, before the folds",
    LEAK_LABELS: "the label among the genes, as a number",
    LEAK_GROUPS: "folds that part the samples of a group",
    LEAK_DISTRIBUTION: "what precedes the choice of genes fitted on test samples too",
}
_COLUMN = "planted label"


def plant(cohort: anndata.AnnData, leak: str) -> anndata.AnnData:
    """Return a cohort that says of itself that it leaks; with `leak-labels` its last column is the label as a number.

    Values are shared with the cohort, except with `leak-labels`.
    """
    values, var = cohort.X, cohort.var
    if leak == LEAK_LABELS:
        codes = np.unique(cohort.obs["label"].to_numpy().astype(str), return_inverse=True)[1]
        values = np.column_stack([values, codes + 1]).astype(np.float32)
        var = pd.DataFrame({"symbol": [*var["symbol"].astype(str), ""]}, index=[*var.index, _COLUMN])
    source = json.loads(cohort.uns.get("source", "{}")) | {"protocol": leak}
    uns = {"scale": cohort.uns["scale"], "source": json.dumps(source, sort_keys=True)}
    return anndata.AnnData(values, obs=cohort.obs.copy(), var=var, uns=uns)


def choose_outside(cohort: anndata.AnnData, parts: list[np.ndarray], steps: list) -> Iterator[PreparedFold]:
    """Prepare folds with genes chosen once, on all samples; everything else is fitted in the fold."""
    chosen = next(prepare_folds(cohort, parts[:1], steps, fit_on="all")).features.var_names
    for fold in prepare_folds(cohort, parts, [step for step in steps if not chooses_genes([step])]):
        fold.features = fold.features[:, fold.features.var_names.isin(chosen)].copy()
        yield fold


def fit_outside(cohort: anndata.AnnData, parts: list[np.ndarray], steps: list) -> Iterator[PreparedFold]:
    """Prepare folds with all steps before the last choice of genes fitted on all samples; the choice is the fold's."""
    first, rest = _around_choice(steps)
    before = next(prepare_folds(cohort, parts[:1], first, fit_on="all"))
    features = before.features
    table = anndata.AnnData(features.X, obs=cohort.obs, var=features.var, uns=dict(cohort.uns))
    for part in parts:
        fold = next(prepare_folds(table, [part], rest)) if rest else replace(before, features=features.copy())
        fold.features.obs["part"] = pd.Categorical(part)
        fold.fitted = before.fitted
        yield fold


def _around_choice(steps: list) -> tuple[list, list]:
    last = max((place for place, step in enumerate(steps) if chooses_genes([step])), default=len(steps))
    return steps[:last], steps[last:]


def leaking(pipeline: Pipeline, leak: str) -> Pipeline:
    """Return the pipeline with a planted leak."""
    if leak == LEAK_GROUPS:
        return replace(pipeline, grouped=False)
    planted = {LEAK_SELECTION: choose_outside, LEAK_DISTRIBUTION: fit_outside}
    return replace(pipeline, prepare=planted[leak]) if leak in planted else pipeline


def audit_leak(cohort: anndata.AnnData, pipeline: Pipeline, leak: str, permutations: int, model: str) -> list[Row]:
    """Plant a leak, and run the part of the audit that has to see it.

    Parameters
    ----------
    cohort : AnnData
        It is changed: take it as used up.
    pipeline : Pipeline
        Without a leak.
    permutations : int
    model : str
        Name of the model.

    Returns
    -------
    list of Row
        As the audit of a cohort has them; a row "not testable" where the leak cannot be planted.
    """
    labels = cohort.obs["label"].to_numpy().astype(str)
    planted, leaky = plant(cohort, leak), leaking(pipeline, leak)
    if leak == LEAK_SELECTION:
        if not chooses_genes(pipeline.steps):
            return [_not_planted("The recipe chooses no genes.")]
        return [permuted_row(permuted_draws(planted, leaky, permutations), model, len(set(labels)))]
    if leak == LEAK_LABELS:
        return audit_columns(planted.X, labels, list(planted.var_names))
    splits = split(planted, labels, leaky)
    if leak == LEAK_GROUPS:
        if cohort.obs["group"].is_unique:
            return [_not_planted("No two samples share a group.")]
        return audit_splits(splits, cohort.obs, [], "")
    if not _around_choice(pipeline.steps)[0]:
        return [_not_planted("The recipe fits nothing before it chooses genes.")]
    part = splits[splits["fold"] == 1].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)
    stored = next(leaky.prepare(planted, [part], leaky.steps)).fitted
    if not any(name != "kept" for name in [*stored.var, *stored.varm]):
        return [_not_planted("The recipe learns nothing before it chooses genes.")]
    with_noise(planted, part, pipeline.seed)
    noisy = next(leaky.prepare(planted, [part], leaky.steps)).fitted
    return [purity_row("", 1, stored, noisy, lambda: stored)]


def _not_planted(why: str) -> Row:
    return Row("planted leak", "", NOT_TESTABLE, "", "", why)


def leak_row(leak: str, rows: list[Row]) -> Row:
    """Say in one row whether the audit saw a planted leak."""
    check = f"planted leak: {leak}"
    if all(row.finding == NOT_TESTABLE for row in rows):
        return Row(check, "", NOT_TESTABLE, "", "seen", f"Not planted ({WORDS[leak]}): {rows[0].detail}")
    seen, what = flagged(rows), f"LEAKY by intention: {WORDS[leak]}"
    if seen:
        found = next(row for row in rows if row.finding == FINDING)
        detail = f"{what}. Seen by: {'; '.join(seen)}: {found.value} where {found.expected} is expected."
        return Row(check, "", PASS, "seen", "seen", detail)
    detail = f"{what}. The audit did not see it: on this cohort a pass of the check that is for it says little."
    return Row(check, "", NOTE, "not seen", "seen", detail)
