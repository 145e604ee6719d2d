"""The files that the training of a network on one fold leaves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gexflow import files
from gexflow.models.fold_training import Trained
from gexflow.models.weights import save_network


def write_trained(trained: Trained, settings: dict, facts: dict[str, Any], paths: Sequence[str | Path]) -> None:
    """Write what a training gave.

    Parameters
    ----------
    trained : Trained
    settings : dict
        What the network was trained with; kept beside its weights.
    facts : dict
        What `training.json` says, all of it.
    paths : sequence of paths
        Of predictions, model, history and facts; the facts are written last, for they say that all is there.
    """
    files.write_table(trained.predictions, paths[0])
    save_network(trained.network, Path(paths[1]), settings)
    files.write_table(trained.history, paths[2])
    files.write_json(facts, paths[3])
