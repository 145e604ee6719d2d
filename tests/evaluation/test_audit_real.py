"""The audit on genuine cohorts: no false alarm, and replicates that folds part are seen."""

import os
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.join_groups import join_near_duplicates
from gexflow.cohorts.near_duplicates import find_near_duplicates
from gexflow.cohorts.splits import split_samples
from gexflow.evaluation.audit import audit_cohort, refit_model
from gexflow.evaluation.audit_draws import draw_scores, permuted_row
from gexflow.evaluation.audit_proxies import audit_columns
from gexflow.evaluation.audit_refits import Pipeline, permuted_draws, reference_prediction
from gexflow.evaluation.audit_rows import flagged
from gexflow.recipes.folds import prepare_folds

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif("GEXFLOW_REALDATA" not in os.environ, reason="GEXFLOW_REALDATA is not set: no genuine files"),
]
STEPS = [
    {"impute_median": {}},
    {"select_variance": {"top": 500}},
    {"gene_quantile": {"output": "normal"}},
    {"select_logistic": {"C": 0.1, "keep": "median"}},
]
LOGISTIC = reference_prediction({"network": "logistic", "C": 0.1, "max_iter": 2000})
PIPELINE = Pipeline(STEPS, LOGISTIC, folds=5, seed=32)


@pytest.fixture
def khan() -> anndata.AnnData:
    table = pd.read_csv(Path(os.environ["GEXFLOW_REALDATA"]) / "table/khan.tsv.gz", sep="\t", index_col="sample_id")
    labels = table.pop("label")
    values, samples = table.to_numpy(np.float32), list(table.index)
    # as read_cohort does: some of the cell lines were measured twice
    groups = join_near_duplicates(values, samples, list(labels), samples, "auto", "tcga6")[0]
    obs = pd.DataFrame({"label": pd.Categorical(labels), "group": groups}, index=table.index)
    var = pd.DataFrame({"symbol": ""}, index=table.columns)
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": "logratio"})


def split(cohort: anndata.AnnData, groups: pd.Series) -> pd.DataFrame:
    columns = [list(cohort.obs_names), list(cohort.obs["label"].astype(str)), list(groups)]
    return split_samples(*columns, folds=5, repeats=1, seed=32, validation=0)


def audit(cohort: anndata.AnnData, splits: pd.DataFrame, pipeline: Pipeline) -> list:
    part = splits[splits["fold"] == 1]["part"].to_numpy(dtype=str)
    stored, kept = next(prepare_folds(cohort, [part], STEPS)).fitted, cohort.copy()
    refitted = {"logistic": refit_model(cohort, splits, pipeline, 20, 3)}
    return audit_cohort(cohort, splits, {}, refitted, {"recipe": (STEPS, stored)}, kept.copy, 32)


def test_khan_raises_no_alarm_and_has_six_near_perfect_genes(khan):
    rows = audit(khan, split(khan, khan.obs["group"]), PIPELINE)
    assert flagged(rows) == []
    by_check = {row.check: row for row in rows}
    assert (by_check["near-perfect genes"].finding, by_check["near-perfect genes"].value) == ("note", "6")
    assert float(by_check["random genes"].expected) > 0.9  # the result


def with_replicates(cohort: anndata.AnnData) -> anndata.AnnData:
    """Add a replicate of every sample: the same tumour measured again, with a little noise."""
    noise = 0.05 * cohort.X.std(axis=0) * np.random.default_rng(0).standard_normal(cohort.shape)
    twins = cohort.copy()
    twins.X, twins.obs_names = (cohort.X + noise).astype(np.float32), [f"{name} again" for name in cohort.obs_names]
    both = anndata.concat([cohort, twins])
    return anndata.AnnData(both.X, obs=both.obs, var=cohort.var, uns=dict(cohort.uns))


def test_replicates_that_folds_part_inflate_and_the_audit_sees_them(khan):
    both = with_replicates(khan)
    alone = both.copy()
    alone.obs["group"] = alone.obs_names  # as if nobody knew
    torn = audit(alone, split(both, both.obs_names.to_series()), PIPELINE)
    found = {row.check: row for row in torn}
    assert flagged(torn) == ["split: near-duplicates"]
    assert int(found["split: near-duplicates"].value) > 40
    assert "searched by the audit" in found["split: near-duplicates"].detail
    # how much: labels of whole tumours permuted, so that nothing can be known but from the replicate
    grouped = permuted_draws(both, PIPELINE, 6)
    parted = permuted_draws(both, Pipeline(STEPS, LOGISTIC, folds=5, seed=32, grouped=False), 6)
    print(f"permuted labels: grouped {draw_scores(grouped).mean():.3f}, parted {draw_scores(parted).mean():.3f}")
    assert permuted_row(grouped, "logistic", 4).finding == "pass"
    assert permuted_row(parted, "logistic", 4).finding == "finding"
    assert draw_scores(parted).mean() > draw_scores(grouped).mean() + 0.3


def test_replicates_in_one_group_raise_no_alarm(khan):
    both = with_replicates(khan)
    assert find_near_duplicates(both.X, list(both.obs["label"]), list(both.obs_names)).pairs
    assert flagged(audit(both, split(both, both.obs["group"]), PIPELINE)) == []


def test_near_perfect_genes_of_tcga_types_are_a_note():
    folder = Path(os.environ["GEXFLOW_REALDATA"]) / "tcga"
    counts = pd.read_csv(folder / "tcga6_counts_genes_x_samples.tsv.gz", sep="\t", index_col=0).T
    labels = pd.read_csv(folder / "tcga6_labels.tsv", sep="\t").set_index("sample_id")["label"].loc[counts.index]
    values = np.log2(counts.to_numpy(np.float32) / counts.to_numpy().sum(axis=1, keepdims=True) * 1e6 + 1)
    rows = audit_columns(values.astype(np.float32), labels.to_numpy(dtype=str), list(counts.columns))
    assert [row.finding for row in rows] == ["pass", "note"]
    assert 10 < int(rows[1].value) < 40
