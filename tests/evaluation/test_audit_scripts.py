"""The audit's rules: refits equal the ordinary rules, tables say what was found, strict mode ends with a sentence."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.jobs import job_of, run_script

from gexflow.audit_names import LEAKS, PERMUTED, RANDOM_GENES
from gexflow.cohorts.near_duplicates import LEAST_GENES
from gexflow.cohorts.splits import split_samples
from gexflow.evaluation.audit import audit_cohort
from gexflow.evaluation.audit_refits import TEXT as DRAW_TEXT
from gexflow.evaluation.audit_refits import Pipeline, reference_prediction, refit
from gexflow.evaluation.audit_rows import COLUMNS
from gexflow.evaluation.audit_selftest import draw_cohort
from gexflow.files import read_json, read_table, write_h5ad, write_json, write_table
from gexflow.models.predictions import TEXT
from gexflow.recipe_names import chooses_genes, with_random_genes

STEPS = [{"impute_median": {}}, {"zscore": {}}, {"select_ftest": {"keep": 20}}]
MODEL = {"network": "logistic", "C": 0.1, "max_iter": 500}
TUNED = {**MODEL, "tune": {"C": [1e-6, 1.0]}, "inner_folds": 3, "inner_seed": 32}
FOLDS = 3


class Study:
    """A cohort in a folder, with its folds, its recipe and its model, made by the ordinary scripts."""

    def __init__(self, folder: Path, cohort: anndata.AnnData, grouped: bool = True):
        self.home = folder / "results/set"
        groups = cohort.obs["group"] if grouped else cohort.obs_names
        columns = [list(cohort.obs_names), list(cohort.obs["label"]), list(groups)]
        self.splits = split_samples(*columns, folds=FOLDS, repeats=1, seed=32, validation=0)
        write_h5ad(cohort, self.path("cohort.h5ad"))
        write_table(self.splits, self.path("splits.tsv"))
        write_json({"near_duplicates": {"threshold": 0.99, "pairs": [], "count": 0}}, self.path("card.json"))
        recipe = "recipes/mine"
        kinds = {kind: self.folds(f"{recipe}/fold{{}}/{kind}.h5ad") for kind in ("features", "fitted")}
        others = {"summary": "summary.tsv", "times_kept": "stability.tsv", "stability": "stability.json"}
        outputs = kinds | {kind: self.path(f"{recipe}/{name}") for kind, name in others.items()}
        cohort_and_splits = {"cohort": self.path("cohort.h5ad"), "splits": self.path("splits.tsv")}
        names = {"params": {"fit_on": "train"}, "wildcards": {"dataset": "set", "recipe": "mine"}}
        self.run("prepare_folds", recipe, cohort_and_splits, outputs, STEPS, **names)
        self.files = {**cohort_and_splits, "card": self.path("card.json"), "fitted": [kinds["fitted"][0]]}
        self.files["predictions"] = self.fit("logistic", MODEL)

    def fit(self, name: str, model: dict) -> list[str]:
        """Run the ordinary rule of a reference model; return the paths of what it predicts."""
        tuned = [self.path("cohort.h5ad"), self.path("splits.tsv")] if "tune" in model else []
        inputs = {"features": self.folds("recipes/mine/fold{}/features.h5ad"), "tuning": tuned}
        outputs = {"predictions": self.folds(f"models/{name}/fold{{}}/predictions.tsv")}
        outputs["facts"] = self.folds(f"models/{name}/fold{{}}/training.json")
        names = {"params": {"steps": json.dumps(STEPS) if tuned else ""}, "wildcards": {"model": name}}
        self.run("fit_reference", f"models/{name}", inputs, outputs, {**model, "seed": 32}, **names)
        return outputs["predictions"]

    def path(self, name: str) -> str:
        return str(self.home / name)

    def folds(self, pattern: str) -> list[str]:
        return [self.path(pattern.format(fold)) for fold in range(1, FOLDS + 1)]

    def run(self, rule: str, place: str, *arguments, **more) -> Path:
        log = self.home.parent / f"logs/set/{place}/{rule}.log"
        run_script(job_of(rule, log, *arguments, **more))
        return log

    def refit(self, variant: str, count: int) -> str:
        place = f"variants/{variant}"
        inputs = {key: self.files[key] for key in ("cohort", "splits")}
        inputs["summary"] = [self.path("recipes/mine/summary.tsv")] if variant == RANDOM_GENES else []
        settings = {"steps": STEPS, "model": MODEL, "folds": FOLDS, "seed": 32, "validation": 0, "count": count}
        names = {"wildcards": {"dataset": "set", "variant": variant, "model": "logistic"}}
        output = self.path(f"{place}/draws.tsv")
        self.run("refit_variant", place, inputs, {"draws": output}, settings, **names)
        return output

    def audit(self, strict: bool = False, leaks: dict[str, str] | None = None, **variants: str) -> pd.DataFrame:
        made = {kind: [variants[kind]] if kind in variants else [] for kind in (PERMUTED, RANDOM_GENES)}
        leaks = leaks or {}
        settings = {"models": ["logistic"], "recipes": {"mine": STEPS}, "leaks": list(leaks), "strict": strict}
        settings |= {"folds": FOLDS, "repeats": 1, "seed": 32, "random_genes": 2 * (RANDOM_GENES in variants)}
        settings |= {kind: ["logistic"] * len(paths) for kind, paths in made.items()}
        inputs = {**self.files, **made, "leaks": list(leaks.values())}
        output = self.path("evaluation/audit.tsv")
        names = {"wildcards": {"dataset": "set"}}
        self.log = self.home.parent / "logs/set/evaluation/audit_cohort.log"
        self.run("audit_cohort", "evaluation", inputs, {"audit": output}, settings, **names)
        return read_table(output, tuple(COLUMNS)).set_index("check")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Study:
    return Study(tmp_path_factory.mktemp("audit"), draw_cohort(3, samples=72, genes=60, shift=1.0))


@pytest.mark.parametrize("model", [MODEL, TUNED, {**TUNED, "network": "svm"}], ids=["untuned", "tuned", "tuned svm"])
def test_a_refit_with_the_true_labels_equals_the_ordinary_rules(study, model, request):
    paths = study.fit(request.node.callspec.id.replace(" ", "-"), model)
    ordinary = pd.concat([read_table(path, TEXT) for path in paths], ignore_index=True)
    cohort = anndata.read_h5ad(study.path("cohort.h5ad"))
    labels = cohort.obs["label"].to_numpy().astype(str)
    again = refit(cohort, labels, study.splits, Pipeline(STEPS, reference_prediction(model), FOLDS, 32))
    expected = ordinary[ordinary["part"] == "test"][["sample", "fold", "label", "predicted"]]
    pd.testing.assert_frame_equal(again, expected.reset_index(drop=True), check_dtype=False)
    chosen = [read_json(Path(path).with_name("training.json")).get("chosen") for path in paths]
    assert all(chosen) == ("tune" in model)


def test_a_clean_cohort_passes_and_every_row_has_a_sentence(study):
    table = study.audit(strict=True, permuted=study.refit(PERMUTED, 5), random=study.refit(RANDOM_GENES, 2))
    assert set(table["finding"]) <= {"pass", "note", "not testable"}
    assert table["detail"].str.endswith(".").all()
    assert (table.loc[["permuted labels", "fold purity", "split: groups", "target proxies"], "finding"] == "pass").all()
    assert table.loc["random genes", "detail"].startswith("2 draws of 20 genes")
    assert table.loc["permuted labels", "expected"] == "0.333"
    result = float(table.loc["random genes", "expected"])
    assert result > float(table.loc["random genes", "value"]) > 0.4  # the genes are full of signal
    assert "No batches are known" in table.loc["permuted within batches", "detail"]


def test_draws_are_the_same_again_and_differ_from_one_another(study):
    first = read_table(study.refit(PERMUTED, 3), DRAW_TEXT)
    pd.testing.assert_frame_equal(first, read_table(study.refit(PERMUTED, 3), DRAW_TEXT))
    labels = first.pivot(index="sample", columns="draw", values="label")
    assert (labels[1] != labels[2]).any()
    assert (labels[2] != labels[3]).any()


def test_without_refits_the_rest_is_audited(study):
    table = study.audit()
    assert table.loc["permuted labels", "finding"] == table.loc["random genes", "finding"] == "not testable"
    assert "random_genes is 0 in the config" in table.loc["random genes", "detail"]
    assert table.loc["fold purity", "finding"] == "pass"


def test_a_finding_is_a_warning_and_in_strict_mode_an_error_beside_its_table(tmp_path):
    torn = Study(tmp_path, draw_cohort(3, samples=72, genes=60), grouped=False)
    table = torn.audit()
    assert table.loc["split: groups", "finding"] == "finding"
    assert "WARNING split: groups:" in torn.log.read_text()
    failed = Path(torn.path("evaluation/audit.failed.tsv"))
    assert not failed.exists()
    with pytest.raises(SystemExit):
        torn.audit(strict=True)
    text = torn.log.read_text()
    assert "Traceback" not in text
    last = text.splitlines()[-1]
    assert "ERROR The audit of set found: split: groups. Read " in last
    assert str(failed) in last
    pd.testing.assert_frame_equal(read_table(failed, tuple(COLUMNS)).set_index("check"), table)
    torn.audit()
    assert not failed.exists()


def test_planted_leaks_are_rows_of_the_audit(study):
    leaks = {}
    for leak in LEAKS:
        settings = {"steps": STEPS, "model": MODEL, "folds": FOLDS, "seed": 32, "validation": 0}
        settings |= {"count": 8, "name": "logistic"}
        leaks[leak] = study.path(f"{leak}/audit.tsv")
        names = {"wildcards": {"dataset": "set", "leak": leak}}
        inputs = {key: study.files[key] for key in ("cohort", "splits")}
        log = study.run("audit_leak", leak, inputs, {"audit": leaks[leak]}, settings, **names)
        assert "LEAKY by intention" in log.read_text()
    table = study.audit(leaks=leaks)
    rows = table.loc[[f"planted leak: {leak}" for leak in LEAKS]]
    assert (rows["finding"] == "pass").all()
    assert rows["detail"].str.startswith("LEAKY by intention").all()


def test_fitted_values_of_another_run_are_a_finding(study, tmp_path):
    other = anndata.read_h5ad(study.files["fitted"][0])
    name = next(name for name in other.var if name.endswith("medians"))
    other.var[name] += 0.5
    write_h5ad(other, tmp_path / "fitted.h5ad")
    kept, study.files["fitted"] = study.files["fitted"], [str(tmp_path / "fitted.h5ad")]
    try:
        row = study.audit().loc["fold purity"]
    finally:
        study.files["fitted"] = kept
    assert row["finding"] == "finding"
    assert name in row["detail"]


def test_random_genes_take_the_place_of_all_choices():
    steps = [{"to_log2": {}}, {"select_variance": {"top": 9}}, {"zscore": {}}, {"select_ftest": {}}]
    draw = {"select_random": {"keep": 5, "seed": 7}}
    assert with_random_genes(steps, 5, 7) == [{"to_log2": {}}, draw, {"zscore": {}}]
    assert chooses_genes(steps)
    assert not chooses_genes([{"drop_missing": {"share": 0.2}}])


def test_samples_that_are_held_out_reach_no_refit(study, tmp_path):
    held = list(study.splits["sample"].unique()[:4])
    parts = study.splits["part"].mask(study.splits["sample"].isin(held), "holdout")
    write_table(study.splits.assign(part=parts), tmp_path / "splits.tsv")
    kept, study.files["splits"] = study.files["splits"], str(tmp_path / "splits.tsv")
    try:
        draws = read_table(study.refit(PERMUTED, 3), DRAW_TEXT)
    finally:
        study.files["splits"] = kept
    assert not set(held) & set(draws["sample"])
    assert draws["sample"].nunique() == 68


def test_the_audit_does_not_look_at_a_hold_out(study, tmp_path):
    held = list(study.splits["sample"].unique()[:4])
    parts = study.splits["part"].mask(study.splits["sample"].isin(held), "holdout")
    write_table(study.splits.assign(part=parts), tmp_path / "splits.tsv")
    cohort = anndata.read_h5ad(study.path("cohort.h5ad"))
    rows = cohort.obs_names.isin(held)
    cohort.X[rows] = 1000 + np.random.default_rng(0).random((4, cohort.n_vars))
    cohort.obs["label"] = cohort.obs["label"].astype(str).where(~rows, cohort.obs["label"].iloc[0])
    write_h5ad(cohort, tmp_path / "changed.h5ad")
    kept, tables = dict(study.files), []
    study.files["splits"] = str(tmp_path / "splits.tsv")
    try:
        for path in (kept["cohort"], str(tmp_path / "changed.h5ad")):
            study.files["cohort"] = path
            tables.append(study.audit())
    finally:
        study.files.update(kept)
    pd.testing.assert_frame_equal(*tables)


def test_a_search_for_near_duplicates_says_that_it_left_a_hold_out_out():
    cohort = draw_cohort(1, samples=24, genes=LEAST_GENES)
    inside = cohort[:20].copy()
    columns = [list(inside.obs[name]) for name in ("label", "group")]
    splits = split_samples(list(inside.obs_names), *columns, folds=2, repeats=1, seed=32, validation=0)
    for everybody, words in ((cohort.obs, "searched by the audit, a locked hold-out left out"), (inside.obs, "audit)")):
        rows = audit_cohort(inside, splits, {}, {}, {}, inside.copy, 1, everybody)
        (row,) = (row for row in rows if row.check == "split: near-duplicates")
        assert words in row.detail


def test_batches_of_several_classes_are_permuted_within_too(tmp_path):
    cohort = draw_cohort(3, samples=72, genes=60, shift=1.0)
    cohort.obs["batch"] = np.tile(["x", "x", "y", "y"], 18)
    study = Study(tmp_path, cohort)
    path = study.refit(PERMUTED, 19)
    assert read_table(path, DRAW_TEXT).groupby("form")["draw"].max().to_dict() == {"free": 19, "within batches": 19}
    table = study.audit(permuted=path)
    assert table.loc["permuted within batches", "finding"] == "pass"
    assert table.loc["batch alone", "finding"] == "note"
    json.dumps(table.reset_index().to_dict("records"))
