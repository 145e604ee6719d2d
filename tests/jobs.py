"""Scripts of rules run as Snakemake runs them, without Snakemake."""

import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

SCRIPTS = Path(__file__).parents[1] / "scripts"


class Named(list):
    """Values in a row, some by name, as a rule's input, output and params are."""

    def __init__(self, **named: Any):
        super().__init__(one for value in named.values() for one in (value if isinstance(value, list) else [value]))
        self._named = named
        for name, value in named.items():
            setattr(self, name, value)

    def __getitem__(self, place: Any) -> Any:
        return self._named[place] if isinstance(place, str) else super().__getitem__(place)

    def items(self):
        """Return names and values."""
        return self._named.items()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the value of a name."""
        return self._named.get(name, default)


def job_of(rule: str, log: Path, input: dict, output: dict, settings: Any, **more: Any) -> SimpleNamespace:
    """Return what a script finds under the name `snakemake`.

    `log` is in a folder `logs`, and all outputs are beside that or below; `settings` become the rule's parameter of
    that name. `params`, `wildcards` and `resources` are dicts, if given, and `threads` is a number.
    """
    params = {"settings": json.dumps(settings, sort_keys=True), "code": "1"} | more.get("params", {})
    kinds = {name: SimpleNamespace(**more.get(name, {})) for name in ("wildcards", "resources")}
    return SimpleNamespace(
        rule=rule,
        input=Named(**input),
        output=Named(**output),
        params=Named(**params),
        log=[str(log)],
        threads=more.get("threads", 1),
        **kinds,
    )


def run_script(job: SimpleNamespace) -> None:
    """Run the script of the job's rule."""
    if str(SCRIPTS) not in sys.path:
        sys.path.insert(0, str(SCRIPTS))
    runpy.run_path(str(SCRIPTS / f"{job.rule}.py"), init_globals={"snakemake": job})
