"""What a checked config asks for: models, folds, recipes, hold-outs, weights and refits, without Snakemake."""

from copy import deepcopy

import pytest
import yaml

from gexflow.config import load_config, merge
from gexflow.config_files import resolve_files
from gexflow.errors import InputError
from gexflow.plan import Plan
from gexflow.plan_audit import AuditPlan
from gexflow.plan_files import downloads_of, reading_of
from gexflow.plan_jobs import costly_jobs
from tests.workflow.conftest import ROOT

SCHEMA = ROOT / "workflow/schemas/config.schema.yaml"
OWN = {"source": "tcga", "simulate": {"samples": 60, "genes": 60}, "label": {"field": "cancer type"}}
STUDY = {
    "run": {"datasets": ["one", "two"], "models": ["gexpnet", "vgg19", "logistic", "majority"], "folds": 4},
    "datasets": {"one": OWN, "two": {**OWN, "family": "another"}},
    "recipes": {"chosen": ["impute_median", {"select_variance": {"top": 5}}], "ranks": ["sample_rank"]},
    "models": {
        "gexpnet": {"network": "gexpnet", "recipe": "chosen", "controls": ["dense"]},
        "vgg19": {"network": "vgg19", "recipe": "ranks", "weights": "imagenet", "controls": ["random", "shuffled"]},
        "logistic": {"network": "logistic", "recipe": "chosen", "tune": {"C": [0.1, 1]}},
        "majority": {"network": "majority", "recipe": "ranks"},
    },
    "attribution": {"models": ["gexpnet"]},
}
WEIGHTS = {"vgg19": {"file": "vgg19.pth", "address": "https://example.org/vgg19.pth", "sha256": "ab"}}
PLAIN = ["gexpnet", "vgg19", "logistic", "majority"]


@pytest.fixture
def plan(tmp_path):
    """Make the plan of the study above under some changes, each a part of the config and what is laid over it."""

    def make(**changes) -> Plan:
        (tmp_path / "mine.yaml").write_text(yaml.safe_dump(merge(deepcopy(STUDY), changes)))
        return Plan(load_config([tmp_path / "mine.yaml"], SCHEMA), WEIGHTS)

    return make


def test_controls_run_on_datasets_and_never_on_their_variants(plan):
    found = plan(datasets={"one": {**OWN, "variants": ["sites", "published"]}, "two": {**OWN, "models": ["vgg19"]}})
    assert found.models_of("one") == ["gexpnet", "gexpnet~dense", "vgg19", "vgg19~random", "vgg19~shuffled", *PLAIN[2:]]
    assert found.models_of("two") == ["vgg19", "vgg19~random", "vgg19~shuffled"]
    assert found.models_of("one~sites") == PLAIN
    assert found.models_of("one~published") == ["vgg19"]
    attributed = {name: found.attributed_models(name) for name in found.datasets}
    assert attributed == {"one": ["gexpnet"], "one~sites": [], "one~published": [], "two": []}


def test_a_dataset_chooses_the_recipe_of_a_model_and_its_controls(plan):
    found = plan(datasets={"one": {**OWN, "recipes": {"gexpnet": "ranks"}}})
    names = ("gexpnet", "gexpnet~dense", "logistic")
    assert [found.recipe_of("one", name) for name in names] == ["ranks", "ranks", "chosen"]
    assert [found.recipe_of("two", name) for name in names] == ["chosen"] * 3
    assert found.steps_of("one", "gexpnet~dense") == [{"sample_rank": {}}]
    assert (found.recipes_of("one"), found.recipes_of("two")) == (["chosen", "ranks"], ["chosen", "ranks"])


def test_another_seed_is_the_same_model_but_for_the_seed(plan):
    once, thrice = (plan(run={"seed": 5}, models={"gexpnet": {"seeds": seeds}}) for seeds in (1, 3))
    own = once.model_settings("gexpnet")
    assert thrice.model_settings("gexpnet") == own  # one more seed trains the first one no second time
    assert thrice.model_settings("gexpnet~dense") == once.model_settings("gexpnet~dense")
    assert [thrice.model_settings(f"gexpnet~seed{n}") for n in (2, 3)] == [{**own, "seed": 4 + n} for n in (2, 3)]
    added = set(thrice.models_of("one")) - set(once.models_of("one"))
    assert added == {"gexpnet~seed2", "gexpnet~seed3"}
    assert thrice.attributed_models("one") == ["gexpnet"]


