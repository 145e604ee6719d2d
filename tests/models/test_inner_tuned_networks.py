"""Networks without validation samples are tuned in inner folds, which see nothing but the training part."""

import json
from pathlib import Path
from typing import ClassVar

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from sklearn.metrics import accuracy_score, log_loss
from small_cohorts import STEPS, make_cohort, make_splits, parts_of
from tests.jobs import job_of, run_script

from gexflow.candidates import candidates, changes
from gexflow.cohorts.holdout import locked_samples
from gexflow.cohorts.splits import split_samples
from gexflow.files import read_by_gene, read_json, read_table, write_table
from gexflow.models import fold_training, image_network, trainer, trunk_features
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds
from gexflow.models.fold import Fold, columns_of
from gexflow.models.fold_training import train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.mlp import Mlp
from gexflow.models.network_tuning import InnerSearch
from gexflow.models.trainer import Training
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.inner import InnerFolds, prepare_inner_folds
from gexflow.recipes.layouts import lay_out_features, lay_out_genes

KINDS = {
    "predictions": "predictions.tsv",
    "model": "model.safetensors",
    "history": "history.tsv",
    "facts": "training.json",
}
COURSE = {"optimiser": "adam", "learning_rate": 1e-2, "epochs": 3, "batch_size": 16, "schedule": "constant", "seed": 5}
MLP = {"network": "mlp", "hidden": [8], "dropout": 0.1, **COURSE, "inner_folds": 3, "inner_seed": 5}
GEXPNET = {
    **{"network": "gexpnet", "heads": 1, "stem_channels": 2, "stem_kernel": 3, "block_channels": 8, "hidden": 4},
    **{"stem_dropout": 0, "head_dropout": 0, "hidden_dropout": 0.1, "second_convolution": False, "stack": "auto"},
    **{**COURSE, "epochs": 2, "inner_folds": 3, "inner_seed": 5},
}
IMAGE = {
    **{"network": "resnet50", "weights": "random", "layout": {"order": "correlation", "size": 6, "method": "pca"}},
    **{**COURSE, "batch_size": 8, "keep": "best", "inner_folds": 3, "inner_seed": 5},
}
RATES = {"learning_rate": [1e-5, 2e-2]}
FOLDS = 2


@pytest.fixture(scope="module")
def cohort() -> anndata.AnnData:
    return make_cohort(96, 60, effect=0.6)


class Study:
    """A cohort in a folder, in two folds, and the rules that train networks on it."""

    def __init__(self, folder: Path, cohort: anndata.AnnData, splits: pd.DataFrame | None = None, steps: list = STEPS):
        self.folder, self.steps = folder, steps
        self.splits = make_splits(cohort, folds=FOLDS) if splits is None else splits
        folder.mkdir()
        write_table(self.splits, folder / "splits.tsv")
        cohort.write_h5ad(folder / "cohort.h5ad")
        seen = read_by_gene(folder / "cohort.h5ad", locked_samples(self.splits))
        parts = [rows.set_index("sample")["part"].loc[seen.obs_names].to_numpy(str) for _, rows in self._by_fold()]
        self.features = []
        for number, prepared in enumerate(prepare_folds(seen, parts, steps), 1):
            self.features.append(str(folder / f"features{number}.h5ad"))
            prepared.features.write_h5ad(self.features[-1])

    def _by_fold(self):
        return self.splits.groupby("fold")

    def _inputs(self, settings: dict) -> tuple[list[str], dict]:
        names = ["cohort.h5ad", "splits.tsv"] if "tune" in settings else []
        return [str(self.folder / name) for name in names], {"steps": json.dumps(self.steps) if names else ""}

    def train(self, name: str, settings: dict) -> list[Path]:
        """Run the rule train_gexpnet; return the folders of its folds."""
        folds = [self.folder / f"models/{name}/fold{number}" for number in (1, 2)]
        outputs = {kind: [str(fold / file) for fold in folds] for kind, file in KINDS.items()}
        tuning, params = self._inputs(settings)
        inputs = {"features": self.features, "tuning": tuning}
        log = self.folder / f"models/{name}/logs/train.log"
        run_script(job_of("train_gexpnet", log, inputs, outputs, settings, params=params))
        return folds

    def fine_tune(self, name: str, settings: dict, trunk: list[str] | None = None) -> Path:
        """Run the rule finetune_backbone on the first fold; return the fold's folder."""
        fold, layout = self.folder / f"models/{name}/fold1", {**settings["layout"], "seed": settings["seed"]}
        pixels, _ = lay_out_features(anndata.read_h5ad(self.features[0]), layout)
        write_table(pixels, self.folder / "layout.tsv")
        tuning, params = self._inputs(settings)
        inputs = {"features": self.features[0], "layout": str(self.folder / "layout.tsv"), "weights": []}
        job = job_of(
            "finetune_backbone",
            self.folder / f"models/{name}/logs/fold1.log",
            {**inputs, "trunk": trunk or [], "tuning": tuning},
            {kind: str(fold / file) for kind, file in KINDS.items()},
            settings,
            params=params,
            wildcards={"fold": "1", "model": "resnet50"},
            resources={"tmpdir": str(self.folder / "scratch"), "disk_mb": 1000},
        )
        run_script(job)
        return fold


