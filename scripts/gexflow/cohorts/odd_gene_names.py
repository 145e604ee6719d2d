"""Odd names of genes: symbols that became dates, ids that R put an X before, facts of samples among them."""

import re

from gexflow.errors import listed
from gexflow.log import CAUTION

_MONTHS = "jan|feb|mar|mrz|mär|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez"
_DATE = re.compile(
    rf"\d{{1,2}}[-. ]({_MONTHS})[a-z]*\.?([- ]\d{{2,4}})?|({_MONTHS})[a-z]*\.?[- ]\d{{1,4}}"
    r"|\d{4}-\d{2}-\d{2}( \d{2}:\d{2}(:\d{2})?)?|\d{1,2}[/.]\d{1,2}[/.]\d{2,4}",
    re.IGNORECASE,
)
_CLINICAL = re.compile(
    r"age|sex|gender|race|stage|grade|weight|height|bmi|batch|plate|patient|status|event|survival|vital[ _]status"
    r"|(os|pfs|dfs|rfs|efs)[ _.]?(days|months|years|time|event|status)?|(age|days|time|months)[ _.](at|to)[ _.]\w+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d(\.\d+)?E\+\d{2}")  # RIKEN's 2310009E13
_MADE = re.compile(r"X\d")


def facts_of_samples(genes: list[str]) -> list[str]:
    """Return the names that are probably those of facts of samples, as an age or a survival time, and not of genes."""
    return [gene for gene in genes if _CLINICAL.fullmatch(gene)]


def odd_gene_names(genes: list[str], symbols: list[str]) -> list[str]:
    """Return notes on names that a spreadsheet or R has changed, and on columns that are probably no genes.

    Parameters
    ----------
    genes, symbols : list of str
        One per gene; "" where a symbol is unknown.
    """
    notes = []
    spoiled = [name for name in dict.fromkeys([*genes, *symbols]) if _DATE.fullmatch(name) or _NUMBER.fullmatch(name)]
    if spoiled:
        notes.append(
            f"{CAUTION}gene names that look like symbols which a spreadsheet turned into dates or numbers "
            f"({len(spoiled)}, e.g. {listed(spoiled, 3)}; MARCH1 becomes 1-Mar): export the table again with ids as "
            "text, or these genes match no other cohort and no annotation."
        )
    made = [gene for gene in genes if _MADE.match(gene)]
    if 2 * len(made) > len(genes):
        notes.append(
            f"{CAUTION}{len(made)} of {len(genes)} gene ids begin with X and a digit ({listed(made, 3)}), as R makes "
            f"them of ids that begin with a digit ({made[0][1:]}): write the table with check.names = FALSE, or these "
            "genes match no other cohort and no annotation."
        )
    clinical = facts_of_samples(genes)
    if clinical:
        notes.append(
            f"{CAUTION}among the genes are columns that look like facts of samples ({listed(clinical, 5)}): if they "
            "are no genes, list them under the dataset's `ignore`."
        )
    return notes
