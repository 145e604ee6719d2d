"""Networks are tuned on the validation samples of each fold; the chosen training is the one that is kept."""

from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import pytest
import torch
from tests.jobs import job_of, run_script

from gexflow.candidates import candidates, changes, edge_notes
from gexflow.files import read_json, read_table
from gexflow.models import fold_training, image_network, trunk_features
from gexflow.models.gene_network import build_gene_network
from gexflow.models.mlp import Mlp
from gexflow.models.tuning import validation_scores
from gexflow.models.weights import chosen_settings, load_network

KINDS = {
    "predictions": "predictions.tsv",
    "model": "model.safetensors",
    "history": "history.tsv",
    "facts": "training.json",
}
MLP = {
    **{"network": "mlp", "hidden": [8], "dropout": 0.1, "optimiser": "adam", "learning_rate": 1e-2, "epochs": 3},
    **{"batch_size": 16, "schedule": "constant", "seed": 3},
}
GEXPNET = {
    **{"network": "gexpnet", "heads": 1, "stem_channels": 2, "stem_kernel": 3, "block_channels": 8, "hidden": 4},
    **{"stem_dropout": 0, "head_dropout": 0, "hidden_dropout": 0, "second_convolution": False, "stack": "auto"},
    **{"optimiser": "adam", "learning_rate": 1e-2, "epochs": 2, "batch_size": 16, "schedule": "constant", "seed": 3},
}
FOLDS = 2


def write_features(folder: Path) -> list[str]:
    """Write features of two folds, with validation rows; two classes that a gene tells apart, but not quite."""
    folder.mkdir(exist_ok=True)
    rng, paths = np.random.default_rng(2), []
    for number in range(FOLDS):
        labels = np.tile(["a", "b"], 40)
        values = rng.normal(size=(80, 16)) + 1.5 * np.eye(2, 16)[np.arange(80) % 2]
        part = np.where(
            np.arange(80) // 20 == number, "test", np.where(np.arange(80) // 20 == 3, "validation", "train")
        )
        obs = pd.DataFrame({"label": labels, "group": labels, "part": part}, index=[f"s{n}" for n in range(80)])
        paths.append(str(folder / f"features{number + 1}.h5ad"))
        anndata.AnnData(values.astype(np.float32), obs=obs).write_h5ad(paths[-1])
    return paths


def train(folder: Path, settings: dict) -> list[Path]:
    """Run the rule train_gexpnet as Snakemake does; return the folders of its folds."""
    features = write_features(folder)
    folds = [folder / f"models/m/fold{number}" for number in (1, 2)]
    outputs = {kind: [str(fold / name) for fold in folds] for kind, name in KINDS.items()}
    inputs, log = {"features": features, "tuning": []}, folder / "models/m/logs/train.log"
    run_script(job_of("train_gexpnet", log, inputs, outputs, settings, params={"steps": ""}))
    return folds


def assert_best(folds: list[Path], alone: list[list[Path]], settings: dict) -> None:
    """Compare a tuned model with the trainings of each candidate alone."""
    for number, fold in enumerate(folds):
        found = [validation_scores(read_table(one[number] / "predictions.tsv", ("part", "label"))) for one in alone]
        best = int(np.argmin([score["log_loss"] for score in found]))
        for name in ("predictions.tsv", "model.safetensors", "history.tsv"):
            assert (fold / name).read_bytes() == (alone[best][number] / name).read_bytes(), name
        facts = read_json(fold / "training.json")
        assert facts["chosen"] == changes(settings)[best]
        assert facts["chosen_by"] == "validation samples"
        rows = zip(changes(settings), found, strict=True)
        assert facts["candidates"] == [
            {"settings": change, **{key: pytest.approx(value, abs=1e-7) for key, value in score.items()}}
            for change, score in rows
        ]
        assert "validation" not in facts


@pytest.mark.parametrize(
    ("plain", "tune"),
    [
        (MLP, {"learning_rate": [1e-4, 1e-2], "hidden": [[4], [8, 4]]}),
        (GEXPNET, {"learning_rate": [1e-5, 1e-2]}),
        ({**GEXPNET, "stack": "on"}, {"heads": [1, 2], "block_channels": [16]}),
    ],
    ids=["mlp", "gexpnet", "stacked"],
)
def test_the_best_candidate_by_validation_is_kept(tmp_path, plain, tune):
    settings = {**plain, "tune": tune, "inner_folds": 0}
    alone = []
    for number, used in enumerate(candidates(settings)):
        alone.append(train(tmp_path / f"alone{number}", used))
    folds = train(tmp_path / "tuned", settings)
    assert_best(folds, alone, settings)
    left = {path.name for path in (tmp_path / "tuned/models/m").rglob("*") if path.is_file()}
    assert left == {*KINDS.values(), "train.log", "train.manifest.json"}
    log = (tmp_path / "tuned/models/m/logs/train.log").read_text()
    assert "candidate 1 of" in log
    assert "fold 2: chose" in log
    notes = edge_notes([read_json(fold / "training.json") for fold in folds])
    assert len(notes) == log.count("a wider list")
    assert all(f"INFO {note}" in log for note in notes)


