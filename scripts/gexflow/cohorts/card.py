"""The card of a cohort: what the report says of it."""

import json

import anndata
import numpy as np


def describe(cohort: anndata.AnnData) -> dict:
    """Describe a cohort in numbers and words that JSON can hold.

    Parameters
    ----------
    cohort : AnnData
        From `build_cohort`.

    Returns
    -------
    dict
        dataset, source, samples, genes, classes, groups, scale, scale_reason, missing_share, normalised_jointly,
        dropped, notes, origin, values.
    """
    source = json.loads(cohort.uns["source"])
    labels = cohort.obs["label"].value_counts()
    sizes = cohort.obs["group"].value_counts()
    shared = sizes[sizes > 1]
    known = cohort.X[~np.isnan(cohort.X)]
    return {
        "dataset": source["dataset"],
        "source": source["source"],
        "samples": cohort.n_obs,
        "genes": cohort.n_vars,
        "classes": {str(label): int(count) for label, count in sorted(labels.items())},
        "groups": {"count": len(sizes), "largest": int(sizes.max()), "samples_in_shared_groups": int(shared.sum())},
        "scale": str(cohort.uns["scale"]),
        "scale_reason": source["scale_reason"],
        "missing_share": source["missing_share"],
        "normalised_jointly": source["normalised_jointly"],
        "dropped": source["dropped"],
        "notes": source["notes"],
        "origin": source["origin"],
        "values": {"min": float(known.min()), "median": float(np.median(known)), "max": float(known.max())},
    }
