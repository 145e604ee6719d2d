"""What every script does around its work: it logs, looks at its inputs, and leaves a manifest of its outputs."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from logging import Logger
from pathlib import Path
from typing import Any

from gexflow.errors import InputError
from gexflow.frozen import is_edited
from gexflow.log import job_log
from gexflow.manifest import check_sizes, manifest_path, write_manifest


@contextmanager
def job(snakemake: Any) -> Iterator[Logger]:
    """Run a job's work; `snakemake` is the object that Snakemake gives to a script."""
    with job_log(snakemake.log[0]) as log:
        manifest = manifest_path(snakemake.log[0])
        manifest.unlink(missing_ok=True)  # of an earlier run, whose outputs are gone
        params = dict(snakemake.params.items())
        _check_code(snakemake.rule, params.get("code", ""))
        check_sizes(snakemake.input)
        yield log
        facts = {"rule": snakemake.rule, "settings": _settings(params), "code": params.get("code", "")}
        write_manifest(manifest, snakemake.output, facts)


def _check_code(rule: str, code: str) -> None:
    """Refuse to work by other code than the run recorded: its results would pass for those of the old code."""
    script = Path(__file__).with_name(re.sub(r"_\d+$", "", rule) + ".py")
    if is_edited(script, code):
        raise InputError(f"the code of {rule} was edited while this run was going on: start snakemake again")


def _settings(params: dict[str, Any]) -> Any:
    """Return all parameters of a rule but its code; what common.smk wrote as one string is read again."""
    settings = {name: value for name, value in params.items() if name != "code"}
    return {name: json.loads(value) if name == "settings" else value for name, value in settings.items()}
