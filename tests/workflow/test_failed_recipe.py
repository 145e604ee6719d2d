"""A recipe that fails in a later fold leaves nothing behind that looks finished."""

import numpy as np
import pandas as pd
import pytest
import yaml

from gexflow.cohorts.splits import split_samples
from gexflow.files import read_json
from tests.workflow.conftest import ROOT, Project

SAMPLES, GENES, FOLDS = 24, 30, 4


def recipe(keep: int) -> dict:
    return {"recipes": {"mine": ["impute_median", {"select_ftest": {"keep": keep}}]}}


def write_study(folder, keep: int) -> None:
    own = {"source": "table", "files": {"matrix": str(folder / "matrix.csv")}, "label": {"field": "type"}}
    own |= {"near_duplicates": "off", "recipes": {"majority": "mine"}}
    run = {"datasets": ["a"], "models": ["majority"], "folds": FOLDS, "seed": 1}
    config = {"run": run, "datasets": {"a": own}, "attribution": {"models": []}, **recipe(keep)}
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))


@pytest.mark.workflow
def test_a_failure_in_a_later_fold_leaves_no_file_of_the_recipe(tmp_path):
    names, labels = [f"s{i}" for i in range(SAMPLES)], ["x", "y"] * (SAMPLES // 2)
    splits = split_samples(names, labels, names, FOLDS, repeats=1, seed=1, validation=0)
    last = splits[(splits["fold"] == FOLDS) & (splits["part"] == "test")]["sample"].iloc[0]
    table = pd.DataFrame(np.random.default_rng(2).gamma(3, 20, size=(SAMPLES, GENES)).round(3), index=names)
    table.columns = [f"g{i}" for i in range(GENES)]
    table["g7"] = np.where(table.index == last, 9.0, 1.0)  # constant wherever this sample is tested
    table.assign(type=labels).rename_axis("id").to_csv(tmp_path / "matrix.csv")
    write_study(tmp_path, keep=GENES - 1)
    project = Project(ROOT, tmp_path / "study", str(tmp_path / "mine.yaml"))
    goal, home = "results/a/recipes/mine/summary.tsv", tmp_path / "study/results/a/recipes/mine"
    project.snakemake("--quiet=all", goal)
    written = {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}
    folds = {f"fold{fold}/{name}.h5ad" for fold in range(1, FOLDS + 1) for name in ("features", "fitted")}
    beside = {"summary.tsv", "stability.tsv", "stability.json", "prepare_folds.manifest.json"}
    assert written == folds | beside
    assert read_json(home / "stability.json")["kept_most"] == GENES - 1

    write_study(tmp_path, keep=GENES)
    done = project.snakemake("--quiet=all", goal, ok=False)
    said = f"a, recipe mine, fold {FOLDS}, step 2_select_ftest: 30 genes were asked for, but only 29 of the 30"
    log = (tmp_path / "study/results/logs/a/recipes/mine/prepare_folds.log").read_text()
    assert said in done.stdout + done.stderr
    assert said in log
    assert f"fold {FOLDS - 1}: 30 of 30 genes kept" in log  # the folds before had been written
    assert [path for path in home.rglob("*") if path.is_file()] == []

    write_study(tmp_path, keep=GENES - 1)
    project.snakemake("--quiet=all", goal)
    assert {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()} == written
