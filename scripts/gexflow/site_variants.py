"""The variant `{dataset}~sites`: the very same cohort, in folds whose test sites never train.

Light: Snakemake reads it at every start and in every job.
"""

from copy import deepcopy

from gexflow.variants import base_of

SITES = "sites"
# What the config says of the ordinary dataset alone.
_NOT_BY_SITE = ("expected", "tried_on", "published", "variants")


def with_sites(datasets: dict[str, dict]) -> dict[str, dict]:
    """Return datasets and, right behind each that asks for it, its variant with folds by site.

    Parameters
    ----------
    datasets : {name: settings}
        As in the config; `variants` lists those wanted. By site there is one repeat: with few sites the folds of
        another one would be the same again, and intervals would count them as new.
    """
    found = {}
    for name, settings in datasets.items():
        found[name] = settings
        if SITES in settings.get("variants", []):
            kept = {key: deepcopy(value) for key, value in settings.items() if key not in _NOT_BY_SITE}
            found[f"{name}~{SITES}"] = {**kept, "repeats": 1}
    return found


def is_by_site(dataset: str) -> bool:
    """Tell the variant of a dataset whose folds keep sites together."""
    return dataset.endswith(f"~{SITES}")


def cohort_owner(dataset: str) -> str:
    """Return the dataset whose cohort, card and truth a dataset uses: its own, but for folds by site."""
    return base_of(dataset) if is_by_site(dataset) else dataset
