"""A reference model's settings are chosen inside the fold, on samples that trained nothing."""

import json
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from small_cohorts import STEPS, make_cohort, make_splits, parts_of
from tests.jobs import job_of, run_script

from gexflow.candidates import INNER_FOLDS, edge_notes
from gexflow.errors import InputError
from gexflow.files import read_json, write_table
from gexflow.models.fold import Fold
from gexflow.models.reference_tuning import fit_fold
from gexflow.models.tuning import best_candidate, scores
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.inner import prepare_inner_folds

GRID = [0.001, 0.01, 0.1, 1.0]
LOGISTIC = {
    "network": "logistic",
    "C": 0.1,
    "max_iter": 2000,
    "tune": {"C": GRID},
    "seed": 5,
    "inner_folds": 3,
    "inner_seed": 5,
}
FOREST = {"network": "forest", "trees": 10, "max_features": "sqrt", "min_samples_leaf": 1, "seed": 5}


def as_fold(features: anndata.AnnData, number: int = 1) -> Fold:
    labels, parts = (features.obs[name].to_numpy().astype(str) for name in ("label", "part"))
    return Fold(features.X, features.obs_names.to_numpy(dtype=str), labels, parts, sorted(set(labels)), number)


def tuned_folds(cohort: anndata.AnnData, settings: dict, validation: float = 0.0, only: int = 99) -> list:
    """Return probabilities and facts of the first folds."""
    parts = parts_of(make_splits(cohort, validation))[:only]
    groups, found = cohort.obs["group"].to_numpy(dtype=str), []
    for number, prepared in enumerate(prepare_folds(cohort, parts, STEPS), 1):
        train = parts[number - 1] == "train"
        inner = prepare_inner_folds(cohort, train, groups, STEPS, 3, 5) if not validation else None
        found.append(fit_fold(settings, as_fold(prepared.features, number), inner))
    return found


@pytest.fixture(scope="module")
def cohort() -> anndata.AnnData:
    return make_cohort(150, 120, effect=0.35)


def plain(C: float):
    return make_pipeline(StandardScaler(), SelectKBest(f_classif, k=20), LogisticRegression(C=C, max_iter=2000))


def test_nested_cross_validation_equals_a_plain_one(cohort):
    labels = cohort.obs["label"].to_numpy().astype(str)
    found, chosen = tuned_folds(cohort, LOGISTIC), []
    for (probabilities, facts), part in zip(found, parts_of(make_splits(cohort)), strict=True):
        X, y = cohort.X[part == "train"].astype(float), labels[part == "train"]
        losses = []
        for C in GRID:
            held_out = np.zeros((len(y), 3))
            for train, test in StratifiedKFold(3, shuffle=True, random_state=5).split(X, y):
                held_out[test] = plain(C).fit(X[train], y[train]).predict_proba(X[test])
            losses.append(log_loss(y, held_out))
        np.testing.assert_allclose([row["log_loss"] for row in facts["candidates"]], losses, rtol=1e-4)
        best = GRID[int(np.argmin(losses))]
        assert facts["chosen"] == {"C": best}
        expected = plain(best).fit(X, y).predict_proba(cohort.X[part == "test"].astype(float))
        np.testing.assert_allclose(probabilities, expected, atol=1e-4)
        chosen.append(best)
    assert len(set(chosen)) > 1  # the folds do not all agree, so that each was really chosen


def test_validation_samples_choose_where_there_are_any(cohort):
    labels = cohort.obs["label"].to_numpy().astype(str)
    found = tuned_folds(cohort, LOGISTIC, validation=0.25)
    for (probabilities, facts), part in zip(found, parts_of(make_splits(cohort, 0.25)), strict=True):
        train, judges = part == "train", part == "validation"
        fits = [plain(C).fit(cohort.X[train].astype(float), labels[train]) for C in GRID]
        losses = [log_loss(labels[judges], fit.predict_proba(cohort.X[judges].astype(float))) for fit in fits]
        np.testing.assert_allclose([row["log_loss"] for row in facts["candidates"]], losses, rtol=1e-4)
        assert facts["chosen"] == {"C": GRID[int(np.argmin(losses))]}
        assert facts["chosen_by"] == "validation samples"
        expected = fits[int(np.argmin(losses))].predict_proba(cohort.X[part != "train"].astype(float))
        np.testing.assert_allclose(probabilities, expected, atol=1e-4)


