"""CPU seconds that the jobs of the demo spend on imports before they work, rule by rule.

`--project` measures the scripts of another checkout, such as an older commit, by the same Python. Jobs are those of
this checkout's demo.
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


def imports_of(script: Path) -> str:
    """Return the import statements at the top of a script; those within its functions are work."""
    body = ast.parse(script.read_text()).body
    return "\n".join(ast.unparse(node) for node in body if isinstance(node, ast.Import | ast.ImportFrom))


def cpu_seconds(code: str, folder: Path) -> float:
    """Return the CPU seconds of a fresh Python that runs `code` in a folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def jobs_of_the_demo() -> dict[str, int]:
    """Return the rules of the demo with their numbers of jobs, from a dry run."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run", "--quiet", "rules"]
        command += ["--configfile", "resources/demo/config.yaml", "--directory", folder]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    found = re.findall(r"^(\w+) +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    return {rule: int(count) for rule, count in found if rule not in ("all", "total")}


def main() -> None:
    """Print a table: rule, jobs, seconds a job, seconds of all jobs."""
    parser = argparse.ArgumentParser(prog="benchmarks.startup", description=__doc__.split("\n")[0])
    parser.add_argument("--project", type=Path, default=ROOT, help="checkout to measure (default: this)")
    parser.add_argument("--rounds", type=int, default=5, help="imports of each script; the median counts (default: 5)")
    options = parser.parse_args()
    total = 0.0
    print("| rule | jobs | CPU s a job | of all jobs |\n|---|---|---|---|")
    for rule, jobs in jobs_of_the_demo().items():
        script = options.project / f"scripts/{rule}.py"
        if not script.exists():
            print(f"| {rule} | {jobs} | not there | |")
            continue
        code = _PREAMBLE + imports_of(script)
        seconds = statistics.median(cpu_seconds(code, script.parent) for _ in range(options.rounds))
        total += jobs * seconds
        print(f"| {rule} | {jobs} | {seconds:.2f} | {jobs * seconds:.1f} |", flush=True)
    print(f"| all | | | {total:.1f} |")


if __name__ == "__main__":
    main()
