"""Ask whether the preset `fast` is worse than `paper`, with three seeds each on every cohort.

python -m benchmarks.compare_presets            # ten simulated cohorts of known Bayes error: 100 minutes of one core
python -m benchmarks.compare_presets --jobs 2   # two trainings side by side
python -m benchmarks.compare_presets results/khan/recipes/small ...    # genuine cohorts, all folds of their features

It goes on where it stopped.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t

from benchmarks.simulate import draw_known_cohort

RESULTS = Path(__file__).with_name("presets.jsonl")
COHORT = {"train": 1877, "test": 4000, "genes": 486, "bayes_error": 0.05}
COHORTS, SEEDS, PRESETS = range(1, 11), range(1, 4), ("paper", "fast")
MARGIN = 0.3  # points of accuracy


def train(cohort: int | str, seed: int, preset: str) -> dict:
    """Train GexpNet on a cohort; return accuracy and log loss on its test samples, and seconds of CPU time.

    A number draws a simulated cohort, with one large test part; a path names the prepared features of a genuine one,
    whose folds are trained one after the other.
    """
    import time
    from functools import partial

    import torch

    from benchmarks.ours_training import model_settings, simulated_fold
    from gexflow.memory import keep_freed_memory
    from gexflow.models.fold import Fold
    from gexflow.models.fold_training import train_folds
    from gexflow.models.gene_network import build_gene_network
    from gexflow.models.predictions import PREFIX
    from gexflow.models.trainer import Training

    torch.set_num_threads(1)
    keep_freed_memory()
    if isinstance(cohort, int):
        folds, name = [simulated_fold(draw_known_cohort(**COHORT, seed=cohort))], cohort
        samples = COHORT["train"] + COHORT["train"] // 9  # of a cohort with these training samples in ten folds
    else:
        paths = sorted(Path(cohort).glob("fold*/features.h5ad"))
        folds = [Fold.read(path, number) for number, path in enumerate(paths, 1)]
        name, samples = _name(cohort), len(folds[0].labels)
    settings = model_settings(preset=preset)
    training = Training.from_settings(settings).for_samples(samples)
    start = time.process_time()
    build = partial(build_gene_network, settings)
    tables = [train_folds([fold], build, training, seed, torch.device("cpu"))[0].predictions for fold in folds]
    seconds = time.process_time() - start
    table = pd.concat([table[table["part"] == "test"] for table in tables])
    places = table.columns.get_indexer(PREFIX + table["label"])
    chosen = np.clip(table.to_numpy()[np.arange(len(table)), places].astype(float), 1e-12, None)
    return {
        "cohort": name,
        "seed": seed,
        "preset": preset,
        "accuracy": float((table["label"] == table["predicted"]).mean()),
        "log_loss": float(-np.log(chosen).mean()),
        "cpu_seconds": round(seconds, 1),
    }


def _name(cohort: int | str) -> int | str:
    """Return a simulated cohort's number, or the name of the dataset whose features a path names."""
    return Path(cohort).parents[1].name if isinstance(cohort, str) else cohort


def genuine(rows: list[dict]) -> str:
    """Say each preset's mean and standard deviation over the seeds, for every genuine cohort."""
    table = pd.DataFrame(rows)
    table = table[table["cohort"].map(lambda cohort: isinstance(cohort, str))]
    keys = ["accuracy", "log_loss", "cpu_seconds"]
    return table.groupby(["cohort", "preset"])[keys].agg(["mean", "std", "count"]).round(4).to_string()


def summary(rows: list[dict]) -> str:
    """Say by how much `fast` is worse, with the upper 95 % bound over cohorts (Student t; seeds are averaged)."""
    found = {(row["cohort"], row["seed"], row["preset"]): row for row in rows}
    seeds = [s for s in SEEDS if all((c, s, preset) in found for c, preset in product(COHORTS, PRESETS))]
    whole = [c for c in COHORTS if all((c, s, preset) in found for s, preset in product(SEEDS, PRESETS))]
    whole, seeds = (list(COHORTS), seeds) if seeds else (whole, list(SEEDS))
    if len(whole) < 2:
        return f"{len(rows)} of {len(COHORTS) * len(SEEDS) * len(PRESETS)} trainings are done"
    lines = []
    for key, factor, unit in (("accuracy", 100, "points of accuracy"), ("log_loss", -1, "of log loss")):
        lost = [factor * np.mean([found[c, s, "paper"][key] - found[c, s, "fast"][key] for s in seeds]) for c in whole]
        bound = np.mean(lost) + t.ppf(0.95, len(lost) - 1) * np.std(lost, ddof=1) / np.sqrt(len(lost))
        lines.append(f"fast loses {np.mean(lost):.3f} {unit} against paper, upper 95 % bound {bound:.3f}")
    for preset in PRESETS:
        mine = [row for row in rows if row["preset"] == preset and row["cohort"] in COHORTS]
        means = {key: np.mean([row[key] for row in mine]) for key in ("accuracy", "log_loss", "cpu_seconds")}
        lines.append(preset + ": " + ", ".join(f"{key} {value:.4g}" for key, value in means.items()))
    return "\n".join([f"{len(whole)} cohorts, {len(seeds)} seeds; margin {MARGIN} points", *lines])


def main() -> None:
    """Train what is missing, keep every result at once, and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, one thread each (default 1)")
    parser.add_argument("features", nargs="*", help="results/DATASET/recipes/RECIPE of genuine cohorts")
    arguments = parser.parse_args()
    cohorts = arguments.features or COHORTS
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(row["cohort"], row["seed"], row["preset"]) for row in rows}
    wanted = ((cohort, seed, preset) for seed, cohort, preset in product(SEEDS, cohorts, PRESETS))
    waiting = [each for each in wanted if (_name(each[0]), *each[1:]) not in done]
    with ProcessPoolExecutor(arguments.jobs) as pool, RESULTS.open("a") as file:
        for row in pool.map(train, *zip(*waiting, strict=True)) if waiting else ():
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(json.dumps(row), flush=True)
    print(genuine(rows) if arguments.features else summary(rows))


if __name__ == "__main__":
    main()