class Small(Mlp):
    """A network that stands for one on images: which gene is where on its image counts."""

    images = True
    layouts: ClassVar[list] = []  # of every one that was built

    def __init__(self, layout: pd.DataFrame, classes: int):
        super().__init__(len(layout), classes, [6])
        self.register_buffer("order", torch.tensor(np.lexsort((layout["column"], layout["row"]))))
        Small.layouts.append(layout)

    def forward(self, x):
        return super().forward(x[:, self.order])


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(image_network, "build_image_network", lambda _, layout, classes, *__: Small(layout, classes))
    monkeypatch.setattr(trunk_features, "learn_from_features", lambda network, *_: network)
    monkeypatch.setattr(Small, "layouts", [])


def inner_features(study: Study, fold: int) -> list[anndata.AnnData]:
    """Return the features of the inner folds, made from the files by hand."""
    cohort = read_by_gene(study.folder / "cohort.h5ad", locked_samples(study.splits))
    rows = dict(list(study._by_fold()))[fold].set_index("sample").loc[cohort.obs_names]
    train, groups = (rows["part"] == "train").to_numpy(), cohort.obs["group"].to_numpy(dtype=str)
    return list(prepare_inner_folds(cohort, train, groups, study.steps, 3, 5))


def build_of(used: dict):
    return lambda genes, classes: build_gene_network(used, genes, classes)


def expected_scores(study: Study, fold: int, used: dict) -> dict[str, float]:
    """Return the scores of a candidate in the inner folds of a fold, by scikit-learn."""
    torch.set_num_threads(1)
    together = used.get("stack") == "on" and used.get("control") != "dense"
    inner = [Fold(**columns_of(one), classes=["a", "b", "c"], number=fold) for one in inner_features(study, fold)]
    groups = [inner] if together else [[one] for one in inner]
    how = (Training.from_settings(used), used["seed"], torch.device("cpu"))
    tables = [one.predictions for group in groups for one in train_folds(group, build_of(used), *how)]
    table = pd.concat(tables)
    assert len(table) == sum(parts_of(study.splits)[fold - 1] == "train")
    probabilities = table[["p:a", "p:b", "p:c"]].to_numpy()
    guesses = np.array(["a", "b", "c"])[probabilities.argmax(axis=1)]
    return {"log_loss": log_loss(table["label"], probabilities), "accuracy": accuracy_score(table["label"], guesses)}


