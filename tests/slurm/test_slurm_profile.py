"""`snakemake --profile slurm` on a real Slurm: every rule lands where it belongs, and errors reach the user."""

from datetime import datetime

import pytest

from gexflow.files import read_table
from tests.slurm.study import DATASET, GPU_RULES, Study

pytestmark = pytest.mark.slurm
CONFIG = {
    "run": {"datasets": ["tiny"], "models": ["gexpnet", "image", "logistic"], "folds": 3},
    "datasets": {"tiny": DATASET},
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


@pytest.fixture(scope="module")
def study(cluster, tmp_path_factory) -> Study:
    """A study from a file to its tables, two GPUs at most: jobs of all folds, of one fold, and without a GPU."""
    study = Study(cluster, tmp_path_factory.mktemp("slurm"), CONFIG)
    assert study.run("--resources", "gpu_jobs=2", "--", *TABLES) == 0, study.output()[-4000:] + cluster.logs()[-2000:]
    return study


def test_the_study_ends_in_its_tables(study):
    models = read_table(study.folder / TABLES[0], ("model",)).groupby("model").size().to_dict()
    assert models == {"gexpnet": 3, "image": 3, "logistic": 3}
    assert len(read_table(study.folder / TABLES[1], ("gene", "symbol")))


def test_gpu_rules_have_a_gpu_each_on_the_gpu_partition_and_others_have_none(study):
    jobs = study.jobs()
    rules = [job["rule"].removeprefix("rule_") for job in jobs]
    assert {*rules} >= {*GPU_RULES, "read_cohort", "prepare_folds", "score_cohort"} - {"refit_network"}  # no audit here
    for rule, job in zip(rules, jobs, strict=True):
        wanted = ("gpu", "gres:gpu:1") if rule in GPU_RULES else ("cpu", "")
        assert (job["Partition"], job.get("TresPerJob", "")) == wanted, rule


def test_no_more_gpus_are_in_use_than_the_cap_allows(study):
    spans = [
        [datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime")]
        for job in study.jobs()
        if job["rule"].removeprefix("rule_") in GPU_RULES
    ]
    assert len(spans) >= 5
    assert max(sum(begin <= start < end for begin, end in spans) for start, _ in spans) == 2


def test_nothing_but_results_is_left(study):
    assert study.left_over() == []


def test_the_sentence_of_a_failed_job_reaches_the_user(cluster, tmp_path):
    wrong = {**CONFIG, "datasets": {"tiny": {**DATASET, "label": {"field": "grade"}}}}
    study = Study(cluster, tmp_path, wrong)
    assert study.run("--retries=0", "results/tiny/cohort.h5ad") == 1
    (sentence,) = [line.split(" ERROR ", 1)[1] for line in study.log("read_cohort").splitlines() if " ERROR " in line]
    assert "grade" in sentence
    assert sentence in study.output()
