"""From what a reader gives to the cohort: labels, groups, scale and checks."""

import json
from collections import Counter
from collections.abc import Iterable

import anndata
import numpy as np
import pandas as pd

from gexflow.cohorts.big_arrays import count_missing
from gexflow.cohorts.class_sizes import small_classes
from gexflow.cohorts.genes import describe_genes
from gexflow.cohorts.join_groups import join_near_duplicates
from gexflow.cohorts.label_codes import LEAST_SAMPLES, find_codes, find_row_numbers
from gexflow.cohorts.labels import Ruled, apply_batch_rule, apply_group_rule, apply_label_rule, find_field
from gexflow.cohorts.lost_samples import missing_value_notes, name_missing_rows
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.merged import check_merge
from gexflow.cohorts.odd_gene_names import facts_of_samples
from gexflow.cohorts.scale import SCALES, find_scale
from gexflow.cohorts.similar_spellings import adjacent_notes, spelling_notes
from gexflow.cohorts.standardised import find_standardisation
from gexflow.cohorts.tcga_rules import choose_samples
from gexflow.errors import InputError, counted, listed, nearest, plain, shorten
from gexflow.log import CAUTION, log_note, logger

_LEAKY = (
    "LEAKY by intention, the published protocol: every sample is a group of its own, so patients part, and "
    "near-duplicates are not searched."
)
_LONGEST_NAME = 4000  # Python, and so the library that orders names, reads no number of more than 4,300 digits
_ALL_TYPES = "All sample types are kept, adjacent normals under the tumour's label."


def build_cohort(
    matrix: Matrix, settings: dict, name: str, origin: list[dict], annotation: pd.DataFrame | None = None
) -> anndata.AnnData:
    """Build the cohort of a dataset.

    Only annotation and single samples decide here; whatever looks across samples is a recipe step. (A gene without
    a single value is no gene of the cohort, whichever samples a fold takes.)

    Parameters
    ----------
    matrix : Matrix
        From a reader; it is changed.
    settings : dict
        `source`, `label`, `group`, `batch`, `scale`, `sample_types`, `adjacent_label`, `min_class_size`,
        `near_duplicates`, `merge`, `normalised_jointly`. `protocol`: "published" in the leaky variant, whose samples
        are groups of their own whatever their patients; "" or absent elsewhere.
    name : str
        The dataset's name.
    origin : list of dict
        Files it came from: {"file", "address", "sha256", "size_bytes"}.
    annotation : DataFrame, optional
        From `read_annotation`.

    Returns
    -------
    AnnData, samples x genes
        X float32; `obs`: label, group and, where known, batch; `var`: symbol and, where known, chromosome and start;
        `uns`: scale, source (a JSON string).

    Raises
    ------
    InputError
        No label rule fits, classes are too few, no gene is left, or the scale is not clear.
    """
    _refuse_row_numbers(matrix, name)
    jointly = settings.get("normalised_jointly") or matrix.normalised_jointly or _standardisation(matrix)
    _exclude(matrix, settings.get("exclude") or [], name)
    labels = _label(matrix, settings, name)
    matrix.notes += _label_spellings(labels, settings, name)
    labels = choose_samples(matrix, labels, settings)
    empty = count_missing(matrix.values)[0] == len(matrix.genes)
    if empty.any():
        lost = listed([sample for sample, out in zip(matrix.samples, empty, strict=True) if out], 5)
        what = counted(int(empty.sum()), "sample")
        matrix.notes.append(f"{CAUTION}{what} without a value of any gene left out: {lost}.")
    matrix.drop("samples", empty, "no value of any gene")
    labels = _keep(labels, ~empty)
    merged = check_merge(settings.get("merge") or {}, labels, name)
    protocol = settings.get("protocol", "")
    if protocol == "published":
        groups, notes = list(matrix.samples), [_LEAKY]
        notes += [_ALL_TYPES] * ("sample_type" in matrix.fields)
    else:
        groups, notes = apply_group_rule(matrix.fields, settings.get("group"), name, settings.get("source", ""))
    matrix.notes += notes + _group_spellings(groups, settings, name)
    search = settings.get("near_duplicates", "auto")
    shared_by_rule = len(set(groups)) < len(groups)
    unruled = "" if settings.get("group") or protocol == "published" else f"datasets.{name}.group"
    groups, near_duplicates, notes = join_near_duplicates(
        matrix.values, matrix.samples, labels, groups, search, unruled
    )
    matrix.notes += notes
    labels, groups = _drop_small_classes(matrix, labels, groups, settings, name)
    _refuse_one_class(matrix, labels, name)
    _refuse_codes(matrix, labels, settings, name)
    missing = count_missing(matrix.values)[1]
    absent = missing == len(matrix.samples)
    matrix.drop("genes", absent, "no value in any sample")
    if not matrix.genes:
        raise InputError(
            f"Dataset {name} has no gene with a value: is the right file given as datasets.{name}.files.matrix?"
        )
    scale, reason = _scale(matrix, settings.get("scale") or "auto", name)
    var, notes, gene_counts = describe_genes(matrix, annotation)
    matrix.notes += notes
    obs = pd.DataFrame({"label": pd.Categorical(labels), "group": groups}, index=matrix.samples)
    batches = apply_batch_rule(matrix.fields, settings.get("batch"), name, settings.get("source", ""))
    if batches is not None:
        obs["batch"] = batches
        matrix.notes += spelling_notes(batches, "batches", f"datasets.{name}.batch", mapped=_has_map(settings, "batch"))
    _refuse_damaged_names([*obs.index, *labels, *groups, *(batches or []), *var.index, *var["symbol"]], name)
    cohort = anndata.AnnData(matrix.values, obs=obs, var=var)
    cohort.uns["scale"] = scale
    source = {
        "dataset": name,
        "protocol": protocol,
        "source": settings.get("source", ""),
        "origin": origin,
        "scale_reason": reason,
        "normalised_jointly": jointly,
        "dropped": matrix.dropped,
        "notes": matrix.notes,
        "near_duplicates": near_duplicates,
        "groups_shared_by_rule": shared_by_rule,
        "merged": merged,
        "gene_counts": gene_counts,
        "missing_share": float(missing[~absent].sum() / matrix.values.size),
    }
    cohort.uns["source"] = json.dumps(source, sort_keys=True, ensure_ascii=False)
    _log(cohort, source)
    return cohort


