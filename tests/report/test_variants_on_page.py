"""Controls, other seeds, the leaky protocol and folds by site stand on the page for what they are."""

import re

import pandas as pd
import pytest
from fabricated import fabricate
from rendered import FEW, TEMPLATES, WITH_CONTROLS, Nesting, render

from gexflow.files import write_table
from gexflow.report.caveats import dataset_marks, find_caveats
from gexflow.report.page import render_page
from gexflow.report.study import collect_study


def test_the_control_with_random_weights_is_no_warning_but_a_question(tmp_path):
    models = ["majority", "resnet50", "resnet50~random", "resnet50~shuffled"]
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=models)
    assert "started from random" not in parsed.text
    assert "is it transfer learning? resnet50~random" in parsed.text
    assert "resnet50 random weights +0.40 [-0.60, +1.40] no difference shown 0.40 < 0.001 31 / 17" in parsed.text


def test_networks_of_two_kinds_share_the_words_of_shuffled(tmp_path):
    models = ["majority", "gexpnet", "gexpnet~shuffled", "resnet50", "resnet50~shuffled"]
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=models)
    assert "does their order give anything? gexpnet~shuffled, resnet50~shuffled" in parsed.text


def test_controls_stand_below_their_model_in_words(tmp_path):
    page, parsed = render(tmp_path, {"d": ["x", "y"]}, models=WITH_CONTROLS)
    heads = re.findall(r'<th scope="row">(.*?)</th>', page[: page.index("What to know before you trust this")])
    names = [" ".join(re.sub("<[^>]+>", "", head).split()) for head in heads]
    below = ["gexpnet", "gexpnet with shuffled genes control", "gexpnet with dense layers control", "resnet50"]
    assert names == ["majority", "logistic", *below]
    assert parsed.text.count("the genes stand in random order (in an image: on random pixels)") == 1
    assert parsed.text.count("do the convolutions give anything?") == 1
    assert "gexpnet dense layers +0.80 [-0.20, +1.80]" in parsed.text


def test_controls_are_no_models_of_their_own(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=WITH_CONTROLS, device="cpu")
    for kind in ("metrics", "intervals"):  # a control better than all
        table = pd.read_csv(paths[kind][0], sep="\t", keep_default_na=False)
        rows = table["model"] == "gexpnet~dense"
        table.loc[rows, "accuracy" if kind == "metrics" else "estimate"] = 0.999
        write_table(table, paths[kind][0])
    study = collect_study(paths, settings)
    page = render_page(study, TEMPLATES)
    text = Nesting(page).text
    assert "in 1 dataset, with 4 models." in text
    assert "Accuracy of 4 models on d" in page
    assert "99.9" in text
    assert '<span class="best">99.9</span>' not in page
    assert page.count('<span class="best">') == 1
    assert "read by majority, logistic, gexpnet" in text
    assert "gexpnet, resnet50: no GPU" in text
    assert "Confusion matrix of gexpnet~" not in page


def test_other_seeds_are_a_deviation_and_no_rows(tmp_path):
    page, _ = render(tmp_path / "one", {"d": ["x", "y"]}, models=WITH_CONTROLS)
    assert "SD of seeds" not in page
    page, parsed = render(tmp_path, {"d": ["x", "y"]}, models=[*WITH_CONTROLS, "gexpnet~seed2", "gexpnet~seed3"])
    assert "seed2" not in page
    assert "in 1 dataset, with 4 models." in parsed.text
    assert "SD of seeds (seeds)" in parsed.text
    assert page.count("0.4 (3)") == 1


def test_a_study_without_controls_says_nothing_of_them(tmp_path):
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW)
    assert "control" not in parsed.text.replace("healthy control", "")


BOTH = {"d": ["x", "y"], "e": ["x", "y"], "d~published": ["x", "y"]}


@pytest.fixture(scope="module")
def leaky(tmp_path_factory):
    card = {"title": "T", "origin": []}
    return render(tmp_path_factory.mktemp("leaky"), BOTH, models=WITH_CONTROLS, cards={"d~published": card})


def test_the_leaky_variant_has_its_badge_wherever_it_stands(leaky):
    page, parsed = leaky
    body = page[page.index("<body>") : page.index("The whole config, as YAML")]
    badge = re.compile(r'd~published((</a>)? <span class="mark">| \()LEAKY')
    for place in re.finditer("d~published", body):
        assert badge.match(body, place.start()), body[place.start() - 60 : place.end() + 60]
    assert body.count('<span class="mark">LEAKY</span>') == 6  # overview and five sections
    assert "LEAKY by intention: the published protocol: one split 80/10/10 that parts patients" in parsed.text
    assert "Groups (patients) none: patients part" in parsed.text


