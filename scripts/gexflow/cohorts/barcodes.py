"""What a TCGA barcode says: patient, tissue source site and sample type."""

import re

import pandas as pd

# Sample types: 01 primary tumour, 03 blood (LAML), 06 metastasis, 11 adjacent normal.
_BARCODE = re.compile(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(-\d{2}.*)?")


def as_barcode(sample: str) -> str:
    """Return the TCGA barcode that a sample id is, "" if it is none; R writes dots where barcodes have hyphens."""
    barcode = sample.upper().replace(".", "-")
    return barcode if _BARCODE.fullmatch(barcode) else ""


def barcode_fields(samples: list[str]) -> pd.DataFrame:
    """Return the columns `patient` (characters 1-12), `site` (6-7) and `sample_type` (14-15), one row a sample.

    They are "" for an id that is no TCGA barcode; the table has no columns where no id is one.
    """
    known = [as_barcode(sample) for sample in samples]
    if not any(known):
        return pd.DataFrame(index=samples)
    parts = {
        "patient": [barcode[:12] for barcode in known],
        "site": [barcode[5:7] for barcode in known],
        "sample_type": [barcode[13:15] for barcode in known],
    }
    return pd.DataFrame(parts, index=samples, dtype=str)
