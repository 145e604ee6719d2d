"""Reading of h5ad files: samples x genes with what is known of both."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pandas as pd

from gexflow.cohorts.column_texts import as_texts
from gexflow.cohorts.h5_probe import find_damage
from gexflow.cohorts.h5_values import matrix_shape, read_matrix_values
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_header import check_unique
from gexflow.errors import InputError, nearest, shorten

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SYMBOLS = ("symbol", "gene_symbol", "gene_symbols", "gene_name", "gene_names", "feature_name", "hgnc_symbol")
_MOST_CELLS = 50_000_000  # of a column of obs or var: more is damage that would fill the memory


def read_h5ad(path: str | Path, layer: str | None = None) -> Matrix:
    """Read an h5ad file as it is: counts stay counts.

    Parameters
    ----------
    path : path
        As anndata from 0.7 on writes it; `X` dense or sparse (CSR, CSC).
    layer : str, optional
        Matrix of `layers` to take instead of `X`.

    Returns
    -------
    Matrix
        Values C-contiguous; the columns of `obs` are its fields; symbols from a column of `var` called symbol,
        gene_symbol, gene_symbols, gene_name, gene_names, feature_name or hgnc_symbol (in any case), else None.

    Raises
    ------
    InputError
        The file is damaged (also where that crashes the HDF5 library), of another format or layout, has no such layer,
        an infinite value or a repeated id.
    """
    path = _check(path)
    name = "X" if layer is None else f"layers/{layer}"
    damage = find_damage(path, ["obs", "var", name])
    if damage:
        raise _damaged(path, damage)
    with _in_sentences(path), h5py.File(path, "r") as file:
        obs, var = _read_frame(file, "obs", path), _read_frame(file, "var", path)
        samples, genes = _ids(obs, "sample", path), _ids(var, "gene", path)
        node = _find_matrix(file, layer, path)
        shape = matrix_shape(node)
        if shape != (len(samples), len(genes)):
            raise InputError(
                f"{path}: {name} is {shape[0]} x {shape[1]}, but obs has {len(samples)} samples and var {len(genes)} "
                "genes: write or fetch it again."
            )
        values = read_matrix_values(node)
    _refuse_infinite(values, samples, genes, path)
    fields = pd.DataFrame({str(column): as_texts(obs[column]) for column in obs}, index=samples, dtype=str)
    return Matrix(values, samples, genes, fields, symbols=_symbols(var))


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


def _ids(frame: pd.DataFrame, what: str, path: Path) -> list[str]:
    ids = as_texts(frame.index)
    if not ids:
        raise InputError(f"{path} has no {what}s: export or fetch it again.")
    check_unique(ids, what, path)
    return ids


def _find_matrix(file: h5py.File, layer: str | None, path: Path) -> h5py.Group | h5py.Dataset:
    layers = list(file["layers"]) if "layers" in file else []
    if layer is not None and layer not in layers:
        raise InputError(f"{path} has no layer {shorten(layer)}; {nearest(layer, layers)}")
    if layer is not None:
        return file["layers"][layer]
    if "X" not in file or file["X"].attrs.get("encoding-type") == "null":
        raise InputError(f"{path} has no X: name one of its layers ({', '.join(layers) or 'it has none'}).")
    return file["X"]


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
