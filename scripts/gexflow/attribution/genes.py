"""Attributions of samples gathered to genes: which genes speak for a class, over all folds."""

import numpy as np
import pandas as pd


def rank_genes(attributions: list[pd.DataFrame], classes: list[list[str]], symbols: dict[str, str]) -> pd.DataFrame:
    """Rank genes within each predicted class.

    A gene's values are means over the samples that were predicted as the class, then over the folds that kept the gene:
    in the other folds it is missing, not zero. Genes kept in fewer than half of the folds are left out of the ranking.

    Parameters
    ----------
    attributions : one table (samples x genes) a fold
    classes : the predicted class of each sample, a fold
    symbols : {gene: symbol}

    Returns
    -------
    DataFrame: class, gene, symbol, rank, mean_attribution, mean_abs_attribution, folds
    """
    folds = len(attributions)
    names = sorted({name for fold in classes for name in fold})
    tables = []
    for name in names:
        means, sizes = [], []
        for table, predicted in zip(attributions, classes, strict=True):
            rows = table[np.asarray(predicted) == name]
            if len(rows):
                means.append(rows.mean())
                sizes.append(rows.abs().mean())
        mean, size = pd.concat(means, axis=1), pd.concat(sizes, axis=1)
        gathered = pd.DataFrame({"mean_attribution": mean.mean(axis=1), "mean_abs_attribution": size.mean(axis=1)})
        tables.append(gathered.rename_axis("gene").reset_index().assign(**{"class": name}))
    kept = pd.concat([pd.Series(table.columns) for table in attributions]).value_counts()
    ranked = pd.concat(tables, ignore_index=True)
    ranked["folds"] = ranked["gene"].map(kept)
    ranked = ranked[ranked["folds"] >= folds / 2]
    ranked = ranked.sort_values(["class", "mean_abs_attribution", "gene"], ascending=[True, False, True])
    ranked["rank"] = ranked.groupby("class").cumcount() + 1
    ranked["symbol"] = [symbols.get(gene, "") for gene in ranked["gene"]]
    columns = ["class", "gene", "symbol", "rank", "mean_attribution", "mean_abs_attribution", "folds"]
    return ranked[columns].reset_index(drop=True)
