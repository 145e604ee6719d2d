"""Reading and writing of results: whole files or none, and always the same bytes for the same values."""

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; it gets its final name only when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # two nodes of a cluster may have processes of one number
    partial = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def write_text(text: str, path: str | Path) -> None:
    """Write a UTF-8 text file."""
    with whole_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_json(content: Any, path: str | Path) -> None:
    """Write JSON that a person can read."""
    write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", path)


def read_json(path: str | Path) -> Any:
    """Read a JSON file."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def write_table(table: Any, path: str | Path) -> None:
    """Write a pandas table as TSV: no index, nine significant digits (enough for a float32), missing as `NA`."""
    with whole_file(path) as partial:
        table.to_csv(partial, sep="\t", index=False, float_format="%.9g", na_rep="NA", lineterminator="\n")


def read_table(path: str | Path, text: tuple[str, ...] = ()) -> Any:
    """Read a TSV written by `write_table`; the columns in `text` stay strings (a class may be called `1` or `NA`)."""
    import pandas as pd

    table = pd.read_csv(path, sep="\t", dtype=dict.fromkeys(text, str), keep_default_na=False, na_values={})
    for name in table.columns.difference(list(text)):
        table[name] = _numbers(table[name])
    return table


def _numbers(column: Any) -> Any:
    """Turn a column into numbers, `NA` into NaN, where all of it can be."""
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column
    numbers = pd.to_numeric(column.where(column != "NA"), errors="coerce")
    return column if (numbers.isna() & (column != "NA")).any() else numbers


def write_h5ad(table: Any, path: str | Path) -> None:
    """Write an AnnData without compression: these files are read far more often than they are moved."""
    with whole_file(path) as partial:
        table.write_h5ad(partial)


def read_h5ad(path: str | Path) -> Any:
    """Read an AnnData."""
    import anndata

    return anndata.read_h5ad(path)


def read_by_gene(path: str | Path, leave_out: Collection[str] = ()) -> Any:
    """Read an AnnData whose float32 X then holds each gene's values side by side (Fortran order), never a copy.

    Samples that are named in `leave_out` are not in it.
    """
    import anndata
    import numpy as np

    backed = anndata.read_h5ad(path, backed="r")
    samples, genes = backed.shape
    keep = ~backed.obs_names.isin(list(leave_out))
    values = np.empty((int(keep.sum()), genes), dtype=np.float32, order="F")
    step, done = max(1, (1 << 22) // max(1, genes)), 0
    for start in range(0, samples, step):
        rows = backed.X[start : start + step][keep[start : start + step]]
        values[done : done + len(rows)] = rows
        done += len(rows)
    table = anndata.AnnData(values, obs=backed.obs[keep].copy(), var=backed.var.copy(), uns=dict(backed.uns))
    backed.file.close()
    return table


def sha256(path: str | Path) -> str:
    """Return the SHA-256 of a file, in hex digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
