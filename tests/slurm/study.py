"""A small study on the tests' Slurm."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

from tests.slurm.cluster import Cluster
from tests.workflow.conftest import ROOT
from tests.workflow.tiny import write_tiny_table

GPU_RULES = ("train_gexpnet", "finetune_backbone", "attribute_genes", "refit_network")
# This cluster has no accounting, and its jobs take seconds.
SITE = [
    "--slurm-status-command=squeue",
    "--slurm-init-seconds-before-status-checks=2",
    "--seconds-between-status-checks=2",
    "--latency-wait=10",
]
DATASET = {
    "source": "table",
    "files": {"matrix": "tiny.csv"},
    "label": {"field": "type"},
    "near_duplicates": "off",
}


class Study:
    """A study; its jobs are told from others by its folder.

    Parameters
    ----------
    cluster : Cluster
    home : Path
        For the study's folder and, where the config is a dict, the table and the config.
    config : dict or Path
        Of a study of one dataset, `tiny`, whose file `tiny.csv` becomes the table's path; or any config file.
    """

    def __init__(self, cluster: Cluster, home: Path, config: dict | Path):
        self.cluster, self.folder = cluster, home / "study"
        self.profile, self.drivers = "slurm", []
        self._config = config if isinstance(config, Path) else _write_tiny(home, config)

    def command(self, *arguments: str) -> list[str]:
        """Return the command line of Snakemake on this study."""
        # a test's machine may have two cores, where more threads wait for each other
        options = ["--set-threads", *(f"{rule}=1" for rule in GPU_RULES), "--configfile", str(self._config)]
        command = [sys.executable, "-m", "snakemake", "--cores", "8", "--directory", str(self.folder)]
        return [*command, *options, *arguments]

    def start(self, *arguments: str) -> subprocess.Popen:
        """Start Snakemake as a user of the cluster would; its output goes to a file beside the study."""
        command = self.command("--profile", self.profile, *SITE, *arguments)
        with open(self.folder.with_suffix(".out"), "ab") as output:
            environment = self.cluster.environment
            driver = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
        self.drivers.append(driver)
        return driver

    def stop(self) -> None:
        """End what a failed test left running."""
        for driver in self.drivers:
            driver.kill()
            driver.wait()

    def run(self, *arguments: str) -> int:
        """Run Snakemake on the cluster to its end; return its exit code."""
        return self.start(*arguments).wait()

    def copy_config(self) -> Path:
        """Give the study a config of its own, for a test that edits it."""
        self._config = Path(shutil.copy(self._config, self.folder.with_suffix(".yaml")))
        return self._config

    def run_here(self, *arguments: str) -> str:
        """Run Snakemake without the cluster; return what it prints."""
        done = subprocess.run(self.command(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
        return done.stdout + done.stderr

    def output(self) -> str:
        """Return what Snakemake printed."""
        return self.folder.with_suffix(".out").read_text()

    def log(self, name: str) -> str:
        """Return the log of a job; Snakemake removes that of an earlier one before the job starts."""
        path = self.folder / f"results/logs/tiny/{name}.log"
        return path.read_text() if path.exists() else ""

    def jobs(self) -> list[dict[str, str]]:
        """Return what Slurm knows of every job of this study, and its rule."""
        found = []
        for number in self.cluster.command("squeue", "-a", "-h", "-t", "all", "-o", "%i").split():
            text = self.cluster.command("scontrol", "show", "job", number)
            fields = dict(field.split("=", 1) for field in text.split() if "=" in field)
            if fields["StdOut"].startswith(f"{self.folder}/"):
                fields["rule"] = fields["StdOut"].split("/slurm_logs/")[1].split("/")[0]
                found.append(fields)
        return found

    def left_over(self) -> list[Path]:
        """Return hidden and partial files among the results."""
        return [
            path for path in (self.folder / "results").rglob("*") if path.name.startswith(".") or path.suffix == ".part"
        ]


def _write_tiny(home: Path, config: dict) -> Path:
    """Write the table and the config of the dataset `tiny`."""
    table, path = home / "tiny.csv", home / "config.yaml"
    write_tiny_table(table, genes=60, seed=1)
    path.write_text(yaml.safe_dump(json.loads(json.dumps(config).replace("tiny.csv", str(table)))))
    return path


def profile_with_gres(folder: Path) -> str:
    """Write the profile as its own comment says for a cluster that knows `--gres` only; return its folder."""
    text = (ROOT / "profiles/slurm/config.yaml").read_text()
    usual = "  train_gexpnet: &gpu\n    slurm_partition: gpu # site\n"
    commented = '#   train_gexpnet: &gpu\n#     slurm_partition: gpu\n#     gpu: 0\n#     gres: "gpu:1"\n'
    assert usual in text
    assert commented in text
    (folder / "profile").mkdir()
    (folder / "profile/config.yaml").write_text(text.replace(usual, commented.replace("# ", "")))
    return str(folder / "profile")
