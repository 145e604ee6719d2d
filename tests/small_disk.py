"""A real disk of a few megabytes, that a test can fill."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest


class SmallDisk:
    """A file system in memory, mounted at `path`."""

    def __init__(self, path: Path, megabytes: int):
        self.path = path
        self._mount(f"size={megabytes}m")

    def grow(self, megabytes: int) -> None:
        """Make room."""
        self._mount(f"remount,size={megabytes}m")

    def fill(self) -> None:
        """Leave no byte free."""
        with suppress(OSError), open(self.path / "filling", "wb", buffering=0) as file:
            while file.write(bytes(4096)):
                pass

    def _mount(self, options: str) -> None:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"a small disk needs the right to mount one: {done.stderr.strip()}")


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk]:
    """Give a disk that is empty, and gone when the block ends."""
    path.mkdir()
    disk = SmallDisk(path, megabytes)
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=True)
