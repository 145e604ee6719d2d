"""One Slurm for all tests that need one; without its programs they are skipped, and say so."""

import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from tests.slurm.cluster import Cluster, missing_programs


@pytest.fixture(scope="session")
def cluster():
    """A running Slurm with a node for CPU jobs and one with a GPU."""
    if missing := missing_programs():
        pytest.skip(f"no Slurm to test with: {', '.join(missing)} not found (Debian: slurm-wlm and munge)")
    folder = Path(tempfile.mkdtemp(prefix="slurm", dir="/tmp"))  # a socket's path must be short
    cluster = Cluster(folder)
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("stopped"))  # so that no daemon stays behind
    try:
        try:
            cluster.start()
        except (OSError, RuntimeError) as error:
            pytest.skip(f"Slurm is installed, but does not start here: {error}")
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)
