"""Stored models say of a copy of their own test samples what they said in the fold; other cohorts are met with care."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from tests.jobs import job_of, run_script

from gexflow.cohorts.splits import split_samples
from gexflow.config import complete
from gexflow.config_yaml import read_yaml
from gexflow.files import read_json, read_table, write_h5ad, write_json, write_table
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.image_network import build_image_network
from gexflow.models.predictions import TEXT
from gexflow.models.reference_tuning import fit_fold
from gexflow.models.trainer import Training
from gexflow.models.weights import save_network
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.layouts import lay_out_genes

SCHEMA = read_yaml(Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml")
STEPS = ["impute_median", "to_log2", {"select_ftest": {"keep": 40}}, "zscore"]
SAMPLES, GENES, FOLDS = 60, 70, 2
LOCKED = np.arange(SAMPLES) % 5 == 0
TRAINED = ["gexpnet", "mlp", "resnet50"]


def settings_of(network: str) -> dict:
    own = {"network": network, "recipe": "r"}
    own |= {"epochs": 2} if network in TRAINED else {}
    own |= {"layout": {"size": 32}, "weights": "random"} if network == "resnet50" else {}
    own |= {"tune": {"C": [0.001, 1.0]}} if network == "svm" else {}
    settings = complete({"models": {"m": own}}, SCHEMA, SCHEMA)["models"]["m"]
    return {key: value for key, value in settings.items() if key not in ("recipe", "controls", "preset")} | {"seed": 3}


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    """A cohort with a hold-out, and its splits, features and fitted recipes."""
    folder = tmp_path_factory.mktemp("new")
    random = np.random.default_rng(2)
    labels = np.tile(["x", "y", "z"], SAMPLES // 3)
    rates = 30 * np.exp(0.8 * random.normal(size=(3, GENES)))
    values = random.gamma(4, rates[np.arange(SAMPLES) % 3] / 4).astype(np.float32)
    values[random.random(values.shape) < 0.01] = np.nan
    obs = pd.DataFrame({"label": pd.Categorical(labels), "group": [f"p{n}" for n in range(SAMPLES)]})
    obs.index = [f"s{n}" for n in range(SAMPLES)]
    var = pd.DataFrame({"symbol": [f"S{n}" for n in range(GENES)]}, index=[f"g{n}" for n in range(GENES)])
    cohort = anndata.AnnData(values, obs=obs, var=var, uns={"scale": "linear"})
    write_h5ad(cohort, folder / "cohort.h5ad")
    columns = list(cohort.obs_names), list(labels), list(obs["group"])
    splits = split_samples(*columns, FOLDS, 1, 1, 0.2, LOCKED)
    write_table(splits, folder / "splits.tsv")
    inside = cohort[~LOCKED].copy()
    parts = [rows.set_index("sample")["part"].loc[inside.obs_names] for _, rows in splits.groupby("fold")]
    for number, fold in enumerate(prepare_folds(inside, [part.to_numpy(dtype=str) for part in parts], STEPS), 1):
        write_h5ad(fold.features, folder / f"features{number}.h5ad")
        write_h5ad(fold.fitted, folder / f"fitted{number}.h5ad")
        write_table(lay_out_genes(list(fold.features.var_names), "alphabetical", 32, 0), folder / f"layout{number}.tsv")
    return folder


def train(home: Path, network: str) -> list[pd.DataFrame]:
    """Train a model in every fold; keep a network's file and return the predictions of its job."""
    settings, tables = settings_of(network), []
    for number in range(1, FOLDS + 1):
        fold = Fold.read(home / f"features{number}.h5ad", number)
        facts = home / f"{network}{number}.json"
        if network not in TRAINED:
            probabilities, found = fit_fold(settings, fold)
            write_json(found, facts)
            tables.append(fold.predictions(probabilities))
            continue
        layout = read_table(home / f"layout{number}.tsv", ("gene",))
        build = {
            "resnet50": lambda genes, classes, layout=layout: build_image_network(settings, layout, classes, None)
        }.get(network, lambda genes, classes: build_gene_network(settings, genes, classes))
        (trained,) = train_folds([fold], build, Training.from_settings(settings), 3, torch.device("cpu"))
        save_network(trained.network, home / f"{network}{number}.safetensors", settings)
        write_json(trained.facts, facts)
        tables.append(trained.predictions)
    return tables


def inputs_of(home: Path, network: str) -> dict:
    paths = {kind: [str(home / f"{kind}{n}.h5ad") for n in range(1, FOLDS + 1)] for kind in ("features", "fitted")}
    paths["facts"] = [str(home / f"{network}{n}.json") for n in range(1, FOLDS + 1)]
    models = [str(home / f"{network}{n}.safetensors") for n in range(1, FOLDS + 1)] if network in TRAINED else []
    layouts = [str(home / f"layout{n}.tsv") for n in range(1, FOLDS + 1)] if network == "resnet50" else []
    return {"cohort": str(home / "cohort.h5ad"), **paths, "model": models, "layouts": layouts, "weights": []}