def test_a_tuned_training_that_dies_keeps_what_is_finished(tmp_path, monkeypatch):
    settings = {**MLP, "tune": {"learning_rate": [1e-4, 1e-2]}}
    whole = train(tmp_path / "whole", settings)
    real, calls = fold_training.train_folds, []

    def train_folds(folds, *arguments):
        calls.append(folds[0].number)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(folds, *arguments)

    monkeypatch.setattr(fold_training, "train_folds", train_folds)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "cut", settings)
    folds = train(tmp_path / "cut", settings)
    assert calls == [1, 2, 1, 2, 2]  # both folds by the first candidate, one by the second; then the other
    for one, other in zip(folds, whole, strict=True):
        assert (one / "predictions.tsv").read_bytes() == (other / "predictions.tsv").read_bytes()


def test_a_tuned_network_is_rebuilt_as_its_fold_was_trained(tmp_path):
    settings = {**MLP, "tune": {"hidden": [[4], [6, 5]]}}
    for fold in train(tmp_path, settings):
        used = chosen_settings(settings, fold / "model.safetensors")
        assert used["hidden"] == read_json(fold / "training.json")["chosen"]["hidden"]
        load_network(build_gene_network(used, 16, 2), fold / "model.safetensors")
    assert chosen_settings(MLP, Path("nowhere")) is MLP


def test_a_learning_rate_that_explodes_is_named(tmp_path):
    settings = {**MLP, "learning_rate": 1.0, "tune": {"learning_rate": [1e-2, 1e30]}}
    with pytest.raises(SystemExit):
        train(tmp_path, settings)
    log = (tmp_path / "models/m/logs/train.log").read_text()
    assert 'lower the model\'s learning_rate, or take the candidate {"learning_rate": 1e+30} out of tune; ' in log


def test_an_image_network_is_tuned_by_its_validation_samples(tmp_path, monkeypatch):
    class Small(Mlp):
        images = True

    for module, name in ((image_network, "build_image_network"), (trunk_features, "learn_from_features")):
        monkeypatch.setattr(module, name, getattr(module, name))  # put back afterwards
    image_network.build_image_network = lambda _, layout, classes, *__: Small(len(layout), classes, [6])
    trunk_features.learn_from_features = lambda network, *_: network
    settings = {
        **{"network": "resnet50", "weights": "random", "layout": {"order": "alphabetical", "size": 32}, "seed": 3},
        **{"optimiser": "adam", "learning_rate": 1e-3, "epochs": 3, "batch_size": 8, "keep": "best"},
        "tune": {"learning_rate": [1e-5, 1e-2]},
    }
    features = write_features(tmp_path)
    pd.DataFrame({"gene": [f"g{n}" for n in range(16)]}).to_csv(tmp_path / "layout.tsv", sep="\t", index=False)

    def fine_tune(name: str, used: dict) -> list[Path]:
        folds = [tmp_path / name / f"fold{number}" for number in (1, 2)]
        for fold, path in zip(folds, features, strict=True):
            job = job_of(
                "finetune_backbone",
                tmp_path / name / f"logs/{fold.name}.log",
                {"features": path, "layout": str(tmp_path / "layout.tsv"), "weights": [], "trunk": [], "tuning": []},
                {kind: str(fold / file) for kind, file in KINDS.items()},
                used,
                params={"steps": ""},
                wildcards={"fold": fold.name[-1], "model": "resnet50"},
                resources={"tmpdir": str(tmp_path / "scratch"), "disk_mb": 1000},
            )
            run_script(job)
        return folds

    alone = [fine_tune(f"alone{number}", used) for number, used in enumerate(candidates(settings))]
    folds = fine_tune("tuned", settings)
    assert_best(folds, alone, settings)
    assert sorted(path.name for path in folds[0].iterdir()) == sorted(KINDS.values())


def test_the_perceptron_has_the_layers_that_are_named():
    network = Mlp(10, 3, [6, 4], 0.5)
    assert [tuple(weights.shape) for weights in network.parameters()] == [(6, 10), (6,), (4, 6), (4,), (3, 4), (3,)]
    first, second, third = (layer for layer in network.layers if isinstance(layer, torch.nn.Linear))
    x = torch.randn(5, 10)
    expected = third(torch.relu(second(torch.relu(first(x)))))
    torch.testing.assert_close(network.eval()(x), expected)
