"""A lease on a training: two jobs that would train the same at once do it one after the other.

That happens when Snakemake is killed while its Slurm jobs go on, and is started again: it then submits a job that still
runs. Locks of the file system are no help: between the nodes of a cluster they often do not work.
"""

import json
import logging
import os
import platform
import signal
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger("gexflow")
BEAT_SECONDS = 10.0  # between two signs of life
PATIENCE_SECONDS = 60.0  # without one, until a holder counts as dead
_LOOK_SECONDS = 2.0


@dataclass
class _Seen:
    """A lease as it is found: whose it is, and when the holder last gave a sign of life, by the clock of the disk."""

    holder: dict
    beat: int


@contextmanager
def leased(path: str | Path) -> Iterator[None]:
    """Hold a lease while the block runs; wait as long as another living job holds it.

    The holder touches the file every `BEAT_SECONDS`. Who waits looks whether that goes on, so that the clocks of two
    machines need not agree. A holder whose process has ended here, or that is an earlier run of the same Slurm job on
    another node, is not waited for. A holder that finds its lease taken, since it was stopped for too long, ends
    itself.

    Parameters
    ----------
    path : path
        A hidden file beside the outputs; it is gone when the block ends.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    me = {"id": uuid.uuid4().hex, "host": platform.node(), "pid": os.getpid(), "job": _slurm_job()}
    _take(path, me)
    ended = threading.Event()
    beating = threading.Thread(target=_beat, args=(path, me, ended), daemon=True)
    beating.start()
    try:
        yield
    finally:
        ended.set()
        beating.join()
        if _is_mine(path, me):
            path.unlink(missing_ok=True)


def _take(path: Path, me: dict) -> None:
    """Return when the lease is mine."""
    while not _created(path, me):
        if _wait(path, me) is None:
            continue
        _replace(path, me)
        time.sleep(_LOOK_SECONDS)  # of several that take it at once the last one has it
        if _is_mine(path, me):
            return


def _created(path: Path, me: dict) -> bool:
    """Create the lease, if there is none."""
    try:
        with open(path, "x", encoding="utf-8") as file:
            try:
                json.dump(me, file)
                file.flush()
            except OSError:  # a full disk
                path.unlink()
                raise
    except FileExistsError:
        return False
    return True


def _replace(path: Path, me: dict) -> None:
    """Put my lease in the place of another; its temporary name is mine alone, whatever process ids others have."""
    partial = path.with_name(f"{path.name}.{me['id']}.part")
    try:
        partial.write_text(json.dumps(me), encoding="utf-8")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def _wait(path: Path, me: dict) -> _Seen | None:
    """Wait until the lease is gone (None), or its holder is dead."""
    seen, since, told = _look(path), time.monotonic(), False
    while seen is not None and not _ended(seen.holder, me) and time.monotonic() - since < PATIENCE_SECONDS:
        if not told:
            where = "process {pid} on {host}".format(**{"pid": "?", "host": "?"} | seen.holder)
            logger.warning("%s trains this already: waiting until it ends", where)
            told = True
        time.sleep(_LOOK_SECONDS)
        now = _look(path)
        if now != seen:
            seen, since = now, time.monotonic()
    if seen is not None:
        logger.warning("the job that held %s has ended without a word: its work is taken up", path)
    return seen


def _look(path: Path) -> _Seen | None:
    """Read the lease; opening it makes a network file system ask for the present state."""
    try:
        with open(path, encoding="utf-8") as file:
            beat, text = os.fstat(file.fileno()).st_mtime_ns, file.read()
    except FileNotFoundError:
        return None
    try:
        return _Seen(dict(json.loads(text)), beat)
    except (ValueError, TypeError):  # cut short
        return _Seen({}, beat)


def _ended(holder: dict, me: dict) -> bool:
    """Tell whether a holder is known to have ended: a process here, or an earlier run of this Slurm job elsewhere."""
    if holder.get("host") != me["host"]:
        return bool(holder.get("job")) and holder["job"] == me["job"]
    try:
        os.kill(int(holder["pid"]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it lives, as another user's
        return False
    return False


def _is_mine(path: Path, me: dict) -> bool:
    seen = _look(path)
    return seen is not None and seen.holder.get("id") == me["id"]


def _beat(path: Path, me: dict, ended: threading.Event) -> None:
    """Touch the lease until the work ends; end this process if another one has taken it."""
    while not ended.wait(BEAT_SECONDS):
        try:
            if not _is_mine(path, me):
                logger.error("another job has taken %s: this one stops, and leaves the training to it", path)
                os.kill(os.getpid(), signal.SIGTERM)
                return
            os.utime(path)
        except OSError as error:
            logger.warning("no sign of life could be given in %s (%s)", path, error)


def _slurm_job() -> str:
    """Return the Slurm job that this is a part of, "" if none."""
    return os.environ.get("SLURM_JOB_ID", "")
