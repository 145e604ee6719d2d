"""The card of a cohort: what the report says of it."""

import json

import anndata
import numpy as np
import pandas as pd

from gexflow.cohorts.merged import merge_labels
from gexflow.cohorts.profile import QUANTILES, Profile, profile
from gexflow.cohorts.separating import separating_genes

_LISTED_GENES = 20
_LISTED_MISSING = 5


def describe(cohort: anndata.AnnData) -> dict:
    """Describe a cohort in numbers and words that JSON can hold.

    Parameters
    ----------
    cohort : AnnData
        From `build_cohort`. Its values are read in blocks of samples and never copied.

    Returns
    -------
    dict
        dataset, protocol ("published" in the leaky variant), source, samples, genes, classes, class_groups (groups of
        each class), merged, groups, batches, scale, scale_reason, missing_share, missing (the genes and samples with
        most), negatives, normalised_jointly, dropped, notes, origin, values, distribution, near_duplicates, separating,
        gene_counts.
    """
    source = json.loads(cohort.uns["source"])
    labels = cohort.obs["label"].astype(str).tolist()
    groups = cohort.obs["group"].astype(str).tolist()
    view = source.get("merged") or {}
    found = profile(cohort.X)
    return {
        "dataset": source["dataset"],
        "protocol": source.get("protocol", ""),
        "source": source["source"],
        "samples": cohort.n_obs,
        "genes": cohort.n_vars,
        "classes": _counts(labels),
        "class_groups": _counts([label for label, _ in set(zip(labels, groups, strict=True))]),
        "merged": {"labels": view, "classes": _counts(merge_labels(labels, view)) if view else {}},
        "groups": {**_groups(groups), "shared_by_rule": source.get("groups_shared_by_rule", False)},
        "batches": _batches(cohort.obs),
        "scale": str(cohort.uns["scale"]),
        "scale_reason": source["scale_reason"],
        "missing_share": source["missing_share"],
        "missing": _missing(found, cohort),
        "negatives": {"count": found.negatives, "share": found.negatives / found.known},
        "normalised_jointly": source["normalised_jointly"],
        "dropped": source["dropped"],
        "notes": source["notes"],
        "origin": source["origin"],
        "values": {"min": found.minimum, "median": found.median, "max": found.maximum},
        "distribution": _distribution(found, labels, str(cohort.uns["scale"])),
        "near_duplicates": source.get("near_duplicates") or {},
        "separating": _separating(cohort, labels),
        "gene_counts": source.get("gene_counts") or {},
    }


def _counts(names: list[str]) -> dict[str, int]:
    return {str(name): int(count) for name, count in sorted(pd.Series(names).value_counts().items())}


def _groups(groups: list[str]) -> dict[str, int]:
    sizes = pd.Series(groups).value_counts()
    shared = sizes[sizes > 1]
    return {"count": len(sizes), "largest": int(sizes.max()), "samples_in_shared_groups": int(shared.sum())}


def _batches(obs: pd.DataFrame) -> dict:
    """Count batches and, for each class, the batches that hold it; {} where none are known."""
    if "batch" not in obs:
        return {}
    batches = obs["batch"].astype(str)
    known = batches != ""
    if not known.any():
        return {}
    sizes = batches[known].value_counts()
    of_class = batches.where(known).groupby(obs["label"].astype(str)).nunique()  # skips the unknown
    return {
        "count": len(sizes),
        "largest": {"name": str(sizes.index[0]), "samples": int(sizes.iloc[0])},
        "of_class": {str(label): int(count) for label, count in sorted(of_class.items())},
        "unknown": int((~known).sum()),
    }


def _missing(found: Profile, cohort: anndata.AnnData) -> dict[str, list[dict]]:
    def most(shares: np.ndarray, names: pd.Index) -> list[dict]:
        first = np.argsort(-shares, kind="stable")[:_LISTED_MISSING]
        return [{"name": str(names[i]), "share": float(shares[i])} for i in first if shares[i] > 0]

    return {
        "genes": most(found.missing_genes, cohort.var_names),
        "samples": most(found.missing_samples, cohort.obs_names),
    }


def _distribution(found: Profile, labels: list[str], scale: str) -> dict:
    """Summarise library sizes (of counts) or values, class by class, in five quantiles.

    Library sizes: quantiles over the samples of a class. Values: the median over the samples of a class of each
    sample's own quantile.
    """
    counts = scale == "counts"
    classes = {}
    for label in sorted(set(labels)):
        rows = np.asarray(labels) == label
        five = np.quantile(found.totals[rows], QUANTILES) if counts else np.median(found.quantiles[rows], axis=0)
        classes[label] = [float(f"{value:.5g}") for value in five]
    return {"of": "library sizes" if counts else "values", "quantiles": list(QUANTILES), "classes": classes}


def _separating(cohort: anndata.AnnData, labels: list[str]) -> dict:
    """Count the genes that separate a class perfectly; name the first twenty."""
    found = separating_genes(cohort.X, labels)
    symbols = cohort.var["symbol"].astype(str)
    listed = [
        {"gene": str(cohort.var_names[gene]), "symbol": symbols.iloc[gene], "class": label}
        for gene, label in found[:_LISTED_GENES]
    ]
    return {"count": len(found), "genes": listed}
