"""Reading of h5ad files: samples x genes with what is known of both."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from gexflow.cohorts.column_texts import as_texts
from gexflow.cohorts.h5_probe import find_damage
from gexflow.cohorts.h5_values import matrix_shape, read_matrix_values
from gexflow.cohorts.id_columns import more_held
from gexflow.cohorts.labels import field_key
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_header import check_unique
from gexflow.errors import InputError, nearest, shorten

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SYMBOLS = ("symbol", "gene_symbol", "gene_symbols", "gene_name", "gene_names", "feature_name", "hgnc_symbol")
_MOST_CELLS = 50_000_000  # of a column of obs or var: more is damage that would fill the memory


def read_h5ad(
    path: str | Path,
    layer: str | None = None,
    rows_are: str = "samples",
    fields: Sequence[str] = (),
    held: Callable[[list[str]], int] | None = None,
) -> Matrix:
    """Read an h5ad file as it is: counts stay counts.

    Parameters
    ----------
    path : path
        As anndata from 0.7 on writes it; `X` dense or sparse (CSR, CSC).
    layer : str, optional
        Matrix of `layers` to take instead of `X`; "raw", where no layer is called so, is that of `raw`.
    rows_are : samples, genes or auto
        What `obs` holds. auto: samples, unless `held` or `fields` show that these are `var`.
    fields : sequence of str
        Columns that are needed; if `obs` has none of them and `var` has the first, samples are `var`.
    held : callable, optional
        Counts how many of some ids a labels file names.

    Returns
    -------
    Matrix
        Values C-contiguous; the columns of `obs` are its fields; symbols from a column of `var` called symbol,
        gene_symbol, gene_symbols, gene_name, gene_names, feature_name or hgnc_symbol (in any case), else None.

    Raises
    ------
    InputError
        The file is damaged (also where that crashes the HDF5 library), of another format or layout, has no such layer,
        an infinite value or a repeated sample.
    """
    path = _check(path)
    damage = find_damage(path, ["obs", "var", "raw" if layer == "raw" else "X", f"layers/{layer}"])
    if damage:
        raise _damaged(path, damage)
    with _in_sentences(path), h5py.File(path, "r") as file:
        name = _find_matrix(file, layer, path)
        obs = _read_frame(file, "obs", path)
        var = _read_frame(file, "raw/var" if name == "raw/X" else "var", path)
        ids = as_texts(obs.index), as_texts(var.index)
        shape = matrix_shape(file[name])
        if shape != (len(ids[0]), len(ids[1])):
            raise InputError(
                f"{path}: {name} is {shape[0]} x {shape[1]}, but obs has {len(ids[0])} samples and var {len(ids[1])} "
                "genes: write or fetch it again."
            )
        values = read_matrix_values(file[name])
    notes = []
    if _samples_are_var(rows_are, obs, var, ids, list(fields), held, path):
        values, obs, var, ids = np.ascontiguousarray(values.T), var, obs, ids[::-1]
        notes.append(f"{path.name} has its genes as obs and its samples as var: it was read transposed.")
    samples, genes = ids
    _check_ids(samples, genes, path)
    _refuse_infinite(values, samples, genes, path)
    described = pd.DataFrame({str(column): as_texts(obs[column]) for column in obs}, index=samples, dtype=str)
    described.index.name = obs.index.name
    return Matrix(values, samples, genes, described, symbols=_symbols(var), notes=notes)


def _samples_are_var(
    rows_are: str,
    obs: pd.DataFrame,
    var: pd.DataFrame,
    ids: tuple[list[str], list[str]],
    fields: list[str],
    held: Callable[[list[str]], int] | None,
    path: Path,
) -> bool:
    if rows_are != "auto":
        return rows_are == "genes"
    if held is None:
        columns = [{field_key(str(name)) for name in frame} for frame in (obs, var)]
        wanted = list(map(field_key, fields))
        return bool(wanted) and not columns[0].intersection(wanted) and wanted[0] in columns[1]
    counts = [held(names) for names in ids]
    found = more_held(counts[1], len(ids[1]), counts[0], len(ids[0]))
    if found is None and any(counts):
        raise InputError(
            f"{path}: both obs ({counts[0]} of {len(ids[0])}) and var ({counts[1]} of {len(ids[1])}) fit the labels: "
            "set the dataset's orientation to samples or genes, which is what obs holds."
        )
    return bool(found)


def _check(path: str | Path) -> Path:
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file: correct its path in the config.")
    with open(path, "rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise InputError(f"{path} is no h5ad file (it is not HDF5): export or fetch it again.")
    return path


@contextmanager
def _in_sentences(path: Path) -> Iterator[None]:
    """Turn the many exceptions that h5py and anndata raise for damage into an `InputError`; only the file is read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # anndata's, about old ways of writing
            yield
    except InputError:
        raise
    except Exception as error:
        raise _damaged(path, (str(error).strip().splitlines() or [type(error).__name__])[0]) from None


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"{path} is a damaged or unusual h5ad file ({shorten(reason)}): write or fetch it again.")


def _read_frame(file: h5py.File, name: str, path: Path) -> pd.DataFrame:
    from anndata.io import read_elem

    if name not in file:
        raise InputError(f"{path} is no h5ad file (it has no {name}): write it with anndata.")
    node = file[name]
    if isinstance(node, h5py.Group):
        node.visititems(_refuse_huge)
    frame = read_elem(node)
    if not isinstance(frame, pd.DataFrame):
        raise InputError(f"{path}: {name} is stored as anndata did before 0.7: read and write it with a newer one.")
    return frame


def _refuse_huge(name: str, node: object) -> None:
    if isinstance(node, h5py.Dataset) and node.size is not None and node.size > _MOST_CELLS:
        raise ValueError(f"{name} states {node.size} cells")


def _check_ids(samples: list[str], genes: list[str], path: Path) -> None:
    for what, ids in (("sample", samples), ("gene", genes)):
        if not ids:
            raise InputError(f"{path} has no {what}s: export or fetch it again.")
    check_unique(samples, "sample", path)


def _find_matrix(file: h5py.File, layer: str | None, path: Path) -> str:
    """Return the path of a matrix within the file."""
    layers = list(file["layers"]) if "layers" in file else []
    if layer in layers:
        return f"layers/{layer}"
    raw = ["raw"] if "raw/X" in file else []
    if layer is not None and layer not in raw:
        raise InputError(f"{path} has no layer {shorten(layer)}; {nearest(layer, layers + raw)}")
    if layer is not None:
        return "raw/X"
    if "X" not in file or file["X"].attrs.get("encoding-type") == "null":
        raise InputError(f"{path} has no X: name one of its layers ({', '.join(layers + raw) or 'it has none'}).")
    return "X"


def _symbols(var: pd.DataFrame) -> list[str] | None:
    names = {str(column).lower(): column for column in reversed(list(var))}
    found = next((names[name] for name in _SYMBOLS if name in names), None)
    return None if found is None else as_texts(var[found])


def _refuse_infinite(values: np.ndarray, samples: list[str], genes: list[str], path: Path) -> None:
    for sample, row in zip(samples, values, strict=True):
        infinite = np.isinf(row)
        if infinite.any():
            raise InputError(
                f"{path}, sample {shorten(sample)}, gene {shorten(genes[int(infinite.argmax())])}: the value is "
                "infinite or too large: correct it, or make it missing (NaN)."
            )
