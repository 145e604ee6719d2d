"""Fresh processes for what is measured: the same threads and cores for all, nothing shared."""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.item import Item, Unsuitable

ROOT = Path(__file__).parents[1]
_THREADS = ["OMP", "MKL", "OPENBLAS", "NUMEXPR", "NUMBA", "VECLIB"]


class Failed(Exception):
    """A measured process ended with an error; the text says which."""


class Processes:
    """Runs roles of an item in processes of their own.

    Parameters
    ----------
    folder : Path
        For data and answers.
    settings : dict
        The item's settings with `threads` and `device`.
    peer_python : str
        Interpreter of the peers that GexFlow does not depend on.
    """

    def __init__(self, item: Item, folder: Path, settings: dict, peer_python: str):
        self.item = item
        self.folder = folder
        self.settings = settings
        self.peer_python = peer_python if item.peer_package else sys.executable

    def run(self, role: str, timeout: float | None = None, **request: str) -> dict:
        """Run one role; return its answer.

        Raises
        ------
        Unsuitable
            If the way cannot be measured here, or did not end within `timeout` seconds.
        Failed
        """
        python = self.peer_python if role == "peer" else sys.executable
        with tempfile.TemporaryDirectory() as place:
            paths = {name: str(Path(place) / f"{name}.json") for name in ("request", "answer")}
            content = {"item": self.item.name, "role": role, "folder": str(self.folder), "settings": self.settings}
            Path(paths["request"]).write_text(json.dumps(content | request | {"answer": paths["answer"]}))
            command = [python, "-m", "benchmarks.child", paths["request"]]
            try:
                done = subprocess.run(
                    command, cwd=ROOT, env=self._environment(), timeout=timeout, preexec_fn=self._bind, check=False
                )
            except subprocess.TimeoutExpired:
                raise Unsuitable(f"did not end within {timeout:.0f} seconds") from None
            if not Path(paths["answer"]).exists():
                raise Failed(f"the process of {role} ended with code {done.returncode} and no answer: out of memory?")
            answer = json.loads(Path(paths["answer"]).read_text())
        if "unsuitable" in answer:
            raise Unsuitable(answer["unsuitable"])
        if "failed" in answer:
            raise Failed(answer["failed"])
        return answer

    def peer_is_there(self) -> bool:
        """Say whether the interpreter of the peer has its package."""
        if not self.item.peer_package:
            return True
        command = [self.peer_python, "-c", f"import {self.item.peer_package}"]
        try:
            return subprocess.run(command, capture_output=True, check=False).returncode == 0
        except OSError:
            return False

    def _environment(self) -> dict[str, str]:
        threads = {f"{name}_NUM_THREADS": str(self.settings["threads"]) for name in _THREADS}
        return {**os.environ, **threads, "PYTHONPATH": str(ROOT / "scripts")}

    def _bind(self) -> None:
        """Keep the process on as many cores as it has threads, whatever pools it opens."""
        if hasattr(os, "sched_setaffinity"):
            cores = sorted(os.sched_getaffinity(0))[: self.settings["threads"]]
            os.sched_setaffinity(0, cores)
