"""Rule audit_cohort: all checks for leaks in one table; in strict mode a finding ends the run."""

import json
from pathlib import Path

import anndata
import pandas as pd

from gexflow import files
from gexflow.audit_names import PERMUTED, RANDOM_GENES
from gexflow.cohorts.holdout import locked_samples
from gexflow.evaluation.audit import Refitted, audit_cohort
from gexflow.evaluation.audit_leaks import leak_row
from gexflow.evaluation.audit_refits import COLUMNS as DRAW_COLUMNS
from gexflow.evaluation.audit_refits import TEXT as DRAW_TEXT
from gexflow.evaluation.audit_rows import COLUMNS, FINDING, Row, audit_table, refuse_findings
from gexflow.memory import keep_freed_memory
from gexflow.models.predictions import TEXT
from job import job


def draws(variant: str, model: str) -> pd.DataFrame:
    """Read the draws of a variant; none where none were made."""
    paths = dict(zip(settings[variant], snakemake.input.get(variant), strict=True))
    return files.read_table(paths[model], DRAW_TEXT) if model in paths else pd.DataFrame(columns=DRAW_COLUMNS)


def refitted(number: int, model: str) -> Refitted:
    """Read what the refits of an audited model gave, and its result in the first repeat."""
    first = number * settings["folds"] * settings["repeats"]
    folds = snakemake.input.predictions[first : first + settings["folds"]]
    own = pd.concat([files.read_table(path, TEXT) for path in folds]).query("part == 'test'")
    random = draws(RANDOM_GENES, model)
    keep = int(random["genes"].iloc[0]) if len(random) else 0
    return Refitted(draws(PERMUTED, model), random, keep, own, settings["random_genes"])


with job(snakemake) as log:
    keep_freed_memory()
    settings = json.loads(snakemake.params.settings)
    failed = Path(snakemake.output.audit).with_suffix(".failed.tsv")
    failed.unlink(missing_ok=True)  # of an earlier run
    splits = files.read_table(snakemake.input.splits, text=("sample", "group", "part"))
    locked = locked_samples(splits)
    rows = audit_cohort(
        files.read_by_gene(snakemake.input.cohort, leave_out=locked),
        splits,
        files.read_json(snakemake.input.card),
        {model: refitted(number, model) for number, model in enumerate(settings["models"])},
        {
            name: (steps, files.read_h5ad(path))
            for (name, steps), path in zip(sorted(settings["recipes"].items()), snakemake.input.fitted, strict=True)
        },
        lambda: files.read_by_gene(snakemake.input.cohort, leave_out=locked),
        settings["seed"],
        anndata.read_h5ad(snakemake.input.cohort, backed="r").obs,
    )
    for leak, path in zip(settings["leaks"], snakemake.input.leaks, strict=True):
        found = files.read_table(path, tuple(COLUMNS))
        rows.append(leak_row(leak, [Row(*row) for row in found[COLUMNS].itertuples(index=False)]))
    table = audit_table(rows)
    for row in table[table["finding"] == FINDING].itertuples():
        log.warning("%s%s: %s", row.check, f" ({row.subject})" if row.subject else "", row.detail)
    if settings["strict"]:  # a failed job loses its output, so the table goes beside it first
        if (table["finding"] == FINDING).any():
            files.write_table(table, failed)
        refuse_findings(rows, snakemake.wildcards.dataset, str(failed))
    files.write_table(table, snakemake.output.audit)
    log.info("%s", ", ".join(f"{count} {finding}" for finding, count in table["finding"].value_counts().items()))