def predict_external(
    home: Path, folder: Path, network: str, target: anndata.AnnData, splits: list[str] = ()
) -> tuple[pd.DataFrame, dict]:
    write_h5ad(target, folder / "target.h5ad")
    outputs = {"predictions": str(folder / "new/predictions.tsv"), "facts": str(folder / "new/facts.json")}
    inputs = {**inputs_of(home, network), "target": str(folder / "target.h5ad"), "target_splits": list(splits)}
    settings = {"model": settings_of(network), "recipe": STEPS}
    names = {"dataset": "set", "target": "other", "model": network}
    run_script(job_of("predict_external", folder / "logs/new.log", inputs, outputs, settings, wildcards=names))
    return read_table(outputs["predictions"], TEXT), read_json(outputs["facts"])


NETWORKS = ["majority", "centroid", "logistic", "svm", *TRAINED]


@pytest.mark.parametrize("network", NETWORKS)
def test_a_copy_of_the_cohort_gets_the_predictions_of_its_own_test_samples(home, tmp_path, network):
    own = pd.concat(train(home, network), ignore_index=True)
    found, facts = predict_external(home, tmp_path, network, anndata.read_h5ad(home / "cohort.h5ad"))
    assert set(found["part"]) == {"external"}
    assert len(found) == SAMPLES * FOLDS
    both = own.merge(found, on=["fold", "sample"], suffixes=("", " new"))
    assert len(both) == len(own)
    columns = [name for name in own if name.startswith("p:")]
    tolerance = 1e-5 if network in TRAINED else 1e-8  # a batch's size changes a network's last digits
    np.testing.assert_allclose(both[columns], both[[f"{name} new" for name in columns]], rtol=0, atol=tolerance)
    assert (both["predicted"] == both["predicted new"]).all()
    assert [fold["missing"] for fold in facts["folds"]] == [0, 0]
    assert (facts["by_id"], facts["by_symbol"], facts["genes"]) == (GENES, 0, GENES)


def test_a_tuned_model_predicts_with_what_each_fold_chose(home):
    train(home, "svm")
    facts = [read_json(home / f"svm{number}.json") for number in range(1, FOLDS + 1)]
    assert all(fact["chosen"] != {"C": settings_of("svm")["C"]} or fact["temperature"] != 1 for fact in facts)


def test_a_hold_out_gets_what_the_same_samples_get_from_elsewhere(home, tmp_path):
    train(home, "logistic")
    cohort = anndata.read_h5ad(home / "cohort.h5ad")
    elsewhere, _ = predict_external(home, tmp_path, "logistic", cohort[LOCKED].copy())
    inputs = {**inputs_of(home, "logistic"), "splits": str(home / "splits.tsv")}
    settings = {"model": settings_of("logistic"), "recipe": STEPS}
    output = {"predictions": str(tmp_path / "holdout/predictions.tsv")}
    names = {"dataset": "set", "model": "logistic"}
    run_script(job_of("predict_holdout", tmp_path / "logs/holdout.log", inputs, output, settings, wildcards=names))
    found = read_table(output["predictions"], TEXT)
    assert set(found["part"]) == {"holdout"}
    assert set(found["sample"]) == set(cohort.obs_names[LOCKED])
    pd.testing.assert_frame_equal(found.drop(columns="part"), elsewhere.drop(columns="part"))


def test_the_hold_out_of_another_cohort_stays_out_of_its_test(home, tmp_path):
    target = anndata.read_h5ad(home / "cohort.h5ad")
    train(home, "centroid")
    found, facts = predict_external(home, tmp_path, "centroid", target, [str(home / "splits.tsv")])
    assert set(found["sample"]) == set(target.obs_names[~LOCKED])
    assert facts["held_out"] == LOCKED.sum()


def test_lacking_genes_and_other_classes_are_counted(home, tmp_path):
    target = anndata.read_h5ad(home / "cohort.h5ad")[:, 15:].copy()
    target.obs["label"] = pd.Categorical(target.obs["label"].astype(str).replace({"z": "w"}))
    target.var_names = [f"probe{n}" for n in range(target.n_vars)]  # only symbols are left to match
    found, facts = predict_external(home, tmp_path, "centroid", target)
    assert set(found["label"]) == {"x", "y"}
    assert len(found) == 40 * FOLDS
    assert (facts["only_trained"], facts["left_out"]) == (["z"], {"w": 20})
    assert (facts["by_id"], facts["by_symbol"]) == (0, GENES - 15)
    for number, fold in enumerate(facts["folds"], 1):
        kept = anndata.read_h5ad(home / f"features{number}.h5ad", backed="r").var_names
        assert (fold["missing"], fold["features"]) == (int(kept.isin([f"g{n}" for n in range(15)]).sum()), 40)
    log = (tmp_path / "logs/new.log").read_text()
    assert "samples of classes that did not train are left out: w (20)" in log


