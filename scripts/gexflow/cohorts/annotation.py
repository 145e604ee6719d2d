"""What is known of the genes of a matrix: symbol, chromosome and start, from annotation files."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gexflow.cohorts.annotation_file import AnnotationFile, read_annotation_file
from gexflow.cohorts.ensembl import without_version
from gexflow.log import CAUTION, logger

_SEPARATORS = re.compile(r"\s*(?:///|[;,|])\s*")
_SEPARATORS_OF_GEO = re.compile(r"\s*///\s*")
_NO_SYMBOLS = frozenset({"", "---", "--", "-", "?", ".", "NA", "N/A", "NULL", "--Control"})
_PLACE = re.compile(r"Chromosome ([^\s,]+)(?:, ([\w.]+) \(\D*(\d+)\.\.[^)]*\)+)?", re.IGNORECASE)


@dataclass
class Annotated:
    """What an annotation says of the genes of a matrix.

    Attributes
    ----------
    symbols : list of str
        "" where none or several are known.
    chromosome : list of str
        Without "chr"; "" where unknown.
    start : float64 array, (genes,)
        First base on the chromosome as the source counts it; NaN where unknown.
    notes : list of str
        Sentences for the log and the report.
    counts : dict of str to int
        Genes by what was found: symbol, ambiguous, unmapped (annotated, but without a symbol), absent; they add up to
        all genes. `placed`: those with a chromosome.
    """

    symbols: list[str]
    chromosome: list[str]
    start: np.ndarray
    notes: list[str]
    counts: dict[str, int]


def read_annotation(paths: list[str | Path], genes: list[str] | None = None) -> pd.DataFrame:
    """Read annotation files.

    Parameters
    ----------
    paths : list of paths
        GEO's annotation of a platform, Xena's probe maps, or plain tables; found out by content. The first file that
        knows a symbol, or a place, of an id decides; later ones fill in what it does not know.
    genes : list of str, optional
        Ids of the matrix: the column of a plain table that holds most of them is that of its ids.

    Returns
    -------
    DataFrame, one row an id, index = ids (unique)
        symbol : str
            "" if unknown or ambiguous: a probe of several different symbols belongs to no gene; "A /// A" is A.
        chromosome : str, start : float
            "" and NaN if unknown or several; of several places on one chromosome the first base.
        ambiguous : bool

    Raises
    ------
    InputError
        A file is damaged, has no symbols, or none of the genes.
    """
    files = [read_annotation_file(path, genes) for path in paths]
    for file in files:
        logger.info('annotation %s: %d ids in column "%s"', file.path.name, len(file.ids), file.id_column)
    tables = [_tidy(file) for file in files]
    whole = tables[0]
    for table in tables[1:]:
        whole = _fill_in(whole, table)
    return whole


def annotate(genes: list[str], annotation: pd.DataFrame) -> Annotated:
    """Look the genes of a matrix up in an annotation.

    An Ensembl id that the annotation lacks is looked up without its version, among ids without theirs.

    Parameters
    ----------
    genes : list of str
    annotation : DataFrame
        From `read_annotation`.
    """
    exact = annotation.index.isin(genes)
    keys, known = list(genes), annotation
    missing = set(genes).difference(annotation.index[exact])
    if missing:
        stripped = _merge(annotation.rename(index=without_version))
        known = pd.concat([annotation[exact], stripped[~stripped.index.isin(annotation.index[exact])]])
        keys = [without_version(gene) if gene in missing else gene for gene in genes]
    absent = ~pd.Index(keys).isin(known.index)
    rows = known.reindex(keys)
    symbols = rows["symbol"].fillna("").to_list()
    chromosome = rows["chromosome"].fillna("").to_list()
    ambiguous = rows["ambiguous"].eq(True).to_numpy()
    mapped = np.array([symbol != "" for symbol in symbols], dtype=bool)
    counts = {
        "symbol": int(mapped.sum()),
        "ambiguous": int(ambiguous.sum()),
        "unmapped": int((~mapped & ~ambiguous & ~absent).sum()),
        "absent": int(absent.sum()),
        "placed": sum(place != "" for place in chromosome),
    }
    start = rows["start"].to_numpy(dtype=np.float64)
    return Annotated(symbols, chromosome, start, _notes(counts, len(genes)), counts)


def _notes(counts: dict[str, int], total: int) -> list[str]:
    notes = [
        f"{counts['symbol']} of {total} genes have one symbol; {counts['ambiguous']} have several (ambiguous, so none "
        f"is used), {counts['unmapped']} have none in the annotation, {counts['absent']} are not in it.",
        f"{counts['placed']} of {total} genes have a place on a chromosome.",
    ]
    if 2 * counts["absent"] > total:  # a maker's platforms share control probes, so a wrong one holds a few
        notes.append(
            f"{CAUTION}most genes are not in the annotation: make sure that it is that of the matrix' own platform."
        )
    return notes


def _tidy(file: AnnotationFile) -> pd.DataFrame:
    ids = [cell.strip() for cell in file.ids]
    symbols = [_symbols(cell) for cell in file.symbols]
    places = _places(file)
    table = pd.DataFrame(
        {
            "symbol": [found[0] if len(found) == 1 else "" for found in symbols],
            "chromosome": [chromosome for chromosome, _ in places],
            "start": np.array([start for _, start in places], dtype=np.float64),
            "ambiguous": [len(found) > 1 for found in symbols],
        },
        index=pd.Index(ids, dtype=object),
    )
    # A probe of several genes has no place of its own either.
    table.loc[table["ambiguous"], ["chromosome", "start"]] = ["", np.nan]
    return _merge(table[table.index != ""])


def _symbols(cell: str) -> list[str]:
    """Return the different symbols of a cell; in gene_assignment of Affymetrix each stands behind an accession."""
    if " // " in cell:
        cell = " /// ".join(found[1] for part in cell.split("///") if len(found := part.split(" // ")) > 1)
    return [text for text in dict.fromkeys(_SEPARATORS.split(cell.strip())) if text not in _NO_SYMBOLS]


def _places(file: AnnotationFile) -> list[tuple[str, float]]:
    if file.chromosomes is None:
        return [("", np.nan)] * len(file.ids) if file.places is None else [_geo_place(cell) for cell in file.places]
    starts = [""] * len(file.ids) if file.starts is None else file.starts
    numbers = pd.to_numeric(pd.Series(starts), errors="coerce").to_numpy(dtype=np.float64)
    names = [_chromosome(cell) for cell in file.chromosomes]
    return [(name, start if name else np.nan) for name, start in zip(names, numbers, strict=True)]


def _chromosome(cell: str) -> str:
    name = re.sub("^chr(omosome)?[ _]?", "", cell.strip(), flags=re.IGNORECASE)
    name = name.upper() if name.upper() in ("X", "Y", "M", "MT") else name
    return "" if name in _NO_SYMBOLS else "MT" if name == "M" else name


def _geo_place(cell: str) -> tuple[str, float]:
    """Read e.g. "Chromosome 17, NC_000017.9 (1500673..1534926, complement)"; several places are joined by "///"."""
    found = [_PLACE.fullmatch(part) for part in _SEPARATORS_OF_GEO.split(cell.strip())]
    names = {_chromosome(place[1]) if place else "" for place in found}
    if len(names) != 1 or "" in names:
        return "", np.nan  # none, or several ("Chromosome X, Y" does not fit)
    # Contigs (NT_, NW_) count their bases from elsewhere, so their numbers are no places on the chromosome.
    starts = [float(place[3]) for place in found if (place[2] or "").startswith("NC_")]
    return names.pop(), min(starts, default=np.nan)


def _merge(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row an id: rows that agree are one, different symbols are ambiguous, blanks decide nothing."""
    repeated = table.index.duplicated(keep=False)
    if not repeated.any():
        return table
    merged = {gene: _merge_rows(rows) for gene, rows in table[repeated].groupby(level=0, sort=False)}
    rows = pd.DataFrame.from_dict(merged, orient="index", columns=list(table.columns))
    order = table.index.drop_duplicates()
    return pd.concat([table[~repeated], rows.astype(table.dtypes.to_dict())]).reindex(order)


def _merge_rows(rows: pd.DataFrame) -> tuple[str, str, float, bool]:
    symbols = set(rows["symbol"]) - {""}
    if len(symbols) > 1 or rows["ambiguous"].any():
        return "", "", np.nan, True
    chromosomes = set(rows["chromosome"]) - {""}
    place = (chromosomes.pop(), rows["start"].min()) if len(chromosomes) == 1 else ("", np.nan)
    return (symbols.pop() if symbols else "", *place, False)


def _fill_in(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Add the ids that the first table lacks, and the symbols and places of those that it has without."""
    whole = first.reindex(first.index.union(second.index, sort=False))
    other = second.reindex(whole.index)
    new = ~whole.index.isin(first.index)
    decided = whole["ambiguous"].eq(True)
    nameless = new | (~decided & whole["symbol"].eq("") & other["symbol"].notna())
    placeless = new | (~decided & whole["chromosome"].eq("") & other["chromosome"].notna())
    for column, rows in (
        ("symbol", nameless),
        ("ambiguous", nameless),
        ("chromosome", placeless),
        ("start", placeless),
    ):
        whole[column] = whole[column].where(~rows, other[column])
    return whole.astype({"ambiguous": bool, "start": np.float64})
