"""The rule prepare_folds: bad input ends in one sentence or in a note, and stability is counted over all folds."""

import json
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import yaml
from tests.jobs import job_of, run_script

from gexflow.cohorts.splits import split_as_published, split_samples
from gexflow.errors import InputError
from gexflow.files import read_h5ad, read_json, read_table, write_h5ad, write_table
from gexflow.log import CAUTION
from gexflow.recipes.folds import prepare_folds

SAMPLES, GENES, FOLDS = 40, 20, 4


@pytest.fixture
def cohort() -> anndata.AnnData:
    values = np.random.default_rng(3).gamma(3, 20, size=(SAMPLES, GENES)).astype(np.float32)
    obs = pd.DataFrame({"label": ["x", "y"] * (SAMPLES // 2), "group": [f"p{i}" for i in range(SAMPLES)]})
    obs.index = [f"s{i}" for i in range(SAMPLES)]
    var = pd.DataFrame({"symbol": [f"S{i}" for i in range(GENES)]}, index=[f"g{i}" for i in range(GENES)])
    return anndata.AnnData(values, obs=obs, var=var, uns={"scale": "linear"})


def split(cohort: anndata.AnnData, repeats: int = 1) -> pd.DataFrame:
    columns = (list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"]))
    return split_samples(*columns, folds=FOLDS, repeats=repeats, seed=1, validation=0)


def rows_tested_in(cohort: anndata.AnnData, fold: int) -> np.ndarray:
    """Return which samples the fold tests: all others are its training part."""
    splits = split(cohort)
    return cohort.obs_names.isin(splits[(splits["fold"] == fold) & (splits["part"] == "test")]["sample"])


class Job:
    """The rule's job in a folder of its own."""

    def __init__(self, folder: Path, cohort: anndata.AnnData, splits: pd.DataFrame, steps: list, fit_on: str = "train"):
        self.home = folder / "results/set/recipes/mine"
        write_h5ad(cohort, folder / "cohort.h5ad")
        write_table(splits, folder / "splits.tsv")
        folds = splits["fold"].unique()
        outputs = {kind: [str(self.home / f"fold{f}/{kind}.h5ad") for f in folds] for kind in ("features", "fitted")}
        names = {"summary": "summary.tsv", "times_kept": "stability.tsv", "stability": "stability.json"}
        outputs |= {kind: str(self.home / name) for kind, name in names.items()}
        self.log = folder / "logs/prepare_folds.log"
        self.job = job_of(
            "prepare_folds",
            self.log,
            {"cohort": str(folder / "cohort.h5ad"), "splits": str(folder / "splits.tsv")},
            outputs,
            steps,
            params={"fit_on": fit_on},
            wildcards={"dataset": "set", "recipe": "mine"},
        )

    def run(self) -> pd.DataFrame:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", "Mean of empty slice|Degrees of freedom|All-NaN")
            run_script(self.job)
        return read_table(self.job.output.summary, ("step", "note"))

    def error(self) -> str:
        """Run, and return the one line of the log that tells a user what to do."""
        with pytest.raises(SystemExit):
            self.run()
        text = self.log.read_text()
        assert "Traceback" not in text
        return text.splitlines()[-1].split(" ERROR ", 1)[1]


def notes(summary: pd.DataFrame, step: str) -> list[str]:
    return summary[summary["step"] == step].sort_values("fold")["note"].tolist()


def test_a_training_part_without_a_class_names_fold_and_class(cohort, tmp_path):
    splits = split(cohort)
    lacking = (splits["fold"] == 3) & splits["sample"].isin(cohort.obs_names[cohort.obs["label"] == "y"])
    splits.loc[lacking, "part"] = "test"
    message = Job(tmp_path, cohort, splits, ["impute_median"]).error()
    assert message == "set, recipe mine, fold 3: no training sample of class y: use fewer folds"


def test_infinite_values_are_refused_with_their_number(cohort, tmp_path):
    cohort.X[rows_tested_in(cohort, 1), 4] = np.inf
    steps = ["impute_median", {"clip": {"high": 1000}}]
    message = Job(tmp_path, cohort, split(cohort), steps).error()
    assert message.startswith("set, recipe mine, fold 1, step 1_impute_median: 10 of 800 values that reach it are inf")


@pytest.mark.filterwarnings("ignore:overflow")
def test_a_step_that_makes_infinite_values_is_named(cohort, tmp_path):
    cohort.X[:, 4] *= np.float32(1e-20)
    cohort.X[rows_tested_in(cohort, 2), 4] = 1e30
    message = Job(tmp_path, cohort, split(cohort), ["impute_median", "zscore"]).error()
    assert message.startswith("set, recipe mine, fold 2, step 2_zscore gives ")
    assert "infinite of 800 values: take out genes that hardly vary" in message


def test_missing_values_that_no_step_fills_are_refused(cohort, tmp_path):
    cohort.X[0, 0] = np.nan
    message = Job(tmp_path, cohort, split(cohort), ["zscore"]).error()
    assert message == (
        "set, recipe mine, fold 1, step 1_zscore gives 1 missing of 800 values: begin the recipe with impute_median"
    )
    assert "fold 1: no step applies" not in Job(tmp_path, cohort, split(cohort), ["to_log2"]).error()


@pytest.mark.parametrize(
    "before", [[], ["zscore"], [{"minmax": {"per": "gene"}}], ["to_log2", "collapse_genes"], ["sample_quantile"]]
)
def test_a_gene_missing_in_one_training_part_is_left_out_there_and_counted(cohort, tmp_path, before):
    cohort.X[~rows_tested_in(cohort, 2), 4] = np.nan
    job = Job(tmp_path, cohort, split(cohort), [*before, "impute_median"])
    step = f"{len(before) + 1} impute_median"
    summary = job.run()
    said = "impute_median: 1 gene without a value in the training part left out"
    assert notes(summary, step) == ["", said, "", ""]
    assert summary[summary["step"] == step]["genes_out"].tolist() == [20, 19, 20, 20]
    assert "g4" not in read_h5ad(job.job.output.features[1]).var_names
    assert f"set, recipe mine, fold 2, {said}" in job.log.read_text()


def test_missing_values_get_the_middle_rank_are_counted_and_no_fold_changes_the_ranks(cohort, tmp_path):
    cohort.X[0, :3] = np.nan
    job = Job(tmp_path, cohort, split(cohort), ["sample_rank"])
    assert notes(job.run(), "1 sample_rank") == ["sample_rank: 3 of 800 values missing set to the middle rank, 0.5"] * 4
    first, *others = (read_h5ad(path).X for path in job.job.output.features)
    assert (first[0, :3] == 0.5).all()
    for other in others:
        np.testing.assert_array_equal(first, other)


def test_a_training_part_without_any_value_is_refused(cohort, tmp_path):
    cohort.X[~rows_tested_in(cohort, 2)] = np.nan
    message = Job(tmp_path, cohort, split(cohort), ["impute_median"]).error()
    assert "fold 2, step 1_impute_median: impute_median kept no gene: none of 20 has a value" in message


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ("zscore", "zscore: 1 gene constant in the training part only centred"),
        ({"minmax": {"per": "gene"}}, "minmax: 1 gene constant in the training part only moved to 0"),
        ({"select_ftest": {"keep": 5}}, "select_ftest: 1 gene constant in the training part left out: no F"),
        (
            {"select_variance": {"top": 20}},
            "select_variance: `top` is 20, but only 19 of 20 genes vary: all of them kept",
        ),
    ],
)
def test_a_gene_constant_in_one_training_part_is_told(cohort, tmp_path, step, said):
    cohort.X[~rows_tested_in(cohort, 3), 4] = np.float32(0.1)
    name = step if isinstance(step, str) else next(iter(step))
    job = Job(tmp_path, cohort, split(cohort), ["impute_median", step])
    assert notes(job.run(), f"2 {name}") == ["", "", said, ""]
    features = read_h5ad(job.job.output.features[2])
    if name.startswith("select"):
        assert "g4" not in features.var_names
    else:
        assert (features[features.obs["part"] == "train", "g4"].X == 0).all()
        assert (features[features.obs["part"] == "test", "g4"].X > 1).all()


@pytest.mark.parametrize("step", ["gene_quantile", "select_logistic"])
def test_a_gene_constant_in_one_training_part_leaves_the_features_finite(cohort, tmp_path, step):
    cohort.X[~rows_tested_in(cohort, 3), 4] = np.float32(0.1)
    job = Job(tmp_path, cohort, split(cohort), ["impute_median", step])
    job.run()
    assert np.isfinite(read_h5ad(job.job.output.features[2]).X).all()


@pytest.mark.parametrize("step", ["select_ftest", "select_logistic"])
def test_more_genes_than_there_are_is_a_sentence(cohort, tmp_path, step):
    message = Job(tmp_path, cohort, split(cohort), ["impute_median", {step: {"keep": 21}}]).error()
    assert message.startswith(f"set, recipe mine, fold 1, step 2_{step}: 21 genes were asked for, but only 20")
    assert message.endswith("choose fewer")


def test_top_beyond_the_number_of_genes_keeps_all_and_says_so(cohort, tmp_path):
    cohort.X[~rows_tested_in(cohort, 2), 4] = np.nan
    job = Job(tmp_path, cohort, split(cohort), [{"select_variance": {"top": 500}}, "impute_median"])
    all_kept = "select_variance: `top` is 500, but only 20 of 20 genes vary: all of them kept"
    fewer = (
        "select_variance: 1 gene without a value in the training part left out, "
        "`top` is 500, but only 19 of 20 genes vary: all of them kept"
    )
    assert notes(job.run(), "1 select_variance") == [all_kept, fewer, all_kept, all_kept]


def test_no_logarithm_is_taken_of_negative_linear_values_of_any_part(cohort, tmp_path):
    cohort.X[np.flatnonzero(rows_tested_in(cohort, 1))[:2], 4] = (-1, -3.5)
    message = Job(tmp_path, cohort, split(cohort), ["impute_median", "to_log2"]).error()
    assert message == (
        "set, recipe mine, fold 1, step 2_to_log2: to_log2 with offset 1 finds no logarithm for 2 of 800 values, the "
        "smallest -3.5: put `floor_negatives` before it (and `ties: midrank` in gene_quantile, if there are many), or "
        "set the dataset's scale to log2 or logratio if it is logged"
    )


def test_logged_values_are_left_alone_and_that_is_said(cohort, tmp_path):
    cohort.X = cohort.X - 60
    cohort.uns["scale"] = "logratio"
    job = Job(tmp_path, cohort, split(cohort), ["impute_median", "to_log2"])
    said = "to_log2 left out: the values are on the logratio scale already"
    assert notes(job.run(), "2 to_log2") == [said] * 4
    np.testing.assert_array_equal(read_h5ad(job.job.output.features[0]).X, cohort.X)


def test_ties_of_one_fold_s_training_samples_are_a_warning_in_log_and_summary(cohort, tmp_path):
    rows = np.flatnonzero(~rows_tested_in(cohort, 2))
    cohort.X[rows[:7], :3] = 0  # more than a fifth of 30 training samples in fold 2, of fewer in the others
    job = Job(tmp_path, cohort, split(cohort), ["impute_median", {"clip": {"low": 0}}])
    said = notes(job.run(), "2 clip")
    assert [note.startswith(CAUTION) for note in said] == [False, True, False, False]
    assert "in 3 of 20 genes kept, more than 20 %" in said[1]
    assert f"WARNING set, recipe mine, fold 2, {said[1]}" in job.log.read_text()


@pytest.mark.parametrize("empty", [1, 7])
def test_samples_without_any_count_are_all_listed_with_the_key_that_excludes_them(cohort, tmp_path, empty):
    cohort.X = np.rint(cohort.X)
    cohort.X[4 : 4 + empty] = 0
    cohort.uns |= {"scale": "counts", "source": json.dumps({"dataset": "mine~sites"})}
    message = Job(tmp_path, cohort, split(cohort), ["impute_median", "cpm", "to_log2"]).error()
    assert message.startswith(f"set, recipe mine, cpm: {empty} sample")
    key, ids = message.split(" with datasets.mine.")[1].split(": ")
    assert (key, yaml.safe_load(ids)) == ("exclude", list(cohort.obs_names[4 : 4 + empty]))
    assert message.count('"s4"') == 1


def test_of_many_samples_without_any_count_fifty_are_listed_and_the_others_counted():
    obs = pd.DataFrame({"label": ["x", "y"] * 40, "group": "g"}, index=[f"0{n}" for n in range(80)])
    values = np.repeat([0, 1], [53, 27])[:, None] * np.ones((80, 5), dtype=np.float32)
    table = anndata.AnnData(
        values, obs=obs, var=pd.DataFrame({"symbol": ""}, index=list("abcde")), uns={"scale": "counts"}
    )
    with pytest.raises(InputError, match=r'cpm: 53 samples .*: \["00", .*, "049"\] and 3 more$'):
        next(prepare_folds(table, [np.full(80, "train")], ["cpm"]))


def test_stability_counts_the_genes_of_all_folds_and_repeats(cohort, tmp_path):
    steps = ["impute_median", {"select_ftest": {"keep": 6}}]
    job = Job(tmp_path, cohort, split(cohort, repeats=2), steps)
    job.run()
    names = pd.Series([gene for path in job.job.output.features for gene in read_h5ad(path).var_names])
    table = read_table(job.job.output.times_kept, ("gene", "symbol"))
    assert table.set_index("gene")["times_kept"].to_dict() == names.value_counts().to_dict()
    assert (table["symbol"] == "S" + table["gene"].str[1:]).all()
    np.testing.assert_allclose(table["share"], table["times_kept"] / 8)
    facts = read_json(job.job.output.stability)
    assert (facts["folds"], facts["repeats"], facts["genes"]) == (8, 2, 20)
    assert facts["kept_least"] == facts["kept_most"] == 6
    assert facts["low"] <= facts["stability"] <= facts["high"]


@pytest.mark.parametrize(("unmapped", "genes"), [("drop", 9), ("keep", 11)])
def test_a_collapsed_gene_counts_under_the_name_it_is_shown_with(cohort, tmp_path, unmapped, genes):
    cohort.var["symbol"] = ["", "", *(f"S{i % 9}" for i in range(18))]
    cohort.X[~rows_tested_in(cohort, 2), 2] = np.nan  # the first probe of S0 falls out in fold 2
    collapse = {"collapse_genes": {"by": "largest_mean", "unmapped": unmapped}}
    job = Job(tmp_path, cohort, split(cohort), ["impute_median", collapse])
    job.run()
    table = read_table(job.job.output.times_kept, ("gene", "symbol")).set_index("gene")
    assert table.loc["g2", ["symbol", "times_kept"]].tolist() == ["S0", 4]
    facts = read_json(job.job.output.stability)
    assert facts["genes"] == facts["kept_always"] == genes
    assert facts["note"] == f"undefined: every fold keeps all {genes} genes"


def test_the_published_protocol_says_in_log_and_results_that_it_leaks(cohort, tmp_path):
    cohort.uns["source"] = json.dumps({"protocol": "published"})
    splits = split_as_published(list(cohort.obs_names), list(cohort.obs["label"]), 1, "set")
    job = Job(tmp_path, cohort, splits, ["impute_median", {"minmax": {"per": "all"}}], fit_on="all")
    summary = job.run()
    assert summary["note"].tolist() == ["LEAKY: every step is fitted on all samples, those of the test part too", ""]
    assert "WARNING set, recipe mine: LEAKY: every step is fitted on all samples" in job.log.read_text()
    assert read_h5ad(job.job.output.fitted[0]).uns["fitted_on"] == "all"
    features = read_h5ad(job.job.output.features[0])
    assert (features.X.min(), features.X.max()) == (0, 1)
    assert features.obs["part"].value_counts().to_dict() == {"train": 32, "validation": 4, "test": 4}
    stability = read_json(job.job.output.stability)
    assert (stability["folds"], stability["stability"]) == (1, None)


def test_no_other_dataset_can_be_fitted_on_all_samples(cohort, tmp_path):
    for source in (None, "{}", json.dumps({"protocol": "", "dataset": "set"})):
        cohort.uns |= {} if source is None else {"source": source}
        job = Job(tmp_path, cohort, split(cohort), ["impute_median"], fit_on="all")
        with pytest.raises(SystemExit):
            job.run()
        assert "only the variant ~published and planted leaks may fit a recipe on all samples" in job.log.read_text()
        assert not job.home.exists()


def test_what_is_fitted_on_the_training_part_says_so(cohort, tmp_path):
    job = Job(tmp_path, cohort, split(cohort), ["impute_median"])
    assert "LEAKY" not in "".join(job.run()["note"])
    assert [read_h5ad(path).uns["fitted_on"] for path in job.job.output.fitted] == ["train"] * FOLDS
    assert "LEAKY" not in job.log.read_text()


def test_held_out_samples_are_in_no_file_and_change_no_byte_of_any(cohort, tmp_path):
    columns = (list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"]))
    locked = np.arange(SAMPLES) % 5 == 0
    splits = split_samples(*columns, folds=FOLDS, repeats=1, seed=1, validation=0.2, held_out=locked)
    noisy = cohort.copy()
    noisy.X[locked] = np.random.default_rng(8).normal(
        -1e4, 1e3, (locked.sum(), GENES)
    )  # no log, nor gene, would stand it
    noisy.X[locked, 3] = np.nan
    steps = ["impute_median", "to_log2", "zscore", "gene_quantile", {"select_logistic": {"keep": 8}}]
    jobs = [Job(tmp_path / name, table, splits, steps) for name, table in (("one", cohort), ("two", noisy))]
    summaries = [job.run() for job in jobs]
    pd.testing.assert_frame_equal(*summaries)
    for first, second in zip(*(job.job.output for job in jobs), strict=True):
        assert Path(first).read_bytes() == Path(second).read_bytes(), first
    for path in jobs[0].job.output.features:
        features = read_h5ad(path)
        assert set(features.obs["part"]) == {"train", "validation", "test"}
        assert list(features.obs_names) == list(cohort.obs_names[~locked])
