"""Scores of samples that no fold has seen: one row a model and fold, all on the very same samples."""

import pandas as pd

from gexflow.evaluation.metrics import score_folds
from gexflow.evaluation.tested import check_same_rows, read_tested


def score_new(predictions: dict[str, pd.DataFrame], part: str) -> pd.DataFrame:
    """Score the predictions of every fold's model.

    The folds' scores tell how much models of different training sets differ on these samples. They are no independent
    tests: all share the samples.

    Parameters
    ----------
    predictions : {model: predictions of all folds}
    part : holdout or external

    Returns
    -------
    DataFrame of model, fold, samples, every metric and `note`: what is undefined there and why

    Raises
    ------
    InputError
        Probabilities are damaged, or models were tested on different samples.
    """
    tested = {model: read_tested(table, model, part) for model, table in predictions.items()}
    check_same_rows(tested)
    tables = [score_folds(one) for one in tested.values()]
    for model, table in zip(tested, tables, strict=True):
        table.insert(0, "model", model)
    return pd.concat(tables, ignore_index=True)
