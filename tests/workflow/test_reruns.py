"""What a change of the finished demo re-runs: exactly what it touches, rule by rule."""

import os
import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.workflow.conftest import Project

pytestmark = pytest.mark.workflow
CONFIG = "resources/demo/config.yaml"
LAST_KEY = "epochs: 6, batch_size: 32"  # of GexpNet
Change = Callable[[Project], None]


def edit(old: str, new: str, name: str = CONFIG) -> Change:
    """Replace a text in a file of the project."""
    return lambda project: project.edit(name, old, new)


def touch(name: str) -> Change:
    """Give a file of the project a new time."""
    return lambda project: os.utime(project.root / name)


def on(dataset: str, text: str) -> Change:
    """Add a line to the entry of a dataset."""
    return edit(f"  {dataset}:\n", f"  {dataset}:\n    {text}\n")


def of_gexpnet(text: str) -> Change:
    """Add keys to the model's entry."""
    return edit(LAST_KEY, f"{LAST_KEY}, {text}")


TABLES = {"score_cohort": 3, "compare_cohorts": 1, "write_report": 1}
ATTRIBUTION = {"attribute_genes": 3, "draw_heatmaps": 3, "score_recovery": 3}
GEXPNET = {"train_gexpnet": 9, **ATTRIBUTION, **TABLES}  # with its two controls
# From the files of one dataset without an image network to the report, and from the splits of all to the report.
A_DATASET = {
    **dict.fromkeys(("read_cohort", "find_shared_samples", "split_cohort", "prepare_folds"), 1),
    **{"train_gexpnet": 3, "fit_reference": 3, "audit_cohort": 1},
    **dict.fromkeys((*ATTRIBUTION, *TABLES), 1),
}
IMAGES = {"lay_out_genes": 2, "draw_images": 1, "finetune_backbone": 8}  # resnet50 and its control in 4 folds
AUDIT = {"refit_variant": 6, "audit_cohort": 3}  # permuted labels and random genes
ALL_FOLDS = {"split_cohort": 3, "prepare_folds": 4, **IMAGES, "fit_reference": 9, **GEXPNET, **AUDIT}
NOTHING_NEW = [
    *map(touch, ("config.yaml", "scripts/train_gexpnet.py", "scripts/gexflow/models/gexpnet.py")),
    *map(touch, ("workflow/rules/models.smk", "workflow/report/style.css")),
    edit("run:\n", "# a comment\nrun:\n", "config.yaml"),
    edit("STEM_CHANNELS = 8", "STEM_CHANNELS = 8  # a comment", "scripts/gexflow/models/gexpnet.py"),
    of_gexpnet("preset: paper, controls: [shuffled, dense]"),  # the defaults
]
A_CONTROL_MORE = [
    edit('"dense": {', '"wide": {"hidden": 128}, "dense": {', "scripts/gexflow/variants.py"),
    edit("enum: [shuffled, dense]", "enum: [shuffled, wide, dense]", "workflow/schemas/config.schema.yaml"),
    of_gexpnet("controls: [shuffled, wide, dense]"),
]
OWN_RECIPE = (
    "recipes:\n  gexpnet-paper: [impute_median, {gene_quantile: {output: normal}}, {select_ftest: {keep: 500}}]\n"
)
ONE_MORE = [
    edit("demo-tcga]", "demo-tcga, demo-new]"),
    edit(
        "datasets:\n  demo-geo:",
        "datasets:\n"
        "  demo-new:\n"
        "    source: mendeley\n"
        "    simulate: {samples: 200, genes: 1000, classes: 4, seed: 4}\n"
        "    label: {field: cancerTypes}\n"
        "    models: [gexpnet, majority]\n"
        "  demo-geo:",
    ),
]

