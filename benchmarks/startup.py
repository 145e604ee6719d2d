"""CPU seconds that the jobs of the demo spend before they work: imports, rule by rule, and Snakemake's own start.

On a cluster Snakemake starts twice in every job. `--project` measures another checkout, such as an older commit, by the
same Python; jobs are those of this checkout's demo.
"""

import argparse
import ast
import re
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import ROOT

_PREAMBLE = "import snakemake.iocontainers\n"  # Snakemake unpickles an object of it at the top of every script
_STARTS = 2  # of Snakemake in a job on a cluster


def imports_of(script: Path) -> str:
    """Return the import statements at the top of a script; those within its functions are work."""
    body = ast.parse(script.read_text()).body
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def cpu_seconds(arguments: list[str], folder: Path, rounds: int) -> float:
    """Return the CPU seconds of a fresh Python with these arguments, run in a folder: the median of some rounds."""
    found = []
    for _ in range(rounds + 1):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *arguments], cwd=folder, check=True, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        found.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(found[1:])  # the first one compiles modules


def dry_run(folder: str) -> list[str]:
    """Return Python's arguments for a dry run of the demo in an empty folder."""
    options = ["--cores", "1", "--dry-run", "--quiet", "rules"]
    return ["-m", "snakemake", *options, "--configfile", "resources/demo/config.yaml", "--directory", folder]


def jobs_of_the_demo(folder: str) -> dict[str, int]:
    """Return the rules of the demo with their numbers of jobs."""
    done = subprocess.run([sys.executable, *dry_run(folder)], cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    return {rule: int(count) for rule, count in found if rule not in ("all", "total")}


def main() -> None:
    """Print a table: rule, jobs, seconds a job, seconds of all jobs."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__.split("\n")[0])
    parser.add_argument("--project", type=Path, default=ROOT, help="checkout to measure (default: this)")
    parser.add_argument("--rounds", type=int, default=5, help="starts of each; the median counts (default: 5)")
    options = parser.parse_args()
    print("| rule | jobs | CPU s a job | of all jobs |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        counts = jobs_of_the_demo(folder)
        start = cpu_seconds(dry_run(folder), options.project, options.rounds)
    total = 0.0
    for rule, jobs in counts.items():
        script = options.project / f"scripts/{rule}.py"
        if not script.exists():
            print(f"| {rule} | {jobs} | not there | |")
            continue
        seconds = cpu_seconds(["-c", _PREAMBLE + imports_of(script)], script.parent, options.rounds)
        total += jobs * seconds
        print(f"| {rule} | {jobs} | {seconds:.2f} | {jobs * seconds:.0f} |", flush=True)
    jobs = sum(counts.values())
    print(f"| imports of all jobs | {jobs} | | {total:.0f} |")
    print(f"| a start of Snakemake | | {start:.2f} | |")
    print(f"| all jobs on a cluster | {jobs} | | {total + jobs * _STARTS * start:.0f} |")


if __name__ == "__main__":
    main()
