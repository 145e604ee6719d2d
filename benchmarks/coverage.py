"""Ask whether 95 % intervals cover the true accuracy in 95 of 100 studies.

python -m benchmarks.coverage               # 200 studies a design: minutes of one core
python -m benchmarks.coverage --studies 20  # a try

The true accuracy is that of the procedure at this training size: the mean over all models of all studies of their
accuracy on 20,000 fresh samples. The table goes into benchmarks/README.md, between its two marks.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from gexflow.cohorts.splits import split_samples
from gexflow.evaluation.bootstrap import draw_groups
from gexflow.evaluation.metrics import score_folds
from gexflow.evaluation.scoring import Protocol, intervals_of
from gexflow.evaluation.tested import Tested

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- table of coverage.py: begin -->", "<!-- table of coverage.py: end -->"
METHODS = ("student_t", "nadeau_bengio", "bootstrap", "wilson")
FRESH = 20_000


@dataclass(frozen=True)
class Design:
    """How a study is made: three classes of normal samples, some of them from one patient.

    Attributes
    ----------
    name : str
    samples, genes : int
    shift : float
        Of the class means, in standard deviations.
    per_patient : int
        Samples of a patient, who has one class; they share half of their variance.
    folds, repeats : int
    """

    name: str
    samples: int
    genes: int = 10
    shift: float = 1.0
    per_patient: int = 1
    folds: int = 10
    repeats: int = 1


DESIGNS = (
    Design("100 samples, accuracy about .8", 100),
    Design("300 samples, accuracy about .8", 300),
    Design("300 samples, accuracy about .97", 300, shift=1.9),
    Design("300 samples, ten folds three times", 300, repeats=3),
    Design("300 samples of 100 patients", 300, per_patient=3),
    Design("100 samples, five folds", 100, folds=5),
)


def draw(design: Design, samples: int, per_patient: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Draw values (samples, genes) and classes (samples,)."""
    patients = -(-samples // per_patient)
    classes = np.repeat(rng.integers(0, 3, patients), per_patient)[:samples]
    means = np.zeros((3, design.genes))
    means[range(3), range(3)] = design.shift * np.sqrt(2)
    shared = np.repeat(rng.normal(size=(patients, design.genes)), per_patient, axis=0)[:samples]
    own = rng.normal(size=(samples, design.genes))
    mixed = np.sqrt(0.5) * shared + np.sqrt(0.5) * own if per_patient > 1 else own
    return means[classes] + mixed, classes


def study(design: Design, seed: int) -> tuple[pd.DataFrame, float]:
    """Make one study; return its intervals of the accuracy, and the accuracy of its models on fresh samples."""
    rng = np.random.default_rng(seed)
    values, classes = draw(design, design.samples, design.per_patient, rng)
    fresh = draw(design, FRESH, 1, np.random.default_rng(0))
    names = [f"s{number:04d}" for number in range(design.samples)]
    patients = [f"p{number // design.per_patient:04d}" for number in range(design.samples)]
    splits = split_samples(names, list(map(str, classes)), patients, design.folds, design.repeats, seed, 0.0)
    found, accuracies = [], []
    for fold, rows in splits.groupby("fold"):
        test = (rows["part"] == "test").to_numpy()
        model = LinearDiscriminantAnalysis().fit(values[~test], classes[~test])
        found.append((np.flatnonzero(test), fold, model.predict_proba(values[test])))
        accuracies.append((model.predict(fresh[0]) == fresh[1]).mean())
    tested = _tested(found, names, classes)
    groups = np.unique([patients[int(name[1:])] for name in tested.samples], return_inverse=True)[1]
    protocol = Protocol(design.folds, design.repeats)
    draws = draw_groups(int(groups.max()) + 1, seed)
    table = intervals_of(tested, score_folds(tested), groups, draws, protocol)
    return table[table["metric"] == "accuracy"].set_index("method"), float(np.mean(accuracies))


def _tested(found: list[tuple], names: list[str], classes: np.ndarray) -> Tested:
    rows = np.concatenate([rows for rows, _, _ in found])
    folds = np.concatenate([np.full(len(rows), fold) for rows, fold, _ in found])
    probabilities = np.concatenate([probabilities for *_, probabilities in found])
    samples = np.array(names, dtype=object)[rows]
    return Tested(samples, folds, classes[rows], probabilities.argmax(axis=1), probabilities, ["0", "1", "2"])


def cover(design: Design, studies: int) -> Iterator[tuple[str, float, float, int]]:
    """Yield method, share of the studies whose interval holds the true accuracy, mean width, and studies with one."""
    made = [study(design, seed) for seed in range(1, studies + 1)]
    truth = float(np.mean([accuracy for _, accuracy in made]))
    for method in METHODS:
        ends = np.array([table.loc[method, ["low", "high"]] for table, _ in made], dtype=np.float64)
        ends = ends[np.isfinite(ends).all(axis=1)]
        held = (ends[:, 0] <= truth) & (truth <= ends[:, 1])
        yield method, held.mean() if len(ends) else np.nan, np.diff(ends).mean() if len(ends) else np.nan, len(ends)


def main() -> None:
    """Simulate all designs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    studies = parser.parse_args().studies
    lines = [f"| design | {' | '.join(METHODS)} |", f"|{'---|' * (len(METHODS) + 1)}"]
    for design in DESIGNS:
        cells = [
            f"{100 * share:.1f} % ({100 * width:.1f})" if count else "undefined"
            for _, share, width, count in cover(design, studies)
        ]
        lines.append(f"| {design.name} | {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    if studies < 200:
        print("fewer than 200 studies: the README keeps its table")
        return
    before, rest = README.read_text().split(BEGIN)
    text = "\n".join([f"{date.today().isoformat()}, {studies} studies a design:", "", *lines])
    README.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{rest.split(END)[1]}")


if __name__ == "__main__":
    main()
