"""Rule score_recovery: how well attributions find the genes that a simulation planted."""

import pandas as pd

from gexflow import files
from gexflow.attribution.recovery import f_test_recovery, recovery
from job import job

with job(snakemake) as log:
    truth = files.read_json(snakemake.input.truth)["planted"]
    names = {gene for genes in truth.values() for gene in genes}
    rows = []
    for number, (path, features) in enumerate(zip(snakemake.input.folds, snakemake.input.features, strict=True), 1):
        attributions, table = files.read_h5ad(path), files.read_h5ad(features)
        planted = table.var_names.isin(names)
        train = (table.obs["part"] == "train").to_numpy()
        rows.append(
            {
                "fold": number,
                "genes": table.n_vars,
                "planted": int(planted.sum()),
                "auroc_attribution": recovery(attributions.X, planted),
                "auroc_f_test": f_test_recovery(table.X[train], table.obs["label"][train].to_numpy(), planted),
            }
        )
    scores = pd.DataFrame(rows)
    files.write_table(scores, snakemake.output.recovery)
    log.info("AUROC of planted genes: attribution %.3f, F-test %.3f", *scores.iloc[:, 3:].mean())
