"""Rules that make labels and groups from what a source says of its samples."""

import re
from collections import Counter
from dataclasses import dataclass

import pandas as pd

from gexflow.cohorts.bad_cell import MISSING
from gexflow.cohorts.barcodes import BARCODE_FIELDS, as_barcode
from gexflow.errors import InputError, listed, nearest, shorten
from gexflow.log import CAUTION

NO_VALUE = "no value in field"  # how that reason begins
_SHOWN = 30


@dataclass
class Ruled:
    """What a rule says of every sample.

    Attributes
    ----------
    values : list of str
        "" where the rule says nothing.
    reasons : list of str
        Why it says nothing, in words; "" where it says something.
    """

    values: list[str]
    reasons: list[str]


def field_key(name: str) -> str:
    """Return what all spellings of a field share: "CANCER_TYPE" and "Cancer Type" are one."""
    return re.sub(r"[\s_.-]+", " ", name).strip().lower()


def find_field(names: list[str], name: str, key: str) -> str:
    """Return the field called `name`: in this spelling, else in any case, else with other signs between its words.

    Raises
    ------
    InputError
        There is none; the message names the config key, the nearest field and up to 30 that exist.
    """
    if name in names:
        return name
    for known in names:
        if known.lower() == name.lower():
            return known
    similar = [known for known in names if field_key(known) == field_key(name)]
    if len(similar) == 1:
        return similar[0]
    known = listed(names, _SHOWN)
    hint = nearest(name, names)
    if hint.startswith("known:"):
        raise InputError(f'{key} is "{name}", which the source does not have (it has: {known or "no field"}).')
    raise InputError(f'{key} is "{name}", which the source does not have; {hint} (it has: {known}).')


def apply_label_rule(fields: pd.DataFrame, rule: dict | None, dataset: str) -> Ruled:
    """Apply a label rule {field, pattern?, map?} to all samples.

    Parameters
    ----------
    fields : DataFrame, one row a sample, all columns str
    rule : dict
        The value of `field`; of it, the part that `pattern` matches (its group, or the whole match);
        that part translated by `map`. A value that is missing, does not match or is not in the map is no label.
    dataset : str
        For messages.

    Returns
    -------
    Ruled
    """
    key = f"datasets.{dataset}.label"
    if not rule or rule.get("field") is None:
        known = listed(list(fields.columns), _SHOWN) or "none"
        raise InputError(f"{key}.field is not set: name the field that holds the classes (fields: {known}).")
    ruled = _extract(fields, rule, key)
    mapping = rule.get("map")
    if mapping is None:
        return ruled
    known = {str(old).strip(): str(new).strip() for old, new in mapping.items() if new is not None}
    used = set(ruled.values)
    unused = [old for old in known if old not in used]
    for index, value in enumerate(ruled.values):
        if value and not known.get(value):
            ruled.reasons[index] = "not in label.map"
        elif value:
            ruled.values[index] = known[value]
    unmapped = Counter(ruled.values[index] for index, why in enumerate(ruled.reasons) if why == "not in label.map")
    if unmapped:
        shown = ", ".join(f"{shorten(value)} ({count})" for value, count in unmapped.most_common(_SHOWN))
        reason = f"value is not in {key}.map: {shown}" + (", ..." if len(unmapped) > _SHOWN else "")
        reason += f"; the map's {', '.join(map(shorten, unused))} fits no sample" if unused else ""
        for index, why in enumerate(ruled.reasons):
            if why == "not in label.map":
                ruled.values[index], ruled.reasons[index] = "", reason
    return ruled


