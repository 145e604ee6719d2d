"""Ten models of ten folds on a cohort as large as TCGA are scored in a minute, reading and writing included."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gexflow.files import read_table, write_table
from gexflow.report.study import SCORES

ROOT = Path(__file__).parents[2]
SAMPLES, FOLDS, MODELS = 10_446, 10, [f"m{number}" for number in range(10)]
CLASSES = [f"C{number:02d}" for number in range(33)]
SECONDS, GIB = 60, 2
JOB = """
import json, resource, sys, time
from pathlib import Path
from tests.jobs import job_of, run_script
start = time.monotonic()
inputs, outputs, settings = map(json.loads, sys.argv[2:])
run_script(job_of("score_cohort", Path(sys.argv[1]), inputs, outputs, settings))
print(time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)
"""


def write_predictions(folder: Path, model: str, number: int) -> list[str]:
    """Write what a model says in every fold; nine in ten answers are right."""
    rng, labels = np.random.default_rng(number), np.arange(SAMPLES) % len(CLASSES)
    odds = rng.gamma(0.2, size=(SAMPLES, len(CLASSES)))
    odds[np.arange(SAMPLES), labels] += np.where(rng.random(SAMPLES) < 0.9, 10, 0)
    probabilities = np.round(odds / odds.sum(axis=1, keepdims=True), 9)
    names = np.array(CLASSES)
    head = {"sample": [f"s{i:05d}" for i in range(SAMPLES)], "fold": np.arange(SAMPLES) % FOLDS + 1, "part": "test"}
    head |= {"label": names[labels], "predicted": names[probabilities.argmax(axis=1)]}
    table = pd.concat([pd.DataFrame(head), pd.DataFrame(probabilities, columns=[f"p:{c}" for c in CLASSES])], axis=1)
    paths = []
    for fold, rows in table.groupby("fold"):
        paths.append(str(folder / f"models/{model}/fold{fold}/predictions.tsv"))
        write_table(rows, paths[-1])
    return paths


@pytest.mark.long
def test_ten_models_on_tcga_are_scored_in_a_minute_and_two_gigabytes(tmp_path):
    predictions = [path for i, model in enumerate(MODELS) for path in write_predictions(tmp_path, model, i)]
    samples = [f"s{i:05d}" for i in range(SAMPLES)]
    groups = [f"p{i * 100 // 103}" for i in range(SAMPLES)]  # some patients have two
    splits = pd.DataFrame({"sample": samples, "group": groups, "repeat": 1, "fold": 1, "part": "test"})
    write_table(splits, tmp_path / "splits.tsv")
    settings = {"models": MODELS, "folds": FOLDS, "repeats": 1, "validation": 0.0, "reference": "m0", "seed": 32}
    settings["merge"] = {"both": CLASSES[:2]}
    inputs = {"predictions": predictions, "splits": str(tmp_path / "splits.tsv")}
    outputs = {name: str(tmp_path / f"evaluation/{name}.tsv") for name in (*SCORES, "comparisons")}
    given = [str(tmp_path / "logs/score.log"), *map(json.dumps, (inputs, outputs, settings))]
    command = [sys.executable, "-c", JOB, *given]
    environment = {"PYTHONPATH": f"{ROOT}:{ROOT / 'scripts'}"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    seconds, gib = map(float, done.stdout.split())
    print(f"{seconds:.1f} s, {gib:.2f} GiB")
    assert seconds <= SECONDS
    assert gib <= GIB
    summary = read_table(outputs["summary"], ("model", "metric"))
    assert list(summary["model"].unique()) == MODELS
