"""Folds by site in the report: what the variant asks, what it could not test, how far it is from the ordinary folds.

It is a column of its own beside its dataset, ranks nowhere and counts as no dataset, since it is the same cohort.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from gexflow.report.beside import differences
from gexflow.report.words import counted, listed, whole
from gexflow.site_variants import is_by_site
from gexflow.variants import base_of

MARK = "folds by site"
ASKS = (
    "the same cohort in folds by site: does what a model learned of a class hold at sites (institutions, "
    "platforms or other batches) of which it saw no sample of that class? Bootstrap and exact tests draw whole sites "
    "where a class is tested across them. There is one repeat; the audit looks at the ordinary folds alone."
)


def cohort_rows(dataset: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the rows of the section on cohorts; those of the cohort itself stand with the ordinary dataset."""
    found = dataset["splits"].get("sites") or {}
    rows = [("Cohort", f"that of {base_of(dataset['name'])}, split by site"), ("Sites", whole(found.get("sites")))]
    if "across" in found:
        rows.append(("Classes tested across sites", f"{len(found['across'])}: {listed(found['across'], 40)}"))
    rows.append(("Not tested across sites", _split_by_group(found)))
    if found.get("unknown"):
        rows.append(("Site not known", f"{counted(found['unknown'], 'sample')}; split by group"))
    tested = dataset["splits"].get("tested_in", {})
    if tested:
        names = [f"{name} ({count})" for name, count in tested.items()]
        rows.append(("Classes that some folds do not test", f"{listed(names, 40)} (folds that do)"))
    return rows


def not_across(dataset: dict[str, Any]) -> Iterator[str]:
    """Name the classes that folds by site do not test across sites, and samples of unknown site."""
    found = (dataset["splits"].get("sites") or {}) if is_by_site(dataset["name"]) else {}
    if found.get("split_by_group"):
        yield f"{_split_by_group(found)} (number of sites)."
    if found.get("unknown"):
        yield f"the site of {counted(found['unknown'], 'sample')} is not known; they are split by group."


def _split_by_group(found: dict[str, Any]) -> str:
    return listed([f"{name} ({count})" for name, count in found.get("split_by_group", {}).items()], 40)


def beside_ordinary(dataset: dict[str, Any], datasets: Iterable[dict[str, Any]]) -> list[str]:
    """Say for each model how accurate it is at sites that never trained, and on the ordinary folds."""
    variants = [other for other in datasets if is_by_site(other["name"])]
    return differences(dataset, variants, "by site", "ordinary folds")
