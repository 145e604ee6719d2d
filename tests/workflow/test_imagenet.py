"""A checked file of ImageNet weights goes through training, attribution and tables."""

import pytest
import torch
import torchvision
import yaml

from gexflow.files import read_json, read_table, sha256
from tests.workflow.conftest import Project, copy_project

pytestmark = pytest.mark.workflow
CONFIG = {
    "run": {"datasets": ["tiny"], "models": ["resnet50", "majority"], "folds": 2},
    "datasets": {
        "tiny": {
            "source": "mendeley",
            "simulate": {"samples": 24, "genes": 100, "classes": 2},
            "label": {"field": "cancerTypes"},
            "recipes": {"resnet50": "image-top", "majority": "image-top"},
        }
    },
    "models": {
        "resnet50": {
            "network": "resnet50",
            "recipe": "image-top",
            "layout": {"size": 32},
            "epochs": 1,
            "controls": ["random"],
        },
    },
    "attribution": {"models": ["resnet50"], "steps": 8, "samples_per_class": 1},
}


def test_weights_from_a_checked_file_reach_every_stage(tmp_path):
    project = Project(copy_project(tmp_path / "project"), tmp_path / "study", str(tmp_path / "tiny.yaml"))
    torch.manual_seed(3)
    weights = tmp_path / "weights/resnet50-0676ba61.pth"
    weights.parent.mkdir()
    torch.save(torchvision.models.resnet50(weights=None).state_dict(), weights)
    table = read_table(project.root / "resources/weights.tsv").set_index("network")
    project.edit("resources/weights.tsv", table.loc["resnet50", "sha256"], sha256(weights))
    config = {**CONFIG, "run": {**CONFIG["run"], "weights": str(weights.parent)}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config))
    targets = [f"results/tiny/{name}" for name in ("attribution/resnet50/genes.tsv", "evaluation/metrics.tsv")]
    project.snakemake("--quiet=all", *targets)
    facts = read_json(tmp_path / "study/results/tiny/models/resnet50/fold1/training.json")
    assert facts["weights"] == weights.name
    assert facts["notes"] == []
    control = read_json(tmp_path / "study/results/tiny/models/resnet50~random/fold1/training.json")
    assert control["weights"] == "random"
    compared = read_table(tmp_path / "study/results/tiny/evaluation/comparisons.tsv", ("model", "other"))
    assert compared["other"].tolist() == ["resnet50~random"]  # no linear model was run
    assert len(read_table(tmp_path / "study" / targets[0])) > 0

    weights.write_bytes(weights.read_bytes() + b"x")
    done = project.snakemake("--quiet=all", "--forcerun", "finetune_backbone", "--", *targets, ok=False)
    assert "is damaged or another one" in done.stdout + done.stderr
    folder = tmp_path / "study/results/tiny/models/resnet50"
    assert not all((folder / f"fold{fold}/predictions.tsv").exists() for fold in (1, 2))
