"""A Slurm of a few processes on this machine: a controller and two nodes, one of them with a GPU resource.

The GPUs are stand-ins (device files such as /dev/zero), so that jobs which ask for one get it and run on the CPU.
Nothing is installed into the system's own Slurm, if it has one: all files and sockets are in one folder, all ports are
free ones.
"""

import contextlib
import getpass
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scancel", "scontrol", "sinfo")
NODES = {"cpu1": "", "gpu1": "Gres=gpu:4"}
GPU_FILES = ("/dev/zero", "/dev/null", "/dev/full", "/dev/random")
_PATIENCE = 60  # seconds for the start


def missing_programs() -> list[str]:
    """Return the programs of Slurm and munge that are not installed; daemons are often outside a user's PATH."""
    return [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


class Cluster:
    """The processes of a Slurm, started and stopped by their own ids.

    Parameters
    ----------
    folder : Path
        For configuration, state, sockets and logs; its path must be short, since a socket's name is.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.processes: dict[str, subprocess.Popen] = {}
        path = os.pathsep.join([str(folder / "bin"), _path()])
        self.environment = {**os.environ, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}

    def start(self) -> None:
        """Start munge, the controller and the nodes, and wait until the nodes take jobs."""
        self.folder.chmod(0o755)  # munge wants everyone to reach its socket
        self._write_configuration()
        self._start_munge()
        self._spawn("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self._wait(lambda: sorted(self.command("sinfo", "-h", "-N", "-o", "%N %t").split("\n")), self._all_idle)

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._spawn(node, "slurmd", "-D", "-N", node)

    def stop_node(self, node: str, job: str) -> None:
        """End the daemon of a node and the processes of a job on it, as if the machine had lost power."""
        table = self.command("scontrol", "listpids", job, node).splitlines()[1:]
        pids = {int(line.split()[0]) for line in table}
        pids |= {int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1]) for pid in pids}
        daemon = self.processes.pop(node)
        daemon.kill()
        daemon.wait()
        for blow in (signal.SIGSTOP, signal.SIGKILL):  # none of them may report that another has ended
            for pid in pids - {1, os.getpid()}:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, blow)

    def stop(self) -> None:
        """Cancel all jobs and end what was started, the last first."""
        if "slurmctld" in self.processes:
            subprocess.run(
                ["scancel", "--user", getpass.getuser()], env=self.environment, capture_output=True, check=False
            )
        for process in reversed(self.processes.values()):
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()

    def command(self, *arguments: str) -> str:
        """Run a command of Slurm; return what it prints."""
        done = subprocess.run(arguments, env=self.environment, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    def logs(self) -> str:
        """Return the ends of all daemons' logs."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-3000:]}" for path in sorted(self.folder.glob("*.out")))

    @staticmethod
    def _all_idle(states: list[str]) -> bool:
        return {state for state in states if state.endswith(" idle")} == {f"{node} idle" for node in NODES}

    def _wait(self, look, good) -> None:
        end = time.monotonic() + _PATIENCE
        while not good(seen := look()):
            dead = [name for name, process in self.processes.items() if process.poll() is not None]
            if dead or time.monotonic() > end:
                raise RuntimeError(f"Slurm did not start: {dead or seen}\n{self.logs()}")
            time.sleep(0.2)

    def _spawn(self, name: str, *command: str) -> None:
        with open(self.folder / f"{name}.out", "ab") as output:
            self.processes[name] = subprocess.Popen(
                command, env=self.environment, stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL
            )

    def _start_munge(self) -> None:
        key = self.folder / "munge.key"
        key.write_bytes(secrets.token_bytes(128))
        key.chmod(0o600)
        places = {"socket": "munge.socket", "pid-file": "munge.pid", "log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / name}" for option, name in places.items()]
        self._spawn("munged", "munged", "--foreground", "--force", f"--key-file={key}", *options)
        self._wait(lambda: self.folder / "munge.socket", Path.exists)

    def _write_configuration(self) -> None:
        host, user = socket.gethostname().split(".")[0], getpass.getuser()
        controller, *ports = _free_ports(1 + len(NODES))
        settings = {
            "ClusterName": "gexflow",
            "SlurmctldHost": f"{host}(127.0.0.1)",
            "SlurmctldPort": controller,
            "SlurmUser": user,
            "SlurmdUser": user,
            "AuthType": "auth/munge",
            "AuthInfo": f"socket={self.folder / 'munge.socket'}",
            "ProctrackType": "proctrack/linuxproc",
            "TaskPlugin": "task/none",
            "SelectType": "select/cons_tres",
            "SelectTypeParameters": "CR_CPU",
            "GresTypes": "gpu",
            "AccountingStorageType": "accounting_storage/none",
            "JobAcctGatherType": "jobacct_gather/none",
            "SlurmdParameters": "config_overrides",
            "StateSaveLocation": self.folder / "state",
            "SlurmdSpoolDir": self.folder / "spool.%n",
            "SlurmctldPidFile": self.folder / "slurmctld.pid",
            "SlurmdPidFile": self.folder / "slurmd.%n.pid",
            "ReturnToService": 2,
            "SlurmdTimeout": 10,
            "MinJobAge": 3600,
            "KillWait": 2,
            "JobRequeue": 1,
            "PreemptType": "preempt/partition_prio",
            "PreemptMode": "REQUEUE",
            "SchedulerParameters": "batch_sched_delay=0,sched_min_interval=0,bf_interval=2",
            "PriorityType": "priority/basic",
        }
        lines = [f"{key}={value}" for key, value in settings.items()]
        node = "NodeName={} NodeHostname={} NodeAddr=127.0.0.1 Port={} CPUs=16 RealMemory=64000 {}"
        lines += [node.format(name, host, port, more) for (name, more), port in zip(NODES.items(), ports, strict=True)]
        partition = "PartitionName={} Nodes={} PriorityTier={} MaxTime=INFINITE State=UP"
        lines += [partition.format(*one) for one in (("cpu", "cpu1", 1), ("gpu", "gpu1", 1), ("urgent", "gpu1", 2))]
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        (self.folder / "gres.conf").write_text("".join(f"NodeName=gpu1 Name=gpu File={file}\n" for file in GPU_FILES))
        (self.folder / "cgroup.conf").write_text("CgroupAutomount=no\n")
        (self.folder / "state").mkdir(exist_ok=True)
        # Snakemake's job step takes SLURM_CONF from srun's environment
        srun = self.folder / "bin/srun"
        srun.parent.mkdir(exist_ok=True)
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.folder}/slurm.conf exec {shutil.which("srun", path=_path())} "$@"\n'
        )
        srun.chmod(0o755)