def _label(matrix: Matrix, settings: dict, name: str) -> list[str]:
    """Apply the label rule and drop samples without a label."""
    ruled = apply_label_rule(matrix.fields, settings.get("label"), name)
    name_missing_rows(matrix, ruled)
    matrix.notes += missing_value_notes(matrix.fields, ruled, _label_field(matrix, settings, name))
    if not any(ruled.values):
        why = "; ".join(f"{count} samples: {reason}" for reason, count in _reasons(ruled).items())
        raise InputError(f"Dataset {name} has no sample with a label ({why}): correct datasets.{name}.label.")
    reasons = np.array(ruled.reasons, dtype=object)
    for reason in _reasons(ruled):
        matrix.drop("samples", reasons == reason, reason)
        reasons = reasons[reasons != reason]
    return [label for label in ruled.values if label]


def _reasons(ruled: Ruled) -> dict[str, int]:
    return {reason: ruled.reasons.count(reason) for reason in dict.fromkeys(ruled.reasons) if reason}


def _keep(items: list[str], keep: Iterable[bool]) -> list[str]:
    return [item for item, stays in zip(items, keep, strict=True) if stays]


def _drop_small_classes(
    matrix: Matrix, labels: list[str], groups: list[str], settings: dict, name: str
) -> tuple[list[str], list[str]]:
    least = settings.get("min_class_size")
    small = small_classes(labels, groups, least) if least else []
    leave_out = np.array([label in small for label in labels], dtype=bool)
    if leave_out.any():
        listed = ", ".join(f"{plain(label)} ({labels.count(label)})" for label in small)
        matrix.drop("samples", leave_out, f"class below min_class_size {least}: {listed}")
    return _keep(labels, ~leave_out), _keep(groups, ~leave_out)


def _refuse_damaged_names(names: list[str], dataset: str) -> None:
    damaged = next((text for text in names if "\0" in text or len(text) > _LONGEST_NAME), None)
    if damaged is not None:
        what = "holds a zero byte" if "\0" in damaged else f"has {len(damaged):,} letters"
        raise InputError(f"Dataset {dataset}: the name {shorten(damaged)} {what}: its file is damaged.")


def _refuse_one_class(matrix: Matrix, labels: list[str], name: str) -> None:
    if len(set(labels)) == len(labels) > 1:
        raise InputError(
            f"Dataset {name} has a class of its own for each sample (e.g. {shorten(labels[0])}): check "
            f"datasets.{name}.label.field."
        )
    if len(set(labels)) < 2:
        only = shorten(labels[0]) if labels else "none"
        left_out = [f"{entry['count']} ({entry['why']})" for entry in matrix.dropped if entry["what"] == "samples"]
        why = f"; samples left out: {', '.join(left_out)}" if left_out else ""
        raise InputError(f"Dataset {name} has fewer than two classes ({only}{why}): check datasets.{name}.label.")