@pytest.mark.parametrize("kind", ["logistic", "svm", "forest"])
def test_random_labels_stay_at_chance_in_inner_folds_and_would_not_with_genes_chosen_outside(kind):
    cohort = make_cohort(300, 1000, effect=0.0)
    part = parts_of(make_splits(cohort))[0]
    train, groups = part == "train", cohort.obs["group"].to_numpy(dtype=str)
    settings = {"logistic": LOGISTIC, "svm": {**LOGISTIC, "network": "svm"}}.get(kind)
    settings = settings or {**FOREST, "tune": {"min_samples_leaf": [20, 1]}}
    settings = {**settings, "trees": 60}
    prepared = next(prepare_folds(cohort, [part], STEPS))
    fold = as_fold(prepared.features)
    inner = prepare_inner_folds(cohort, train, groups, STEPS, 3, 5)
    honest = fit_fold(settings, fold, inner)[1]["candidates"]
    assert max(row["accuracy"] for row in honest) < 0.43  # chance .333, standard error .031
    assert min(row["log_loss"] for row in honest) > np.log(3) - 0.03
    # the same inner folds on features that the whole training part chose
    outside = []
    for one in prepare_inner_folds(cohort, train, groups, [{"zscore": {}}], 3, 5):
        one = one.copy()
        outside.append(anndata.AnnData(prepared.features.X[train], obs=one.obs))
    flattered = fit_fold(settings, fold, outside)[1]["candidates"]
    assert max(row["accuracy"] for row in flattered) > 0.5
    assert min(row["log_loss"] for row in flattered) < np.log(3) - 0.05


@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_test_samples_change_no_choice(cohort, validation):
    other, part = cohort.copy(), parts_of(make_splits(cohort, validation))[0]
    rng, rows = np.random.default_rng(3), part == "test"
    other.X[rows] = rng.normal(3, 5, size=(rows.sum(), cohort.n_vars))
    labels = other.obs["label"].to_numpy().astype(str)
    labels[rows] = rng.permutation(labels[rows])
    other.obs["label"] = pd.Categorical(labels)
    parts, facts = [part], []
    for table in (cohort, other):
        groups = table.obs["group"].to_numpy(dtype=str)
        fold = as_fold(next(prepare_folds(table, parts, STEPS)).features)
        inner = prepare_inner_folds(table, part == "train", groups, STEPS, 3, 5) if not validation else None
        facts.append(fit_fold(LOGISTIC, fold, inner)[1])
    assert facts[0] == facts[1]


def test_inner_folds_hold_training_samples_alone_and_part_no_group():
    cohort = make_cohort(90, 60, effect=0.5, groups=20)
    train = parts_of(make_splits(cohort))[0] == "train"
    groups = cohort.obs["group"].to_numpy(dtype=str)
    tested = []
    for features in prepare_inner_folds(cohort, train, groups, STEPS, INNER_FOLDS, 5):
        assert list(features.obs_names) == list(cohort.obs_names[train])
        test = features.obs["part"].to_numpy() == "test"
        assert not set(features.obs["group"][test]) & set(features.obs["group"][~test])
        assert set(features.obs["label"][test].astype(str)) == {"a", "b", "c"}
        tested.append(test)
    assert (np.sum(tested, axis=0) == 1).all()


def test_ties_go_to_the_first_candidate():
    assert best_candidate([{"log_loss": value} for value in (0.5, 0.3, 0.3)]) == 1
    assert best_candidate([{"log_loss": value} for value in (np.nan, 0.3, 0.2)]) == 2
    assert best_candidate([{"log_loss": value} for value in (4.7e-12, 3.6e-12, 0.3)]) == 0  # rounding chooses nothing
    assert scores(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 1])) == {
        "log_loss": pytest.approx(-np.log(np.finfo(float).eps) / 2),
        "accuracy": 0.5,
    }


def test_every_combination_is_a_candidate(cohort):
    settings = {**FOREST, "tune": {"trees": [3, 6], "min_samples_leaf": [5, 1]}}
    (_, facts) = tuned_folds(cohort, settings, only=1)[0]
    tried = [row["settings"] for row in facts["candidates"]]
    # settings by alphabet, the last one varies fastest
    assert tried == [{"min_samples_leaf": leaf, "trees": trees} for leaf in (5, 1) for trees in (3, 6)]
    assert facts["chosen"] in tried


