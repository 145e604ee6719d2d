"""A study of seconds: small tables of two types, and reference models, which need no PyTorch."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.workflow.conftest import ROOT, Project

SAMPLES = 40


def write_tiny_table(path: Path, genes: int, seed: int) -> None:
    """Write a table of samples x genes with a column `type`, x and y in turn; nothing in it tells them apart."""
    table = pd.DataFrame(np.random.default_rng(seed).gamma(3, 20, (SAMPLES, genes)).round(3)).add_prefix("g")
    table.insert(0, "type", ["x", "y"] * (SAMPLES // 2))
    table.rename_axis("id").to_csv(path)


def tiny_study(folder: Path, *datasets: str, genes: int = 30) -> Project:
    """Write a table a dataset and a config into `folder`; return them as a project."""
    own = {"source": "table", "label": {"field": "type"}, "near_duplicates": "off", "recipes": {"majority": "plain"}}
    entries = {}
    for number, name in enumerate(datasets):
        write_tiny_table(folder / f"{name}.csv", genes, number)
        entries[name] = {**own, "files": {"matrix": str(folder / f"{name}.csv")}}
    config = {
        "run": {"datasets": list(datasets), "models": ["majority"], "folds": 2},
        "datasets": entries,
        "recipes": {"plain": ["impute_median"]},
        "attribution": {"models": []},
        "evaluation": {"audit": {"permutations": 0, "random_genes": 0}},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return Project(ROOT, folder / "study", str(folder / "mine.yaml"))
