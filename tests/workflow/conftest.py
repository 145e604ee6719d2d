"""A finished demo in a copy of the project, made once and never touched: tests work on copies of it or dry."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AT_THE_TOP = {".git", ".venv", ".venv-bench", ".snakemake", "demo", "results"}
ANYWHERE = {"__pycache__", "scratch"}


def kept_out(folder: str, names: list[str]) -> set[str]:
    """Say what a copy of the project leaves behind: environments, results and caches."""
    top = (
        AT_THE_TOP if Path(folder) == ROOT else {"downloads", "weights"} if Path(folder).name == "resources" else set()
    )
    return {name for name in names if name in top or name in ANYWHERE or name.endswith("_cache")}


class Project:
    """A copy of the project with a study in a folder of its own."""

    def __init__(self, root: Path, study: Path, config: str = "resources/demo/config.yaml"):
        self.root = root
        self.study = study
        self.config = config

    def command(self, *arguments: str) -> list[str]:
        """Return the command that runs Snakemake in the copy, from its root."""
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--max-threads", "1"]
        command += ["--directory", str(self.study)]
        return [*command, "--configfile", self.config, *arguments]

    def snakemake(self, *arguments: str, ok: bool | None = True) -> subprocess.CompletedProcess:
        """Run Snakemake in the copy; `ok` None leaves the exit code to the test."""
        done = subprocess.run(self.command(*arguments), cwd=self.root, capture_output=True, text=True, check=False)
        if ok is not None:
            assert (done.returncode == 0) == ok, (done.stdout + done.stderr)[-4000:]
        return done

    def would_run(self, *arguments: str) -> dict[str, int]:
        """Return the rules that a dry run lists, with their numbers of jobs."""
        return self.run("--dry-run", *arguments)

    def run(self, *arguments: str) -> dict[str, int]:
        """Run Snakemake in the copy and return the rules that it lists, with their numbers of jobs."""
        done = self.snakemake(*arguments)
        jobs = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
        return {name: int(count) for name, count in jobs if name not in ("total", "all")}

    def edit(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file of the copy; it has to be there."""
        path = self.root / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))


def copy_project(target: Path) -> Path:
    shutil.copytree(ROOT, target, ignore=kept_out, symlinks=True)
    return target


@pytest.fixture(scope="session")
def demo(tmp_path_factory) -> Project:
    """The demo, run by `make demo` as a user would."""
    folder = tmp_path_factory.mktemp("demo")
    project = Project(copy_project(folder / "project"), folder / "study")
    command = [
        "make",
        "demo",
        f"VENV={sys.prefix}",
        f"INSTALLED={ROOT / 'Makefile'}",
        f"DEMO={project.study}",
        "CORES=2",
    ]
    done = subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    (folder / "output.txt").write_text(done.stdout + done.stderr)
    return project


@pytest.fixture
def copied_demo(demo, tmp_path) -> Project:
    """The finished demo with a project that a test may change: the study itself is shared, so only dry runs."""
    shutil.rmtree(tmp_path / "project", ignore_errors=True)
    original = demo.root.with_name("original")
    if not original.exists():
        shutil.copytree(demo.root, original, symlinks=True, ignore=kept_out)
    yield demo
    for path in original.rglob("*"):  # undo what the test changed
        twin = demo.root / path.relative_to(original)
        if path.is_file() and not path.is_symlink() and path.read_bytes() != twin.read_bytes():
            shutil.copy2(path, twin)
            os.utime(twin)
