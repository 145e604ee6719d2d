"""The study and the code as they were when a run began.

A job on a cluster starts Snakemake anew, perhaps hours later, and would read config.yaml as it is by then, while the
run records as the job's settings what it read itself. So a run leaves its study in a file for its jobs, and a job
refuses code that was edited since.
"""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from gexflow.digest import code_digest
from gexflow.files import write_text

_VARIABLE = "GEXFLOW_RUN"  # Slurm hands the environment of a run on to its jobs


def begin(study: dict, codes: dict[str, str], folder: Path) -> None:
    """Leave study and digests of code for the jobs of this run, or nothing where the folder cannot be written.

    Parameters
    ----------
    study : dict
        The config, merged and checked.
    codes : {script: digest}
    folder : Path
        Of Snakemake's own notes, which all nodes see.
    """
    import yaml  # every job imports this module, and few read or write a study

    os.environ.pop(_VARIABLE, None)
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    # not JSON: a label rule may have numbers for keys
    content = yaml.dump({"study": study, "codes": codes}, Dumper=dumper, sort_keys=False)
    path = folder.absolute() / f"study-{hashlib.sha256(content.encode()).hexdigest()[:16]}.yaml"
    try:
        if not path.exists():
            write_text(content, path)
    except OSError:  # such a folder takes no results either, and Snakemake says so
        return
    os.environ[_VARIABLE] = json.dumps({"path": str(path), "python": sys.implementation.cache_tag})


def began() -> dict[str, Any] | None:
    """Return `study` and `codes` of the run that this job belongs to; None where it left none."""
    from gexflow.config_yaml import read_yaml  # heavy for a job that reads no study

    run = json.loads(os.environ.get(_VARIABLE, "{}"))
    return read_yaml(Path(run["path"])) if run else None


def is_edited(script: Path, code: str) -> bool:
    """Tell whether a script, or the library that it imports, is another one than when the run began.

    Digests of another Python, as of a conda environment, cannot be compared: then it is False.

    Parameters
    ----------
    script : Path
    code : str
        The digest that the run found; "" for none.
    """
    run = json.loads(os.environ.get(_VARIABLE, "{}"))
    return bool(code) and run.get("python") == sys.implementation.cache_tag and code_digest(script) != code
