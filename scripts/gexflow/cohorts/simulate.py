"""Simulated cohorts: expression with planted marker genes, whose best possible accuracy is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gexflow.errors import InputError

# TCGA's abbreviations: simulated files of TCGA-like sources carry class names of the true form
TYPES = {
    "geo": ["Normal", "Subtype A", "Subtype B", "Subtype C", "Subtype D"],
    "mendeley": ["BRCA", "KIRC", "LUAD", "LUSC", "UCEC"],
    "tcga": ["BRCA", "COAD", "KIRC", "LUAD", "PRAD", "THCA"],
}
_BAYES_SAMPLES = 20_000


@dataclass
class Simulated:
    """A simulated cohort before it is written in a source's format.

    Attributes
    ----------
    log2 : float array (samples, genes)
        Expression on the log2 scale; NaN where a value is missing.
    labels, patients : str arrays (samples,)
    marker : bool array (classes, genes)
        Genes whose mean is shifted in a class.
    effect : float
        The shift in standard deviations of the gene (Cohen's d).
    bayes_accuracy : float
        Accuracy of the optimal classifier of single samples, by simulation.
    """

    log2: np.ndarray
    labels: np.ndarray
    patients: np.ndarray
    classes: list[str]
    marker: np.ndarray
    effect: float
    bayes_accuracy: float

    def truth(self, genes: list[str]) -> dict:
        """Return what was planted, for `truth.json`."""
        planted = {
            name: [gene for gene, is_marker in zip(genes, row, strict=True) if is_marker]
            for name, row in zip(self.classes, self.marker, strict=True)
        }
        return {"bayes_accuracy": round(self.bayes_accuracy, 4), "effect": self.effect, "planted": planted}


def simulate(source: str, settings: dict, seed: int) -> Simulated:
    """Draw a cohort: every class has marker genes of its own, shifted up or down by `effect` standard deviations.

    Genes are independent given the class. In a GEO cohort the first class is normal tissue of patients whose tumour is
    there too; samples of a patient share a patient effect (30 % of a gene's variance), so that folds must keep patients
    together. In the other cohorts a patient has one sample.

    Parameters
    ----------
    source : geo, mendeley or tcga
    settings : dict
        samples, genes, classes, effect, markers (share of the genes a class), missing (share of the values).
    seed : int
    """
    rng = np.random.default_rng(seed)
    n_classes, n_genes = settings["classes"], settings["genes"]
    if n_classes > len(TYPES[source]):
        raise InputError(f"a simulated {source} cohort has at most {len(TYPES[source])} classes, not {n_classes}")
    per_class = max(1, round(settings["markers"] * n_genes))
    if per_class * n_classes > n_genes:
        raise InputError(f"{n_classes} classes with {per_class} markers each need more than {n_genes} genes")
    marker = np.zeros((n_classes, n_genes), dtype=bool)
    for row, genes in zip(
        marker, rng.permutation(n_genes)[: per_class * n_classes].reshape(n_classes, -1), strict=True
    ):
        row[genes] = True
    shifts = settings["effect"] * marker * rng.choice([-1.0, 1.0], size=n_genes)
    codes, patients = _draw_samples(source, settings["samples"], n_classes, rng)
    z = shifts[codes] + _draw_noise(codes, patients, n_genes, rng)
    log2 = rng.normal(8, 1.5, n_genes) + rng.uniform(0.6, 1.8, n_genes) * z
    log2[rng.random(log2.shape) < settings["missing"]] = np.nan
    classes = TYPES[source][:n_classes]
    names = np.array([f"P{number + 1:04d}" for number in range(patients.max() + 1)])
    bayes = bayes_accuracy(shifts, np.bincount(codes, minlength=n_classes) / len(codes), rng)
    return Simulated(log2, np.array(classes)[codes], names[patients], classes, marker, settings["effect"], bayes)


def _draw_samples(
    source: str, n_samples: int, n_classes: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return class codes and patient numbers of the samples."""
    if source != "geo":
        return rng.permutation(np.arange(n_samples) % n_classes), np.arange(n_samples)
    normals = n_samples // n_classes
    tumours = n_samples - normals
    codes = np.concatenate([rng.permutation(np.arange(tumours) % (n_classes - 1)) + 1, np.zeros(normals, dtype=int)])
    return codes, np.concatenate([np.arange(tumours), np.arange(normals)])


def _draw_noise(codes: np.ndarray, patients: np.ndarray, n_genes: int, rng: np.random.Generator) -> np.ndarray:
    """Return noise of unit variance, correlated between the samples of a patient."""
    noise = rng.standard_normal((len(codes), n_genes))
    if len(np.unique(patients)) == len(patients):
        return noise
    shared = rng.standard_normal((patients.max() + 1, n_genes))
    return np.sqrt(0.3) * shared[patients] + np.sqrt(0.7) * noise


def bayes_accuracy(shifts: np.ndarray, priors: np.ndarray, rng: np.random.Generator) -> float:
    """Return the accuracy of the optimal classifier for unit normal noise around class means.

    Parameters
    ----------
    shifts : float array (classes, genes)
        Class means in standard deviations.
    priors : float array (classes,)
    """
    relevant = shifts[:, (shifts != 0).any(axis=0)]
    codes = rng.choice(len(priors), size=_BAYES_SAMPLES, p=priors)
    z = relevant[codes] + rng.standard_normal((_BAYES_SAMPLES, relevant.shape[1]))
    scores = z @ relevant.T - (relevant**2).sum(axis=1) / 2 + np.log(priors)
    return float((scores.argmax(axis=1) == codes).mean())


def label_table(cohort: Simulated, samples: list[str]) -> pd.DataFrame:
    """Return the samples of a simulated cohort with their label and patient."""
    return pd.DataFrame({"sample": samples, "label": cohort.labels, "patient": cohort.patients})
