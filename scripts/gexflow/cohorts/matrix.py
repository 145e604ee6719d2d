"""What every reader returns: the values of a source file and what it says of its samples."""

from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path

import numpy as np
import pandas as pd

from gexflow.cohorts.big_arrays import join_rows, keep_columns, keep_rows
from gexflow.cohorts.config_keys import dataset_key
from gexflow.cohorts.labels import find_field
from gexflow.cohorts.text_header import check_unique
from gexflow.errors import InputError


@dataclass(frozen=True)
class WithoutRow:
    """Samples that the labels file has no row for: their ids, the file's name, and the ids that it does have."""

    samples: frozenset[str]
    file: str
    ids: list[str]


@dataclass
class Matrix:
    """A samples x genes table as its source gives it.

    Attributes
    ----------
    values : float32 array, (samples, genes), C-contiguous
        Missing values are NaN. The matrix owns it: `drop` shortens it in place.
    samples, genes : list of str
        Ids as in the source; each is unique.
    fields : DataFrame, one row a sample (index = samples), all columns str
        What the source says of each sample; "" where it says nothing. Label and group rules read these.
    symbols : list of str or None
        Gene symbols where the source has them, "" where it has none for a gene.
    normalised_jointly : str
        Name of a method that normalised all samples together (RMA, EB++), which no fold can undo; "" if none is known.
    dropped : list of dict
        What the reader left out: {"what": "samples"|"genes", "count": int, "why": str, "examples": list of str}.
    notes : list of str
        Sentences for the log and the report.
    without_row : WithoutRow or None
        Samples that the labels file, where there is one, does not name.
    """

    values: np.ndarray
    samples: list[str]
    genes: list[str]
    fields: pd.DataFrame
    symbols: list[str] | None = None
    normalised_jointly: str = ""
    dropped: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    without_row: WithoutRow | None = None

    def drop(self, what: str, leave_out: np.ndarray, why: str) -> None:
        """Leave out samples or genes (`leave_out`: bool mask over them) and keep count of it."""
        count = int(leave_out.sum())
        if count == 0:
            return
        names = self.samples if what == "samples" else self.genes
        examples = [name for name, out in zip(names, leave_out, strict=True) if out][:5]
        self.dropped.append({"what": what, "count": count, "why": why, "examples": examples})
        self.keep(what, ~leave_out)

    def keep(self, what: str, keep: np.ndarray) -> None:
        """Keep the samples or genes that a bool mask marks, and no others."""
        if what == "samples":
            self.values, self.fields = keep_rows(self.values, keep), self.fields.loc[keep]
            self.samples = list(compress(self.samples, keep))
            return
        self.values, self.genes = keep_columns(self.values, keep), list(compress(self.genes, keep))
        if self.symbols is not None:
            self.symbols = list(compress(self.symbols, keep))


def drop_ignored(matrix: Matrix, names: list[str], settings: dict) -> None:
    """Leave out genes by name, as the dataset's key `ignore` wants; an unknown name is an `InputError`."""
    key = dataset_key(settings, "ignore")
    wanted = {find_field(matrix.genes, str(name), key) for name in names}
    matrix.drop("genes", np.array([gene in wanted for gene in matrix.genes], dtype=bool), f"named in {key}")


def join_matrices(parts: list[Matrix], paths: list[Path], what: str) -> Matrix:
    """Put the samples of several files below each other, with the genes that all have, in the order of the first.

    Parameters
    ----------
    parts : list of Matrix
        Emptied on the way, so that one copy of the values is held.
    paths : list of Path
        Their files, for messages.
    what : str
        What the genes are called ("probe", "gene").

    Raises
    ------
    InputError
        A file has no gene in common with the others, or a sample is in two of them.
    """
    first, samples = parts[0], []
    for part, path in zip(parts, paths, strict=True):
        samples += part.samples
        check_unique(samples, "sample", path)
    if any(part.genes != first.genes for part in parts):
        _take_common(parts, paths, what)
    dropped = [entry for part in parts for entry in part.dropped]
    notes = list(dict.fromkeys(note for part in parts for note in part.notes))
    if len(parts) > 1:
        notes.append(f"{len(parts)} files; all have {len(first.genes)} {what}s in common.")
    fields = pd.concat([part.fields for part in parts]).fillna("")
    jointly = next((part.normalised_jointly for part in parts if part.normalised_jointly), "")
    blocks = [part.values for part in parts]
    parts.clear()
    first.values = np.empty((0, 0), dtype=np.float32)
    values = blocks[0] if len(blocks) == 1 else join_rows(blocks)
    return Matrix(values, samples, first.genes, fields, first.symbols, jointly, dropped, notes)


def _take_common(parts: list[Matrix], paths: list[Path], what: str) -> None:
    common = set.intersection(*(set(part.genes) for part in parts))
    if not common:
        raise InputError(
            f"{paths[-1]} shares no {what} with the other files: give every platform a dataset of its own."
        )
    for part, path in zip(parts, paths, strict=True):
        part.drop("genes", np.array([gene not in common for gene in part.genes]), f"not in every file ({path.name})")
    for part in parts[1:]:
        position = {gene: index for index, gene in enumerate(part.genes)}
        order = [position[gene] for gene in parts[0].genes]
        for sample in part.values:
            sample[:] = sample[order]
        part.genes = parts[0].genes
