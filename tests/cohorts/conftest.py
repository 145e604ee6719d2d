"""Small files and settings that the tests of this stage share."""

import logging
import os
from pathlib import Path

import pytest
from web_server import serve

from gexflow.errors import InputError
from gexflow.log import logger


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file and returns its path."""

    def writer(content, name="table.tsv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return writer


@pytest.fixture
def real():
    """Return the folder of genuine files."""
    folder = os.environ.get("GEXFLOW_REALDATA")
    if not folder:
        pytest.skip("GEXFLOW_REALDATA is not set: no genuine files")
    return Path(folder)


@pytest.fixture
def refused():
    """Return a function that runs a call, wants an InputError and returns its sentence."""

    def run(function, *args, **kwargs):
        with pytest.raises(InputError) as caught:
            function(*args, **kwargs)
        return str(caught.value)

    return run


@pytest.fixture
def site(monkeypatch):
    """Return a server on this machine whose answers a test decides."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as running:
        yield running


@pytest.fixture
def lines():
    """Return the list of lines that the library logs during a test."""
    found = []
    handler = logging.Handler()
    handler.emit = lambda record: found.append(record.getMessage())
    before = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield found
    logger.removeHandler(handler)
    logger.setLevel(before)
