"""Warns where many training samples share a gene's smallest or largest value, which no score would reveal."""

import numpy as np
from sklearn.pipeline import Pipeline

from gexflow.log import CAUTION
from gexflow.recipes.blocks import LINE, in_blocks
from gexflow.recipes.floor_negatives import FloorNegatives, hides_negatives
from gexflow.recipes.quantile import GeneQuantile
from gexflow.recipes.selection import DropMissing
from gexflow.recipes.step import Selection, Step, counted_genes
from gexflow.recipes.values import Cpm, ToLog2

_SAMPLES = 0.2  # a gene is tied where more of the training samples share its smallest, or its largest, value
_GENES = 0.1  # of the kept genes: where more are tied, a user is warned


def count_tied(features: np.ndarray, train: np.ndarray) -> int:
    """Count genes of which more than a fifth of the training samples share the smallest value, or the largest one.

    Parameters
    ----------
    features : float32 array (samples, genes), without missing values
    train : bool array (samples,)
    """
    tied = np.zeros(features.shape[1], dtype=bool)
    least = max(1, int(_SAMPLES * train.sum()))  # one sample is no tie, however few there are

    def count_block(block: slice) -> None:
        values = features[:, block].compress(train, axis=0)
        ends = (values.min(axis=0), values.max(axis=0))
        tied[block] = np.any([(values == end).sum(axis=0) > least for end in ends], axis=0)

    in_blocks(count_block, features.shape[1], len(features), at_least=LINE)
    return int(tied.sum())


def describe_ties(recipe: Pipeline, features: np.ndarray, train: np.ndarray) -> str:
    """Return a warning if more than a tenth of a fold's kept genes are tied in its training samples; "" if not.

    Parameters
    ----------
    recipe : Pipeline
        Names what can be done about it.
    features : float32 array (samples, kept genes)
    train : bool array (samples,)
    """
    tied, kept = count_tied(features, train), features.shape[1]
    if tied <= _GENES * kept:
        return ""
    steps = [step for _, step in recipe.steps]
    counts = any(isinstance(step, Cpm) for step in steps)
    zeros = "; in counts these are mostly zeros, ordinary for genes that few samples express" if counts else ""
    return (
        f"{CAUTION}in {tied:,} of {counted_genes(kept)} kept, more than {100 * _SAMPLES:g} % of the training samples "
        "share the gene's smallest value, or its largest, so these samples cannot be distinguished by that gene"
        f"{zeros}: {_remedies(steps)}"
    )


def _remedies(steps: list[Step]) -> str:
    """Say what this recipe does not do yet."""
    remedies = []
    if any(isinstance(step, GeneQuantile) and step.ties == "ends" for step in steps):
        remedies.append("set `ties: midrank` in gene_quantile")
    if _hides_negatives(steps):
        remedies.append("if many values were negative, put `floor_negatives` before to_log2, without clip")
    if not any(isinstance(step, Selection) and not isinstance(step, DropMissing) for step in steps):
        remedies.append("choose genes, with `select_variance` for example")
    return ", or ".join(remedies) or "no step of this recipe can change it, so read the chosen genes with that in mind"


def _hides_negatives(steps: list[Step]) -> bool:
    """Tell whether linear values are clipped and then logged; to_log2 without clip would have refused negative ones."""
    kinds = [type(step) for step in steps]
    if ToLog2 not in kinds or Cpm in kinds or FloorNegatives in kinds:
        return False
    return any(map(hides_negatives, steps[: kinds.index(ToLog2)]))