def test_classes_spelled_otherwise_in_another_cohort_are_pointed_out(home, tmp_path):
    target = anndata.read_h5ad(home / "cohort.h5ad")
    target.obs["label"] = pd.Categorical(target.obs["label"].astype(str).replace({"z": "Z "}))
    train(home, "centroid")
    facts = predict_external(home, tmp_path, "centroid", target)[1]
    assert facts["spellings"] == [["Z ", "z"]]
    assert "label.map" in (tmp_path / "logs/new.log").read_text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda one: one[:, :25].copy(), "missing there, more than half"),
        (
            lambda one: one[one.obs["label"] == "x"].copy(),
            "1 classes in common, and 2 are needed: set has x, y, z, other x",
        ),
        (
            lambda one: anndata.AnnData(
                one.X, one.obs, pd.DataFrame({"symbol": ""}, index=[f"q{n}" for n in range(GENES)]), one.uns
            ),
            "none of the genes of set",
        ),
        (lambda one: anndata.AnnData(one.X, one.obs, one.var, {"scale": "logratio"}), ""),
    ],
)
def test_a_cohort_that_cannot_be_predicted_is_refused(home, tmp_path, change, words):
    target = change(anndata.read_h5ad(home / "cohort.h5ad"))
    if not words:  # to_log2 brings both to a scale of logarithms, but not to the same one
        words = "fitted to log2 values, and these are logratio"
    with pytest.raises(SystemExit):
        predict_external(home, tmp_path, "centroid", target)
    text = (tmp_path / "logs/new.log").read_text()
    assert words in text
    assert "Traceback" not in text
    assert not (tmp_path / "new/predictions.tsv").exists()


def open_holdout(folder: Path, settings: dict, digest: str = "d1", value: float = 1.0, note: str = "") -> list[dict]:
    samples = pd.DataFrame({"label": ["x", "y", "x"]}, index=["a", "b", "c"])
    cohort = anndata.AnnData(np.full((3, 2), 7, dtype=np.float32), samples, pd.DataFrame(index=["g", "h"]))
    cohort.X[1, 0], cohort.uns["note"] = value, note
    write_h5ad(cohort, folder / "cohort.h5ad")
    parts = pd.DataFrame({"sample": ["a", "b", "c"], "group": ["a", "b", "c"], "part": ["train", "holdout", "test"]})
    write_table(parts.assign(repeat=1, fold=1), folder / "splits.tsv")
    write_json({"holdout": {"samples": 12, "digest": digest, "classes": {}}}, folder / "splits.json")
    output = {"opened": str(folder / "holdout/opened.json")}
    Path(output["opened"]).unlink(missing_ok=True)  # as Snakemake does
    inputs = {"facts": "splits.json", "cohort": "cohort.h5ad", "splits": "splits.tsv"}
    inputs = {key: str(folder / name) for key, name in inputs.items()}
    log = folder / "logs/open.log"
    run_script(job_of("open_holdout", log, inputs, output, settings, wildcards={"dataset": "set"}))
    return read_json(output["opened"])


def test_every_opening_by_other_settings_is_recorded_and_said(tmp_path):
    first = {"reading": {"scale": "log2"}, "split": {"seed": 1}, "models": {"a": {"C": 1}, "b": {"C": 2}}}
    assert len(open_holdout(tmp_path, first)) == 1
    assert len(open_holdout(tmp_path, first, note="other words")) == 1
    assert "WARNING" not in (tmp_path / "logs/open.log").read_text()
    second = {**first, "models": {"a": {"C": 1}, "b": {"C": 3}, "c": {}}}
    openings = open_holdout(tmp_path, second)
    assert [entry["changed"] for entry in openings] == [[], ["b", "c"]]
    assert "was opened before, with other settings (b, c)" in (tmp_path / "logs/open.log").read_text()
    third = open_holdout(tmp_path, {**second, "split": {"seed": 2}}, "d2")
    assert third[-1]["changed"] == ["the held-out samples", "the folds"]
    assert third[:2] == openings
    fourth = open_holdout(tmp_path, {**second, "reading": {"scale": "counts"}, "split": {"seed": 2}}, "d2", 2.0)
    assert fourth[-1]["changed"] == ["how the cohort is read", "the content of the held-out samples"]
    rest = {"reading": {"scale": "counts"}, "split": {"seed": 2}}
    fifth = open_holdout(tmp_path, {**second, **rest, "code": {"prepare_folds.py": "ab"}}, "d2", 2.0)
    assert fifth[-1]["changed"] == ["the code"]


def test_a_record_without_what_is_recorded_now_is_one_that_differs(tmp_path):
    settings = {"reading": {"scale": "log2"}, "split": {"seed": 1}, "models": {"a": {"C": 1}}}
    (opening,) = open_holdout(tmp_path, settings)
    del opening["settings"]["reading"], opening["holdout"]["content"]
    write_json([{**opening, "digest": "of old"}], tmp_path / "holdout/openings.json")
    assert open_holdout(tmp_path, settings)[-1]["changed"] == [
        "how the cohort is read",
        "the content of the held-out samples",
    ]
