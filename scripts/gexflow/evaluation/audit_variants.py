"""The draws of a variant of a cohort, from its files' tables: permuted labels or random genes, whatever the model."""

import anndata
import pandas as pd

from gexflow.audit_names import PERMUTED
from gexflow.errors import InputError
from gexflow.evaluation.audit import all_permuted_draws
from gexflow.evaluation.audit_refits import Pipeline, Predict, random_gene_draws


def variant_draws(
    cohort: anndata.AnnData,
    splits: pd.DataFrame,
    variant: str,
    settings: dict,
    predict: Predict,
    summary: pd.DataFrame | None,
    workers: int = 1,
) -> pd.DataFrame:
    """Refit a variant as often as the settings say.

    Parameters
    ----------
    cohort : AnnData
        Without the samples of a locked hold-out: no refit sees them.
    splits : DataFrame
        The folds in use.
    variant : str
        "permuted" or "random".
    settings : dict
        steps, folds, seed, validation, count.
    predict : function
        See `Pipeline`.
    summary : DataFrame or None
        For random genes what each step of the recipe keeps: as many as the fold that keeps fewest are drawn.
    workers : int
        See `Pipeline`.

    Returns
    -------
    DataFrame
        Columns of `audit_refits`; for random genes `genes`, their number, too.
    """
    how = {key: settings[key] for key in ("folds", "seed", "validation")}
    pipeline = Pipeline(settings["steps"], predict, **how, workers=workers)
    try:
        if variant == PERMUTED:
            return all_permuted_draws(cohort, pipeline, settings["count"])
        keep = int(summary.groupby("fold")["genes_out"].last().min())
        return random_gene_draws(cohort, splits, pipeline, settings["count"], keep).assign(genes=keep)
    except InputError as error:
        raise InputError(f"audit, {variant}: {error}") from None