def test_the_leaky_variant_ranks_nowhere_and_counts_as_no_dataset(leaky):
    page, parsed = leaky
    assert "in 2 datasets, with 4 models" in parsed.text
    assert page.count('<span class="best">') == 2
    assert "where a dataset is marked LEAKY: that is no result" in parsed.text


def test_what_a_leaky_variant_does_by_intention_is_no_caveat_of_its_own(tmp_path):
    card = {"groups": {"count": 9, "largest": 1, "samples_in_shared_groups": 0, "shared_by_rule": False}}
    paths, settings = fabricate(tmp_path, BOTH, models=FEW, cards={"d~published": card})
    caveats = find_caveats(collect_study(paths, settings))
    of_it = [found["title"] for found in caveats for item in found["items"] if "d~published" in item["datasets"]]
    assert of_it == ["LEAKY by intention", "Possible mislabelling", "Samples or classes dropped"]
    assert caveats[0]["title"] == "LEAKY by intention"
    assert caveats[0]["loud"]
    assert [item["datasets"] for item in caveats[0]["items"]] == ["d~published (LEAKY)"]


def test_the_leaky_variant_stands_behind_its_dataset_which_says_the_difference(tmp_path):
    paths, settings = fabricate(tmp_path, BOTH, models=WITH_CONTROLS, repeats=2)
    settings["config"]["run"]["datasets"] = ["d", "e"]
    settings["config"]["datasets"]["d"] = {"expected": {"x": 1}, "tried_on": "format only"}
    study = collect_study(paths, settings)
    assert [dataset["name"] for dataset in study.datasets] == ["d", "d~published", "e"]
    clean, published, _ = study.datasets
    assert (clean["repeats"], published["repeats"]) == (2, 1)
    assert (clean["tried_on"], published["tried_on"], published["expected"]) == ("format only", "", {})
    scores = {}
    for dataset in (clean, published):
        folds = next(model for model in dataset["models"] if model["name"] == "resnet50")["folds"]
        scores[dataset["name"]] = sum(row["accuracy"] for row in folds) / len(folds)
    line = (
        f"resnet50: published protocol (LEAKY) {100 * scores['d~published']:.2f} %, "
        f"clean folds {100 * scores['d']:.2f} %, difference {100 * (scores['d~published'] - scores['d']):+.2f} points"
    )
    text = Nesting(render_page(study, TEMPLATES)).text
    assert text.count(line) == 1
    evaluation = text[text.index("Only test samples count") :]
    assert evaluation.index(line) < evaluation.index("d~published")


def test_one_split_is_shown_with_wilson_s_interval_alone(leaky):
    _, parsed = leaky
    assert parsed.text.count("] Wilson F1") == 1
    assert "one split: no interval (accuracy; balanced accuracy;" in parsed.text
    assert "1 folds" not in parsed.text


def test_the_leaky_variant_of_a_simulated_dataset_is_simulated_but_has_no_known_optimum(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"], "d~published": ["x", "y"]}, models=FEW, simulated=("d",))
    published = collect_study(paths, settings).datasets[1]
    assert published["truth"] is None
    assert dataset_marks(published) == ["LEAKY", "simulated"]


def test_folds_by_site_are_a_column_of_their_own_that_says_what_it_asks(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y", "z"], "d~sites": ["x", "y", "z"]}, models=WITH_CONTROLS)
    study = collect_study(paths, settings)
    ordinary, by_site = study.datasets
    assert dataset_marks(by_site) == ["folds by site"]
    assert by_site["classes"] == ordinary["classes"]
    assert [model["name"] for model in by_site["models"] if "~" in model["name"]] == []
    text = Nesting(render_page(study, TEMPLATES)).text
    assert text.count("were predicted from gene expression in 1 dataset,") == 1
    assert "d~sites is the same cohort in folds by site: does what a model learned of a class hold at sites" in text
    assert "Classes tested across sites 2: y, z" in text
    assert "Not tested across sites x (2)" in text
    assert "Classes that some folds do not test y (9) (folds that do)" in text
    (caveat,) = [found for found in find_caveats(study) if found["title"] == "Not tested across sites"]
    assert caveat["items"][0] == {"datasets": "d~sites", "text": "x (2) (number of sites)."}
    scores = {}
    for dataset in study.datasets:
        folds = next(model for model in dataset["models"] if model["name"] == "resnet50")["folds"]
        scores[dataset["name"]] = sum(row["accuracy"] for row in folds) / len(folds)
    line = (
        f"resnet50: by site {100 * scores['d~sites']:.2f} %, ordinary folds {100 * scores['d']:.2f} %, "
        f"difference {100 * (scores['d~sites'] - scores['d']):+.2f} points"
    )
    assert text.count(line) == 1
