"""Two runs at once, and a run that is killed: what a user sees and does, and what is kept."""

import signal
import subprocess
import time

import pytest

from gexflow.manifest import checked_files
from tests.repeats import ten_times
from tests.workflow.conftest import Project, copy_project
from tests.workflow.tiny import tiny_study

pytestmark = pytest.mark.workflow
COHORT, SPLITS = "results/a/cohort.h5ad", "results/a/splits.tsv"
GOAL = ("--", SPLITS)


def started(project: Project, rule: str, *arguments: str) -> subprocess.Popen:
    """Start Snakemake, and return it when it has begun a job of the rule, and noted that; the job then takes seconds.

    Killed between the two, Snakemake would take what the job still writes for finished, which it then is.
    """
    command, output = project.command(*arguments), {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    run = subprocess.Popen(command, cwd=project.root, text=True, **output)
    notes = project.study / ".snakemake"
    while not list(notes.glob(f"scripts/*.{rule}.py")) or not list(notes.glob("incomplete/*")):
        assert run.poll() is None, run.stdout.read()
        time.sleep(0.02)
    return run


def output_of(done: subprocess.CompletedProcess) -> str:
    return done.stdout + done.stderr


@ten_times
def test_of_two_runs_at_once_the_second_is_refused_unless_it_makes_other_files(tmp_path, nth):
    project = tiny_study(tmp_path, "a", "b")
    first = started(project, "read_cohort", *GOAL)
    first.send_signal(signal.SIGSTOP)  # it is slow
    refused = output_of(project.snakemake(*GOAL, ok=False))
    assert "Directory cannot be locked" in refused
    assert "--unlock" in refused
    assert "Traceback" not in refused
    other = project.run("--", "results/b/splits.tsv")
    first.send_signal(signal.SIGCONT)
    rest, _ = first.communicate()
    assert (first.returncode, other) == (0, {"read_cohort": 1, "split_cohort": 1}), rest
    assert not any(complaint for _, complaint in checked_files(project.study / "results"))
    assert all((project.study / f"results/{name}/splits.tsv").exists() for name in "ab")


def test_code_that_is_edited_while_a_run_goes_on_ends_it_and_gives_no_result(tmp_path):
    project = tiny_study(tmp_path, "a")
    project.root = copy_project(tmp_path / "project")
    run = started(project, "read_cohort", *GOAL)
    run.send_signal(signal.SIGSTOP)
    edit = ("scripts/gexflow/cohorts/splits.py", "_PUBLISHED_SHARE = 0.1", "_PUBLISHED_SHARE = 0.2")
    project.edit(*edit)
    run.send_signal(signal.SIGCONT)
    said, _ = run.communicate()
    assert run.returncode == 1
    assert "the code of split_cohort was edited while this run was going on: start snakemake again" in said
    assert not (project.study / SPLITS).exists()
    project.edit(edit[0], edit[2], edit[1])
    assert project.run(*GOAL) == {"split_cohort": 1}
    assert project.would_run(*GOAL) == {}


@ten_times
def test_after_a_kill_unlock_is_all_that_is_left_to_the_user(tmp_path, nth):
    project = tiny_study(tmp_path, "a")
    run = started(project, "split_cohort", *GOAL)
    run.kill()
    run.communicate()  # the job itself goes on, and ends
    cohort = (project.study / COHORT).stat().st_mtime_ns
    (project.study / SPLITS).write_text("half")
    assert "--unlock" in output_of(project.snakemake(*GOAL, ok=False))
    project.snakemake("--unlock", *GOAL)
    assert project.run(*GOAL) == {"split_cohort": 1}
    assert (project.study / COHORT).stat().st_mtime_ns == cohort
    assert dict(checked_files(project.study / "results"))[project.study / SPLITS] == ""
    assert project.would_run(*GOAL) == {}