def test_other_seeds_of_a_tuned_model_choose_in_the_same_inner_folds(plan):
    found = plan(run={"seed": 5}, models={"gexpnet": {"seeds": 2, "tune": {"hidden": [8, 16]}}})
    settings = [found.model_settings(name) for name in ("gexpnet", "gexpnet~seed2")]
    assert [(one["inner_folds"], one["inner_seed"], one["seed"]) for one in settings] == [(3, 5, 5), (3, 5, 6)]


def test_a_network_whose_candidates_end_in_other_heads_shares_no_trunk(plan):
    own = {"recipe": "ranks", "weights": "random", "learn": "head"}
    shared = plan(models={"vgg19": {**own, "tune": {"epochs": [1, 2]}}})
    assert shared.trunk_name("one", "vgg19").startswith("ranks.")
    assert plan(models={"vgg19": {**own, "tune": {"head": ["light", "flat"]}}}).trunk_name("one", "vgg19") == ""
    both = {**own, "learn": "last-block", "tune": {"head": ["light", "flat"]}}  # the head is behind what learns
    assert plan(models={"vgg19": both}).trunk_name("one", "vgg19").startswith("ranks.")


def test_a_dataset_has_its_own_folds_and_repeats_where_it_names_them(plan):
    found = plan(run={"repeats": 2}, datasets={"one": {**OWN, "folds": 3}, "two": {**OWN, "repeats": 1}})
    assert [(found.folds_of(name), found.repeats_of(name)) for name in ("one", "two")] == [(3, 2), (4, 1)]
    assert found.fold_counts == {6: ["one"], 4: ["two"]}
    assert {key: found.split_settings("two")[key] for key in ("folds", "repeats")} == {"folds": 4, "repeats": 1}


def test_folds_by_site_are_split_as_often_as_they_are_run(plan):
    found = plan(datasets={"one": {**OWN, "folds": 3, "repeats": 2, "variants": ["sites"]}})
    for name, repeats in {"one": 2, "one~sites": 1}.items():
        settings = found.split_settings(name)
        assert (settings["folds"], settings["repeats"]) == (3, repeats)
        assert settings["folds"] * settings["repeats"] == found.fold_count(name)


def test_a_share_of_zero_leaves_a_dataset_without_a_hold_out(plan):
    changes = {"run": {"holdout": 0.2}, "datasets": {"one": {**OWN, "holdout": {"share": 0}}}}
    locked = plan(**changes)
    assert (locked.holdout_of("one"), locked.holdout_of("two")) == ({}, {"share": 0.2})
    assert locked.new_places() == []
    opened = plan(**changes, evaluation={"holdout": "report"}, external=[{"train": "one", "test": "two"}])
    assert opened.new_places() == [("two", "holdout"), ("one", "external/two")]


def test_the_published_split_excludes_a_hold_out_on_datasets_that_run(plan):
    changes = {"run": {"holdout": 0.2}, "datasets": {"two": {**OWN, "variants": ["published"]}}}
    with pytest.raises(InputError, match=r"datasets\.two\.variants names published, whose one split would train on"):
        plan(**changes)
    plan(**merge(changes, {"run": {"datasets": ["one"]}}))
    plan(**merge(changes, {"datasets": {"two": {"holdout": {"share": 0}}}}))


EXTERNAL = [{"train": "one", "test": "three"}, {"train": "one", "test": "two"}]


