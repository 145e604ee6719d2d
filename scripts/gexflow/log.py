"""Logging of a job: one line a fact, to the job's log file and to the terminal."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gexflow.errors import InputError

logger = logging.getLogger("gexflow")
CAUTION = "Caution: "


def log_note(note: str) -> None:
    """Log a note on a cohort: as a warning where it begins with `CAUTION`; the report says these aloud."""
    logger.log(logging.WARNING if note.startswith(CAUTION) else logging.INFO, "%s", note)


@contextmanager
def job_log(path: str | Path) -> Iterator[logging.Logger]:
    """Log to `path` and to stderr while a job runs.

    A user's mistake (`InputError`) ends the job with its sentence alone; any other error keeps its traceback.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    handlers = [logging.FileHandler(path, mode="w", encoding="utf-8"), logging.StreamHandler(sys.stderr)]
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
    except Exception:
        logger.exception("unexpected error")
        sys.exit(1)
    finally:
        logging.getLogger("py.warnings").removeHandler(handlers[0])
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()
