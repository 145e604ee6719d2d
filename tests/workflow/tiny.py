"""A study of seconds: small tables of two types, and reference models, which need no PyTorch."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from tests.workflow.conftest import ROOT, Project

SAMPLES = 40


def tiny_study(folder: Path, *datasets: str, genes: int = 30) -> Project:
    """Write a table a dataset and a config into `folder`; return them as a project."""
    own = {"source": "table", "label": {"field": "type"}, "near_duplicates": "off", "recipes": {"majority": "plain"}}
    entries = {}
    for number, name in enumerate(datasets):
        table = pd.DataFrame(np.random.default_rng(number).gamma(3, 20, (SAMPLES, genes)).round(3)).add_prefix("g")
        table.insert(0, "type", ["x", "y"] * (SAMPLES // 2))
        table.rename_axis("id").to_csv(folder / f"{name}.csv")
        entries[name] = {**own, "files": {"matrix": str(folder / f"{name}.csv")}}
    config = {
        "run": {"datasets": list(datasets), "models": ["majority"], "folds": 2},
        "datasets": entries,
        "recipes": {"plain": ["impute_median"]},
        "attribution": {"models": []},
    }
    (folder / "mine.yaml").write_text(yaml.safe_dump(config))
    return Project(ROOT, folder / "study", str(folder / "mine.yaml"))
