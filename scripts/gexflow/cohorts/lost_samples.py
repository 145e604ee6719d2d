"""Samples that a study loses because nothing gives them a label: the true reason, with an example of it."""

import numpy as np
import pandas as pd

from gexflow.cohorts.labels import NO_VALUE, Ruled
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.similar_names import nearest_id, similar_field
from gexflow.errors import shorten
from gexflow.log import CAUTION

_TRIED = 5  # samples whose nearest id is looked for


def name_missing_rows(matrix: Matrix, ruled: Ruled) -> None:
    """Give samples that the labels file does not name that reason, in place, and note the id that was perhaps meant."""
    if matrix.without_row is None:
        return
    lost = [index for index, sample in enumerate(matrix.samples) if sample in matrix.without_row.samples]
    for index in lost:
        ruled.values[index], ruled.reasons[index] = "", f"no row in {matrix.without_row.file}"
    if not lost:
        return
    unused = set(matrix.without_row.ids).difference(matrix.samples)
    pairs = ((matrix.samples[index], nearest_id(matrix.samples[index], unused)) for index in lost[:_TRIED])
    sample, near = next((pair for pair in pairs if pair[1]), (matrix.samples[lost[0]], ""))
    hint = f"; is {shorten(near)} there the same sample, its id changed by a program?" if near else "."
    matrix.notes.append(
        f"{CAUTION}{len(lost)} of {len(matrix.samples)} samples left out: no row in {matrix.without_row.file}, "
        f"e.g. {shorten(sample)}{hint}"
    )


def missing_value_notes(fields: pd.DataFrame, ruled: Ruled, field: str) -> list[str]:
    """Return a note on samples without a value in the field of the labels, and the field that holds theirs.

    Parameters
    ----------
    fields : DataFrame, one row per sample
    ruled : Ruled
        What the label rule gave.
    field : str
    """
    lost = np.array([reason.startswith(NO_VALUE) for reason in ruled.reasons], dtype=bool)
    if not lost.any() or lost.all():
        return []
    other = similar_field(fields, field, lost)
    held = int((fields.loc[lost, other].str.strip() != "").sum()) if other else 0
    hint = f"; field {shorten(other)} has one for {held} of them" if other else ""
    example = fields.index[lost][0]
    return [
        f"{CAUTION}{int(lost.sum())} of {len(fields)} samples left out: no value in field {shorten(field)}, "
        f"e.g. {shorten(str(example))}{hint}."
    ]