def test_a_dataset_that_is_only_tested_is_read_and_searched_but_neither_run_nor_ranked(plan):
    held_out = {**OWN, "family": "third", "variants": ["sites"]}
    found = plan(datasets={"three": held_out}, external=EXTERNAL, run={"holdout": 0.2})
    assert list(found.only_tested) == ["three"]
    assert list(found.datasets) == list(found.chosen_datasets) == found.family_settings()["datasets"] == ["one", "two"]
    assert list(found.read_datasets) == found.searched_settings()["datasets"] == ["one", "two", "three"]
    assert found.searched_settings()["families"]["three"] == "third"
    assert found.searched_settings()["tests"] == [["one", "three"], ["one", "two"]]
    assert found.simulation_settings("three") == {"source": "tcga", "simulate": found.only_tested["three"]["simulate"]}
    assert (found.holdout_of("two"), found.holdout_of("three")) == ({"share": 0.2}, {})
    assert found.new_models("one", "external/three") == PLAIN
    report = found.report_settings()
    assert (report["only_tested"], list(report["models"])) == (["three"], ["one", "two"])
    jobs = [job for job in costly_jobs(found, AuditPlan(found)) if "three" in job]
    assert sorted(jobs) == ["three/read_cohort", "three/simulate_cohort"]


def test_a_hold_out_of_a_dataset_that_is_only_tested_is_refused_since_nothing_would_lock_it(plan):
    third = {**OWN, "family": "third"}
    for locked in ({"share": 0.2}, {"batch": ["x"]}):
        with pytest.raises(InputError, match=r"datasets\.three\.holdout.*no splits") as caught:
            plan(datasets={"three": {**third, "holdout": locked}}, external=EXTERNAL)
        assert len(str(caught.value).splitlines()) == 2
    assert plan(datasets={"three": {**third, "holdout": {"share": 0}}}, external=EXTERNAL).only_tested
    assert plan(datasets={"three": {**third, "holdout": {"share": 0.2}}}).only_tested == {}  # in the catalogue alone


def test_the_files_of_a_dataset_that_is_only_tested_are_found_or_missed_as_others(tmp_path):
    table = {"source": "table", "label": {"field": "type"}}
    third = {**table, "files": {"matrix": "https://example.org/m.tsv", "labels": str(tmp_path / "labels.tsv")}}
    study = merge(deepcopy(STUDY), {"datasets": {"three": third}, "external": EXTERNAL})
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(study))
    config = load_config([tmp_path / "mine.yaml"], SCHEMA)
    with pytest.raises(InputError, match=r"datasets\.three\.files\.labels: there is no file"):
        resolve_files(config)
    (tmp_path / "labels.tsv").touch()
    resolve_files(config)
    assert list(downloads_of(Plan(config, WEIGHTS).read_datasets)) == [("table", "m.tsv")]


def test_controls_predict_no_new_samples(plan):
    pairs = [{"train": "one", "test": "two", "models": ["majority", "gexpnet"]}, {"train": "two", "test": "one"}]
    found = plan(external=pairs)
    assert found.new_models("one", "external/two") == ["gexpnet", "majority"]
    assert found.new_models("two", "external/one") == found.new_models("one", "holdout") == PLAIN


def test_frozen_layers_run_once_where_no_fold_changes_the_images(plan):
    assert plan().trunk_name("one", "vgg19") == "ranks.alphabetical-102"
    assert plan(datasets={"one": {**OWN, "recipes": {"vgg19": "chosen"}}}).trunk_name("one", "vgg19") == ""
    for own in ({"learn": "all"}, {"layout": {"order": "correlation"}}):
        assert plan(models={"vgg19": {**STUDY["models"]["vgg19"], **own}}).trunk_name("one", "vgg19") == ""


def test_weights_are_known_by_their_checksum_wherever_they_come_from(plan):
    own = {"address": "https://example.org/mine.pth", "sha256": "c" * 64}
    found = plan(models={"vgg19": {**STUDY["models"]["vgg19"], "weights": own}})
    before = found.model_settings("vgg19")
    assert (before["weights"], before["sha256"]) == ("own", own["sha256"])
    assert "sha256" not in found.model_settings("vgg19~random")
    found.models["vgg19"]["weights"]["path"] = "/elsewhere/mine.pth"
    assert found.model_settings("vgg19") == before
    assert list(plan().fetched_weights) == ["vgg19.pth"]
    assert plan().model_settings("vgg19")["sha256"] == "ab"


