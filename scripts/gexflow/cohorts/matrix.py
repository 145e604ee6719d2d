"""What every reader returns: the values of a source file and what it says of its samples."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass
class Matrix:
    """A samples x genes table as its source gives it.

    Attributes
    ----------
    values : float32 array, (samples, genes)
        Missing values are NaN.
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
    """

    values: np.ndarray
    samples: list[str]
    genes: list[str]
    fields: pd.DataFrame
    symbols: list[str] | None = None
    normalised_jointly: str = ""
    dropped: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def drop(self, what: str, leave_out: np.ndarray, why: str) -> None:
        """Leave out samples or genes (`leave_out`: bool mask over them) and keep count of it."""
        count = int(leave_out.sum())
        if count == 0:
            return
        keep = ~leave_out
        names = self.samples if what == "samples" else self.genes
        examples = [name for name, out in zip(names, leave_out, strict=True) if out][:5]
        self.dropped.append({"what": what, "count": count, "why": why, "examples": examples})
        kept = [name for name, out in zip(names, leave_out, strict=True) if not out]
        if what == "samples":
            self.values, self.samples, self.fields = self.values[keep], kept, self.fields.loc[keep]
        else:
            self.values, self.genes = self.values[:, keep], kept
            if self.symbols is not None:
                self.symbols = [symbol for symbol, stays in zip(self.symbols, keep, strict=True) if stays]
