"""The demo on a real Slurm, folds of image networks several to a submission.

Each submission starts Snakemake twice, so that the whole demo takes ten minutes of two cores: `make test` runs the one
of its datasets that has models of all kinds, without their controls, `make test-all` all three with them.
"""

import re

import pytest
import yaml

from tests.slurm.study import GPU_RULES, Study
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.slurm
FOLDS_A_SUBMISSION = 5
# As the README says: the folds of a submission take turns on one GPU.
GROUPED = [
    *("--groups", "finetune_backbone=folds", "--group-components", f"folds={FOLDS_A_SUBMISSION}"),
    *("--set-resource-scopes", "gpu=local", "--resources", "gpu=1", "gpu_jobs=4"),
]


DATASETS = ["demo-geo", "demo-mendeley", "demo-tcga"]


@pytest.fixture(
    scope="module", params=[["demo-tcga"], pytest.param(DATASETS, marks=pytest.mark.long)], ids=["one", "all"]
)
def demo(request, cluster, tmp_path_factory) -> Study:
    """The demo as the README runs it on a cluster."""
    home = tmp_path_factory.mktemp("demo")
    config = yaml.safe_load((ROOT / "resources/demo/config.yaml").read_text())
    config["run"]["datasets"] = request.param
    if len(request.param) == 1:
        for name in ("gexpnet", "resnet50"):
            config["models"][name]["controls"] = []
    (home / "demo.yaml").write_text(yaml.safe_dump(config))
    study = Study(cluster, home, home / "demo.yaml")
    assert study.run(*GROUPED) == 0, study.output()[-4000:] + cluster.logs()[-2000:]
    return study


def test_the_demo_ends_in_its_report(demo):
    page = (demo.folder / "results/report/index.html").read_text()
    assert "GexFlow demo on simulated cohorts" in page
    assert re.findall(r'id="evaluation-d\d+-([^"]+)"', page) == [
        dataset for dataset in DATASETS if (demo.folder / "results" / dataset).exists()
    ]
    assert demo.left_over() == []


def test_folds_that_share_a_submission_are_trained_in_it(demo):
    folds = list((demo.folder / "results/demo-tcga/models").glob("resnet50*/fold*/predictions.tsv"))
    groups = [job for job in demo.jobs() if job["rule"].startswith("group_folds")]
    with_control = (demo.folder / "results/demo-geo").exists()  # all three datasets
    assert len(folds) == (10 if with_control else 5)
    assert len(groups) == len(folds) // FOLDS_A_SUBMISSION


def test_gpus_go_to_the_jobs_that_train_or_explain_networks(demo):
    for job in demo.jobs():
        rule = job["rule"].removeprefix("rule_")
        wanted = "gpu" if rule in GPU_RULES or rule.startswith("group_folds") else "cpu"
        assert job["Partition"] == wanted, rule
        assert job.get("TresPerJob", "") == ("gres:gpu:1" if wanted == "gpu" else ""), rule
