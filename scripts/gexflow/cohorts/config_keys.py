"""Config keys of a dataset: their names in messages, and small checks of their values."""

from pathlib import Path

from gexflow.errors import InputError


def dataset_key(settings: dict, key: str) -> str:
    """Return the config key of a dataset's setting, for messages."""
    return f"datasets.{settings.get('dataset', '<name>')}.{key}"


def only_file(paths: list[Path], settings: dict) -> Path:
    """Return the one matrix file that a source takes; several, or a missing one, are an `InputError`."""
    if len(paths) != 1:
        raise InputError(
            f"{dataset_key(settings, 'files.matrix')} names {len(paths)} files, but this source takes one."
        )
    path = Path(paths[0])
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    return path


def all_files(paths: list[Path]) -> list[Path]:
    """Return the matrix files of a source that takes several; a missing one is an `InputError`."""
    for path in paths:
        if not Path(path).is_file():
            raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    return [Path(path) for path in paths]


def strict_fields(settings: dict) -> list[str]:
    """Return the fields that labels and groups come from: there a sample must have one value."""
    rules = (settings.get("label"), settings.get("group"))
    return [str(rule["field"]) for rule in rules if rule and rule.get("field")]