@pytest.mark.parametrize(
    ("plain", "tune"),
    [
        (MLP, {"learning_rate": [1e-5, 2e-2], "hidden": [[4], [8, 4]]}),
        (GEXPNET, RATES),
        # both folds choose the same, so that they are one stack as without tuning
        ({**GEXPNET, "stack": "on", "epochs": 6}, {"learning_rate": [1e-5, 3e-3]}),
        ({**GEXPNET, "control": "shuffled"}, RATES),
        ({**GEXPNET, "control": "dense", "stack": "on"}, RATES),
    ],
    ids=["mlp", "gexpnet", "stacked", "shuffled", "dense"],
)
def test_inner_folds_choose_and_the_chosen_settings_train_as_if_they_were_the_models_own(tmp_path, cohort, plain, tune):
    study, settings = Study(tmp_path / "study", cohort), {**plain, "tune": tune}
    alone = [study.train(f"alone{number}", used) for number, used in enumerate(candidates(settings))]
    for number, fold in enumerate(study.train("tuned", settings), 1):
        facts = read_json(fold / "training.json")
        found = [expected_scores(study, number, used) for used in candidates(settings)]
        assert [row["settings"] for row in facts["candidates"]] == changes(settings)
        for row, scores in zip(facts["candidates"], found, strict=True):
            assert row["log_loss"] == pytest.approx(scores["log_loss"], rel=1e-6)
            assert row["accuracy"] == pytest.approx(scores["accuracy"])
        best = int(np.argmin([row["log_loss"] for row in facts["candidates"]]))
        assert facts["chosen"] == changes(settings)[best]
        assert facts["chosen_by"] == "inner cross-validation"
        same = alone[best][number - 1]
        for name in ("predictions.tsv", "model.safetensors", "history.tsv"):
            assert (fold / name).read_bytes() == (same / name).read_bytes(), name
        ordinary = read_json(same / "training.json")
        assert facts["seconds"] >= 0
        ignored = ("seconds", "fingerprint")
        assert {key: facts[key] for key in ordinary if key not in ignored} == {
            key: value for key, value in ordinary.items() if key not in ignored
        }
        assert facts.keys() - ordinary.keys() == {"chosen", "chosen_by", "candidates"}
    left = {path.name for path in (study.folder / "models/tuned").rglob("*") if path.is_file()}
    assert left == {*KINDS.values(), "train.log", "train.manifest.json"}
    log = (study.folder / "models/tuned/logs/train.log").read_text()
    assert "fold 2, candidate 1 of" in log
    assert "fold 2: chose" in log


def with_noise(cohort: anndata.AnnData, rows: np.ndarray) -> anndata.AnnData:
    """Replace the values of some samples by noise, and shuffle their labels."""
    other, rng = cohort.copy(), np.random.default_rng(3)
    other.X[rows] = rng.normal(3, 5, size=(rows.sum(), cohort.n_vars))
    labels = other.obs["label"].to_numpy().astype(str)
    labels[rows] = rng.permutation(labels[rows])
    other.obs["label"] = pd.Categorical(labels)
    return other


