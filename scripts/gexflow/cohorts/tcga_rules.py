"""Which TCGA samples are taken: by sample type, quality annotation and aliquot, each counted."""

from collections import defaultdict

import numpy as np

from gexflow.cohorts.barcodes import as_barcode
from gexflow.cohorts.config_keys import dataset_key
from gexflow.cohorts.matrix import Matrix
from gexflow.errors import InputError, nearest

ALL = "all"
_DEFAULT = {ALL: ["01", "03"]}
_ADJACENT = "11"
_SAMPLE_LENGTH = 15  # TCGA-XX-XXXX-TT: patient and sample type; what follows names vial, portion and plate
_ANALYTE = 19
_ANALYTES = "TRH"  # of RNA analytes, later ones are preferred


def choose_samples(matrix: Matrix, labels: list[str], settings: dict) -> list[str]:
    """Leave out TCGA samples by rule; samples whose ids are no barcodes are not touched.

    1. Sample types (barcode characters 14-15) that `sample_types` does not list for the sample's label.
    2. Samples whose field `Do_not_use` is True (PanCanAtlas sample quality annotations).
    3. All but one aliquot of a sample: analyte H before R before T, then the aliquot whose barcode sorts last
       (the replicate filter of Firehose, Broad Institute GDAC).

    Parameters
    ----------
    matrix : Matrix
        With the field `sample_type`; changed in place.
    labels : list of str, one a sample
    settings : dict
        `sample_types`: {"all": codes, label: codes instead of those}; an empty list keeps every type, and without
        "all" its codes are 01 and 03.
        `adjacent_label`: the label that adjacent normal samples (type 11) get; they are then kept.

    Returns
    -------
    list of str
        The labels of the samples that stay.

    Raises
    ------
    InputError
        `sample_types` names an unknown label, or nothing is left.
    """
    if "sample_type" not in matrix.fields:
        return labels
    labels = _drop_types(matrix, np.array(labels, dtype=object), settings)
    labels = _drop_do_not_use(matrix, labels)
    labels = _drop(matrix, labels, _surplus_aliquots(matrix.samples), "another aliquot of the same sample is taken")
    if not matrix.samples:
        left_out = "; ".join(f"{entry['count']} {entry['what']}: {entry['why']}" for entry in matrix.dropped)
        raise InputError(f"No TCGA sample is left ({left_out}): see {dataset_key(settings, 'sample_types')}.")
    return labels.tolist()


def _drop(matrix: Matrix, labels: np.ndarray, leave_out: np.ndarray, why: str) -> np.ndarray:
    matrix.drop("samples", leave_out, why)
    return labels[~leave_out]


def _drop_types(matrix: Matrix, labels: np.ndarray, settings: dict) -> np.ndarray:
    rules = _DEFAULT | (settings.get("sample_types") or {})
    for name in set(rules) - {ALL} - set(labels):
        hint = nearest(name, sorted(set(labels)))
        raise InputError(f'{dataset_key(settings, "sample_types")} names the label "{name}", which is unknown: {hint}')
    types = matrix.fields["sample_type"].to_numpy(dtype=object)
    codes = [rules.get(label, rules.get(ALL, [])) for label in labels]
    unwanted = np.array([_unwanted(kind, listed) for kind, listed in zip(types, codes, strict=True)], dtype=bool)
    adjacent = settings.get("adjacent_label")
    if adjacent:
        labels = np.where(types == _ADJACENT, adjacent, labels)
        unwanted &= types != _ADJACENT
        matrix.notes.append(f'{int((types == _ADJACENT).sum())} adjacent normal samples (type 11) carry "{adjacent}".')
    listed = "; ".join(f"{name}: {', '.join(codes)}" for name, codes in rules.items())
    reasons = np.where(unwanted, types, "")
    for code in sorted(set(reasons) - {""}):
        labels = _drop(matrix, labels, reasons == code, f"sample type {code} is not in sample_types ({listed})")
        reasons = reasons[reasons != code]
    return labels


def _unwanted(kind: str, codes: list[str]) -> bool:
    return bool(kind and codes) and kind not in codes


def _drop_do_not_use(matrix: Matrix, labels: np.ndarray) -> np.ndarray:
    for name in matrix.fields.columns:
        if name.lower() == "do_not_use":
            # Several rows of a sample may say "False; True": one warning is enough.
            leave_out = matrix.fields[name].str.contains(r"\btrue\b", case=False, regex=True).to_numpy()
            return _drop(matrix, labels, leave_out, f"{name} is True in the labels file")
    return labels


def _surplus_aliquots(samples: list[str]) -> np.ndarray:
    """Return a bool mask of the aliquots of a sample beside the one that is taken."""
    aliquots = defaultdict(list)
    barcodes = [as_barcode(sample) for sample in samples]
    for index, barcode in enumerate(barcodes):
        if len(barcode) > _SAMPLE_LENGTH:
            aliquots[barcode[:_SAMPLE_LENGTH]].append(index)
    surplus = np.zeros(len(samples), dtype=bool)
    for indices in aliquots.values():
        best = max(
            indices, key=lambda index: (_ANALYTES.find(barcodes[index][_ANALYTE : _ANALYTE + 1]), barcodes[index])
        )
        surplus[[index for index in indices if index != best]] = True
    return surplus
