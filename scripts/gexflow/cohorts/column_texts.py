"""Columns of binary tables as texts, as a text table would show them."""

from collections.abc import Iterable

import numpy as np
import pandas as pd


def as_texts(values: Iterable) -> list[str]:
    """Return values as texts: "" where one is missing, whole numbers without a decimal point.

    Columns of whole numbers become decimal ones as soon as one is missing; the text must not depend on that.
    """
    return [_as_text(value) for value in values]


def _as_text(value: object) -> str:
    if isinstance(value, np.ndarray):  # a list in a cell, as h5ad files can hold; it has no single truth
        return str(value.tolist())
    if value is None or value is pd.NA or value != value:
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()
