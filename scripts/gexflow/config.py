"""The config: merged from overlays, checked against its schema, completed with defaults.

Light on purpose: Snakemake runs it at every start and in every job.
"""

import re
from copy import deepcopy
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, ValidationError

from gexflow.candidates import with_tune
from gexflow.config_external import check_external
from gexflow.config_files import check_entries, full_entries
from gexflow.config_models import check_audit, check_model
from gexflow.config_yaml import load_trusted, read_yaml
from gexflow.errors import InputError, nearest
from gexflow.network_names import FITTED
from gexflow.schema_parts import resolve, types_of
from gexflow.variants import base_of, control_of, is_reseeded

LINEAR = ("logistic", "svm")  # what all others are compared with
_VARIANTS = {"model": ("control", "controls"), "dataset": ("variant", "variants")}
_AUDITED = "logistic"  # what the audit refits by default
_WHOLE = ("source", "network")  # a map that carries one of these is replaced whole by an overlay


def load_config(paths: list[Path], schema_path: Path, arguments: dict | None = None) -> dict:
    """Read, merge, check and complete a config.

    Parameters
    ----------
    paths : list of Path
        The base first, then overlays.
    schema_path : Path
    arguments : dict or None
        Keys given on the command line, laid over all files.

    Raises
    ------
    InputError
        With two lines: what is wrong and where; what to write instead.
    """
    schema = with_tune(load_trusted(Path(schema_path).read_text(encoding="utf-8")))
    config: dict = {}
    for path in paths:
        config = merge(config, read_yaml(path, schema))
    config = merge(config, arguments or {})
    config = complete(_normalise(config), schema, schema)
    check_schema(config, schema)
    check_names(config)
    return config


def merge(base: Any, overlay: Any) -> Any:
    """Lay `overlay` over `base`: maps merge; lists, and maps that carry `source` or `network`, are replaced whole."""
    if not isinstance(base, dict) or not isinstance(overlay, dict) or any(key in overlay for key in _WHOLE):
        return deepcopy(overlay)
    return {**deepcopy(base), **{key: merge(base.get(key), value) for key, value in overlay.items()}}


def _normalise(config: dict) -> dict:
    """Write short forms in full: a step's bare name, a file's bare address, one file or `each` for a list of files."""
    config = _with_text_keys(config)
    for name, steps in _maps(config.get("recipes")):
        if isinstance(steps, list):
            config["recipes"][name] = [_full_step(step) for step in steps]
    for name, dataset in _maps(config.get("datasets")):
        if isinstance(dataset, dict):
            _normalise_dataset(dataset, f"datasets.{name}")
    for _, model in _maps(config.get("models")):
        if isinstance(model, dict) and isinstance(model.get("stack"), bool):  # YAML reads `on` and `off` as these
            model["stack"] = "on" if model["stack"] else "off"
    return config


def _with_text_keys(value: Any) -> Any:
    """Copy a config, with text for the keys of maps that mix numbers and text; of 1 and "1" the later one counts.

    Maps of whole numbers alone keep them, since their order decides the settings that Snakemake compares.
    """
    if isinstance(value, list):
        return [_with_text_keys(item) for item in value]
    if not isinstance(value, dict):
        return deepcopy(value)
    mixed = len(set(map(type, value))) > 1
    return {str(key) if mixed else key: _with_text_keys(entry) for key, entry in value.items()}


def _normalise_dataset(dataset: dict, place: str) -> None:
    if isinstance(dataset.get("sample_types"), list):
        dataset["sample_types"] = {"all": dataset["sample_types"]}
    if isinstance(dataset.get("near_duplicates"), bool):  # YAML reads `off` as false
        dataset["near_duplicates"] = "auto" if dataset["near_duplicates"] else "off"
    for kind, entries in _maps(dataset.get("files")):
        dataset["files"][kind] = full_entries(entries, f"{place}.files.{kind}")


def _maps(value: Any) -> list:
    return list(value.items()) if isinstance(value, dict) else []


def _full_step(step: Any) -> Any:
    if isinstance(step, str):
        return {step: {}}
    if isinstance(step, dict):
        return {name: {} if parameters is None else parameters for name, parameters in step.items()}
    return step