def _refuse_row_numbers(matrix: Matrix, name: str) -> None:
    numbers = find_row_numbers(matrix.values)
    if len(numbers):
        raise InputError(
            f"Dataset {name}: {shorten(matrix.genes[numbers[0]])} is no gene but the number of the sample in the file: "
            f"take it out of the file, or name it in datasets.{name}.ignore."
        )


def _refuse_codes(matrix: Matrix, labels: list[str], settings: dict, name: str) -> None:
    codes = find_codes(matrix.values, labels)
    origin = _texts_of_labels(matrix, settings, name)
    if not len(codes) and len(set(zip(origin, labels, strict=True))) > len(set(labels)):
        # A code of the texts behind the labels gives them away as well; texts of few samples would fit by chance.
        sizes = Counter(origin).values()
        codes = find_codes(matrix.values, origin) if min(sizes) >= LEAST_SAMPLES else codes
    if len(codes):
        more = f" ({len(codes) - 1} more are like it)" if len(codes) > 1 else ""
        raise InputError(
            f"Dataset {name}: {shorten(matrix.genes[codes[0]])} is no gene{more} but the label as a number, since "
            "it has one value in each class, which would give the answer away: take it out of the file, or name it in "
            f"datasets.{name}.ignore."
        )


def _texts_of_labels(matrix: Matrix, settings: dict, name: str) -> list[str]:
    """Return what the field of the labels says, before `pattern`, `map` and `adjacent_label` make classes of it."""
    return matrix.fields[_label_field(matrix, settings, name)].str.strip().tolist()


def _label_field(matrix: Matrix, settings: dict, name: str) -> str:
    return find_field(list(matrix.fields.columns), str(settings["label"]["field"]), f"datasets.{name}.label.field")


def _standardisation(matrix: Matrix) -> str:
    found = find_standardisation(matrix.values)
    if found:
        matrix.notes.append(
            f"{CAUTION}the values show {found} over all samples of the source, which no fold can undo: use values from "
            "before that step if you can."
        )
    return found


def _exclude(matrix: Matrix, names: list[str], dataset: str) -> None:
    """Leave out the samples that the dataset's key `exclude` names."""
    key = f"datasets.{dataset}.exclude"
    known = set(matrix.samples)
    unknown = next((str(name) for name in names if str(name) not in known), None)
    if unknown is not None:
        hint = nearest(unknown, matrix.samples)
        raise InputError(f"{key} names the sample {shorten(unknown)}, which the source does not have; {hint}")
    wanted = set(map(str, names))
    matrix.drop("samples", np.array([sample in wanted for sample in matrix.samples], dtype=bool), f"named in {key}")


def _label_spellings(labels: list[str], settings: dict, name: str) -> list[str]:
    """Point out classes that are probably one under two spellings.

    They are those of all samples that have a label: a map that lacks the tumour type of an adjacent normal would cost
    that sample its label.
    """
    key, mapped = f"datasets.{name}.label", _has_map(settings, "label")
    notes = spelling_notes(labels, "classes", key, all_named=True, mapped=mapped)
    return notes + adjacent_notes(labels, settings.get("adjacent_label") or "", name)


def _group_spellings(groups: list[str], settings: dict, name: str) -> list[str]:
    """Point out patients by a rule that are probably one under two spellings."""
    if not settings.get("group") or settings.get("protocol") == "published":
        return []
    return spelling_notes(groups, "groups (patients)", f"datasets.{name}.group", mapped=_has_map(settings, "group"))


def _has_map(settings: dict, rule: str) -> bool:
    return bool((settings.get(rule) or {}).get("map"))


def _scale(matrix: Matrix, given: str, name: str) -> tuple[str, str]:
    if given not in ("auto", *SCALES):
        hint = nearest(given, ["auto", *SCALES])
        raise InputError(f'datasets.{name}.scale is "{given}", which is no scale; {hint}')
    facts = set(facts_of_samples(matrix.genes))  # their values say nothing of those of genes
    values = matrix.values[:, [gene not in facts for gene in matrix.genes]] if facts else matrix.values
    found = find_scale(values, matrix.samples, name, given)
    matrix.notes += found.notes
    return found.scale, found.reason


def _log(cohort: anndata.AnnData, source: dict) -> None:
    logger.info("%s: %d samples, %d genes", source["dataset"], *cohort.shape)
    for label, count in cohort.obs["label"].value_counts().items():
        logger.info("class %s: %d samples", label, count)
    logger.info("scale %s: %s", cohort.uns["scale"], source["scale_reason"])
    for entry in source["dropped"]:
        logger.info("left out %d %s: %s", entry["count"], entry["what"], entry["why"])
    for note in source["notes"]:
        log_note(note)