def one_fold(cohort: anndata.AnnData, held_out: np.ndarray | None = None) -> pd.DataFrame:
    """Return splits whose first fold alone is used; both folds of the table are the same one."""
    columns = (list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"]))
    splits = split_samples(*columns, 4, 1, 5, 0.0, held_out)
    first = splits[splits["fold"] == 1]
    return pd.concat([first, first.assign(fold=2)], ignore_index=True)


@pytest.mark.parametrize("model", ["mlp", "gexpnet", "image"])
def test_samples_outside_the_training_part_change_neither_choice_nor_scores_nor_network(tmp_path, cohort, small, model):
    held_out = np.arange(96) >= 84
    splits, found = one_fold(cohort, held_out), []
    outside = parts_of(splits)[0] != "train"
    assert set(parts_of(splits)[0]) == {"train", "test", "holdout"}
    for name, table in (("one", cohort), ("other", with_noise(cohort, outside))):
        study = Study(tmp_path / name, table, splits)
        if model == "image":
            fold = study.fine_tune("m", {**IMAGE, "tune": RATES})
        else:
            fold = study.train("m", {**(MLP if model == "mlp" else GEXPNET), "tune": RATES})[0]
        facts = read_json(fold / "training.json")
        network = {key: value.numpy().tobytes() for key, value in load_file(fold / "model.safetensors").items()}
        predicted = read_table(fold / "predictions.tsv", ("label",))["p:a"].tolist()
        found.append((facts["chosen"], facts["candidates"], network, (fold / "history.tsv").read_bytes(), predicted))
    assert found[0][:4] == found[1][:4]
    assert found[0][4] != found[1][4]  # the noise did reach the test part


def test_random_labels_stay_at_chance_in_inner_folds_and_would_not_with_genes_chosen_outside(tmp_path):
    cohort = make_cohort(300, 1000, effect=0.0)
    splits, settings = make_splits(cohort), {**MLP, "epochs": 20, "tune": {"learning_rate": [1e-3, 5e-3]}}
    source = InnerFolds(cohort, splits, STEPS, 3, 5)
    prepared = next(prepare_folds(cohort, parts_of(splits)[:1], STEPS)).features
    fold = Fold(**columns_of(prepared), classes=["a", "b", "c"], number=1)

    class Outside:
        """Inner folds of features that the whole training part chose."""

        def of(self, *_):
            for one in source.of(1, fold.samples, fold.parts):
                yield anndata.AnnData(prepared.X[fold.parts == "train"], obs=one.obs)

    def scores(inner, name: str) -> list[dict]:
        def train(group, used, checkpoint):
            return train_folds(group, build_of(used), Training.from_settings(used), used["seed"], torch.device("cpu"))

        finished = FinishedFolds(tmp_path / name, "mark")
        under_way = lambda slots: Checkpoint(tmp_path / name / ".checkpoint", slots)  # noqa: E731
        return InnerSearch(settings, inner, train, finished, under_way).choose(fold)["candidates"]

    honest = scores(source, "honest")
    assert max(row["accuracy"] for row in honest) < 0.43  # chance .333, standard error .031
    assert min(row["log_loss"] for row in honest) > np.log(3) - 0.03
    flattered = scores(Outside(), "flattered")
    assert max(row["accuracy"] for row in flattered) > 0.5
    assert min(row["log_loss"] for row in flattered) < np.log(3) - 0.05


@pytest.mark.parametrize("dies_at", [2, 8, 14])
def test_a_search_that_dies_repeats_nothing_that_is_finished(tmp_path, cohort, monkeypatch, dies_at):
    settings = {**MLP, "tune": RATES}
    whole = Study(tmp_path / "whole", cohort).train("m", settings)
    real, calls, cut = fold_training.train_folds, [], Study(tmp_path / "cut", cohort)

    def counted(folds, *arguments):
        calls.append(folds[0].number)
        if len(calls) == dies_at:
            raise KeyboardInterrupt
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", counted)
    with pytest.raises(KeyboardInterrupt):
        cut.train("m", settings)
    folds = cut.train("m", settings)
    # two folds: two candidates in three inner folds, then the training itself; and what was cut short once more
    assert len(calls) == 2 * (2 * 3 + 1) + 1
    for one, other in zip(folds, whole, strict=True):
        for name in ("predictions.tsv", "model.safetensors", "history.tsv"):
            assert (one / name).read_bytes() == (other / name).read_bytes()
        facts = [read_json(fold / "training.json") for fold in (one, other)]
        assert facts[0]["candidates"] == facts[1]["candidates"]
    assert not list((tmp_path / "cut/models/m").glob(".*"))


def test_a_training_in_an_inner_fold_goes_on_where_it_was(tmp_path, cohort, monkeypatch):
    settings, study = {**MLP, "tune": RATES}, Study(tmp_path / "study", cohort)
    whole = study.train("whole", settings)
    real, epochs = trainer._Course.run_epoch, []

    def counted(course, epoch):
        epochs.append(epoch)
        if len(epochs) == 3 * 4 + 3:  # the last epoch of the second candidate in the second inner fold
            raise KeyboardInterrupt
        return real(course, epoch)

    monkeypatch.setattr(trainer._Course, "run_epoch", counted)
    monkeypatch.setattr(Checkpoint, "interval_seconds", 0.0)
    with pytest.raises(KeyboardInterrupt):
        study.train("cut", settings)
    folds = study.train("cut", settings)
    assert "resumed after epoch 2" in (study.folder / "models/cut/logs/train.log").read_text()
    assert len(epochs) == 2 * 3 * (2 * 3 + 1) + 1
    for one, other in zip(folds, whole, strict=True):
        assert read_json(one / "training.json")["candidates"] == read_json(other / "training.json")["candidates"]
        assert (one / "model.safetensors").read_bytes() == (other / "model.safetensors").read_bytes()


def test_other_settings_or_another_cohort_keep_nothing_of_a_search(tmp_path, cohort, monkeypatch):
    real, calls, study = fold_training.train_folds, [], Study(tmp_path / "study", cohort)

    def counted(folds, *arguments):
        calls.append(folds[0].number)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", counted)
    with pytest.raises(KeyboardInterrupt):
        study.train("m", {**MLP, "tune": RATES})
    shifted = cohort.copy()
    shifted.X[:, 0] += 1  # the recipe takes it back: the features stay nearly the same
    shifted.write_h5ad(study.folder / "cohort.h5ad")
    study.train("m", {**MLP, "tune": RATES})
    assert len(calls) == 5 + 2 * (2 * 3 + 1)


def test_an_image_network_has_a_layout_of_its_own_in_every_inner_fold(tmp_path, cohort, small):
    study, settings = Study(tmp_path / "study", cohort), {**IMAGE, "tune": RATES}
    alone = [study.fine_tune(f"alone{number}", used) for number, used in enumerate(candidates(settings))]
    Small.layouts.clear()
    fold = study.fine_tune("tuned", settings)
    expected = []
    for features in inner_features(study, 1):
        train = (features.obs["part"] == "train").to_numpy()
        pixels = lay_out_genes(list(features.var_names), "correlation", 6, 5, values=features.X[train], method="pca")
        expected.append(pixels[["row", "column"]])
    assert not expected[0].equals(expected[1])
    own = read_table(study.folder / "layout.tsv", ("gene",))[["row", "column"]]
    built = [layout[["row", "column"]] for layout in Small.layouts]
    assert len(built) == 2 * 3 + 1
    for layout, wanted in zip(built, [*expected, *expected, own], strict=True):
        pd.testing.assert_frame_equal(layout, wanted, check_dtype=False)
    facts = read_json(fold / "training.json")
    best = int(np.argmin([row["log_loss"] for row in facts["candidates"]]))
    assert facts["chosen"] == changes(settings)[best]
    assert facts["chosen_by"] == "inner cross-validation"
    for name in ("predictions.tsv", "model.safetensors", "history.tsv"):
        assert (fold / name).read_bytes() == (alone[best] / name).read_bytes(), name
    assert sorted(path.name for path in fold.iterdir()) == sorted(KINDS.values())


def test_an_image_network_that_dies_repeats_no_finished_candidate(tmp_path, cohort, small, monkeypatch):
    study, settings = Study(tmp_path / "study", cohort), {**IMAGE, "tune": RATES}
    whole = study.fine_tune("whole", settings)
    real, calls = fold_training.train_folds, []

    def counted(folds, *arguments):
        calls.append(folds[0].number)
        if len(calls) in (5, 8):
            raise KeyboardInterrupt
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", counted)
    for _ in range(2):  # once in the search, once in the training of what it chose
        with pytest.raises(KeyboardInterrupt):
            study.fine_tune("cut", settings)
    fold = study.fine_tune("cut", settings)
    assert len(calls) == 2 * 3 + 1 + 2
    for name in ("predictions.tsv", "model.safetensors", "history.tsv"):
        assert (fold / name).read_bytes() == (whole / name).read_bytes()


def test_what_cannot_be_tuned_in_inner_folds_is_said_with_its_fold(tmp_path, cohort):
    lonely = cohort.copy()
    labels = lonely.obs["label"].astype(str)
    lonely.obs["group"] = ["p" if label == "a" and n >= 48 else f"p{n}" for n, label in enumerate(labels)]
    parts = np.where(np.arange(96) < 48, "test", "train")
    rows = {"sample": lonely.obs_names, "group": lonely.obs["group"].to_numpy(), "repeat": 1, "part": parts}
    splits = pd.concat([pd.DataFrame(rows).assign(fold=number) for number in (1, 2)], ignore_index=True)
    with pytest.raises(SystemExit):
        Study(tmp_path / "study", lonely, splits).train("m", {**MLP, "tune": RATES})
    log = (tmp_path / "study/models/m/logs/train.log").read_text()
    assert "fold 1, inner folds, which tune the model: " in log
    assert "set run.validation" in log
