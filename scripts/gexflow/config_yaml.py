"""How a file of the config is read: as YAML, but a key that is written twice in one map is refused.

Light on purpose: Snakemake runs it at every start and in every job.
"""

from pathlib import Path
from typing import Any

import yaml

from gexflow.errors import InputError

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C: at every start it saves half a second


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file that holds a map.

    Raises
    ------
    InputError
        If the file is missing, is no map, is not valid YAML, or has a key twice in one map, of which YAML would keep
        the last and drop the first in silence.
    """
    try:
        content = _load(Path(path).read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise InputError(f"config file {path} is missing\ngive the path of a YAML file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise InputError(f"config file {path}{line} is not valid YAML\ncheck indentation, colons and quotes") from None
    if content is not None and not isinstance(content, dict):
        raise InputError(f"config file {path} holds no keys\nbegin it with `run:`")
    return content or {}


def load_trusted(text: str) -> Any:
    """Return what YAML of the project's own says, unchecked."""
    return yaml.load(text, _LOADER)


def _load(text: str, path: Path) -> Any:
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _Checks(path).check(root, "")
        return loader.construct_document(root)
    finally:
        loader.dispose()


class _Checks:
    """The checks of one file, on its nodes: what YAML makes of them has lost keys and lines."""

    def __init__(self, path: Path):
        self._path = path
        self._seen: set[int] = set()  # an alias is the very node of its anchor

    def check(self, node: yaml.Node, place: str) -> None:
        if id(node) in self._seen:
            return
        self._seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self.check(item, _below(place, number))
        elif isinstance(node, yaml.MappingNode):
            self._check_map(node, place)

    def _check_map(self, node: yaml.MappingNode, place: str) -> None:
        lines: dict[tuple[str, str], int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no valid key: YAML says so itself
            here, name, line = _below(place, key.value), (key.tag, key.value), key.start_mark.line + 1
            if name in lines:
                where = f"in line {lines[name]} and in line {line}" if lines[name] < line else f"in line {line}"
                raise InputError(
                    f"config file {self._path}: the key `{here}` is written twice, {where}\n"
                    "remove one of them, or join what they hold: YAML would keep the last alone"
                )
            lines[name] = line
            self.check(value, here)


def _below(place: str, key: str | int) -> str:
    return f"{place}.{key}" if place else str(key)
