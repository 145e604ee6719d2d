"""What the models of all folds say of samples that no fold has seen: of a hold-out, or of another cohort."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import anndata
import numpy as np
import pandas as pd

from gexflow.cohorts.holdout import locked_samples
from gexflow.cohorts.similar_spellings import similar_spellings
from gexflow.errors import InputError, listed, plain
from gexflow.files import read_by_gene, read_h5ad, read_json, read_table
from gexflow.models.fold import Fold
from gexflow.models.predictions import prediction_table
from gexflow.recipes.gene_matching import match_genes, take_genes
from gexflow.recipes.new_samples import prepare_new_samples

MOST_MISSING = 0.5  # share of the genes of a fold that another cohort may lack


@dataclass
class NewSamples:
    """Samples of a cohort as the recipe of another one takes them.

    Attributes
    ----------
    values : float32 array (samples, genes)
        Of the genes of the cohort that trained, NaN where missing.
    known : bool array (genes,)
    samples, labels : str arrays (samples,)
    scale, trained_on : str
        The scale of these values, and of those that trained.
    part : str
        holdout or external.
    facts : dict
        What the report says of genes and classes.
    """

    values: np.ndarray
    known: np.ndarray
    samples: np.ndarray
    labels: np.ndarray
    scale: str
    trained_on: str
    part: str
    facts: dict


def read_held_out(cohort: str | Path, splits: str | Path) -> anndata.AnnData:
    """Read the samples of a cohort that its `splits.tsv` holds out of every fold, and no other."""
    found = read_table(splits, text=("sample", "group", "part"))
    return read_by_gene(cohort, leave_out=set(found["sample"]) - locked_samples(found))


def held_out_samples(cohort: anndata.AnnData) -> NewSamples:
    """Return the hold-out, which is all that `cohort` holds, of the cohort that trains."""
    names, labels = cohort.obs_names.to_numpy(dtype=str), cohort.obs["label"].astype(str).to_numpy()
    known, scale = np.ones(cohort.n_vars, dtype=bool), str(cohort.uns["scale"])
    return NewSamples(cohort.X, known, names, labels, scale, scale, "holdout", {"samples": len(names)})


def external_samples(
    target: anndata.AnnData, genes: pd.DataFrame, classes: list[str], trained_on: str, names: tuple[str, str]
) -> NewSamples:
    """Return another cohort as models that were trained elsewhere take it.

    Samples of a class that did not train are left out and counted; a class that it lacks stays a possible answer.

    Parameters
    ----------
    target : AnnData
    genes : DataFrame
        `symbol` of the genes that trained, by their ids.
    classes : list of str
        Those that trained.
    trained_on : str
        Scale of the values that trained.
    names : (str, str)
        The datasets that train and test, for messages.

    Raises
    ------
    InputError
        Fewer than two classes are common, or no gene is.
    """
    labels = target.obs["label"].astype(str).to_numpy()
    common = sorted(set(labels) & set(classes))
    if len(common) < 2:
        raise InputError(
            f"{names[0]} and {names[1]} have {len(common)} classes in common, and 2 are needed: {names[0]} has "
            f"{listed(classes)}, {names[1]} {listed(sorted(set(labels)))}; give equal classes one name by label.map"
        )
    matched = match_genes(
        list(genes.index),
        list(genes["symbol"].astype(str)),
        list(target.var_names),
        list(target.var["symbol"].astype(str)),
    )
    if not matched.known.any():
        raise InputError(
            f"{names[1]} has none of the genes of {names[0]} by id or symbol: name an annotation under the dataset's "
            "key `files.annotation`"
        )
    rows = np.isin(labels, common)
    facts = {
        "samples": int(rows.sum()),
        "classes": common,
        "only_trained": sorted(set(classes) - set(labels)),
        "left_out": {label: int((labels == label).sum()) for label in sorted(set(labels) - set(classes))},
        "spellings": similar_spellings(sorted(set(classes) ^ set(labels))),
        "genes": len(genes),
        "by_id": matched.by_id,
        "by_symbol": matched.by_symbol,
        "scale": str(target.uns["scale"]),
        "trained_on": trained_on,
    }
    values = take_genes(np.asarray(target.X)[rows], matched)
    samples = target.obs_names.to_numpy(dtype=str)[rows]
    return NewSamples(values, matched.known, samples, labels[rows], facts["scale"], trained_on, "external", facts)


def notes_on(facts: dict) -> list[str]:
    """Return what log and report say of classes and genes that two cohorts do not share."""
    notes = []
    if facts.get("left_out"):
        names = ", ".join(f"{plain(label)} ({count})" for label, count in facts["left_out"].items())
        notes.append(f"samples of classes that did not train are left out: {names}")
    if facts.get("only_trained"):
        notes.append(f"no sample of {listed(facts['only_trained'])}, which stays a possible, wrong answer")
    notes += [
        f"classes that differ only in capitals, blanks or accents: {listed(alike)}; give them one name by label.map"
        for alike in facts.get("spellings", [])
    ]
    return notes


@dataclass
class FoldFiles:
    """The files of one fold: features, fitted recipe, facts of the training; of a network its weights and layout."""

    features: str | Path
    fitted: str | Path
    facts: str | Path
    model: str | Path | None = None
    layout: str | Path | None = None
    weights: str | Path | None = None


def predict_new(
    new: NewSamples, folds: list[FoldFiles], steps: list, settings: dict, where: str, threads: int = 1
) -> Iterator[tuple[pd.DataFrame, dict]]:
    """Let the model of every fold predict new samples; nothing is fitted to them.

    A network is loaded from its file; a reference model, which keeps none, is fitted once more to the training part.

    Parameters
    ----------
    new : NewSamples
    folds : list of FoldFiles, from fold 1
    steps : list
        The recipe, as in config.yaml.
    settings : dict
        The model's keys of the config, and `seed`.
    where : str
        Names of model and datasets, for messages.
    threads : int
        Of a network.

    Yields
    ------
    predictions : DataFrame
        As `prediction_table` gives it.
    facts : dict
        fold, features, missing (features that the new cohort has no gene for), notes.

    Raises
    ------
    InputError
        More than half of a fold's features are missing.
    """
    for number, files in enumerate(folds, 1):
        fold, fitted = Fold.read(files.features, number), read_h5ad(files.fitted)
        train, targets = fold.part("train")
        try:
            medians = np.median(train, axis=0)
            found = prepare_new_samples(fitted, steps, new.values, new.known, new.scale, new.trained_on, medians)
        except InputError as error:
            raise InputError(f"{where}, fold {number}, {error}") from None
        missing = int((~found.known).sum())
        if missing > MOST_MISSING * len(found.known):
            raise InputError(
                f"{where}, fold {number}: {missing:,} of the {len(found.known):,} genes that the recipe keeps are "
                "missing there, more than half, so that nothing can be said: choose another dataset to test on"
            )
        if files.model is None:
            from gexflow.models.reference_tuning import refit_chosen

            facts = read_json(files.facts)
            probabilities = refit_chosen(settings, facts, train, targets, found.values, len(fold.classes))
        else:
            from gexflow.models.stored_network import load_trained, predict_stored  # PyTorch: for networks alone

            shape = found.values.shape[1], len(fold.classes)
            network = load_trained(settings, *shape, files.model, files.layout, files.weights)
            probabilities = predict_stored(network, found.values, settings, threads)
        parts = np.full(len(new.samples), new.part)
        table = prediction_table(new.samples, parts, new.labels, probabilities, fold.classes, number)
        yield table, {"fold": number, "features": len(found.known), "missing": missing, "notes": found.notes}


def fold_files(
    features: list, fitted: list, facts: list, models: list, layouts: list, weights: list
) -> list[FoldFiles]:
    """Put the files of each fold together; `models`, `layouts` and `weights` may be empty."""
    none = [None] * len(features)
    rows = zip(features, fitted, facts, models or none, layouts or none, strict=True)
    return [FoldFiles(*row, weights=next(iter(weights), None)) for row in rows]
