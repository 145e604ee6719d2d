"""A network's settings chosen in inner folds of the training part, where a fold has no validation samples for that.

Every candidate is trained on each inner fold by the ordinary trainer; what it predicts for the samples that the inner
folds leave out is scored as one table.
"""

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anndata
import pandas as pd

from gexflow import files
from gexflow.candidates import candidates, changes
from gexflow.errors import InputError
from gexflow.models.checkpoints import Checkpoint
from gexflow.models.finished import FinishedFolds
from gexflow.models.fold import Fold, columns_of
from gexflow.models.fold_training import Trained, stacks_of
from gexflow.models.predictions import TEXT
from gexflow.models.tuning import BY_INNER_FOLDS, table_scores, tuning_facts
from gexflow.recipes.inner import InnerFolds

logger = logging.getLogger("gexflow")
_TRAINED, _CHOICE = ("predictions.tsv", "training.json"), ("choice.json",)


@dataclass
class InnerFold(Fold):
    """An inner fold: the training samples of a fold, in the parts train and test.

    Attributes
    ----------
    number : int
        Of the outer fold, whose seed its networks begin with.
    inner : int
        Its own number.
    layout : DataFrame of gene, row, column, or None
        The pixels of its genes, for an image network.
    """

    inner: int
    layout: pd.DataFrame | None = None


@dataclass(frozen=True)
class InnerSearch:
    """How the candidates of a network are trained in inner folds, and where what is finished is kept.

    Attributes
    ----------
    settings : dict
        The model's keys of the config, with `tune`.
    source : InnerFolds
    train : function (inner folds, settings, Checkpoint) -> list of Trained
        Trains a candidate on inner folds, several at once only if `together`.
    finished : FinishedFolds
    under_way : function (str) -> Checkpoint
        Gives the checkpoint of what goes by a name.
    together : bool
    lay_out : function (AnnData) -> DataFrame, or None
        Lays out the genes of an inner fold, fitted on its part train.
    """

    settings: dict
    source: InnerFolds
    train: Callable[[Sequence[InnerFold], dict, Checkpoint], Sequence[Trained]]
    finished: FinishedFolds
    under_way: Callable[[str], Checkpoint]
    together: bool = False
    lay_out: Callable[[anndata.AnnData], pd.DataFrame] | None = None

    def choose(self, fold: Fold) -> dict[str, Any]:
        """Choose the settings of a fold, by its training samples alone.

        What an earlier job finished is not trained again.

        Returns
        -------
        dict
            `chosen`, `chosen_by`, `candidates` (see `tuning_facts`), and the `seconds` that the search took.
        """
        slot = f"{fold.number}-choice"
        if not self.finished.has(slot):
            choice = self._search(fold)
            self.finished.keep(slot, _CHOICE, lambda paths: files.write_json(choice, paths[0]))
        return files.read_json(self.finished.paths(slot, _CHOICE)[0])

    def _search(self, fold: Fold) -> dict[str, Any]:
        start, options, found = time.monotonic(), changes(self.settings), []
        inner = self._inner_folds(fold)
        seconds = time.monotonic() - start
        for number, used in enumerate(candidates(self.settings), 1):
            slots = [f"{fold.number}-candidate{number}-inner{one.inner}" for one in inner]
            self._train_missing(inner, slots, used)
            tables, times = zip(*map(self._read, slots), strict=True)
            found.append(table_scores(pd.concat(tables)))
            seconds += sum(times)
            place = f"fold {fold.number}, candidate {number} of {len(options)}"
            words, loss = json.dumps(options[number - 1]), found[-1]["log_loss"]
            logger.info("%s: %s: log loss %.4f in %d inner folds", place, words, loss, len(inner))
        return {**tuning_facts(options, found, BY_INNER_FOLDS), "seconds": round(seconds, 1)}

    def _inner_folds(self, fold: Fold) -> list[InnerFold]:
        found = []
        try:
            for inner, features in enumerate(self.source.of(fold.number, fold.samples, fold.parts), 1):
                layout = self.lay_out(features) if self.lay_out else None
                columns = columns_of(features)
                found.append(InnerFold(**columns, classes=fold.classes, number=fold.number, inner=inner, layout=layout))
        except InputError as error:
            raise InputError(f"fold {fold.number}, {error}") from None
        count = (fold.parts == "train").sum()
        logger.info("fold %d: %d training samples in %d inner folds choose", fold.number, count, len(found))
        return found

    def _train_missing(self, inner: Sequence[InnerFold], slots: Sequence[str], used: dict) -> None:
        """Train a candidate on the inner folds that no earlier job finished, and keep what it predicts."""
        places = dict(zip((one.inner for one in inner), slots, strict=True))
        missing = [one for one in inner if not self.finished.has(places[one.inner])]
        for group in stacks_of(missing, self.together):
            checkpoint = self.under_way(str([places[one.inner] for one in group]))
            for one, trained in zip(group, self.train(group, used, checkpoint), strict=True):
                self.finished.keep(places[one.inner], _TRAINED, partial(_write, trained))
            checkpoint.remove()

    def _read(self, slot: str) -> tuple[pd.DataFrame, float]:
        """Return what was predicted of the samples left out, and the seconds it took."""
        predictions, facts = self.finished.paths(slot, _TRAINED)
        return files.read_table(predictions, TEXT), files.read_json(facts)["seconds"]


def with_choice(facts: dict[str, Any], choice: dict[str, Any]) -> dict[str, Any]:
    """Put the choice of a fold's settings, if there was one, among the facts of its training; the seconds add up."""
    seconds = facts["seconds"] + choice.get("seconds", 0)
    return {**facts, **choice, "seconds": round(seconds, 1)}


def _write(trained: Trained, paths: Sequence[Path]) -> None:
    files.write_table(trained.predictions, paths[0])
    files.write_json(trained.facts, paths[1])