RERUNS = {
    "touched files, comments, and defaults that are named": (NOTHING_NEW, {}),
    "the title": ([edit("title: GexFlow demo", "title: The demo")], {"write_report": 1}),
    "the report's style": ([edit("{", " {", "workflow/report/style.css")], {"write_report": 1}),
    "what the config knows of a dataset": (
        [on("demo-geo", "tried_on: format only"), on("demo-geo", "expected: {tumour: 7}")],
        {"write_report": 1},
    ),
    "a learning rate": ([edit("learning_rate: 0.001,", "learning_rate: 0.002,")], GEXPNET),
    "a preset": ([of_gexpnet("preset: fast")], GEXPNET),  # one-cycle, where no schedule is given
    "no controls": ([of_gexpnet("controls: []")], TABLES),
    "one control fewer": ([of_gexpnet("controls: [dense]")], TABLES),
    "one control more": (A_CONTROL_MORE, {"train_gexpnet": 3, **TABLES}),
    "a library module": (
        [edit("LEVEL = 0.95", "LEVEL = 0.9", "scripts/gexflow/evaluation/intervals.py")],
        TABLES,
    ),
    "a recipe": (
        [edit("models:\n  gexpnet:", f"{OWN_RECIPE}\nmodels:\n  gexpnet:")],
        {"prepare_folds": 3, "fit_reference": 9, **GEXPNET, **AUDIT},
    ),
    "a label rule": (
        [edit("{field: tissue}", "{field: tissue, map: {Normal: normal, Subtype A: A, Subtype B: B}}")],
        {**A_DATASET, "refit_variant": 2},
    ),
    "the number of folds": ([edit("folds: 5", "folds: 4")], ALL_FOLDS),
    "one dataset more": (ONE_MORE, {"simulate_cohort": 1, **A_DATASET, "fit_reference": 1}),
    "strict audits": (
        [edit("{permutations: 4,", "{strict: true, permutations: 4,")],
        {"audit_cohort": 3, "write_report": 1},
    ),
    "more permutations": (
        [edit("{permutations: 4,", "{permutations: 5,")],
        {"refit_variant": 3, "audit_cohort": 3, "write_report": 1},
    ),
    "folds by site beside a dataset": (
        [on("demo-tcga", "variants: [sites]")],
        {
            "split_cohort": 1,
            "prepare_folds": 2,
            "lay_out_genes": 1,
            "train_gexpnet": 1,
            "fit_reference": 3,
            "finetune_backbone": 5,
            "score_cohort": 1,
            "write_report": 1,
        },
    ),
    "a hold-out": (
        [on("demo-geo", "holdout: {share: 0.1}")],
        {rule: jobs for rule, jobs in A_DATASET.items() if rule not in ("read_cohort", "find_shared_samples")}
        | {"refit_variant": 2},
    ),
    "an external test": (
        [
            edit(
                "attribution:\n",
                "external: [{train: demo-mendeley, test: demo-tcga, models: [logistic]}]\nattribution:\n",
            )
        ],
        # what the search for shared samples advises depends on which datasets are tests
        {"find_shared_samples": 1, "predict_external": 1, "score_new_samples": 1, "write_report": 1},
    ),
    "the published protocol beside a dataset": (
        [on("demo-tcga", "variants: [published]")],
        {
            "read_cohort": 1,
            "split_cohort": 1,
            "prepare_folds_1": 1,
            "lay_out_genes_1": 1,
            "finetune_backbone": 1,
            "score_cohort": 1,
            "write_report": 1,
        },
    ),
}


@pytest.mark.parametrize("change", RERUNS)
def test_a_change_reruns_exactly_what_it_touches(copied_demo, change):
    edits, rules = RERUNS[change]
    for one in edits:
        one(copied_demo)
    assert copied_demo.would_run() == rules


def test_another_branch_reruns_what_differs_and_back_again_nothing(copied_demo, tmp_path):
    place = {"GIT_DIR": str(tmp_path / "git"), "GIT_WORK_TREE": str(copied_demo.root), "GIT_CONFIG_GLOBAL": os.devnull}
    someone = {f"GIT_{role}_{what}": "a@b" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], env={**os.environ, **place, **someone}, check=True, capture_output=True)

    name = "scripts/gexflow/evaluation/intervals.py"
    git("init", "--initial-branch=main")
    git("add", copied_demo.root)
    git("commit", "--message=main")
    git("switch", "--create=other")
    edit("LEVEL = 0.95", "LEVEL = 0.9", name)(copied_demo)
    git("commit", "--all", "--message=other")
    assert copied_demo.would_run() == TABLES
    git("switch", "main")
    assert (copied_demo.root / name).stat().st_mtime > (copied_demo.study / "results/report/index.html").stat().st_mtime
    assert copied_demo.would_run() == {}


def test_a_model_that_is_selected_no_more_trains_nothing_and_is_shown_nowhere(copied_demo, tmp_path):
    edit("models: [gexpnet, resnet50, majority", "models: [gexpnet, majority")(copied_demo)
    project = Project(copied_demo.root, shutil.copytree(copied_demo.study, tmp_path / "study"))
    results = project.study / "results"
    tables = [results / "report/index.html", *results.glob("demo-tcga/evaluation/*.tsv"), *results.glob("comparison/*")]
    assert [path for path in tables if "resnet50" in path.read_text()]
    assert project.run() == {"audit_cohort": 1, "score_cohort": 1, "compare_cohorts": 1, "write_report": 1}
    assert not [path for path in tables if "resnet50" in path.read_text()]
    assert (results / "demo-tcga/models/resnet50/fold1/predictions.tsv").exists()
