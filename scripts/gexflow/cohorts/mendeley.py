"""The Mendeley tumour set (doi 10.17632/sf5n64hydt) and files of its layout: MATLAB 5, class code last."""

from pathlib import Path

import numpy as np
import pandas as pd

from gexflow.cohorts.archives import open_member
from gexflow.cohorts.config_keys import only_file
from gexflow.cohorts.label_codes import is_code
from gexflow.cohorts.mat5 import MatError, Value, read_mat5
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_header import check_unique
from gexflow.errors import InputError, shorten
from gexflow.log import logger

_VARIABLES = ("data", "geneIds", "cancerTypes")


def read_mendeley(paths: list[Path], settings: dict) -> Matrix:
    """Read a `.mat` file, or a zip archive that holds exactly one.

    Parameters
    ----------
    paths : list of one path
        The file holds `data` (samples x genes + 1, the last column is the class code), `geneIds` (genes)
        and `cancerTypes` (samples).
    settings : dict
        The dataset's settings (only `dataset`, for messages).

    Returns
    -------
    Matrix
        With the field `cancerTypes`; gene ids are symbols. The class code is no gene.

    Raises
    ------
    InputError
        The file is damaged, or another layout, or its class code does not fit `cancerTypes`.
    """
    path = only_file(paths, settings)
    content = _load(path)
    data, genes, types = _check(content, path)
    samples = [f"sample_{number:04d}" for number in range(1, len(types) + 1)]
    notes = ["The file names no samples: they are numbered in its order."]
    if data.shape[1] == len(genes) + 1:
        data = data[:, :-1]
        notes.append("The last column of `data` is the class code; it was checked against `cancerTypes` and left out.")
    if np.isinf(data).any():
        row, column = np.argwhere(np.isinf(data))[0]
        raise InputError(
            f"{path}: `data` is infinite in row {row + 1}, gene {shorten(genes[column])}: correct the value."
        )
    with np.errstate(over="ignore"):
        values = np.ascontiguousarray(data, dtype=np.float32)
    if np.isinf(values).any():
        raise InputError(f"{path}: `data` holds values too large for single precision: is the file damaged?")
    logger.info("MATLAB file: %d samples, %d genes", *values.shape)
    fields = pd.DataFrame({"cancerTypes": types}, index=samples, dtype=str)
    return Matrix(values, samples, genes, fields, symbols=list(genes), notes=notes)


def _load(path: Path) -> dict[str, Value]:
    try:
        content = read_mat5(_mat_file(path), _VARIABLES)
    except MatError as error:
        raise InputError(f"{path} cannot be read as a MATLAB 5 file: {error}.") from None
    missing = [name for name in _VARIABLES if name not in content]
    if missing:
        raise InputError(
            f"{path} has no variable {', '.join(missing)}: source `mendeley` needs {', '.join(_VARIABLES)}."
        )
    return content


def _mat_file(path: Path) -> bytes:
    """Return the content of a `.mat` file, or of the one that a zip archive holds."""
    content = path.read_bytes()
    if not content:
        raise InputError(f"{path} is empty: delete it and fetch it again.")
    if not content.startswith(b"PK"):
        return content
    with open_member(path, ".mat") as member:
        return member.file.read()


def _check(content: dict[str, Value], path: Path) -> tuple[np.ndarray, list[str], list[str]]:
    data, genes, types = content["data"], _texts(content["geneIds"]), _texts(content["cancerTypes"])
    if not isinstance(data, np.ndarray) or data.ndim != 2 or data.dtype.kind not in "fiu":
        raise InputError(f"{path}: `data` must be a full matrix of real numbers, samples x genes.")
    if not data.size or len(types) != data.shape[0]:
        raise InputError(
            f"{path}: `data` has {data.shape[0]} rows but `cancerTypes` has {len(types)}: they must agree."
        )
    if data.shape[1] not in (len(genes), len(genes) + 1) or not genes:
        raise InputError(
            f"{path}: `data` has {data.shape[1]} columns and `geneIds` {len(genes)} genes; "
            "`data` must have one column a gene and, last, the class code."
        )
    check_unique(genes, "gene", path)
    coded = is_code(data[:, -1], types)
    if data.shape[1] == len(genes) and coded:
        raise InputError(
            f"{path}: the last column of `data` is the class code, but `geneIds` calls it gene {shorten(genes[-1])}, "
            "which would give the answer away: remove that name from `geneIds`."
        )
    if data.shape[1] == len(genes) + 1 and not coded:
        raise InputError(
            f"{path}: the last column of `data` should be the class code, one number for each of `cancerTypes`, "
            "but they do not agree: correct the file."
        )
    return data, genes, types


def _texts(value: Value) -> list[str]:
    """Return the texts of a cell array or a character matrix."""
    if not isinstance(value, list):
        return []
    texts = [cell[0] if isinstance(cell, list) and cell else cell for cell in value]
    return [text.strip() if isinstance(text, str) else "" for text in texts]
