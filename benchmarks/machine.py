"""What the figures were measured on, in words."""

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path


def describe_machine(threads: int) -> dict:
    """Return CPU model, cores, threads used, memory in GiB and GPU ("none" without one)."""
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {"cpu": _cpu(), "cores": cores, "threads": threads, "memory_gib": round(pages / 2**30), "gpu": _gpu()}


def _cpu() -> str:
    found = re.search(r"^model name\s*: (.+)$", _text("/proc/cpuinfo"), re.MULTILINE)
    return found[1] if found else platform.processor() or platform.machine()


def _gpu() -> str:
    if shutil.which("nvidia-smi") is None:
        return "none"
    command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip().replace("\n", ", ") or "none"


def _text(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""


def commit(folder: Path) -> str:
    """Return the commit that was measured, with a word where files differ from it; "" outside a repository."""
    git = ["git", "-C", str(folder)]
    found = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if found.returncode:
        return ""
    # the figures themselves change as they are written
    changed = [*git, "diff", "--quiet", "HEAD", "--", ".", ":!benchmarks/results.json", ":!benchmarks/README.md"]
    return found.stdout.strip() + (" with changes" if subprocess.run(changed, check=False).returncode else "")
