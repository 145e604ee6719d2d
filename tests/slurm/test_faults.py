"""What clusters do to jobs, each time with the result of an undisturbed run and no finished work repeated."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from copy import copy

import pytest

from gexflow.files import read_json
from tests.repeats import ten_times, ten_times_in_test_all
from tests.slurm.cluster import Cluster
from tests.slurm.study import DATASET, Study, profile_with_gres
from tests.workflow.conftest import ROOT

pytestmark = pytest.mark.slurm
MODEL = {"network": "gexpnet", "recipe": "all-genes", "epochs": 80, "batch_size": 16, "controls": []}
NAMES = ["killed", "cancelled"]
CONFIG = {
    "run": {"datasets": ["tiny"], "models": NAMES, "folds": 2},
    "datasets": {"tiny": DATASET},
    "recipes": {"all-genes": ["zscore"]},
    "models": {name: {**MODEL, "learning_rate": 0.001 * rank} for rank, name in enumerate(NAMES, 1)},
    "attribution": {"models": []},
}
FOLDS = ["fold1/predictions.tsv", "fold2/predictions.tsv"]


def home(name: str) -> str:
    return f"results/tiny/models/{name}"


def wait_for(look: Callable, patience: float = 120) -> None:
    """Wait until `look` says something true."""
    end = time.monotonic() + patience
    while not look():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, cluster) -> Study:
    """The networks as nobody disturbed them, trained without the cluster."""
    study = Study(cluster, tmp_path_factory.mktemp("faults"), CONFIG)
    study.run_here("--", *(f"{home(name)}/fold1/predictions.tsv" for name in NAMES))
    return study


@pytest.fixture
def study(trained, tmp_path) -> Iterator[Study]:
    """The same study before its networks are trained."""
    twin = copy(trained)
    twin.folder, twin.drivers = tmp_path / "study", []
    shutil.copytree(trained.folder, twin.folder)
    shutil.rmtree(twin.folder / "results/tiny/models")
    yield twin
    twin.stop()


def first_fold_is_kept(study: Study, name: str) -> bool:
    """Tell whether the first of two folds is finished, and the second under way."""
    return bool(list((study.folder / home(name)).glob(".finished/*/fold1")))


def assert_gone_on(study: Study, trained: Study, name: str) -> None:
    """Assert that the first fold was not trained again, and that all is as undisturbed."""
    kept = "1 of 2 folds were finished by a job that stopped; they are kept"
    assert kept in study.log(f"models/{name}/train_gexpnet")
    assert_as_undisturbed(study, trained, name)


def assert_as_undisturbed(study: Study, trained: Study, name: str) -> None:
    for fold in FOLDS:
        found, wanted = (each.folder / home(name) / fold for each in (study, trained))
        assert found.read_bytes() == wanted.read_bytes(), (name, fold)
    assert study.left_over() == []


def start_again(cluster: Cluster, job: str) -> None:
    """Let a job that Slurm has taken off its node start again now, as an operator may; Slurm would wait two minutes.

    Not in the same second: the node would still refuse it.
    """
    wait_for(lambda: cluster.command("squeue", "-h", "-t", "all", "-j", job, "-o", "%T") == "PENDING")
    time.sleep(3)
    cluster.command("scontrol", "update", f"JobId={job}", "StartTime=now")


@ten_times
def test_jobs_that_are_killed_and_cancelled_go_on_where_they_were(nth, cluster, study, trained, tmp_path):
    study.profile = profile_with_gres(tmp_path)
    driver = study.start("--", *(f"{home(name)}/fold1/predictions.tsv" for name in NAMES))
    unhurt = set(NAMES)
    while unhurt:
        for name in sorted(unhurt):
            if first_fold_is_kept(study, name):
                unhurt.remove(name)
                lease = read_json(study.folder / home(name) / ".lease")
                if name == "killed":
                    os.kill(lease["pid"], signal.SIGKILL)
                else:
                    cluster.command("scancel", lease["job"])
        assert driver.poll() is None, study.output()[-4000:]
        time.sleep(0.05)
    assert driver.wait() == 0, study.output()[-4000:]
    for name in NAMES:
        assert_gone_on(study, trained, name)
    jobs = study.jobs()
    assert sorted(job["JobState"] for job in jobs) == ["CANCELLED", "COMPLETED", "COMPLETED", "FAILED"]
    assert {job["TresPerNode"] for job in jobs} == {"gres:gpu:1"}


def test_a_config_that_is_edited_changes_no_job_of_a_run_that_goes_on(cluster, study, trained):
    target, config = f"{home('killed')}/fold1/predictions.tsv", study.copy_config()
    cluster.command("scontrol", "update", "NodeName=gpu1", "State=DRAIN", "Reason=test")
    driver = study.start("--", target)
    wait_for(lambda: "PENDING" in [job["JobState"] for job in study.jobs()])
    text = config.read_text()
    config.write_text(text.replace("epochs: 80", "epochs: 3"))
    cluster.command("scontrol", "update", "NodeName=gpu1", "State=RESUME")
    assert driver.wait() == 0, study.output()[-4000:]
    assert_as_undisturbed(study, trained, "killed")
    config.write_text(text)
    assert "Nothing to be done" in study.run_here("--dry-run", "--", target)


@ten_times_in_test_all
def test_a_job_that_is_preempted_goes_on_when_slurm_starts_it_again(nth, cluster, study, trained):
    driver = study.start("--", f"{home('killed')}/fold1/predictions.tsv")
    wait_for(lambda: first_fold_is_kept(study, "killed"))
    urgent = ["-p", "urgent", "--gpus=4", f"--output={study.folder}.urgent.out", "--wrap=sleep 2"]
    job = read_json(study.folder / home("killed") / ".lease")["job"]
    assert "Submitted" in cluster.command("sbatch", *urgent)
    start_again(cluster, job)
    assert driver.wait() == 0, study.output()[-4000:]
    assert_gone_on(study, trained, "killed")
    (job,) = (job for job in study.jobs() if job["Partition"] == "gpu")
    assert job["Restarts"] == "1"


@ten_times_in_test_all
def test_a_job_out_of_its_time_gets_more_and_goes_on(nth, study, trained):
    profile = (ROOT / "profiles/slurm/config.yaml").read_text()
    slow = study.folder.with_name("slow")
    slow.mkdir()
    short = profile.replace("train_gexpnet: &gpu\n", "train_gexpnet: &gpu\n    runtime: attempt * attempt\n", 1)
    (slow / "config.yaml").write_text(short)
    study.profile = str(slow)
    driver = study.start("--", f"{home('killed')}/fold1/predictions.tsv")
    wait_for(lambda: first_fold_is_kept(study, "killed"))
    os.kill(read_json(study.folder / home("killed") / ".lease")["pid"], signal.SIGSTOP)  # until its time is over
    assert driver.wait() == 0, study.output()[-4000:]
    assert_gone_on(study, trained, "killed")
    assert sorted((job["JobState"], job["TimeLimit"]) for job in study.jobs()) == [
        ("COMPLETED", "00:04:00"),
        ("TIMEOUT", "00:01:00"),
    ]


@ten_times
def test_a_snakemake_that_is_killed_and_started_again_waits_for_the_job_that_still_runs(nth, study, trained):
    target, lease = f"{home('killed')}/fold1/predictions.tsv", study.folder / home("killed") / ".lease"
    driver = study.start("--", target)
    wait_for(lease.exists)
    driver.kill()
    driver.wait()
    first = read_json(lease)["pid"]
    os.kill(first, signal.SIGSTOP)  # however long it takes to start again
    study.run_here("--unlock")
    driver = study.start("--", target)
    wait_for(lambda: "trains this already: waiting until it ends" in study.log("models/killed/train_gexpnet"))
    os.kill(first, signal.SIGCONT)
    assert driver.wait() == 0, study.output()[-4000:]
    assert "trained the very same meanwhile: nothing is left to do" in study.log("models/killed/train_gexpnet")
    assert [job["JobState"] for job in study.jobs()] == ["COMPLETED"] * 2
    assert_as_undisturbed(study, trained, "killed")


@ten_times_in_test_all
def test_a_job_whose_node_fails_goes_on_when_the_node_is_back(nth, cluster, study, trained):
    driver = study.start("--", f"{home('killed')}/fold1/predictions.tsv")
    wait_for(lambda: first_fold_is_kept(study, "killed"))
    job = read_json(study.folder / home("killed") / ".lease")["job"]
    cluster.stop_node("gpu1", job)
    cluster.start_node("gpu1")
    start_again(cluster, job)
    assert driver.wait() == 0, study.output()[-4000:] + cluster.logs()[-3000:]
    assert_gone_on(study, trained, "killed")
