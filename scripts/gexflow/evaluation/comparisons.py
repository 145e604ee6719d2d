"""Who is better on identical folds: every model against the linear reference, every network against its controls."""

from collections import Counter
from math import nan

import numpy as np
import pandas as pd
from scipy import sparse

from gexflow.evaluation.bootstrap import LEAST_UNITS, bootstrap
from gexflow.evaluation.exact import discordant_pairs, sign_flip_p
from gexflow.evaluation.intervals import LEVEL, corrected_p, detectable, nadeau_bengio
from gexflow.evaluation.tested import Tested
from gexflow.variants import base_of, control_of, is_reseeded

REFERENCE, CONTROLS = "linear reference", "controls"
BETTER, WORSE, UNCLEAR = "better", "worse", "no difference shown"
COLUMNS = (
    "family",
    "model",
    "other",
    "difference",
    "low",
    "high",
    "p_corrected_t",
    "p_holm",
    "p_exact",
    "test",
    "better_on",
    "worse_on",
    "bootstrap_low",
    "bootstrap_high",
    "detectable",
    "verdict",
    "note",
)


def pairs(models: list[str], reference: str) -> list[tuple[str, str, str]]:
    """Return what is compared: family, model and what it is compared with.

    Parameters
    ----------
    models : list of str
        All of a cohort, controls among them. What was begun from another seed is no rival: it is left out.
    reference : str
        The linear reference model; "" for none.
    """
    plain = [name for name in models if not control_of(name)]
    against = [(REFERENCE, name, reference) for name in plain if name != reference and reference in plain]
    controls = [name for name in models if control_of(name) and base_of(name) in models and not is_reseeded(name)]
    return against + [(CONTROLS, base_of(name), name) for name in controls]


def compare_models(
    models: dict[str, Tested],
    groups: np.ndarray,
    draws: np.ndarray,
    reference: str,
    folds: int,
    validation: float = 0.0,
) -> pd.DataFrame:
    """Compare the accuracies of models that were tested on the same rows.

    Parameters
    ----------
    models : {name: Tested}
        All with the same rows in the same order.
    groups : int array (rows,), draws : int array (resamples, groups)
        See `gexflow.evaluation.bootstrap`.
    reference : str
        The linear reference model.
    folds, validation : int, float
        See `nadeau_bengio`.

    Returns
    -------
    DataFrame with COLUMNS
        `difference` is the accuracy of the model minus that of the other, mean over folds, with the Nadeau-Bengio
        interval; `p_holm` is that of the corrected t-test after Holm within the family; `p_exact` is McNemar's exact
        test, or by sign flips over groups where these have several samples; `better_on` and `worse_on` count
        samples (groups); `detectable` is the difference that would be shown with a power of 80 %. "better" and
        "worse" stand where the interval excludes zero and `p_holm` is at most 0.05.
    """
    rows, wanted = [], pairs(list(models), reference)
    sizes = Counter(family for family, *_ in wanted)
    for family, model, other in wanted:
        one, two = models[model], models[other]
        change = one.hits.astype(np.int64) - two.hits
        by_group = np.bincount(groups, weights=change).round().astype(np.int64)
        better, worse = discordant_pairs(by_group)
        differences = np.array([change[one.folds == fold].mean() for fold in np.unique(one.folds)])
        low, high = np.clip(nadeau_bengio(differences, folds, validation), -1, 1)
        several = len(by_group) < len(groups)
        row = {
            "family": family,
            "model": model,
            "other": other,
            "difference": differences.mean(),
            "low": low,
            "high": high,
            "p_corrected_t": corrected_p(differences, folds, validation),
            "p_exact": sign_flip_p(by_group),
            "test": "sign flips over groups" if several else "McNemar, exact",
            "better_on": better,
            "worse_on": worse,
            "detectable": detectable(differences, folds, validation, sizes[family]),
            "note": _note(differences, folds, len(by_group)),
        }
        row["bootstrap_low"], row["bootstrap_high"] = _bootstrap(change, groups, draws)
        rows.append(row)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    for _, places in table.groupby("family").groups.items():
        table.loc[places, "p_holm"] = holm(table.loc[places, "p_corrected_t"].to_numpy(dtype=np.float64))
    table["verdict"] = [verdict(*row) for row in table[["low", "high", "p_holm"]].itertuples(index=False, name=None)]
    return table


def verdict(low: float, high: float, p_holm: float) -> str:
    """Return what may be said of a difference: something only where its corrected interval excludes zero."""
    if not p_holm <= 1 - LEVEL:  # NaN too
        return UNCLEAR
    return BETTER if low > 0 else WORSE if high < 0 else UNCLEAR


def holm(p_values: np.ndarray) -> np.ndarray:
    """Adjust p-values of a family (Holm, Scand. J. Stat. 6, 1979); undefined ones stay NaN, and count as tests."""
    order = np.argsort(p_values)  # NaN last
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.full(len(p_values), nan)
    adjusted[order] = np.minimum(np.maximum.accumulate(p_values[order] * factors), 1)
    return adjusted


def _bootstrap(change: np.ndarray, groups: np.ndarray, draws: np.ndarray) -> tuple[float, float]:
    """Return the BCa interval of the pooled difference, groups drawn together."""
    totals = np.stack([np.bincount(groups, weights=change), np.bincount(groups)], axis=1)
    found = bootstrap(sparse.csr_array(totals), draws, lambda sums: {"difference": sums[..., 0] / sums[..., 1]})
    return found["difference"]


def _note(differences: np.ndarray, folds: int, units: int) -> str:
    """Say what is undefined, and where the exact test could show nothing whatever it found."""
    found = ["one split: no interval over folds"] if folds < 2 else []
    if folds > 1 and np.ptp(differences) <= 1e-12:
        found.append("all folds differ alike: no interval")
    if 2 ** (1 - units) > 1 - LEVEL:
        found.append(f"{units} independent units: the exact p cannot fall to {1 - LEVEL:.2g}")
    if units < LEAST_UNITS:
        found.append(f"{units} independent units are too few for a bootstrap")
    return "; ".join(found)
