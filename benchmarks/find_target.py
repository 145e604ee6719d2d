"""Find the test log loss that the published settings reach at their end: the target of the item `gexpnet-fast`.

The mean over several seeds of the plain loop. What it prints was written into `items/gexpnet.py` once; it is no part of
`make bench`.
"""

import argparse

from benchmarks.items.gexpnet import COHORTS, SETTINGS
from benchmarks.plain_gexpnet import log_loss, train_plain
from benchmarks.simulate import draw_known_cohort


def main() -> None:
    """Print one line a seed and the mean."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--scale", choices=list(COHORTS), default="full")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    arguments = parser.parse_args()
    cohort = draw_known_cohort(**COHORTS[arguments.scale])
    print(f"Bayes error {cohort.bayes_error:.4f}")
    losses = []
    for seed in range(1, arguments.seeds + 1):
        epochs = SETTINGS[arguments.scale]["epochs"]
        network, training = train_plain(cohort.train, cohort.train_labels, epochs, seed, arguments.device)
        losses.append(log_loss(network, cohort.test, cohort.test_labels))
        print(f"seed {seed}: test log loss {losses[-1]:.4f}, training loss {training:.4f}", flush=True)
    print(f"mean {sum(losses) / len(losses):.4f}")


if __name__ == "__main__":
    main()