def test_a_refit_depends_on_its_recipe_and_model_alone(plan):
    def refit(**changes) -> dict:
        return AuditPlan(plan(**changes)).refit_settings("one", "logistic")

    model = STUDY["models"]["logistic"]
    others = {"gexpnet": {**STUDY["models"]["gexpnet"], "epochs": 7}}
    assert refit() == refit(models=others, run={"models": ["logistic"], "repeats": 3}, recipes={"ranks": ["zscore"]})
    own = [{**model, "C": 0.5}, {**model, "tune": {"C": [1, 2]}}]
    changes = [
        *({"models": {"logistic": one}} for one in own),
        {"recipes": {"chosen": ["zscore"]}},
        {"run": {"seed": 9}},
    ]
    assert all(refit() != refit(**change) for change in changes)


def test_a_reference_model_is_refitted_tuned_but_leaks_and_networks_untuned(plan):
    networks = {"gexpnet": {"tune": {"hidden": [8, 16]}, "preset": "fast"}}
    audit = {"models": ["gexpnet", "logistic"], "networks": True, "planted_leaks": True}
    found = plan(models=networks, evaluation={"audit": audit})
    audited = AuditPlan(found)
    refitted = audited.variant_settings("one", "permuted", "logistic")["model"]
    assert refitted == found.model_settings("logistic")
    assert (refitted["tune"], refitted["inner_folds"]) == ({"C": [0.1, 1]}, 3)
    for untuned in (audited.leak_settings("one"), audited.variant_settings("one", "permuted", "gexpnet")):
        assert not {"tune", "inner_folds", "inner_seed"} & set(untuned["model"])


def test_random_genes_need_a_recipe_that_chooses_and_leaks_a_model_to_show_them(plan):
    audit = {"models": ["logistic", "majority"], "planted_leaks": True}
    found = AuditPlan(plan(evaluation={"audit": audit}, datasets={"two": {**OWN, "models": ["gexpnet"]}}))
    assert found.refitted_models("one", "permuted") == ["logistic", "majority"]
    assert found.refitted_models("one", "random") == ["logistic"]
    assert found.leaking_model("one") == "logistic"
    assert len(found.leaks_of("one")) == 4
    assert (found.models_of("two"), found.leaks_of("two")) == ([], [])
    none = AuditPlan(plan(evaluation={"audit": {"permutations": 0}}))
    assert none.refitted_models("one", "permuted") == []


def test_only_what_decides_how_a_cohort_is_read_reads_it_again(plan):
    def reading(**keys) -> dict:
        return reading_of("one", plan(datasets={"one": {**OWN, **keys}}).datasets["one"])

    said = {"title": "T", "family": "f", "expected": {"A": 1}, "models": ["logistic"], "recipes": {"logistic": "ranks"}}
    splits = {"folds": 3, "repeats": 2, "holdout": {"share": 0.1}, "variants": ["sites"]}
    assert reading() == reading(**said, **splits)
    assert reading()["addresses"] == {"matrix": ["simulated"], "labels": ["simulated"], "annotation": []}
    assert reading() != reading(label={"field": "another"})


def test_datasets_that_share_a_download_add_what_they_know_of_it():
    one = {"address": "https://example.org/m.tsv", "name": "m.tsv", "md5": "1", "mirrors": ["a"]}
    two = {"address": "https://example.org/m.tsv", "name": "m.tsv", "size_bytes": 5, "mirrors": ["b", "a"]}
    local = {"address": "labels.tsv", "path": "labels.tsv"}
    datasets = {
        "one": {"source": "tcga", "files": {"matrix": [one], "labels": [local]}},
        "two": {"source": "tcga", "files": {"matrix": [two]}},
        "three": {"source": "table", "files": {"matrix": [two]}},
    }
    found = downloads_of(datasets)
    assert list(found) == [("tcga", "m.tsv"), ("table", "m.tsv")]
    assert found["tcga", "m.tsv"] == {**one, "size_bytes": 5, "mirrors": ["a", "b"]}