def complete(value: Any, schema: dict, root: dict) -> Any:
    """Fill in defaults, and read numbers that YAML takes for text (`1e-4`) or fractions (`2.0`) as meant."""
    schema = resolve(schema, root)
    if (
        isinstance(value, float)
        and value.is_integer()
        and "integer" in types_of(schema)
        and "number" not in types_of(schema)
    ):
        return int(value)
    if isinstance(value, str) and _wants_number(schema):
        try:
            return float(value)
        except ValueError:
            return value
    if isinstance(value, list) and "items" in schema:
        return [complete(item, schema["items"], root) for item in value]
    if not isinstance(value, dict):
        return value
    for condition in schema.get("allOf", []):
        if Draft202012Validator(condition["if"]).is_valid(value):
            value = complete(value, condition["then"], root)
    properties = schema.get("properties", {})
    filled = {key: deepcopy(part["default"]) for key, part in properties.items() if "default" in part}
    filled = {**filled, **value}
    others = schema.get("additionalProperties")
    for key, entry in filled.items():
        part = properties.get(key, others if isinstance(others, dict) else None)
        if part is not None:
            filled[key] = complete(entry, part, root)
    return filled


def _wants_number(schema: dict) -> bool:
    return "number" in types_of(schema) and "string" not in types_of(schema)


def check_schema(config: dict, schema: dict) -> None:
    """Refuse a config that breaks its schema, with the first mistake in words."""
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda error: len(error.absolute_path))
    if errors:
        raise InputError(_explain(errors[0], schema))


def _explain(error: ValidationError, root: dict) -> str:
    place = ".".join(str(part) for part in error.absolute_path) or "the top level"
    if error.validator == "additionalProperties":
        known = list(resolve(error.schema, root).get("properties", {}))
        unknown = next(key for key in error.instance if key not in known)
        return f'config: unknown key "{unknown}" in {place}\n{nearest(unknown, known)}'
    if error.validator == "required":
        absent = next(key for key in error.validator_value if key not in error.instance)
        return f'config: {place} lacks the key "{absent}"\nadd it; config.yaml and the README show examples'
    if error.validator == "anyOf":
        return _explain(error.context[0], root)
    if error.validator == "enum":
        return f'config: {place} is "{error.instance}"\n{nearest(error.instance, error.validator_value)}'
    if "propertyNames" in error.absolute_schema_path:
        return f'config: the name "{error.instance}" in {place} is not allowed\nuse letters, digits, ".", "_" and "-"'
    hint = error.schema.get("description", "see workflow/schemas/config.schema.yaml")
    return f"config: {place} is {error.instance!r}, but must be {_expectation(error)}\n{hint}"


def _expectation(error: ValidationError) -> str:
    limit = error.validator_value
    words = {
        "type": f"of type {' or '.join(limit) if isinstance(limit, list) else limit}",
        "minimum": f"at least {limit}",
        "maximum": f"at most {limit}",
        "exclusiveMinimum": f"above {limit}",
        "exclusiveMaximum": f"below {limit}",
        "minItems": f"a list of at least {limit}",
        "maxItems": f"a list of at most {limit}",
        "uniqueItems": "without repetitions",
        "minProperties": f"a map with {limit} key",
        "maxProperties": f"a map with {limit} key",
        "pattern": f"text of the form {limit}",
        "not": "another value",
    }
    return words.get(str(error.validator), f"valid ({error.validator}: {limit})")


