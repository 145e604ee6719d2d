"""Ask whether the preset `fast` is worse than `paper`: ten simulated cohorts of known Bayes error, three seeds each.

python -m benchmarks.compare_presets            # some 100 minutes of one core; goes on where it stopped
python -m benchmarks.compare_presets --jobs 2   # two trainings side by side
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path

import numpy as np
from scipy.stats import t

from benchmarks.processes import ROOT
from benchmarks.simulate import draw_known_cohort

RESULTS = Path(__file__).with_name("presets.jsonl")
COHORT = {"train": 1877, "test": 4000, "genes": 486, "bayes_error": 0.05}
COHORTS, SEEDS, PRESETS = range(1, 11), range(1, 4), ("paper", "fast")
MARGIN = 0.3  # points of accuracy


def train(cohort: int, seed: int, preset: str) -> dict:
    """Train one GexpNet on one cohort; return accuracy and log loss on its test samples, and seconds of CPU time."""
    import sys
    import time

    import torch

    sys.path.insert(0, str(ROOT / "scripts"))

    from benchmarks.ours_training import model_settings
    from gexflow.memory import keep_freed_memory
    from gexflow.models.gene_network import build_gene_network
    from gexflow.models.stacks import stack
    from gexflow.models.trainer import FoldData, Training, predict, seed_all
    from gexflow.models.trainer import train as fit

    torch.set_num_threads(1)
    keep_freed_memory()
    data, cpu, settings = draw_known_cohort(**COHORT, seed=cohort), torch.device("cpu"), model_settings(preset=preset)
    samples = COHORT["train"] + COHORT["train"] // 9  # of the whole cohort: what the workflow counts
    training = Training.from_settings(settings).for_samples(samples)
    shuffles = seed_all(seed, 1)
    network = build_gene_network({**settings, "seed": seed}, COHORT["genes"], 5)
    start = time.process_time()
    fold = FoldData(data.train, data.train_labels, None, shuffles, 1)
    fit(stack([network], cpu), [fold], 5, training, cpu)
    seconds = time.process_time() - start
    probabilities = predict(network, data.test, cpu, training)
    chosen = np.clip(probabilities[np.arange(len(probabilities)), data.test_labels], 1e-12, None)
    accuracy = float((probabilities.argmax(axis=1) == data.test_labels).mean())
    facts = {"accuracy": accuracy, "log_loss": float(-np.log(chosen).mean()), "cpu_seconds": round(seconds, 1)}
    return {"cohort": cohort, "seed": seed, "preset": preset, "bayes_error": data.bayes_error, **facts}


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
        mine = [row for row in rows if row["preset"] == preset]
        means = {key: np.mean([row[key] for row in mine]) for key in ("accuracy", "log_loss", "cpu_seconds")}
        lines.append(preset + ": " + ", ".join(f"{key} {value:.4g}" for key, value in means.items()))
    return "\n".join([f"{len(whole)} cohorts, {len(seeds)} seeds; margin {MARGIN} points", *lines])


def main() -> None:
    """Train what is missing, keep every result at once, and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side, one thread each (default 1)")
    arguments = parser.parse_args()
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines()] if RESULTS.exists() else []
    done = {(row["cohort"], row["seed"], row["preset"]) for row in rows}
    wanted = ((cohort, seed, preset) for seed, cohort, preset in product(SEEDS, COHORTS, PRESETS))
    waiting = [each for each in wanted if each not in done]
    with ProcessPoolExecutor(arguments.jobs) as pool, RESULTS.open("a") as file:
        for row in pool.map(train, *zip(*waiting, strict=True)) if waiting else ():
            rows.append(row)
            file.write(json.dumps(row) + "\n")
            file.flush()
            print(json.dumps(row), flush=True)
    print(summary(rows))


if __name__ == "__main__":
    main()
