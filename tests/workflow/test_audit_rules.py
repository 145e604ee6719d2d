"""The audit's jobs: few, of clean datasets alone, and asked for by the config."""

import re

import pytest
import yaml

from gexflow.config import load_config
from gexflow.errors import InputError
from tests.workflow.conftest import ROOT, Project

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"


def load(tmp_path, audit: dict) -> dict:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump({"evaluation": {"audit": audit}}))
    return load_config([ROOT / "config.yaml", tmp_path / "mine.yaml"], SCHEMA)


def test_by_default_the_audit_refits_logistic_regression_and_no_network(tmp_path):
    audit = load(tmp_path, {})["evaluation"]["audit"]
    expected = {"permutations": 20, "random_genes": 10, "models": ["logistic"]}
    assert audit == {**expected, "networks": False, "planted_leaks": False, "strict": False}


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        ({"permutations": 2}, r"audit\.permutations is 2.*\n.*at least 3"),
        ({"models": ["logistc"]}, r'names the unknown model "logistc"\ndid you mean "logistic"'),
        ({"models": ["gexpnet"]}, r"names gexpnet, a network.*\nset evaluation\.audit\.networks to true"),
        ({"models": ["vgg19"], "networks": True}, r"names vgg19, a network of a kind.*\nname reference models"),
        ({"planted_leaks": True, "permutations": 0}, r"planted_leaks needs permutations.*\nset it to 20"),
        ({"planted_leaks": True, "models": []}, r"planted_leaks needs a reference model.*\nname logistic"),
        ({"permutation": 20}, r'unknown key "permutation" in evaluation\.audit\ndid you mean "permutations"'),
    ],
)
def test_a_mistake_is_told_in_two_lines(tmp_path, audit, told):
    with pytest.raises(InputError, match=told):
        load(tmp_path, audit)


def planned(tmp_path, audit: dict) -> list[tuple[str, str]]:
    study = {
        "run": {"datasets": ["one"], "models": ["gexpnet", "resnet50", "logistic"], "folds": 4, "repeats": 2},
        "datasets": {
            "one": {
                "source": "tcga",
                "simulate": {"samples": 60, "genes": 60},
                "label": {"field": "cancer type"},
                "variants": ["published"],
            }
        },
        "models": {"resnet50": {"network": "resnet50", "recipe": "image-ranks", "weights": "random", "controls": []}},
        "attribution": {"models": []},
        "evaluation": {"audit": audit},
    }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    text = Project(ROOT, tmp_path / "study", str(tmp_path / "mine.yaml")).snakemake("--dry-run").stdout
    jobs = re.findall(r"^rule (\w+):\n(?:    input: .*\n)?    output: results/([^/]+)/", text, re.MULTILINE)
    return sorted((rule, place) for rule, place in jobs if rule.startswith(("audit", "refit")))


@pytest.mark.workflow
@pytest.mark.parametrize(
    ("audit", "jobs"),
    [
        ({}, [("audit_cohort", "one"), ("refit_variant", "one~permuted"), ("refit_variant", "one~random")]),
        ({"permutations": 0, "random_genes": 0}, [("audit_cohort", "one")]),
        (
            {"models": ["gexpnet"], "networks": True},
            [("audit_cohort", "one"), ("refit_network", "one~permuted"), ("refit_network", "one~random")],
        ),
        (
            {"random_genes": 0, "planted_leaks": True},
            [
                ("audit_cohort", "one"),
                *(("audit_leak", f"one~leak-{leak}") for leak in ("distribution", "groups", "labels", "selection")),
                ("refit_variant", "one~permuted"),
            ],
        ),
    ],
)
def test_only_what_is_asked_for_is_refitted(tmp_path, audit, jobs):
    assert planned(tmp_path, audit) == jobs
