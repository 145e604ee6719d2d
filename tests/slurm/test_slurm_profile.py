"""`snakemake --profile slurm` on a real Slurm: every rule lands where it belongs, and errors reach the user."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from gexflow.files import read_table
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.slurm
GPU_RULES = {"train_gexpnet", "finetune_backbone", "attribute_genes"}
CONFIG = {
    "run": {"datasets": ["tiny"], "models": ["gexpnet", "image", "logistic"], "folds": 2},
    "datasets": {
        "tiny": {
            "source": "table",
            "files": {"matrix": "tiny.csv"},
            "label": {"field": "type"},
            "near_duplicates": "off",
        }
    },
    "models": {
        "gexpnet": {"network": "gexpnet", "recipe": "gexpnet-paper", "epochs": 2, "controls": []},
        "image": {
            "network": "timm/resnet10t",
            "recipe": "image-paper",
            "layout": {"size": 32},
            "weights": "random",
            "epochs": 1,
            "controls": [],
        },
    },
    "attribution": {"models": ["gexpnet"], "steps": 8},
}
TABLES = ["results/tiny/evaluation/metrics.tsv", "results/tiny/attribution/gexpnet/genes.tsv"]
# This cluster has no accounting, and its jobs take seconds.
SITE = [
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=10",
]


class Study:
    """A small study on the cluster; its jobs are told from others by their folder."""

    def __init__(self, cluster, folder: Path, config: dict):
        self.cluster, self.folder = cluster, folder / "study"
        table = pd.DataFrame(np.random.default_rng(1).gamma(3, 20, (40, 60))).add_prefix("g")
        table.insert(0, "type", ["x", "y"] * 20)
        table.rename_axis("id").to_csv(folder / "tiny.csv")
        config = json.loads(json.dumps(config).replace("tiny.csv", str(folder / "tiny.csv")))
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        self.command = [sys.executable, "-m", "snakemake", "--cores", "8", "--profile", "slurm", *SITE]
        self.command += ["--directory", str(self.folder), "--configfile", str(folder / "config.yaml")]

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Run Snakemake as a user would."""
        command = [*self.command, *arguments]
        environment = self.cluster.environment
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)

    def jobs(self) -> list[tuple[str, str, str]]:
        """Return rule, partition and GPUs of every job of this study."""
        found = []
        for number in self.cluster.command("squeue", "-a", "-h", "-t", "all", "-o", "%i").split():
            text = self.cluster.command("scontrol", "show", "job", number)
            fields = dict(field.split("=", 1) for field in text.split() if "=" in field)
            if fields["StdOut"].startswith(str(self.folder)):
                rule = fields["StdOut"].split("/rule_")[1].split("/")[0]
                found.append((rule, fields["Partition"], fields.get("TresPerJob", "")))
        return found


@pytest.fixture(scope="module")
def study(cluster, tmp_path_factory) -> Study:
    """A study from a file to its tables: jobs of all folds, jobs of one fold, and jobs without a GPU."""
    study = Study(cluster, tmp_path_factory.mktemp("slurm"), CONFIG)
    done = study.run("--", *TABLES)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:] + cluster.logs()[-2000:]
    return study


def test_the_study_ends_in_its_tables(study):
    models = read_table(study.folder / TABLES[0], ("model",)).groupby("model").size().to_dict()
    assert models == {"gexpnet": 2, "image": 2, "logistic": 2}
    assert len(read_table(study.folder / TABLES[1], ("gene", "symbol")))


def test_gpu_rules_have_a_gpu_each_on_the_gpu_partition_and_others_have_none(study):
    jobs = study.jobs()
    assert {rule for rule, _, _ in jobs} >= GPU_RULES | {"read_cohort", "prepare_folds", "score_cohort"}
    for rule, partition, gpus in jobs:
        if any(rule.startswith(name) for name in GPU_RULES):
            assert (partition, gpus) == ("gpu", "gres:gpu:1"), rule
        else:
            assert (partition, gpus) == ("cpu", ""), rule


def test_nothing_but_results_is_left(study):
    hidden = [path for path in (study.folder / "results").rglob("*") if path.name.startswith(".")]
    assert not hidden
    assert not list(study.folder.rglob("*.part"))


def test_the_sentence_of_a_failed_job_reaches_the_user(cluster, tmp_path):
    wrong = {**CONFIG, "datasets": {"tiny": {**CONFIG["datasets"]["tiny"], "label": {"field": "grade"}}}}
    study = Study(cluster, tmp_path, wrong)
    done = study.run("--retries=0", "results/tiny/cohort.h5ad")
    assert done.returncode == 1
    log = (study.folder / "results/logs/tiny/read_cohort.log").read_text()
    (sentence,) = [line.split(" ERROR ", 1)[1] for line in log.splitlines() if " ERROR " in line]
    assert "grade" in sentence
    assert sentence in done.stdout + done.stderr
