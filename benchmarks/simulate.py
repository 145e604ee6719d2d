"""Simulated data of the benchmarks: labels, folds, expression with planted markers, a cohort of known Bayes error."""

from dataclasses import dataclass

import numpy as np

# samples of the 33 tumour types that the transfer-learning study used (10,446 in all)
TCGA_SIZES = [79, 427, 1212, 309, 45, 328, 48, 196, 171, 566, 91, 606, 323, 173, 530, 423, 576, 552, 87, 307, 183]
TCGA_SIZES += [187, 550, 105, 265, 473, 450, 156, 568, 122, 201, 57, 80]
# samples of the five tumour types of the Mendeley set (2,086 in all)
MENDELEY_SIZES = [878, 537, 162, 240, 269]
_BAYES_SAMPLES = 100_000


def draw_labels(samples: int, sizes: list[int], rng: np.random.Generator) -> np.ndarray:
    """Return class numbers, int64 (samples,), in the proportions of `sizes`, at least ten a class, shuffled."""
    shares = np.array(sizes) / sum(sizes)
    counts = np.maximum(10, np.floor(shares * samples).astype(int))
    counts[counts.argmax()] += samples - counts.sum()
    return rng.permutation(np.repeat(np.arange(len(sizes)), counts))


def draw_folds(labels: np.ndarray, folds: int, rng: np.random.Generator) -> np.ndarray:
    """Return the fold, 0..folds-1, whose test part each sample is in: int64 (samples,), stratified by label."""
    order = np.lexsort((rng.random(len(labels)), labels))
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold


@dataclass(frozen=True)
class Population:
    """Classes that differ in marker genes; genes are correlated through hidden factors.

    Attributes
    ----------
    means, deviations : float32 arrays (genes,)
        On the log2 scale.
    loadings : float32 array (factors, genes)
    shifts : float32 array (classes, genes)
        Class means in standard deviations of the noise.
    """

    means: np.ndarray
    deviations: np.ndarray
    loadings: np.ndarray
    shifts: np.ndarray

    @classmethod
    def draw(cls, genes: int, classes: int, rng: np.random.Generator, effect: float = 1.5) -> "Population":
        """Give each class 2 % of the genes as markers and all genes a share of twenty factors.

        `effect` is the standard deviation of the markers' shifts, in standard deviations of the noise.
        """
        shifts = np.zeros((classes, genes), dtype=np.float32)
        for row in shifts:
            markers = rng.choice(genes, size=max(2, genes // 50), replace=False)
            row[markers] = rng.normal(0, effect, size=len(markers))
        loadings = rng.normal(0, np.sqrt(0.4 / 20), (20, genes)).astype(np.float32)
        means = rng.normal(6, 3, genes).astype(np.float32)
        return cls(means, rng.uniform(0.6, 1.8, genes).astype(np.float32), loadings, shifts)

    def log2(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw expression on the log2 scale, float32 (samples, genes), as an array measures it."""
        factors = rng.standard_normal((len(labels), len(self.loadings)), dtype=np.float32)
        z = rng.standard_normal((len(labels), len(self.means)), dtype=np.float32)
        z *= np.float32(np.sqrt(0.6))
        z += factors @ self.loadings
        z += self.shifts[labels]
        z *= self.deviations
        z += self.means
        return z

    def bayes_error(self, labels: np.ndarray, rng: np.random.Generator) -> float:
        """Return the error of the best classifier on a draw of these labels, whose shares are the priors."""
        covariance = 0.6 * np.eye(len(self.means)) + self.loadings.T.astype(np.float64) @ self.loadings
        z = (self.log2(labels, rng) - self.means) / self.deviations
        directions = np.linalg.solve(covariance, self.shifts.T)
        priors = np.log(np.bincount(labels, minlength=len(self.shifts)) / len(labels))
        scores = z @ directions - 0.5 * (self.shifts * directions.T).sum(axis=1) + priors
        return float((scores.argmax(axis=1) != labels).mean())

    def rnaseq(self, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw linear RNA-seq-like values, float32 (samples, genes): many zeros in weakly expressed genes."""
        return np.maximum(np.exp2(self.log2(labels, rng)) - 1, 0)


@dataclass(frozen=True)
class KnownCohort:
    """Training and test samples from independent normal genes, and the error of the best possible classifier."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray
    bayes_error: float


def draw_known_cohort(train: int, test: int, genes: int, bayes_error: float, seed: int) -> KnownCohort:
    """Draw five classes of Mendeley's proportions that overlap so far that the Bayes error is as asked for.

    Every class shifts a tenth of the genes, up or down by one common effect in standard deviations; the effect is found
    by bisection on one large draw, whose samples are classified by their true likelihood and the true priors.

    Parameters
    ----------
    train, test : int
        Samples.
    genes : int
    bayes_error : float
    seed : int

    Returns
    -------
    KnownCohort, values float32 (samples, genes), every gene of unit variance within a class
    """
    rng = np.random.default_rng(seed)
    priors = np.array(MENDELEY_SIZES) / sum(MENDELEY_SIZES)
    marker = np.zeros((len(priors), genes))
    for row in marker:
        row[rng.choice(genes, size=genes // 10, replace=False)] = 1
    marker *= rng.choice([-1.0, 1.0], size=genes)
    effect, found = _effect_of(bayes_error, marker, priors, rng)
    labels = draw_labels(train + test, MENDELEY_SIZES, rng)
    values = effect * marker[labels] + rng.standard_normal((train + test, genes))
    values = values.astype(np.float32)
    return KnownCohort(values[:train], labels[:train], values[train:], labels[train:], found)


def _effect_of(wanted: float, marker: np.ndarray, priors: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Return the effect whose Bayes error is `wanted`, and that error as found on the draw."""
    labels = rng.choice(len(priors), size=_BAYES_SAMPLES, p=priors)
    products = marker @ marker.T
    # the noise's projections on the class means are all that the likelihoods depend on
    noise = rng.standard_normal((_BAYES_SAMPLES, len(priors))) @ _root(products).T

    def error(effect: float) -> float:
        scores = effect * noise + effect**2 * (products[labels] - products.diagonal() / 2) + np.log(priors)
        return float((scores.argmax(axis=1) != labels).mean())

    low, high = 0.0, 10.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if error(middle) > wanted else (low, middle)
    return high, error(high)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Return R with R R' = matrix, for a symmetric positive semidefinite matrix."""
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0))
