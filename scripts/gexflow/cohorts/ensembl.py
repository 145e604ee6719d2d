"""Ensembl ids and the versions at their ends."""

import re
from collections import Counter

# ENSG00000000003.14, ENSMUST00000000001.4, ENSG00000002586.18_PAR_Y, ENSGR0000002586.13 of older GENCODE releases, and
# ENSG00000000003.14_3 of releases lifted to another genome, which number the mapping as well
_VERSIONED = re.compile(r"(ENS[A-Z]*[GT]R?\d{10,11})\.\d+(?:_\d+)?(_PAR_Y)?(?:_\d+)?")


def without_version(gene: str) -> str:
    """Return an Ensembl gene or transcript id without its version; any other id as it is."""
    found = _VERSIONED.fullmatch(gene)
    return found[1] + (found[2] or "") if found else gene


def is_ensembl(gene: str) -> bool:
    """Tell an Ensembl id of any kind, with or without its version: ENSA is the symbol of a gene and none."""
    return re.match(r"ENS[A-Z]*R?\d", gene) is not None


def strip_versions(genes: list[str]) -> tuple[list[str], int]:
    """Strip the versions of Ensembl gene and transcript ids.

    `_PAR_Y` stays. An id that would then equal another one keeps its version.

    Parameters
    ----------
    genes : list of str

    Returns
    -------
    genes : list of str
        In the same order; unique if they were.
    count : int
        How many were changed.
    """
    stripped = [without_version(gene) for gene in genes]
    shared = Counter(stripped)
    kept = [new if shared[new] == 1 else old for old, new in zip(genes, stripped, strict=True)]
    return kept, sum(new != old for old, new in zip(genes, kept, strict=True))
