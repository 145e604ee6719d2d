"""CuMiDa: GEO series curated and normalised by their collectors (Feltes et al. 2019), samples x probes as CSV."""

from pathlib import Path

import pandas as pd

from gexflow.cohorts.config_keys import only_file
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.text_table import Layout, read_header, read_text_table
from gexflow.errors import InputError
from gexflow.log import logger

_SAMPLE, _TYPE = "samples", "type"


def read_cumida(paths: list[Path], settings: dict) -> Matrix:
    """Read a CSV with the columns `samples`, `type` and one a probe.

    Returns
    -------
    Matrix
        With the field `type`; its samples count as normalised jointly, since the collectors normalise a whole series.

    Raises
    ------
    InputError
        The file is wrong, or of another layout.
    """
    path = only_file(paths, settings)
    names = read_header(path).names
    for name in (_SAMPLE, _TYPE):
        if name not in names:
            raise InputError(
                f'{path} has no column "{name}", so it is no CuMiDa table: read it with `source: table` instead.'
            )
    table = read_text_table(path, Layout(samples_in_rows=True, id_column=_SAMPLE, text=(_TYPE,)))
    logger.info("CuMiDa: %d samples, %d probes", *table.values.shape)
    fields = pd.DataFrame({_TYPE: table.text[_TYPE]}, index=table.ids, dtype=str)
    jointly = "CuMiDa's normalisation"
    return Matrix(table.values, table.ids, table.columns, fields, normalised_jointly=jointly, notes=table.notes)
