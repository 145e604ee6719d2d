"""Leases: of two jobs that would train the same at once one waits, and a dead one is not waited for long."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from tests.repeats import ten_times
from tests.small_disk import small_disk

from gexflow.models import lease
from gexflow.models.lease import leased

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Signs of life and looks in hundredths of seconds."""
    for name, seconds in (("BEAT_SECONDS", 0.1), ("PATIENCE_SECONDS", 3.0), ("_LOOK_SECONDS", 0.05)):
        monkeypatch.setattr(lease, name, seconds)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "model/.lease"


def hold(path: Path, **who) -> None:
    """Leave a lease behind."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"id": "another", "host": "another", "pid": 1, "job": "", **who}))


def seconds_to_take(path: Path) -> float:
    start = time.monotonic()
    with leased(path):
        return time.monotonic() - start


def test_a_lease_names_its_holder_lives_and_is_gone_at_the_end(path):
    with leased(path):
        assert json.loads(path.read_text())["pid"] == os.getpid()
        first = path.stat().st_mtime_ns
        time.sleep(0.5)
        assert path.stat().st_mtime_ns > first
    assert not list(path.parent.iterdir())


def test_a_lease_is_gone_after_an_error(path):
    with pytest.raises(ZeroDivisionError), leased(path):
        raise ZeroDivisionError
    assert not path.exists()


def test_a_holder_on_another_machine_is_waited_for_while_it_lives(path):
    hold(path)
    end = threading.Event()

    def live() -> None:
        while not end.wait(0.1):
            os.utime(path)
        path.unlink()

    other = threading.Thread(target=live)
    other.start()
    threading.Timer(5, end.set).start()
    assert seconds_to_take(path) > 4.5
    other.join()


def test_a_holder_without_a_sign_of_life_is_taken_for_dead(path):
    hold(path)
    assert seconds_to_take(path) >= 3


def test_a_clock_that_is_wrong_kills_nobody_and_saves_nobody(path):
    hold(path)
    os.utime(path, (time.time() + 1e6, time.time() + 1e6))
    assert seconds_to_take(path) >= 3


def test_a_process_that_has_ended_here_is_not_waited_for(path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    hold(path, host=lease.platform.node(), pid=ended.pid)
    assert seconds_to_take(path) < 2.5


def test_an_earlier_run_of_the_same_slurm_job_is_not_waited_for(path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    hold(path, job="17")
    assert seconds_to_take(path) < 2.5
    hold(path, job="17", host=lease.platform.node(), pid=os.getpid())  # here, and it lives
    assert seconds_to_take(path) >= 3
    hold(path, job="18")
    assert seconds_to_take(path) >= 3


def test_a_full_disk_leaves_no_empty_lease_behind(tmp_path):
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        disk.fill()
        with pytest.raises(OSError, match="No space left"), leased(disk.path / ".lease"):
            pass
        assert [path.name for path in disk.path.iterdir()] == ["filling"]


def test_a_damaged_lease_is_taken_when_nobody_touches_it(path):
    path.parent.mkdir()
    path.write_text('{"id": "ano')
    assert seconds_to_take(path) >= 3


@ten_times
@pytest.mark.parametrize("stale", [False, True])
def test_of_many_at_once_one_works_at_a_time(path, stale, nth):
    if stale:
        hold(path)
    at_work, most, lock = [], [], threading.Lock()

    def work() -> None:
        with leased(path):
            with lock:
                at_work.append(1)
                most.append(len(at_work))
            time.sleep(0.2)
            with lock:
                at_work.pop()

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert most == [1, 1, 1, 1]


def test_a_job_that_was_stopped_for_too_long_ends_itself(path):
    holder = (
        "import sys, time\n"
        "from gexflow.models import lease\n"
        "lease.BEAT_SECONDS = 0.1\n"
        "with lease.leased(sys.argv[1]):\n"
        "    print('mine', flush=True)\n"
        "    time.sleep(60)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS)}
    child = subprocess.Popen([sys.executable, "-c", holder, str(path)], stdout=subprocess.PIPE, env=environment)
    try:
        assert child.stdout.readline() == b"mine\n"
        os.kill(child.pid, signal.SIGSTOP)
        with leased(path):
            os.kill(child.pid, signal.SIGCONT)
            assert child.wait(timeout=30) == -signal.SIGTERM
            assert json.loads(path.read_text())["pid"] == os.getpid()
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
