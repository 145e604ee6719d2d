"""Scores of samples that no fold has seen: one row a model and fold, all on the very same samples."""

import pandas as pd

from gexflow.evaluation.metrics import score_fold


def score_new(predictions: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Score the predictions of every fold's model.

    The folds' scores tell how much models of different training sets differ on these samples. They are no independent
    tests: all share the samples.

    Parameters
    ----------
    predictions : {model: predictions of all folds}

    Returns
    -------
    DataFrame of model, fold, samples and every metric
    """
    rows = []
    for model, table in predictions.items():
        for fold, part in table.groupby("fold"):
            scores = score_fold(part["label"].to_numpy(), part["predicted"].to_numpy())
            rows.append({"model": model, "fold": fold, "samples": len(part), **scores})
    return pd.DataFrame(rows)