def test_a_tuned_svm_keeps_the_order_of_its_decisions(cohort):
    svm = {**LOGISTIC, "network": "svm"}
    probabilities, facts = tuned_folds(cohort, svm, only=1)[0]
    fixed, untuned = tuned_folds(cohort, {"network": "svm", **facts["chosen"], "max_iter": 2000, "seed": 5}, only=1)[0]
    assert facts["temperature"] != 1
    assert untuned["temperature"] == 1
    assert "chosen" not in untuned
    assert (probabilities.argmax(axis=1) == fixed.argmax(axis=1)).all()


def test_a_tuned_svm_that_is_always_right_takes_the_strongest_regularisation_and_keeps_its_scale():
    clear = make_cohort(90, 60, effect=6.0)
    for probabilities, facts in tuned_folds(clear, {**LOGISTIC, "network": "svm"}):
        sure = [row["settings"] for row in facts["candidates"] if row["log_loss"] < 1e-6]
        assert len(sure) > 1
        assert facts["chosen"] == sure[0]
        assert facts["temperature"] == 1
        assert 0.5 < probabilities.max(axis=1).mean() < 0.999


@pytest.mark.filterwarnings("ignore:lbfgs failed to converge")
def test_candidates_that_did_not_converge_are_counted(cohort):
    facts = tuned_folds(cohort, {**LOGISTIC, "max_iter": 1}, only=1)[0][1]
    assert facts["notes"][-1] == "the solver did not converge: raise max_iter (in 12 fits of candidates)"


def test_a_class_of_one_group_cannot_be_tuned_without_validation_samples():
    cohort = make_cohort(60, 40, effect=0.5)
    cohort.obs["group"] = [
        "p" if label == "a" else name for name, label in zip(cohort.obs_names, cohort.obs["label"], strict=True)
    ]
    groups = cohort.obs["group"].to_numpy(dtype=str)
    with pytest.raises(InputError, match=r"inner folds, which tune the model: .*class a.*or set run\.validation"):
        list(prepare_inner_folds(cohort, np.ones(60, dtype=bool), groups, STEPS, 3, 5))


# --- the rule


def run_rule(folder: Path, cohort: anndata.AnnData, validation: float, steps: list = STEPS) -> list[Path]:
    """Run the rule's script on two folds, as Snakemake does; return the files of predictions."""
    folder.mkdir()
    splits = make_splits(cohort, validation, folds=2)
    write_table(splits, folder / "splits.tsv")
    cohort.write_h5ad(folder / "cohort.h5ad")
    for number, prepared in enumerate(prepare_folds(cohort, parts_of(splits), STEPS), 1):
        prepared.features.write_h5ad(folder / f"features{number}.h5ad")
    names = {"predictions": "predictions.tsv", "facts": "training.json"}
    outputs = {kind: [str(folder / f"fold{n}" / name) for n in (1, 2)] for kind, name in names.items()}
    tuning = [] if validation else [str(folder / "cohort.h5ad"), str(folder / "splits.tsv")]
    job = job_of(
        "fit_reference",
        folder / "logs/fit.log",
        {"features": [str(folder / f"features{n}.h5ad") for n in (1, 2)], "tuning": tuning},
        outputs,
        {**LOGISTIC, "inner_folds": 0 if validation else 3},
        params={"steps": json.dumps(steps) if tuning else ""},
        wildcards={"model": "logistic", "dataset": "d"},
    )
    run_script(job)
    return [Path(path) for path in outputs["predictions"]]


@pytest.mark.parametrize("validation", [0.0, 0.25])
def test_the_rule_chooses_in_every_fold_and_repeats_itself(tmp_path, cohort, validation):
    first, second = (run_rule(tmp_path / name, cohort, validation) for name in ("one", "two"))
    for one, two in zip(first, second, strict=True):
        assert one.read_bytes() == two.read_bytes()
        facts = read_json(one.with_name("training.json"))
        assert facts["chosen"]["C"] in GRID
        assert facts["chosen_by"] == ("validation samples" if validation else "inner cross-validation")
        assert len(facts["candidates"]) == len(GRID)
    notes = edge_notes([read_json(one.with_name("training.json")) for one in first])
    assert ("INFO logistic: C was chosen" in (tmp_path / "one/logs/fit.log").read_text()) == bool(notes)
    table = pd.read_csv(first[0], sep="\t")
    assert set(table["part"]) == ({"test", "validation"} if validation else {"test"})
