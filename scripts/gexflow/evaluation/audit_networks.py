"""Networks in the audit, on request: GexpNet trained anew for every permutation and draw.

Apart from the other refits, which no change of a network shall repeat.
"""

from functools import partial

import pandas as pd
import torch

from gexflow.evaluation.audit_refits import Inner, Predict
from gexflow.models.fold import Fold
from gexflow.models.fold_training import train_folds
from gexflow.models.gene_network import build_gene_network
from gexflow.models.trainer import Training


def network_prediction(settings: dict, device: torch.device) -> Predict:
    """Return a function that trains GexpNet on a fold, as its rule does untuned, and predicts its held-out samples."""
    build = partial(build_gene_network, settings)

    def predict(fold: Fold, _: Inner) -> pd.DataFrame:
        training = Training.from_settings(settings).for_samples(len(fold.labels))
        return train_folds([fold], build, training, settings["seed"], device)[0].predictions

    return predict
