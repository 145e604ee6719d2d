"""Rule open_holdout: record when and by which settings a hold-out is opened, before anything is predicted of it."""

import json
from datetime import UTC, datetime
from pathlib import Path

from gexflow import files
from gexflow.evaluation.opening import content_digest, record_opening
from gexflow.models.new_samples import read_held_out
from job import job

with job(snakemake) as log:
    # no declared output: Snakemake would remove it before the job runs again
    record = Path(snakemake.output.opened).with_name("openings.json")
    history = files.read_json(record) if record.exists() else []
    found = files.read_json(snakemake.input.facts)["holdout"]
    held_out = read_held_out(snakemake.input.cohort, snakemake.input.splits)
    holdout = {key: found[key] for key in ("samples", "digest")} | {"content": content_digest(held_out)}
    when = datetime.now(UTC).isoformat(timespec="seconds")
    openings = record_opening(history, json.loads(snakemake.params.settings), holdout, when)
    files.write_json(openings, record)
    files.write_json(openings, snakemake.output.opened)
    dataset = snakemake.wildcards.dataset
    if len({entry["digest"] for entry in openings}) > 1:
        log.warning(
            "the hold-out of %s was opened before, with other settings (%s): its scores are no longer those of samples "
            "that nobody looked at",
            dataset,
            ", ".join(openings[-1]["changed"]) or "the same as once before",
        )
    else:
        log.info("the hold-out of %s is open since %s", dataset, openings[0]["when"])