def apply_group_rule(fields: pd.DataFrame, rule: dict | None, dataset: str, source: str) -> tuple[list[str], list[str]]:
    """Apply a group rule {field, pattern?, map?}: samples of one group never part. `map` renames groups.

    Without a rule the group is the TCGA patient (field `patient`) for source `tcga`, else the sample itself.

    Returns
    -------
    groups : list of str, one a sample
        The sample's own id where the rule says nothing.
    notes : list of str

    Raises
    ------
    InputError
        The rule gives no sample a group: patients would silently stand on both sides of a fold.
    """
    samples, asked = [str(sample) for sample in fields.index], True
    if not rule or rule.get("field") is None:
        if source != "tcga" or "patient" not in fields:
            return samples, ["Every sample is a group of its own: no group rule is set.", *_overlooked(samples)]
        rule, asked = {"field": "patient"}, False
    ruled = _extract(fields, rule, f"datasets.{dataset}.group")
    ruled.values = _mapped(ruled.values, rule)
    alone = sum(not value for value in ruled.values)
    if asked and alone == len(samples):
        why = next(iter(ruled.reasons), "there is no sample")
        raise InputError(f"datasets.{dataset}.group gives no sample a group ({why}): correct it, or take it out.")
    groups = [value or sample for value, sample in zip(ruled.values, samples, strict=True)]
    notes = [f'Groups are from field "{rule["field"]}": {len(set(groups))} groups of {len(samples)} samples.']
    if asked and len(set(groups)) == len(samples):
        notes.append(
            f"{CAUTION}no two samples share a group by this rule: if patients gave several, datasets.{dataset}.group "
            "must take what these have in common, with a `pattern`."
        )
    if alone:
        notes.append(f"{alone} samples have no group by this rule: each is a group of its own.")
    return groups, notes


def _overlooked(samples: list[str]) -> list[str]:
    """Say where sample ids tell patients and types that nobody reads."""
    count = sum(bool(as_barcode(sample)) for sample in samples)
    if not count:
        return []
    return [
        f"{count} sample ids are TCGA barcodes, but only source tcga reads patients and sample types from them: "
        "samples of one patient may part, and adjacent normals may be among the tumours."
    ]


def apply_batch_rule(fields: pd.DataFrame, rule: dict | None, dataset: str, source: str) -> list[str] | None:
    """Apply a batch rule {field, pattern?, map?}: what was measured together. `map` renames batches.

    Without a rule the batch is the institution of the tissue source site for source `tcga`, and the platform of a GEO
    series of several. What a barcode says is taken as it stands: `NA` is the code of a site.

    Returns
    -------
    list of str, one a sample ("" where the rule says nothing), or None where no batch is known
    """
    if not rule:
        known = {"tcga": "institution", "geo": "platform_id"}.get(source, "")
        if known not in fields or (source == "geo" and fields[known].nunique() < 2):
            return None
        rule = {"field": known}
    parsed = source == "tcga" and set(BARCODE_FIELDS) <= set(fields.columns)
    ruled = _extract(fields, rule, f"datasets.{dataset}.batch", BARCODE_FIELDS if parsed else ())
    return _mapped(ruled.values, rule)


def _mapped(values: list[str], rule: dict) -> list[str]:
    """Rename what a rule's `map` names; other values stay."""
    names = {str(old).strip(): str(new).strip() for old, new in (rule.get("map") or {}).items()}
    return [names.get(value, value) for value in values]


def _extract(fields: pd.DataFrame, rule: dict, key: str, literal: tuple[str, ...] = ()) -> Ruled:
    """Take the value of a field, or the part that the pattern matches; in `literal` fields no word means missing."""
    name = find_field(list(fields.columns), str(rule["field"]), f"{key}.field")
    pattern = _compile(rule.get("pattern"), f"{key}.pattern")
    missing = {""} if name in literal else MISSING
    values, reasons = [], []
    for text in fields[name]:
        value, reason = text.strip(), ""
        if value in missing:
            value, reason = "", f'{NO_VALUE} "{name}"'
        elif pattern is not None:
            match = pattern.search(value)
            value = (match[pattern.groups] or "").strip() if match else ""
            reason = "" if value else f'field "{name}" does not match the pattern {pattern.pattern}'
        values.append(value)
        reasons.append(reason)
    return Ruled(values, reasons)


def _compile(pattern: str | None, key: str) -> re.Pattern | None:
    if pattern is None:
        return None
    try:
        compiled = re.compile(str(pattern))
    except re.error as error:
        raise InputError(f"{key} is no valid regular expression ({error}): {pattern}") from None
    if compiled.groups > 1:
        raise InputError(f"{key} has {compiled.groups} groups in parentheses, but one at most may be set: {pattern}")
    return compiled
