"""What a TCGA barcode says: patient, tissue source site, its institution, and sample type."""

import re

import pandas as pd

BARCODE_FIELDS = ("patient", "site", "institution", "sample_type")
# Sample types: 01 primary tumour, 03 blood (LAML), 06 metastasis, 11 adjacent normal.
_BARCODE = re.compile(r"TCGA-[A-Z0-9]{2}-[A-Z0-9]{4}(-\d{2}.*)?")


def as_barcode(sample: str) -> str:
    """Return the TCGA barcode that a sample id is, "" if it is none; R writes dots where barcodes have hyphens."""
    barcode = sample.upper().replace(".", "-")
    return barcode if _BARCODE.fullmatch(barcode) else ""


def barcode_fields(samples: list[str], institutions: dict[str, str] | None = None) -> pd.DataFrame:
    """Return what barcodes say as the columns `BARCODE_FIELDS`, one row a sample.

    `patient` is characters 1-12, `site` the code of the tissue source site (6-7), `sample_type` 14-15. A code stands
    for one institution and one study, so it holds one tumour type by construction; `institution` joins the codes of
    an institution, which may have collected several types.

    Parameters
    ----------
    samples : list of str
    institutions : {code: institution}, optional
        A code that is not in it stands for the institution itself.

    Returns
    -------
    DataFrame, index: samples
        "" for an id that is no TCGA barcode; without columns where no id is one.
    """
    known = [as_barcode(sample) for sample in samples]
    if not any(known):
        return pd.DataFrame(index=samples)
    codes = [barcode[5:7] for barcode in known]
    parts = {
        "patient": [barcode[:12] for barcode in known],
        "site": codes,
        "institution": [(institutions or {}).get(code, code) for code in codes],
        "sample_type": [barcode[13:15] for barcode in known],
    }
    return pd.DataFrame(parts, index=samples, columns=list(BARCODE_FIELDS), dtype=str)
