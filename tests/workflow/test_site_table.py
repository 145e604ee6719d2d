"""The table of TCGA's sites is an input of genuine cohorts of TCGA, and of no others."""

import re

import pytest
import yaml

from tests.workflow.conftest import ROOT, Project

TABLE = ROOT / "resources/tcga_sites.tsv"


@pytest.mark.workflow
def test_genuine_cohorts_of_tcga_alone_read_the_table_of_sites(tmp_path):
    for name in ("matrix.tsv", "labels.tsv"):
        (tmp_path / name).write_text("x\n")
    files = {"matrix": str(tmp_path / "matrix.tsv"), "labels": str(tmp_path / "labels.tsv")}
    simulate = {"samples": 60, "genes": 60}
    datasets = {
        "genuine": {"source": "tcga", "files": files, "label": {"field": "type"}},
        "simulated": {"source": "tcga", "simulate": simulate, "label": {"field": "cancer type"}},
        "table": {"source": "table", "files": files, "label": {"field": "type"}},
    }
    study = {"run": {"datasets": list(datasets), "models": ["logistic"], "folds": 2}, "datasets": datasets}
    study["attribution"] = {"models": []}
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    text = Project(ROOT, tmp_path / "study", str(tmp_path / "mine.yaml")).snakemake("--dry-run").stdout
    found = re.findall(r"^rule read_cohort:\n    input: (.*)\n    output: results/(\w+)/", text, re.MULTILINE)
    assert sorted(dataset for _, dataset in found) == sorted(datasets)
    assert [dataset for given, dataset in found if str(TABLE) in given] == ["genuine"]
