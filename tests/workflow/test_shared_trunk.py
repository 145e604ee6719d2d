"""A recipe that learns nothing has the same images in all folds: the frozen layers run once for all of them."""

import pytest
import timm
import torch
import yaml

from gexflow.files import read_json, read_table, sha256
from tests.workflow.conftest import ROOT, Project

pytestmark = pytest.mark.workflow
MODEL = "results/tiny/models/small"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ranks")
    torch.manual_seed(1)
    weights = folder / "resnet10t.pth"
    torch.save(timm.create_model("resnet10t", pretrained=False).state_dict(), weights)
    small = {
        "network": "timm/resnet10t",
        "recipe": "image-ranks",
        "layout": {"size": 32},
        "weights": {"address": str(weights), "sha256": sha256(weights)[:8]},
        "epochs": 2,
        "controls": ["random"],
    }
    tiny = {
        "source": "mendeley",
        "simulate": {"samples": 30, "genes": 200, "classes": 2},
        "label": {"field": "cancerTypes"},
    }
    run = {"datasets": ["tiny"], "models": ["small"], "folds": 2, "validation": 0.2}
    config = {"run": run, "datasets": {"tiny": tiny}, "models": {"small": small}, "attribution": {"models": []}}
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    project = Project(ROOT, folder / "study", str(folder / "tiny.yaml"))
    project.snakemake("--quiet=all", "results/tiny/evaluation/metrics.tsv")
    return project


def test_all_folds_learn_from_one_pass_of_the_frozen_layers(project):
    logs = sorted((project.study / "results/logs/tiny/models/small").rglob("*.log"))
    assert [log.name for log in logs if "run_trunk" in log.name] == ["run_trunk.image-ranks.alphabetical-32.log"]
    for fold in (1, 2):
        folder = project.study / f"{MODEL}/fold{fold}"
        assert read_json(folder / "training.json")["weights"] == "resnet10t.pth"
        assert set(read_table(folder / "predictions.tsv", ("part",))["part"]) == {"test", "validation"}
    assert not list((project.study / MODEL).glob("trunk/*"))


def test_a_lost_fold_brings_the_pass_back(project):
    (project.study / f"{MODEL}/fold2/predictions.tsv").unlink()
    assert project.would_run(f"{MODEL}/fold1/predictions.tsv") == {}
    assert project.would_run(f"{MODEL}/fold2/predictions.tsv") == {"run_trunk": 1, "finetune_backbone": 1}


def test_the_two_ways_give_the_same_predictions(project):
    before = read_table(project.study / f"{MODEL}/fold1/predictions.tsv")
    resources = ["--set-resources", "run_trunk:disk_mb=0", "finetune_backbone:disk_mb=0"]
    target = f"{MODEL}/fold1/predictions.tsv"
    project.snakemake("--quiet=all", "--force", *resources, "--", target)
    log = (project.study / "results/logs/tiny/models/small/fold1/finetune_backbone.log").read_text()
    assert "disk_mb" in log
    after = read_table(project.study / target)
    columns = [name for name in before if name.startswith("p:")]
    assert list(before["sample"]) == list(after["sample"])
    assert (before[columns] - after[columns]).abs().to_numpy().max() < 1e-4