def check_names(config: dict) -> None:
    """Refuse names that no catalogue holds, and datasets without a source of values."""
    run, datasets, models = config["run"], config["datasets"], config["models"]
    _known(run["datasets"], datasets, "run.datasets", "dataset")
    _known(run["models"], models, "run.models", "model")
    for name, model in models.items():
        _known([model["recipe"]], config["recipes"], f"models.{name}.recipe", "recipe")
        check_model(name, model, run)
    for name, dataset in datasets.items():
        place = f"datasets.{name}"
        _known(dataset.get("models", []), models, f"{place}.models", "model")
        _known(dataset["recipes"], models, f"{place}.recipes", "model")
        _known(dataset["published"], models, f"{place}.published", "model")
        _known(dataset["recipes"].values(), config["recipes"], f"{place}.recipes", "recipe")
        if not set(dataset.get("models", run["models"])) & set(run["models"]) and name in run["datasets"]:
            raise InputError(
                f"config: {place}.models leaves no model of run.models\nadd one of them, or remove the key"
            )
        _check_origin(place, dataset)
        if dataset["source"] == "table" and "batch" not in dataset and "sites" in dataset["variants"]:
            raise InputError(
                f"config: {place}.variants names sites, but no batch says the site of a sample\n"
                "add `batch: {field: <name of a column>}`, or take it out"
            )
        if name in run["datasets"]:  # one for all, run.holdout, may not suit a dataset that is not run
            _check_published_holdout(place, dataset, run)
        check_entries(place, dataset)
        for rule in ("label", "group", "batch"):
            _check_pattern(f"{place}.{rule}.pattern", dataset.get(rule, {}).get("pattern"))
    _check_reference(config["evaluation"]["reference"], models)
    audit = config["evaluation"]["audit"]
    asked = [name for name in audit["models"] if name != _AUDITED]  # a catalogue may lack the default
    _known(asked, models, "evaluation.audit.models", "model")
    check_audit(audit, models, FITTED)
    for number, entry in enumerate(config["external"]):
        for key in ("train", "test"):
            _known([entry[key]], datasets, f"external.{number}.{key}", "dataset")
        _known(entry.get("models", []), models, f"external.{number}.models", "model")
    check_external(config)
    _known(config["attribution"]["models"], models, "attribution.models", "model")
    for name in config["attribution"]["models"]:
        if models[name]["network"] in FITTED:
            raise InputError(f"config: attribution.models names {name}, which is no network\nname networks only")


def _check_reference(name: str, models: dict) -> None:
    if name == "logistic" and name not in models:  # the default, in a catalogue without one
        return
    _known([name], models, "evaluation.reference", "model")
    if models[name]["network"] not in LINEAR:
        linear = ", ".join(other for other, model in models.items() if model["network"] in LINEAR)
        raise InputError(f"config: evaluation.reference names {name}, which is not linear\nname one of {linear}")


def _known(names: Any, catalogue: dict, place: str, kind: str) -> None:
    for name in names:
        if kind in _VARIANTS and control_of(name) and base_of(name) in catalogue:
            what, key = ("seed", "seeds") if is_reseeded(name) else _VARIANTS[kind]
            raise InputError(
                f"config: {place} names {name}, a {what}\nname its {kind}; {kind}s.{base_of(name)}.{key} chooses them"
            )
        if name not in catalogue:
            raise InputError(f'config: {place} names the unknown {kind} "{name}"\n{nearest(name, list(catalogue))}')


def _check_origin(place: str, dataset: dict) -> None:
    if ("files" in dataset) == ("simulate" in dataset):
        raise InputError(f"config: {place} needs either files or simulate, and not both\nadd `files: {{matrix: ...}}`")
    if "simulate" in dataset and dataset["source"] == "table":
        raise InputError(
            f"config: {place} simulates a table, which has no format of its own\nuse geo, mendeley or tcga"
        )
    in_files = dataset["label"]["field"] == "cohort"  # the names of Firehose's tables say it
    if dataset["source"] == "tcga" and "files" in dataset and not dataset["files"]["labels"] and not in_files:
        raise InputError(f"config: {place}.files lacks labels\nadd `labels: <file with one row per sample>`")


def _check_published_holdout(place: str, dataset: dict, run: dict) -> None:
    locked = dataset.get("holdout", {"share": run["holdout"]})
    if "published" in dataset["variants"] and locked.get("share") != 0:
        raise InputError(
            f"config: {place}.variants names published, whose one split would train on the hold-out\n"
            f"take it out, or set {place}.holdout to {{share: 0}}"
        )


def _check_pattern(place: str, pattern: str | None) -> None:
    try:
        groups = re.compile(pattern or "").groups
    except re.error as error:
        raise InputError(f"config: {place} is no regular expression: {error}\ncorrect {pattern!r}") from None
    if groups > 1:
        raise InputError(
            f"config: {place} has {groups} groups\nleave one pair of parentheses; write (?:...) for others"
        )
