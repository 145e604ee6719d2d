"""Files that name the gene of each probe or gene id, read as one table of texts whatever their format."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pandas as pd

from gexflow.cohorts.bad_cell import MISSING
from gexflow.cohorts.ensembl import without_version
from gexflow.cohorts.id_columns import Candidate, choose_column
from gexflow.cohorts.label_file import read_label_file, whole_number
from gexflow.cohorts.text_file import decode, open_text
from gexflow.cohorts.text_header import Header, missing_name
from gexflow.errors import InputError, shorten
from gexflow.log import CAUTION, log_note

_SYMBOLS = (
    "gene symbol",
    "gene_symbol",
    "symbol",
    "gene_name",
    "gene name",
    "genesymbol",
    "hgnc_symbol",
    "external_gene_name",
    "hugo_symbol",
    "gene_symbols",
    "ilmn_gene",
    "gene",
    "gene_assignment",
)
_CHROMOSOMES = ("chromosome", "chrom", "chr", "chromosome_name", "chromosome/scaffold name", "seqname", "seqnames")
_STARTS = ("start", "chromstart", "start_position", "gene start (bp)", "gene_start", "txstart")
_PLACE = "chromosome annotation"


@dataclass
class AnnotationFile:
    """Columns of an annotation file, as texts.

    Attributes
    ----------
    path : path
    id_column : str
        Name of the column of ids.
    ids, symbols : Series of str
    chromosomes, starts : Series of str or None
        Where columns of their own hold them.
    places : Series of str or None
        GEO's "Chromosome annotation", which holds both.
    """

    path: Path
    id_column: str
    ids: pd.Series
    symbols: pd.Series
    chromosomes: pd.Series | None = None
    starts: pd.Series | None = None
    places: pd.Series | None = None


def read_annotation_file(path: str | Path, genes: list[str] | None = None) -> AnnotationFile:
    """Read GEO's annotation of a platform, its table, Xena's probe map, or a table with columns of ids and symbols.

    Parameters
    ----------
    path : path
        Tab-separated, or comma-separated where it is not GEO's; gzipped or not.
    genes : list of str, optional
        Ids of the matrix. In a plain table the column that holds most of them is that of the ids; the first column
        without them. GEO's tables have theirs first.

    Raises
    ------
    InputError
        The file is damaged, has no column of symbols, or holds none of the genes.
    """
    path = Path(path)
    geo = _is_geo(path)
    nameless, header = "", None
    if geo:
        table = _read_geo(path)
    else:
        labels = read_label_file(path)
        for note in labels.notes:
            log_note(note)
        table, nameless, header = (
            labels.table.rename(columns=lambda name: name.lstrip("#")),
            labels.nameless,
            labels.header,
        )
    columns = {str(name).strip().lower(): name for name in reversed(list(table))}
    symbols = _first(columns, _SYMBOLS)
    if symbols is None:
        raise _without_symbols(list(table), path)
    id_column = table.columns[0] if geo or genes is None else _find_ids(table, genes, table[symbols], nameless, path)
    if header is not None and header.nameless_ids:
        _check_shift(header, table, path)
    if genes is not None and not _count_held(table[id_column], genes):
        raise InputError(
            f"{path} annotates none of the genes (the matrix has e.g. {shorten(genes[0])}, column "
            f"{shorten(id_column)} of the annotation e.g. {shorten(table[id_column].iloc[0])}): give the annotation of "
            "the matrix' own platform."
        )
    names = (_first(columns, wanted) for wanted in (_CHROMOSOMES, _STARTS, (_PLACE,)))
    places = [None if name is None else table[name] for name in names]
    return AnnotationFile(path, str(id_column), table[id_column], table[symbols], *places)


def _first(columns: dict[str, str], wanted: tuple[str, ...]) -> str | None:
    return next((columns[name] for name in wanted if name in columns), None)


def _check_shift(header: Header, table: pd.DataFrame, path: Path) -> None:
    """Refuse an annotation whose names may stand one column beside their cells, unless the first name tells."""
    first = header.names[1]
    entrez = "entrez" in first.lower() and all(cell.isdigit() for cell in map(whole_number, table.iloc[:, 1]) if cell)
    if first.strip().lower() not in _SYMBOLS and not entrez:
        if header.names_ids:
            raise missing_name(header, path)
        log_note(
            f"{CAUTION}{path.name}: rows have one cell more than there are names. This was read as R's write.table "
            f"writes it, so that the ids have no name and {shorten(first)} heads the second column."
        )


def _without_symbols(names: list[str], path: Path) -> InputError:
    return InputError(
        f"{path} has no column of gene symbols (found: {', '.join(map(shorten, names))}): name that column "
        f"{shorten('symbol')}, or give another annotation."
    )


def _find_ids(table: pd.DataFrame, genes: list[str], symbols: pd.Series, nameless: str, path: Path) -> str:
    wanted = list(map(_key, genes))
    columns = [Candidate(name, list(map(_key, table[name])), wanted, name == nameless) for name in table.columns]
    best, rival = choose_column(columns, symbols.tolist())
    if rival is not None:
        first, second = (shorten(name) + " (it has no name)" * (name == nameless) for name in (best.name, rival.name))
        answers = " and ".join(map(shorten, rival.answers))
        raise InputError(
            f"{path}: columns {first} and {second} both hold gene ids of the matrix and disagree (gene "
            f"{shorten(genes[rival.example])} is {answers} by them): remove the column that does not hold the ids."
        )
    return best.name


def _count_held(column: pd.Series, genes: list[str]) -> int:
    """Return how many genes a column holds, with the same version, another or none."""
    return len(set(map(_key, genes)) & set(map(_key, column)) - {""})


def _key(gene: str) -> str:
    return whole_number(without_version(gene))


def _is_geo(path: Path) -> bool:
    """Tell GEO's files by their first line: ^Annotation, !..., or the explanation of a column."""
    with open_text(path) as file:
        line = decode(file.readline(1 << 16))
    if line.startswith("#%"):  # NetAffx
        return False
    return line.startswith(("^", "!")) or (line.startswith("#") and " = " in line)


