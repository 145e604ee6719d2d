"""Samples of another cohort through a recipe that was fitted in a fold: nothing is fitted to them."""

from dataclasses import dataclass

import anndata
import numpy as np

from gexflow.errors import InputError, counted
from gexflow.recipes.collapse import CollapseGenes
from gexflow.recipes.floor_negatives import FloorNegatives
from gexflow.recipes.recipe import STEPS, check_features, naming_step, restore_recipe
from gexflow.recipes.step import SampleWise, Selection, Step
from gexflow.recipes.values import Clip, Floor, ImputeMedian

# a note where more than half of the new samples' values are below the floor of floor_negatives, and either three times
# the training samples' share is below it or less than a third of that share is left above it
_MOST_BELOW, _TIMES = 0.5, 3


@dataclass
class NewFeatures:
    """Features of new samples.

    Attributes
    ----------
    values : float32 array (samples, features)
    known : bool array (features,)
        False where the new cohort has no gene for the feature, which then is the training median.
    notes : list of str
    """

    values: np.ndarray
    known: np.ndarray
    notes: list[str]


def prepare_new_samples(
    fitted: anndata.AnnData,
    steps: list,
    values: np.ndarray,
    known: np.ndarray,
    scale: str,
    trained_on: str,
    medians: np.ndarray,
) -> NewFeatures:
    """Prepare samples that a fold has never seen by its fitted recipe.

    What a fold learned is applied as it is. Steps that learn nothing act on the new samples' own values, and meet
    their own scale: to_log2 takes the logarithm of linear values although the training samples were logged already.
    The floor of `floor_negatives` belongs to the training scale: on another linear one values below 0 become 0.
    A feature whose genes are not there becomes the median of the training samples' features.

    Parameters
    ----------
    fitted : AnnData
        From `store_recipe`: the fold's `fitted.h5ad`.
    steps : list
        The recipe, as in config.yaml.
    values : float32 array (samples, genes)
        Of the genes of `fitted`, NaN where missing.
    known : bool array (genes,)
        False for genes that the new cohort does not have.
    scale, trained_on : str
        The scale of these values, and of those that the recipe was fitted to: counts, linear, log2 or logratio.
    medians : float array (features,)
        Medians of the features over the training samples of the fold.

    Raises
    ------
    InputError
        A step would apply what it learned on one scale to values on another one, or cannot work on these values.
    """
    recipe, notes = dict(restore_recipe(fitted).steps), []
    skipped = False  # whether values are missing still, since impute_median knows medians on another scale
    for position, entry in enumerate(steps, 1):
        kind, parameters = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        name = f"{position}_{kind}"
        with naming_step(name):
            applies, after, _ = STEPS[kind].on_scale(scale)
            _, trained_after, _ = STEPS[kind].on_scale(trained_on)
            step = recipe.get(name)
            if issubclass(STEPS[kind], SampleWise):
                if applies and scale != trained_on and isinstance(step, Clip | Floor):
                    notes.append(f"{kind} has bounds for {trained_on} values, and these are {scale}")
                if applies:
                    values = _unfitted(STEPS[kind](**(parameters or {})), values).transform(values)
            elif isinstance(step, Selection):
                values = values[:, step.kept_]
            elif scale == trained_on:
                if isinstance(step, FloorNegatives):
                    notes += _far_below(step, values)
                values = step.transform(values) if applies else values
            elif isinstance(step, ImputeMedian):
                values, skipped = values[:, step.kept_], True
            elif STEPS[kind] is FloorNegatives:  # of another scale than the training samples, whose floor means nothing
                if applies and (negative := int((values < 0).sum())):
                    moved = f"{counted(negative, 'value')} below 0 set to 0"
                    notes.append(f"floor_negatives: no floor for {scale} values was learned; {moved}")
                    values = np.maximum(values, 0)
            else:
                raise InputError(
                    f"it was fitted to {trained_on} values, and these are {scale}: put `to_log2` before it in the "
                    "recipe, or set the dataset's `scale` if that is wrong"
                )
            known = _follow(step, known)
        scale, trained_on = after, trained_after
    absent = ~known | np.isnan(values) if skipped else ~known
    values = np.where(absent, medians.astype(np.float32), values)
    return NewFeatures(check_features(restore_recipe(fitted), np.ascontiguousarray(values)), known, notes)


def _far_below(step: FloorNegatives, values: np.ndarray) -> list[str]:
    """Return a note where far more of the new samples' values than of the training samples' are below the floor."""
    trained = float(step.moved_[0])
    share = float((values < np.float32(step.floor_[0])).sum() / max(1, (~np.isnan(values)).sum()))
    differs = share > _TIMES * trained or 1 - trained > _TIMES * (1 - share)
    if share <= _MOST_BELOW or not differs:
        return []
    return [  # in whole percent, so that folds say the same
        f"floor_negatives: the learned floor is above {100 * share:.0f} % of these values, but above only "
        f"{100 * trained:.0f} % of the training values; they may be in another unit"
    ]


def _unfitted(step: Step, values: np.ndarray) -> Step:
    """Make a step that learns nothing ready for values (samples, genes)."""
    step.n_features_in_ = values.shape[1]
    return step


def _follow(step: Step | None, known: np.ndarray) -> np.ndarray:
    """Follow which genes are known through a step; a collapsed one is if any of its probes is."""
    if isinstance(step, CollapseGenes) and step.by != "largest_mean":
        found = np.zeros(int(step.kept_.sum()), dtype=bool)
        np.logical_or.at(found, step.gene_[step.gene_ >= 0], known[step.gene_ >= 0])
        return found
    return known[getattr(step, "kept_", slice(None))]
