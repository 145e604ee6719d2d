"""What a part of a JSON schema says: where it points to, and which types it takes.

Light: Snakemake runs it at every start and in every job.
"""

from typing import Any

_ANYTHING: dict[str, Any] = {}


def resolve(schema: dict[str, Any], root: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the schema `root` that a part points to with `$ref`, or the part itself."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def types_of(schema: dict[str, Any]) -> list[str]:
    """Return the types that a part of a schema names; [None] where it names none."""
    kinds = schema.get("type")
    return kinds if isinstance(kinds, list) else [kinds]


def child_of(schema: dict[str, Any], key: str | int, root: dict[str, Any]) -> dict[str, Any]:
    """Return the part for a key of a map or an item of a list, resolved; {} where the schema is silent about it."""
    others = schema.get("items" if isinstance(key, int) else "additionalProperties")
    part = schema.get("properties", {}).get(key, others)
    return resolve(part, root) if isinstance(part, dict) else _ANYTHING
