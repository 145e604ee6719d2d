"""L2 multinomial logistic regression with balanced classes: scikit-learn's optimum by a preconditioned Newton method.

The objective is that of `LogisticRegression(C=C, class_weight="balanced")`,

    f(W, b) = C sum_i w_i (log sum_k exp(z_ik) - z_i,y_i) + |W|^2 / 2,    z_i = W x_i + b,  w_i = n / (K n_y_i),

with an unpenalised intercept b. It is convex with one optimum, so the way to it does not matter. Here it is Newton's
method, every step solved by preconditioned conjugate gradients, with an exact line search: products with X are linear
in the step, so a search along it costs no further product. What makes it fast:

- All classes share one low-rank factorisation of the weighted scatter matrix of the genes within classes (randomised
  Nystroem approximation; Frangella, Tropp and Udell 2023, SIAM J. Matrix Anal. Appl. 44, algorithm 2.1). The Hessian's
  block of a class is about that matrix times the mean of p (1 - p) in that class, plus the identity, around the mean
  gene of the samples that matter to the class: its inverse is at hand.
- Coefficients of all classes sum to zero at the optimum and along the way, so products need one class less.
- Products of the Hessian may be taken in bfloat16. They only shape the step. Gradients stay float32, and so does the
  rule that ends the iterations.
- Sums over samples are products with the transposed values, and twice as fast where these lie in memory that way. So a
  copy is made, unless it were very large.

The rule: f is 1-strongly convex in W, hence |W - W*| <= |grad f| and f - f* <= |grad f|^2 / 2. With
|grad f| <= tolerance |W|, the coefficients are within `tolerance` of the optimum's, relative to |W|, and the objective
is within tolerance^2 of f, whatever the data, if the intercept is at its optimum for W; it has no penalty and so no
such bound, and its gradient enters the norm in units of its own curvature. `_ROUNDING` is granted to float32. At 1e-3
the genes that change sides of the median are those that tie there to about three digits: at most 2 of 2,000 where it
was tried.
"""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from gexflow.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 1e-3
COPIED = 5e7  # values (200 MB) of which further copies are worth their memory: a transposed one, one in bfloat16
_RANK = 96  # of the preconditioner
_CG_LIMIT = 100  # products a Newton step may take
_BLOCK = 1 << 21  # values of a block of samples: 8 MB, which oneDNN copies and keeps for every thread
_COLUMNS = 4096  # of rows that are taken to float64 at a time
_STALLED = 1e-7  # a relative decrease of f below this is rounding
_ROUNDING = 1e-6  # of the gradient, relative to the sum of the weights


@dataclass
class MultinomialFit:
    """A fitted model.

    Attributes
    ----------
    coefficients : float32 array (classes, genes); with two classes (1, genes), for the second one, as in scikit-learn
    intercept : float64 array (classes,), or (1,)
    objective : float
        f as above, with two classes scikit-learn's binary form of it.
    iterations : int
        Newton steps.
    converged : bool
        Whether the gradient became as small as asked.
    stalled : bool
        Whether float32 could not get nearer, `max_iter` notwithstanding.
    """

    coefficients: np.ndarray
    intercept: np.ndarray
    objective: float
    iterations: int
    converged: bool
    stalled: bool


def fit_multinomial(
    X: np.ndarray,
    codes: np.ndarray,
    C: float = 0.1,
    max_iter: int = 1000,
    bfloat16: bool = False,
    tolerance: float = TOLERANCE,
) -> MultinomialFit:
    """Fit the model of the module's docstring.

    Parameters
    ----------
    X : float32 array (samples, genes)
        Read in place if it is C-contiguous. A copy of up to 200 MB is made, and two of half its memory for `bfloat16`.
    codes : int array (samples,)
        Classes 0 to K - 1.
    C : float
        Inverse strength of the penalty.
    max_iter : int
        Bound on the Newton steps.
    bfloat16 : bool
        Whether products of the Hessian are taken in bfloat16.
    tolerance : float
        Bound on the relative error of the coefficients.

    Raises
    ------
    InputError
        If there are less than two classes, a class has no sample, or a value is missing or infinite.
    """
    counts = np.bincount(codes)
    if len(counts) < 2:
        raise InputError("the training samples are of one class: a logistic regression needs at least two")
    if not counts.all():
        raise InputError(f"class {np.flatnonzero(counts == 0)[0]} has no training sample: use fewer folds")
    binary = len(counts) == 2  # W = (-w/2, w/2): half the C gives |w|^2 its weight of 1/2 again
    problem = _Problem(X, codes, counts, C / 2 if binary else C, bfloat16)
    theta, objective, iterations, converged, stalled = _newton(problem, max_iter, tolerance)
    coefficients = theta[:, :-1].numpy()
    intercept = (theta[:, -1].double() - theta[:, :-1].double() @ problem.mean.double()).numpy()
    if binary:
        coefficients, intercept, objective = coefficients[1:] * 2, intercept[1:] * 2, objective * 2
    return MultinomialFit(coefficients, intercept, objective, iterations, converged, stalled)


