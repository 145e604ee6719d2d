"""Logging of a job: one line a fact, to the job's log file and to the terminal."""

import errno
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from gexflow.errors import InputError

logger = logging.getLogger("gexflow")
CAUTION = "Caution: "
_FULL = tuple(os.strerror(code) for code in (errno.ENOSPC, errno.EDQUOT))


class _LogFile(logging.FileHandler):
    """A log file that gives way on a full disk: the terminal gets every line all the same."""

    def handleError(self, record: logging.LogRecord) -> None:
        if not isinstance(sys.exc_info()[1], OSError):
            super().handleError(record)

    def close(self) -> None:
        with suppress(OSError):
            super().close()


def log_note(note: str) -> None:
    """Log a note on a cohort, as its beginning asks."""
    logger.log(level_of(note), "%s", note)


def level_of(note: str) -> int:
    """Return the level of a note: a warning where it begins with `CAUTION`; the report says these aloud."""
    return logging.WARNING if note.startswith(CAUTION) else logging.INFO


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Log to `path` and to stderr while a job runs.

    A user's mistake (`InputError`) and a full disk end the job with a sentence alone; any other error keeps its
    traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [_LogFile(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
    for handler in handlers:
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").addHandler(handlers[0])
    try:
        yield logger
    except InputError as error:
        logger.error("%s", error)
        sys.exit(1)
    except Exception as error:
        if reason := _full_disk(error):
            logger.error("%s: %s. Free some, and run snakemake again: what is finished is kept", reason, _space_left())
        else:
            logger.exception("unexpected error")
        sys.exit(1)
    finally:
        logging.getLogger("py.warnings").removeHandler(handlers[0])
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def _full_disk(error: BaseException | None) -> str:
    """Return the system's words for a full disk, or quota, if that is why an error was raised; "" otherwise.

    HDF5 and safetensors raise errors of their own, with these words in them.
    """
    while error is not None:
        for words in _FULL:
            if words in str(error):
                return words
        error = error.__cause__ or error.__context__
    return ""


def _space_left() -> str:
    """Say how much space the disks have on which a job writes, now that it has removed what it could not finish."""
    folders = {"results": Path.cwd(), "temporary files": Path(tempfile.gettempdir())}
    left = (f"{name} in {path} have {shutil.disk_usage(path).free / 1e6:,.0f} MB" for name, path in folders.items())
    return ", ".join(left)
