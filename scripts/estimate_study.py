"""Estimate what a run would take: jobs, CPU and GPU hours, disk. `make estimate` calls this; it runs nothing.

python scripts/estimate_study.py                                       # the study of config.yaml
python scripts/estimate_study.py --configfile mine.yaml --directory ../mine
python scripts/estimate_study.py -- --profile slurm --forceall         # what follows goes to snakemake
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from gexflow.config import load_config
from gexflow.errors import InputError
from gexflow.estimate import Planned, estimate, write_estimate
from gexflow.report.cost import read_facts, read_job
from gexflow.study_tasks import Study

ROOT = Path(__file__).parents[1]
SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
BEFORE_ERRORS = "Building DAG of jobs..."
CHATTER = ("Using ", "Assuming ")


def main() -> int:
    """Print the estimate; return 1 for a mistake in the config, and else what snakemake returned."""
    arguments = parse()
    try:
        study = Study(load_config([ROOT / "config.yaml", *arguments.configfile], SCHEMA), arguments.directory)
    except InputError as error:
        print(error, file=sys.stderr)
        return 1
    done = dry_run(arguments)
    if done.returncode:
        told = (done.stdout + done.stderr).rpartition(BEFORE_ERRORS)[2].splitlines()
        print("\n".join(line for line in told if line and not line.startswith(CHATTER)), file=sys.stderr)
        return done.returncode
    on_gpu = arguments.device == "gpu" or (arguments.device == "auto" and shutil.which("nvidia-smi") is not None)
    planned = list(planned_jobs(done.stdout + done.stderr, study, on_gpu))
    if not planned:
        print("Nothing is left to run.")
        return 0
    print(write_estimate(estimate(planned, measured_jobs(arguments.directory, study)), study.assumed))
    return 0


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--configfile", nargs="+", default=[], type=Path, help="laid over config.yaml")
    parser.add_argument("--directory", default=Path(), type=Path, help="folder of the run (default: this one)")
    parser.add_argument("--cores", default="all", help="as for snakemake (default: all)")
    parser.add_argument("--device", choices=("auto", "gpu", "cpu"), default="auto", help="where networks will run")
    parser.add_argument("snakemake", nargs="*", help="more arguments for snakemake, behind `--`")
    return parser.parse_args()


def dry_run(arguments: argparse.Namespace) -> subprocess.CompletedProcess:
    """Let snakemake say which jobs it would run; nothing has to be downloaded for that."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--dry-run", "--nolock"]
    command += ["--cores", arguments.cores, "--directory", str(arguments.directory), *arguments.snakemake]
    if arguments.configfile:
        command += ["--configfile", *map(str, arguments.configfile)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def planned_jobs(told: str, study: Study, on_gpu: bool) -> Iterator[Planned]:
    """Return the jobs that a dry run names, found by their log files."""
    for block in re.split(r"^(?:local)?rule (?=\w+:$)", told, flags=re.MULTILINE)[1:]:
        facts = dict(re.findall(r"^    (\w+): (.*)$", block, flags=re.MULTILINE))
        if "log" in facts:
            rule = block[: block.index(":")]
            wants_gpu = "gpu=1" in facts.get("resources", "")
            threads = int(facts.get("threads", 1))
            place = Path(facts["log"]).with_suffix("").parts[2:]
            yield study.planned(place, rule, threads, wants_gpu and on_gpu)


def measured_jobs(directory: Path, study: Study) -> Iterator[Planned]:
    """Return the jobs of this folder that left figures, with the settings that they had."""
    results = directory / "results"
    for path in sorted(results.glob("benchmarks/**/*.tsv")):
        place = path.relative_to(results).parts
        job = read_job(path, place)
        if job.seconds and (facts := read_facts(path, place)):
            where = path.relative_to(results / "benchmarks").with_suffix("").parts
            yield study.measured(where, facts, job.seconds)


if __name__ == "__main__":
    sys.exit(main())