def _product(a: "Tensor", b: "Tensor") -> "Tensor":
    """Return a @ b.T in float32; through oneDNN, which is two to three times as fast as MKL on some processors."""
    import torch

    if a.dtype == torch.bfloat16:
        return torch.mm(a, b.T).float()
    if torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
    return torch.mm(a, b.T)


class _Matrix:
    """Values (samples, genes) and their products with few rows, which are float32."""

    def __init__(self, x: "Tensor"):
        self.x = x
        self.turned = _turned(x) if x.numel() <= COPIED else None

    def times(self, rows: "Tensor") -> "Tensor":
        """Return x @ rows.T, (samples, rows)."""
        return _product(self.x, rows.to(self.x.dtype))

    def sums(self, rows: "Tensor") -> "Tensor":
        """Return rows @ x, (rows, genes)."""
        import torch

        rows = rows.to(self.x.dtype)
        if self.turned is not None:
            return _product(self.turned, rows.contiguous()).T
        # by blocks of samples: the product may rearrange x, and a block of it is small
        total, step = torch.zeros(len(rows), self.x.shape[1]), max(128, _BLOCK // self.x.shape[1])
        for start in range(0, len(self.x), step):
            total += _product(rows[:, start : start + step], self.x[start : start + step].T)
        return total


def _turned(x: "Tensor") -> "Tensor":
    """Copy x transposed; blocks that stay in the cache make that four to seven times as fast."""
    turned = x.new_empty(x.shape[::-1])
    for start in range(0, len(x), 256):
        turned[:, start : start + 256] = x[start : start + 256].T
    return turned


class _Problem:
    """The objective's parts for `theta`, a float32 tensor (classes, genes + 1); last the intercept at the mean gene.

    Genes are centred at their weighted mean without a copy: that frees the intercept of the coefficients.
    """

    def __init__(self, X: np.ndarray, codes: np.ndarray, counts: np.ndarray, C: float, bfloat16: bool):
        import torch

        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            self.x = _Matrix(torch.from_numpy(np.ascontiguousarray(X, dtype=np.float32)))
        self.codes = torch.from_numpy(codes.astype(np.int64))[:, None]
        weights = C * len(codes) / (len(counts) * counts)
        self.weights = torch.from_numpy(weights[codes].astype(np.float32))[:, None]
        self.total = float(self.weights.double().sum())
        self.mean = self.x.sums(self.weights.T)[0] / self.total
        if not torch.isfinite(self.mean).all():
            kind = "missing values (NaN)" if torch.isnan(self.x.x).any() else "infinite values (inf)"
            raise InputError(f"{kind} are not allowed here: put impute_median before this step, and check the values")
        self.classes = len(counts)
        self.rough = _Matrix(self.x.x.bfloat16()) if bfloat16 else self.x  # for what only shapes a step

    def scores(self, theta: "Tensor", x: _Matrix) -> "Tensor":
        """Return the logits (samples, classes); the last class is minus the sum of the others."""
        import torch

        coefficients = theta[:-1, :-1].contiguous()
        logits = x.times(coefficients).add_(theta[:-1, -1] - coefficients @ self.mean)
        return torch.cat([logits, -logits.sum(dim=1, keepdim=True)], dim=1)

    def collect(self, residuals: "Tensor", x: _Matrix) -> "Tensor":
        """Return the sum over samples of residuals (samples, classes) times (gene - mean, 1), shaped like theta."""
        import torch

        rows = (residuals[:, :-1] * self.weights).T.contiguous()
        sums = rows.sum(dim=1)
        genes = x.sums(rows).sub_(torch.outer(sums, self.mean))
        part = torch.cat([genes, sums[:, None]], dim=1)
        return torch.cat([part, -part.sum(dim=0, keepdim=True)])

    def objective(self, logits: "Tensor", theta: "Tensor") -> float:
        losses = logits.logsumexp(dim=1, keepdim=True) - logits.gather(1, self.codes)
        return float((losses.double() * self.weights).sum() + 0.5 * theta[:, :-1].double().square().sum())

    def gradient(self, probabilities: "Tensor", theta: "Tensor") -> "Tensor":
        residuals = probabilities.scatter_add(1, self.codes, self.weights.new_full(self.codes.shape, -1.0))
        return self.collect(residuals, self.x).add_(_penalised(theta))

    def curvature(self, probabilities: "Tensor", step: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Return the Hessian times a step, and the step's logits."""
        logits = self.scores(step, self.rough)
        change = probabilities * logits
        change -= probabilities * change.sum(dim=1, keepdim=True)
        return self.collect(change, self.rough).add_(_penalised(step)), logits

    def curvatures(self, probabilities: "Tensor") -> "Tensor":
        """Return w p (1 - p), the second derivatives of the loss by the logits, (classes, samples)."""
        return (probabilities * (1 - probabilities) * self.weights).T.contiguous()

    def sums(self, curvatures: "Tensor") -> "Tensor":
        return curvatures.sum(dim=1, keepdim=True).clamp_min_(1e-12 * self.total)

    def outline(self, curvatures: "Tensor") -> tuple["Tensor", "Tensor"]:
        """Return the sums of the curvatures, (classes, 1), and the mean gene that they weight, (classes, genes)."""
        sums = self.sums(curvatures)
        return sums, (self.rough.sums(curvatures) / sums).sub_(self.mean)


def _penalised(theta: "Tensor") -> "Tensor":
    kept = theta.clone()
    kept[:, -1] = 0
    return kept


class _Preconditioner:
    """The Hessian's inverse, about: a class's (share * scatter + 1)^-1 with a low-rank scatter matrix of the genes."""

    def __init__(self, problem: _Problem):
        import torch

        genes = problem.x.x.shape[1]
        rank = min(_RANK, genes)
        probes = torch.randn((genes, rank), generator=torch.Generator().manual_seed(0))
        probes = torch.linalg.qr(probes).Q.T.contiguous()
        images = self._scatter(problem, probes)
        core = _inner(images, probes)
        trace = float(core.trace()) * genes / rank
        images = _whitened(images, (core + core.T) / 2)  # its rows' outer products add up to the approximation
        self.values, vectors = torch.linalg.eigh(_inner(images, images))
        self.values = self.values.clamp_min(1e-30).float()
        self.basis = vectors.T.float() @ images  # (rank, genes), orthonormal rows
        self.basis /= self.values[:, None].sqrt()
        self.rest = max(trace - float(self.values.sum()), 0.0) / max(genes - len(self.values), 1)
        self.total = problem.total

    @staticmethod
    def _scatter(problem: _Problem, probes: "Tensor") -> "Tensor":
        """Return probes times the weighted scatter matrix of the genes within classes."""
        import torch

        members = torch.zeros(len(problem.codes), problem.classes).scatter_(1, problem.codes, 1.0)
        means = problem.x.sums(members.T) / members.sum(dim=0)[:, None]
        projected = problem.x.times(probes) - (means @ probes.T)[problem.codes[:, 0]]
        projected *= problem.weights
        return problem.x.sums(projected.T) - (projected.T @ members) @ means

    def __call__(self, gradient: "Tensor", outline: tuple["Tensor", "Tensor"]) -> "Tensor":
        """Return the inverse times a gradient, for the sums and mean genes of the curvatures."""
        import torch

        sums, means = outline
        genes = gradient[:, :-1] - means * gradient[:, -1:]
        share = sums / self.total
        base = 1 / (share * self.rest + 1)
        inner = genes @ self.basis.T
        inner *= 1 / (share * self.values + 1) - base
        genes = torch.addmm(genes * base, inner, self.basis)
        intercept = gradient[:, -1:] / sums - (means * genes).sum(dim=1, keepdim=True)
        step = torch.cat([genes, intercept], dim=1)
        return step.sub_(step.mean(dim=0))  # back to classes that sum to zero


def _whitened(images: "Tensor", core: "Tensor") -> "Tensor":
    """Return core^(-1/2) images, without directions that are rounding."""
    import torch

    values, vectors = torch.linalg.eigh(core)
    known = values > 1e-5 * values.max().clamp_min(1e-30)
    return (vectors[:, known] / values[known].sqrt()).T.float() @ images


def _inner(a: "Tensor", b: "Tensor") -> "Tensor":
    """Return a @ b.T in float64, without a float64 copy of the rows."""
    parts = zip(a.split(_COLUMNS, dim=1), b.split(_COLUMNS, dim=1), strict=True)
    return sum(left.double() @ right.double().T for left, right in parts)


def _newton(problem: _Problem, max_iter: int, tolerance: float) -> tuple["Tensor", float, int, bool, bool]:
    """Return theta, the objective, the number of steps, whether it converged, and whether it stalled."""
    import torch

    samples, genes = problem.x.x.shape
    precondition = _Preconditioner(problem)
    theta = torch.zeros(problem.classes, genes + 1)
    logits = torch.zeros(samples, problem.classes)
    objective, first, last, flat = problem.objective(logits, theta), None, 0.0, False
    for iteration in range(max_iter + 1):
        probabilities = logits.softmax(dim=1)
        gradient = problem.gradient(probabilities, theta)
        curvatures = problem.curvatures(probabilities)
        norm = _norm(gradient, problem.sums(curvatures))
        goal = tolerance * float(theta[:, :-1].norm()) + _ROUNDING * problem.total
        if norm <= goal:
            return theta, objective, iteration, True, False
        if flat and norm > last / 2:
            return theta, objective, iteration, False, True
        if iteration == max_iter:
            break
        inverse = partial(precondition, outline=problem.outline(curvatures))
        size = float((gradient * inverse(gradient)).sum().clamp_min(0)) ** 0.5
        first = size if first is None else first
        # the further, the rougher (superlinear), and no finer than the rule asks of this step
        forcing = min(0.5, max((size / first) ** 0.3, 0.5 * goal / norm))
        step, change = _solve(problem, probabilities, gradient, inverse, forcing)
        if problem.rough is not problem.x:
            change = problem.scores(step, problem.x)
        length = _search(problem, logits, change, theta, step)
        theta = theta.add_(step, alpha=length)
        logits = logits.add_(change, alpha=length)
        previous, objective = objective, problem.objective(logits, theta)
        flat, last = objective >= previous * (1 - _STALLED), norm
    return theta, objective, max_iter, False, False


def _norm(gradient: "Tensor", curvature: "Tensor") -> float:
    """Return the gradient's norm, the intercept's part in units in which its curvature is 1."""
    return float((gradient[:, :-1].square().sum() + (gradient[:, -1:].square() / curvature).sum()).sqrt())


def _solve(problem, probabilities, gradient, precondition, forcing) -> tuple["Tensor", "Tensor"]:
    """Return a Newton step and its logits: conjugate gradients until the residual is `forcing` of the gradient."""
    import torch

    step, change = torch.zeros_like(gradient), torch.zeros_like(probabilities)
    residual = -gradient
    direction = precondition(residual)
    size = goal = float((residual * direction).sum())
    goal *= forcing**2
    for _ in range(_CG_LIMIT):
        image, logits = problem.curvature(probabilities, direction)
        curvature = float((direction * image).sum())
        if curvature <= 0:
            break
        step.add_(direction, alpha=size / curvature)
        change.add_(logits, alpha=size / curvature)
        residual.sub_(image, alpha=size / curvature)
        ahead = precondition(residual)
        previous, size = size, float((residual * ahead).sum())
        if size <= goal:
            break
        direction = ahead.add_(direction, alpha=size / previous)
    return step, change


def _search(problem: _Problem, logits: "Tensor", change: "Tensor", theta: "Tensor", step: "Tensor") -> float:
    """Return the length of the step that minimises the objective along it: safeguarded Newton, no product with X."""
    slope_penalty = float((theta[:, :-1].double() * step[:, :-1]).sum())
    curve_penalty = float(step[:, :-1].double().square().sum())
    true_change = change.gather(1, problem.codes)
    length, low, high = 1.0, 0.0, float("inf")
    for _ in range(20):
        moved = (logits + length * change).softmax(dim=1).mul_(change)
        mean = moved.sum(dim=1, keepdim=True)
        slope = float(((mean - true_change) * problem.weights).double().sum())
        curve = float((((moved * change).sum(dim=1, keepdim=True) - mean * mean) * problem.weights).double().sum())
        slope, curve = slope + slope_penalty + length * curve_penalty, curve + curve_penalty
        low, high = (low, length) if slope > 0 else (length, high)
        proposed = length - slope / curve if curve > 0 else length
        if not low <= proposed <= high:
            proposed = (low + high) / 2 if high < float("inf") else 2 * length
        if abs(proposed - length) <= 0.03 * length:
            return proposed
        length = proposed
    return length
