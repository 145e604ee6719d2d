"""How a file of the config is read: as YAML, but what YAML would silently drop or change is refused.

It keeps the last of two equal keys, and takes names such as yes, 010 or 1:30 for something else. Light on purpose:
Snakemake runs it at every start and in every job.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from gexflow.errors import InputError
from gexflow.schema_parts import child_of, resolve, types_of

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # written in C: at every start it saves half a second
_READ_AS = {"null": "nothing", "timestamp": "a date"}
_TWICE = "remove one of them, or join what they hold: only one of them would count"
_MERGED_TWICE = "write them as one list, such as `<<: [*a, *b]`: of a key that both hold, the first counts"
_WITHOUT_KEY = {"label": "left out", "group": "groups of their own name", "batch": "batches of their own name"}


def read_yaml(path: Path, schema: dict[str, Any] | None = None) -> dict[str, Any]:
    """Read a YAML file that holds a map.

    Parameters
    ----------
    path : Path
    schema : dict or None
        Of the config: where it asks for text, what YAML takes for something else is refused. Keys are checked anyway.

    Raises
    ------
    InputError
        With two lines, if the file is missing, is no map or no valid YAML, if a key stands twice in one map, or if a
        name is not read as it is written.
    """
    try:
        content = _load(Path(path).read_text(encoding="utf-8"), path, schema or {})
    except FileNotFoundError:
        raise InputError(f"config file {path} is missing\ngive the path of a YAML file") from None
    except InputError:  # itself a ValueError
        raise
    except (yaml.YAMLError, ValueError) as error:  # the latter of the 31st of February
        place = getattr(error, "problem_mark", None)
        line = f", line {place.line + 1}" if place else ""
        raise InputError(f"config file {path}{line} is not valid YAML\ncheck indentation, colons and quotes") from None
    if content is not None and not isinstance(content, dict):
        raise InputError(f"config file {path} holds no keys\nbegin it with `run:`")
    return content or {}


def load_trusted(text: str) -> Any:
    """Load a YAML text of the project, unchecked."""
    return yaml.load(text, _LOADER)


def _load(text: str, path: Path, schema: dict[str, Any]) -> Any:
    loader = _LOADER(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return None
        _Checks(path, schema).check(root, schema, "")
        return loader.construct_document(root)
    finally:
        loader.dispose()


class _Checks:
    """The checks of one file, on its nodes: the values made of them have lost keys, lines and the text as written."""

    def __init__(self, path: Path, schema: dict[str, Any]):
        self._path, self._schema = path, schema
        self._seen: set[tuple[int, int]] = set()  # an alias is the very node of its anchor

    def check(self, node: yaml.Node, part: dict[str, Any], place: str) -> None:
        """Check a node at a place of the config, for which the schema has this part, and all below it."""
        if (id(node), id(part)) in self._seen:
            return
        self._seen.add((id(node), id(part)))
        if isinstance(node, yaml.ScalarNode):
            if _kind(node) == "null" and (rule := _rule_of_map(place)):
                raise InputError(
                    f"config file {self._path}, line {node.start_mark.line + 1}: {place} has no value\n"
                    f"leave the key out: values that are not in the map are {_WITHOUT_KEY[rule]}"
                )
            if _wants_text(part) and node.value:
                self._check_text(node, types_of(part), f"{place} is `{node.value}`")
            return
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self.check(item, child_of(part, number, self._schema), _below(place, number))
            return
        if "items" in part:  # a single entry is short for a list of it
            part = resolve(part["items"], self._schema)
        self._check_map(node, part, place)

    def _check_map(self, node: yaml.MappingNode, part: dict[str, Any], place: str) -> None:
        lines: dict[tuple[bool, str], int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # no valid key: YAML says so itself
            here, merges, line = _below(place, key.value), _kind(key) == "merge", key.start_mark.line + 1
            name = merges, key.value  # as written: labels meet the names of classes as text, so 1 and "1" are one
            if name in lines:
                where = f"in line {lines[name]} and in line {line}" if lines[name] < line else f"in line {line}"
                remedy = _MERGED_TWICE if merges else _TWICE
                raise InputError(f"config file {self._path}: the key `{here}` is written twice, {where}\n{remedy}")
            lines[name] = line
            if merges:
                self._check_merged(value, part, place)
                continue
            self._check_text(key, ["string", "integer"], f"{place or 'the top level'} has the key `{key.value}`")
            self.check(value, child_of(part, key.value, self._schema), here)

    def _check_merged(self, value: yaml.Node, part: dict[str, Any], place: str) -> None:
        for merged in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            self.check(merged, part, place)

    def _check_text(self, node: yaml.ScalarNode, types: list[str], what: str) -> None:
        """Refuse what YAML does not read as the text that is written, unless that is one of these types."""
        kind = _kind(node)
        if kind in ("str", "value"):
            return
        if (kind == "int" and "integer" in types and _is_plain(node.value)) or (kind == "null" and "null" in types):
            return
        raise InputError(
            f"config file {self._path}, line {node.start_mark.line + 1}: {what}, which YAML reads as {_read_as(node)}\n"
            f'put it in quotes: "{node.value}"'
        )


def _below(place: str, key: str | int) -> str:
    return f"{place}.{key}" if place else str(key)


def _rule_of_map(place: str) -> str:
    """Return the rule (label, group or batch) of a dataset whose `map` holds this place; "" elsewhere."""
    found = re.match(r"datasets\..+\.(label|group|batch)\.map\.", place)
    return found[1] if found else ""


def _kind(node: yaml.ScalarNode) -> str:
    return node.tag.rpartition(":")[2]


def _is_plain(number: str) -> bool:
    """Tell whether a whole number is written as it is read: 10, but not 010 (8), 1:30 (90), 0x10 or 1_000."""
    return re.fullmatch("0|-?[1-9][0-9]*", number) is not None


def _read_as(node: yaml.ScalarNode) -> str:
    if _kind(node) in _READ_AS:
        return _READ_AS[_kind(node)]
    value = load_trusted(node.value)
    return str(value).lower() if isinstance(value, bool) else f"the number {value}"


def _wants_text(part: dict[str, Any]) -> bool:
    """Tell a place for free text; words such as auto, beside numbers, are the schema's to explain."""
    types = types_of(part)
    return "string" in types and not ("pattern" in part and len(types) > 1)
