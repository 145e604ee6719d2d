"""The first promise: nothing outside the training part of a fold reaches a fitted value.

Checked from cohort.h5ad to the weights of the networks, for every recipe that is shipped, with validation rows.
"""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from gexflow.cohorts.splits import split_samples
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.gexpnet import GexpNet
from gexflow.models.image_network import build_image_network
from gexflow.models.trainer import Training
from gexflow.recipes.folds import prepare_folds
from gexflow.recipes.layouts import lay_out_genes

ROOT = Path(__file__).parents[2]
RECIPES = {
    f"{path.parent.name}/{name}": steps
    for path in (ROOT / "config.yaml", ROOT / "tests/real/config.yaml")
    for name, steps in yaml.safe_load(path.read_text())["recipes"].items()
}


@pytest.fixture(scope="module")
def cohort() -> anndata.AnnData:
    rng = np.random.default_rng(11)
    labels = np.tile(["a", "b", "c"], 30)
    rates = rng.gamma(1.5, 60, size=140) * np.exp(0.7 * rng.normal(size=(3, 140)))
    counts = rng.negative_binomial(2, 2 / (2 + rates[np.arange(90) % 3])).astype(np.float32)
    obs = pd.DataFrame({"label": pd.Categorical(labels), "group": [f"p{i // 2}" for i in range(90)]})
    obs.index = [f"s{i}" for i in range(90)]
    obs["group"] = [f"p{i // 6}-{label}" for i, label in enumerate(labels)]
    symbols = ["" if i % 10 == 9 else f"S{i % 90}" for i in range(140)]  # some genes have two probes, some have none
    var = pd.DataFrame({"symbol": symbols}, index=[f"g{i:03d}" for i in range(140)])
    return anndata.AnnData(counts, obs=obs, var=var, uns={"scale": "counts"})


@pytest.fixture(scope="module")
def parts(cohort) -> np.ndarray:
    columns = (list(cohort.obs_names), list(cohort.obs["label"]), list(cohort.obs["group"]))
    splits = split_samples(*columns, folds=4, repeats=1, seed=32, validation=0.2)
    return splits[splits["fold"] == 2].set_index("sample")["part"].loc[cohort.obs_names].to_numpy(dtype=str)


def prepare_fold(cohort: anndata.AnnData, parts: np.ndarray, steps: list):
    return next(prepare_folds(cohort, [parts], steps))


def noisy(cohort: anndata.AnnData, parts: np.ndarray) -> anndata.AnnData:
    """Replace all rows that are not for training, labels included."""
    other = cohort.copy()
    rng = np.random.default_rng(5)
    rows = parts != "train"
    other.X[rows] = rng.negative_binomial(1, 0.001, size=(rows.sum(), cohort.n_vars))
    labels = other.obs["label"].to_numpy().astype(str)
    labels[rows] = rng.permutation(labels[rows])
    other.obs["label"] = pd.Categorical(labels)
    return other


def same(first, second) -> None:
    np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_learns_from_training_rows_only(cohort, parts, name):
    assert {"train", "validation", "test"} == set(parts)
    one = prepare_fold(cohort, parts, RECIPES[name])
    two = prepare_fold(noisy(cohort, parts), parts, RECIPES[name])
    assert one.fitted.uns["steps"] == two.fitted.uns["steps"]
    for column in one.fitted.var:
        same(one.fitted.var[column], two.fitted.var[column])
    for key in one.fitted.varm:
        same(one.fitted.varm[key], two.fitted.varm[key])
    same(one.features.X[parts == "train"], two.features.X[parts == "train"])


def weights(features: anndata.AnnData, network: str, tmp_path: Path) -> dict:
    path = tmp_path / "features.h5ad"
    features.write_h5ad(path)
    fold = Fold.read(path, 2)
    layout = lay_out_genes(list(features.var_names), "alphabetical", 32, 0)
    settings = {"network": "resnet50", "layout": {"size": 32}, "image_size": "native"}
    settings |= {"learn": "last-block", "head": "published", "seed": 32}
    build = {
        "gexpnet": GexpNet,
        "resnet50": lambda genes, classes: build_image_network(settings, layout, classes, None),
    }[network]
    (trained,) = train_folds([fold], build, Training("adam", 1e-3, 2, 16), 32, torch.device("cpu"))
    return trained.network.state_dict()


@pytest.mark.parametrize(("network", "recipe"), [("gexpnet", "gexpnet-counts"), ("resnet50", "image-counts")])
def test_a_network_learns_from_training_rows_only(cohort, parts, tmp_path, network, recipe):
    steps = yaml.safe_load((ROOT / "config.yaml").read_text())["recipes"][recipe]
    one = weights(prepare_fold(cohort, parts, steps).features, network, tmp_path)
    two = weights(prepare_fold(noisy(cohort, parts), parts, steps).features, network, tmp_path)
    for name, values in one.items():
        assert torch.equal(values, two[name]), name
