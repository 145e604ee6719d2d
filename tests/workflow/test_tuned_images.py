"""Image networks are tuned in inner folds through Snakemake, on images that each inner fold has of its own."""

import pytest
import yaml

from gexflow.files import read_json, read_table
from tests.workflow.conftest import ROOT, Project

pytestmark = pytest.mark.workflow
SMALL = {
    **{"network": "timm/resnet10t", "weights": "random", "epochs": 1, "batch_size": 8},
    "tune": {"learning_rate": [0.001, 0.01]},
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    config = {
        "run": {"datasets": ["tiny"], "models": ["ranks", "learned"], "folds": 2},
        "datasets": {
            "tiny": {
                "source": "mendeley",
                "simulate": {"samples": 36, "genes": 200, "classes": 2},
                "label": {"field": "cancerTypes"},
                "holdout": {"share": 0.2},
            }
        },
        "recipes": {"top": ["impute_median", {"select_variance": {"top": 100}}, {"minmax": {}}]},
        "models": {
            # the frozen layers run once for all folds, but not for inner ones
            "ranks": {**SMALL, "recipe": "image-ranks", "layout": {"size": 32}, "controls": []},
            "learned": {
                **SMALL,
                "recipe": "top",
                "layout": {"order": "correlation", "size": 32, "method": "pca"},
                "controls": [],
            },
        },
        "attribution": {"models": []},
        "evaluation": {"audit": {"permutations": 0, "random_genes": 0}},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(config))
    project = Project(ROOT, folder / "study", str(folder / "tiny.yaml"))
    project.snakemake("--quiet=all", "results/tiny/evaluation/metrics.tsv")
    return project


def test_every_fold_chose_within_its_training_part(project):
    splits = read_table(project.study / "results/tiny/splits.tsv", ("sample", "part"))
    for model in ("ranks", "learned"):
        for number in (1, 2):
            folder = project.study / f"results/tiny/models/{model}/fold{number}"
            facts = read_json(folder / "training.json")
            assert facts["chosen_by"] == "inner cross-validation"
            assert [row["settings"] for row in facts["candidates"]] == [{"learning_rate": x} for x in (0.001, 0.01)]
            assert any("ran once for all folds" in note for note in facts["notes"]) == (model == "ranks")
            rows = splits[splits["fold"] == number].set_index("sample")["part"]
            predicted = read_table(folder / "predictions.tsv", ("sample",))["sample"]
            assert sorted(predicted) == sorted(rows.index[rows == "test"])
            log = (project.study / f"results/logs/tiny/models/{model}/fold{number}/finetune_backbone.log").read_text()
            assert f"fold {number}: {(rows == 'train').sum()} training samples in 3 inner folds choose" in log


def test_nothing_is_left_to_do_and_a_recipe_reaches_its_own_models_alone(project):
    target = "results/tiny/evaluation/metrics.tsv"
    assert project.would_run(target) == {}
    path = project.study.parent / "tiny.yaml"
    text = path.read_text()
    path.write_text(text.replace("top: 100", "top: 90"))
    try:
        done = project.would_run(target)
    finally:
        path.write_text(text)
    assert done == {"prepare_folds": 1, "lay_out_genes": 1, "finetune_backbone": 2, "score_cohort": 1}
