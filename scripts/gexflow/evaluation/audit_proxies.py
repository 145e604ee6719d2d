"""The audit of single columns: labels written into the data, and genes that name a class by themselves."""

import numpy as np
from scipy.stats import rankdata

from gexflow.cohorts.label_codes import find_codes
from gexflow.errors import listed
from gexflow.evaluation.audit_rows import FINDING, NOTE, PASS, Row

NEARLY_PERFECT = 0.9999
_BLOCK = 1 << 22  # values ranked at a time


def one_versus_rest_auc(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return, for every gene, the largest AUC of any class against the rest, in whichever direction.

    Parameters
    ----------
    values : float array (samples, genes)
        Missing values are NaN and left aside.
    labels : str array (samples,)

    Returns
    -------
    float64 array (genes,), NaN where no class can be compared
    """
    classes, codes = np.unique(labels, return_inverse=True)
    members = np.eye(len(classes))[codes]  # (samples, classes)
    best = np.full(values.shape[1], np.nan)
    step = max(1, _BLOCK // max(1, len(values)))
    for start in range(0, values.shape[1], step):
        block = np.asarray(values[:, start : start + step], dtype=np.float64)
        known = ~np.isnan(block)
        # missing values rank behind all others and change nobody's rank
        ranks = rankdata(np.where(known, block, np.inf), axis=0) * known
        own = known.T @ members  # (genes, classes)
        others = known.sum(axis=0)[:, None] - own
        above = ranks.T @ members - own * (own + 1) / 2
        with np.errstate(divide="ignore", invalid="ignore"):
            auc = above / (own * others)
        best[start : start + step] = np.fmax.reduce(np.maximum(auc, 1 - auc), axis=1)
    return best


def audit_columns(values: np.ndarray, labels: np.ndarray, names: list[str]) -> list[Row]:
    """Look for columns that are the label, and count the genes that tell a class nearly perfectly.

    Parameters
    ----------
    values : float array (samples, genes)
    labels : str array (samples,)
    names : list of str, one a gene
    """
    codes = find_codes(values, list(labels))
    if len(codes):
        detail = f"{len(codes):,} columns are the label as a number: {listed([names[i] for i in codes], 5)}."
        proxies = Row("target proxies", "", FINDING, str(len(codes)), "0", detail)
    else:
        proxies = Row("target proxies", "", PASS, "0", "0", "No column stands for the labels one to one.")
    auc = one_versus_rest_auc(values, labels)
    found = np.flatnonzero(auc > NEARLY_PERFECT)
    found = found[np.argsort(-auc[found], kind="stable")]
    if not len(found):
        detail = f"No gene tells a class from the rest with an AUC above {NEARLY_PERFECT}."
        return [proxies, Row("near-perfect genes", "", PASS, "0", "", detail)]
    first = listed([names[i] for i in found], 10)
    detail = (
        f"Genes that tell a class from the rest with an AUC above {NEARLY_PERFECT} ({first}). Such genes exist; many "
        "may be a sign of a batch or of a label written into the data."
    )
    return [proxies, Row("near-perfect genes", "", NOTE, str(len(found)), "", detail)]