def _read_geo(path: Path) -> pd.DataFrame:
    """Read the first table of a platform; GEO neither quotes nor escapes cells."""
    with open_text(path) as file:
        lines = _numbered(file)
        head, begun = _skip_head(lines, path)
        names = head.lower().split("\t")
        wanted = [_position(names, columns) for columns in (_SYMBOLS, _CHROMOSOMES, _STARTS, (_PLACE,))]
        if wanted[0] is None:
            raise _without_symbols(head.split("\t"), path)
        places = list(dict.fromkeys([0, *(place for place in wanted if place is not None)]))
        rows = []
        for number, line in lines:
            if line.lower().startswith("!platform_table_end"):
                break
            if line.strip():
                rows.append(_cells(line, len(names), places, number, path))
        else:
            if begun:
                raise InputError(f"{path} is cut off (no line !platform_table_end): delete it and fetch it again.")
        _refuse_second_platform(lines, path)
    if not rows:
        raise InputError(f"{path} has column names but no rows: delete it and fetch it again.")
    return pd.DataFrame(rows, columns=[head.split("\t")[place] for place in places], dtype=str)


def _numbered(file: BinaryIO) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(file, 1):
        yield number, decode(line).rstrip("\r\n")


def _skip_head(lines: Iterator[tuple[int, str]], path: Path) -> tuple[str, bool]:
    """Return the line of column names and whether a line said that the table begins."""
    for _, line in lines:
        if line.lower().startswith("!platform_table_begin"):
            return next(lines, (0, ""))[1], True
        if line.strip() and not line.startswith(("^", "!", "#")):
            return line, False
    raise InputError(
        f"{path} holds no table of a platform (neither !platform_table_begin nor column names): fetch "
        "GPL....annot.gz from the platform's folder `annot`."
    )


def _position(names: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _cells(line: str, count: int, places: list[int], number: int, path: Path) -> list[str]:
    cells = line.split("\t")
    if any(map(str.strip, cells[count:])):
        raise InputError(f"{path}, line {number} has {len(cells)} cells where {count} are named: fetch it again.")
    texts = [cells[place].strip() if place < len(cells) else "" for place in places]
    if not texts[0]:
        raise InputError(f"{path}, line {number} has no id: delete the file and fetch it again.")
    return ["" if text in MISSING else text for text in texts]


def _refuse_second_platform(lines: Iterator[tuple[int, str]], path: Path) -> None:
    for _, line in lines:
        if line.startswith("^SAMPLE"):
            return
        if line.lower().startswith("!platform_table_begin"):
            raise InputError(f"{path} holds several platforms: give the annotation of each platform as a file.")
