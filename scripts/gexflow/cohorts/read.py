"""One door to all sources."""

from collections.abc import Callable
from pathlib import Path

from gexflow.cohorts.config_keys import dataset_key
from gexflow.cohorts.cumida import read_cumida
from gexflow.cohorts.gene_ids import tidy_genes
from gexflow.cohorts.geo import read_geo
from gexflow.cohorts.matrix import Matrix, drop_ignored
from gexflow.cohorts.mendeley import read_mendeley
from gexflow.cohorts.table import read_table_source
from gexflow.cohorts.tcga import read_tcga
from gexflow.cohorts.uci import read_uci
from gexflow.errors import InputError, nearest

READERS: dict[str, Callable[..., Matrix]] = {
    "geo": read_geo,
    "cumida": read_cumida,
    "mendeley": read_mendeley,
    "tcga": read_tcga,
    "uci": read_uci,
    "table": read_table_source,
}
_WITH_LABELS_FILE = ("tcga", "table")


def read_matrix(
    source: str,
    matrix_paths: list[Path],
    labels_path: Path | None,
    settings: dict,
    institutions: dict[str, str] | None = None,
) -> Matrix:
    """Read the files of a dataset with the reader of its source.

    Parameters
    ----------
    source : str
        geo, cumida, mendeley, tcga, uci or table.
    matrix_paths : list of paths
    labels_path : path or None
        Sources `tcga` and `table` alone take one.
    settings : dict
        The dataset's settings.
    institutions : {code: institution}, optional
        Of TCGA's tissue source sites; source `tcga` alone uses it.

    Returns
    -------
    Matrix

    Raises
    ------
    InputError
        The source is unknown or a file is wrong.
    """
    if source not in READERS:
        key = dataset_key(settings, "source")
        raise InputError(f'{key} is "{source}", which is no source; {nearest(source, list(READERS))}')
    matrix = _read(source, [Path(path) for path in matrix_paths], labels_path, settings, institutions)
    if source not in _WITH_LABELS_FILE:  # whose readers do so, and know which columns are left unread
        tidy_genes(matrix)
        drop_ignored(matrix, settings.get("ignore") or [], settings)
    return matrix


def _read(
    source: str, paths: list[Path], labels_path: Path | None, settings: dict, institutions: dict[str, str] | None
) -> Matrix:
    if not paths:
        raise InputError(f"{dataset_key(settings, 'matrix')} names no file: give the matrix of the dataset.")
    if source in _WITH_LABELS_FILE:
        more = (institutions,) if source == "tcga" else ()
        return READERS[source](paths, None if labels_path is None else Path(labels_path), settings, *more)
    if labels_path is not None:
        raise InputError(
            f"{dataset_key(settings, 'files.labels')} is set, but source {source} has its labels in the matrix file."
        )
    return READERS[source](paths, settings)
