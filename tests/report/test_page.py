"""The page is whole, self-contained and honest about what it shows."""

import json
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fabricated import MODELS, REFERENCE, fabricate
from rendered import FEW, TEMPLATES, WITH_CONTROLS, Nesting, render
from tests.jobs import job_of, run_script

from gexflow.files import write_table
from gexflow.log import CAUTION
from gexflow.report.caveats import find_caveats
from gexflow.report.page import render_page
from gexflow.report.study import collect_study

EXPLAINED = tuple(name for name in MODELS if "~" not in name and name not in REFERENCE)  # as many as a config may name


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    classes = [f"C{i:02d}" for i in range(33)]
    datasets = {name: classes for name in ("mendeley5", "tcga", "GSE14520", "toy")}
    folder = tmp_path_factory.mktemp("large")
    return render(folder, datasets, simulated=("toy",), joint=("tcga",), explained=EXPLAINED)


@pytest.fixture(scope="module")
def odd(tmp_path_factory):
    classes = ["1", "NA", "<script>alert(1)</script>", "a & b", "$x$"]
    return render(tmp_path_factory.mktemp("odd"), {"odd": classes}, models=FEW, simulated=("odd",))


def test_large_study_stays_below_three_megabytes(large):
    assert len(large[0].encode()) < 3e6


def test_page_loads_nothing_from_anywhere(large, odd):
    for page, parsed in (large, odd):
        assert all(address.startswith(("#", "data:image/png;base64,")) for address in parsed.loads)
        assert "@import" not in page
        assert not re.search(r"url\(\s*['\"]?(?!#)", page)
        assert "xmlns" not in page
        assert "<script" not in page
        assert "Matplotlib v" not in page


def test_tags_are_nested_and_ids_unique(large, odd):
    for page, parsed in (large, odd):
        assert parsed.faults == []
        assert parsed.open == []
        assert len(parsed.ids) == len(set(parsed.ids))
        referred = re.findall(r'(?:href="#|url\(#)([^")]+)', page)
        assert set(referred) <= set(parsed.ids)


def test_headings_skip_no_level(large):
    levels = large[1].headings
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_sections_are_named_after_the_stages(large):
    page, _ = large
    for name in ("overview", "cohorts", "recipes", "models", "evaluation", "attribution", "run"):
        assert f'<section id="{name}"' in page


def test_the_card_and_its_figure_are_shown(large):
    page, parsed = large
    assert page.count("Samples of each class</text>") == 4
    for words in (
        "Near-duplicates with different labels",
        "Possible mislabelling",
        "1 pair, now of one group: S-01 and S-02 (0.9991)",
        "both = C00 + C01",
        "41; largest OR (79)",
        "2: TYR, TYR (seen on the whole cohort; no model uses this)",
        "1,234 (0.21 %)",
        "log2: largest value 19.4, no negative values",
    ):
        assert words in parsed.text


@pytest.mark.parametrize(("same", "title"), [("no", "Warning: Shared samples"), ("yes", "Datasets of one family")])
def test_shared_samples_are_told(tmp_path, same, title):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    row = {"dataset": "d", "other": "e", "genes_in_common": 971, "shared": 7, "of": 40, "largest_similarity": 0.9991}
    note = "exclude them with datasets.e.exclude" if same == "no" else ""
    write_table(pd.DataFrame([row | {"threshold": 0.98, "same_family": same, "note": note}]), tmp_path / "shared.tsv")
    study = collect_study(paths | {"shared_samples": str(tmp_path / "shared.tsv")}, settings)
    text = Nesting(render_page(study, TEMPLATES)).text
    assert title.removeprefix("Warning: ") in text
    assert "7 of 40 samples of d found in e too" + f": {note}" * bool(note) + "." in text
    assert "971 7 of 40 0.9991 0.98" in text


def test_datasets_that_cannot_be_compared_are_named(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    row = {"genes_in_common": 3, "shared": 0, "of": 40, "largest_similarity": np.nan, "threshold": np.nan}
    row |= {"same_family": "no", "note": "too few genes"}
    both = [row | {"dataset": "d", "other": "e"}, row | {"dataset": "e", "other": "d"}]
    write_table(pd.DataFrame(both), tmp_path / "shared.tsv")
    study = collect_study(paths | {"shared_samples": str(tmp_path / "shared.tsv")}, settings)
    assert (
        "1 pair of datasets could not be compared (too few genes): d and e."
        in Nesting(render_page(study, TEMPLATES)).text
    )


def test_every_model_dataset_and_class_is_named(large):
    for name in [*MODELS, "mendeley5", "tcga", "GSE14520", "toy", "C32"]:
        assert name in large[1].text


def test_tables_have_captions_and_figures_descriptions(large):
    page, _ = large
    assert page.count("<table") == page.count("<caption>")
    assert page.count("<svg ") == len(re.findall(r'<svg [^>]*aria-label="[^"]+"[^>]*><title>', page))
    assert not re.search(r"<th(?![^>]*scope)[ >]", page)


def test_same_results_give_the_same_page(tmp_path):
    first, _ = render(tmp_path / "a", {"d": ["x", "y"]}, models=FEW)
    second, _ = render(tmp_path / "b", {"d": ["x", "y"]}, models=FEW)
    assert first == second


def test_selection_stability_is_told_of_every_recipe_and_said_to_be_undefined_where_it_is(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    text = Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text
    assert "genes 10 971 485\u2013486 540 432 (80.0 %) 0.912 [0.901, 0.923]" in text
    assert "image-top 10 971 971 971 971 (100.0 %) undefined: every fold keeps all 971 genes" in text
    assert "not what new cohorts would give" in text
    repeated = Path(paths["stabilities"][0])
    repeated.write_text(repeated.read_text().replace('"repeats": 1', '"repeats": 2'))
    assert "genes 10 in 2 repeats 971" in Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text
    without = Nesting(render_page(collect_study({**paths, "stabilities": []}, settings), TEMPLATES)).text
    assert "stability" not in without


def test_random_weights_and_missing_gpu_are_warnings(tmp_path):
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW, random_weights=("resnet50",), device="cpu")
    assert "resnet50 started from random, not ImageNet, weights" in parsed.text
    assert "gexpnet, resnet50: no GPU" in parsed.text
    assert "random weights" in parsed.text


def test_nothing_is_warned_of_without_cause(tmp_path):
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW, cards={"d": {"dropped": []}})
    assert "Random weights" not in parsed.text
    assert "No GPU" not in parsed.text
    assert "Nothing was dropped" in parsed.text


def test_dropped_samples_are_shown_with_their_reason(large):
    assert "17 samples dropped: marked Do_not_use by the source" in large[1].text


def test_joint_normalisation_stands_beside_every_result(large):
    assert large[1].text.count("tcga jointly normalised by its source") >= 6
    assert "mendeley5 jointly" not in large[1].text


def test_simulated_dataset_is_called_simulated(odd):
    text = odd[1].text
    assert "This dataset is simulated" in text
    assert "best possible accuracy 98.5 %" in text
    assert "Bayes 98.5" in text
    assert "AUROC, F-test" in text


def test_accuracy_above_the_known_optimum_is_a_warning(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW, simulated=("d",))
    Path(paths["truth"][0]).write_text('{"bayes_accuracy": 0.6, "planted": {}}')
    assert "Better than possible" in render_page(collect_study(paths, settings), TEMPLATES)


def test_unknown_patients_few_folds_and_small_classes_are_told(tmp_path):
    card = {"groups": None, "classes": {"x": 2, "y": 90}}
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW, folds=3, cards={"d": card})
    for words in (
        "No patient groups known",
        "Few folds",
        "x (2 samples) in 3 folds",
        "with 3 folds, it is 1.581 times (d)",
    ):
        assert words in parsed.text


def test_a_class_with_one_or_two_test_samples_in_a_fold_is_a_caveat(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y", "z"]}, models=FEW)
    assert "Few test samples of a class" not in render_page(collect_study(paths, settings), TEMPLATES)
    facts = json.loads(Path(paths["splits"][0]).read_text())
    Path(paths["splits"][0]).write_text(json.dumps({**facts, "few_tested": {"z": 1, "x": 2}}))
    page = render_page(collect_study(paths, settings), TEMPLATES)
    assert "Few test samples of a class" in page
    assert "smallest number in a fold: z 1, x 2." in page


def test_near_duplicates_alone_are_no_known_patients(tmp_path):
    joined = {"count": 99, "largest": 2, "samples_in_shared_groups": 2, "shared_by_rule": False}
    known = {"count": 50, "largest": 2, "samples_in_shared_groups": 100, "shared_by_rule": True}
    for groups, told in ((joined, True), (known, False)):
        _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW, cards={"d": {"groups": groups}})
        assert ("No patient groups known" in parsed.text) == told


def test_the_config_says_what_an_entry_was_tried_on_and_what_it_expects(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"], "c": ["x", "y"]}, models=FEW)
    counts = json.loads(Path(paths["cards"][0]).read_text())["classes"]
    settings["config"]["datasets"]["d"] = {"tried_on": "format only", "expected": counts | {"x": 7}}
    settings["config"]["datasets"]["c"] = {"expected": {}}
    page = Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text
    assert f"x: 7 expected, {counts['x']} read." in page
    assert page.count("tried on format only") == 1
    settings["config"]["datasets"]["d"]["expected"] = counts
    assert " expected, " not in Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text


def test_datasets_stand_in_the_order_of_the_config(tmp_path):
    paths, settings = fabricate(tmp_path, {"b": ["x", "y"], "a": ["x", "y"]}, models=FEW)
    settings["models"] = dict(sorted(settings["models"].items()))  # as JSON with sorted keys brings them
    settings["config"]["run"]["datasets"] = ["b", "a"]
    assert [dataset["name"] for dataset in collect_study(paths, settings).datasets] == ["b", "a"]


def test_a_caution_of_the_reading_is_told_aloud(tmp_path):
    card = {"notes": [f"{CAUTION}most genes are not in the annotation.", "A plain note."]}
    caveats = find_caveats(collect_study(*fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW, cards={"d": card})))
    found = [caveat for caveat in caveats if caveat["title"] == "Found while reading"]
    assert [item["text"] for caveat in found for item in caveat["items"]] == ["most genes are not in the annotation."]
    assert all(caveat["loud"] for caveat in found)


def test_a_caution_of_a_recipe_is_told_aloud_once_with_its_number_of_folds(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    path = Path(paths["summaries"][0])
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    last = table.index[table["step"] == table["step"].iloc[-1]][:4]
    table.loc[last, "note"] = [f"{CAUTION}in {n} of 486 genes kept" for n in range(90, 94)]
    table.to_csv(path, sep="\t", index=False)
    found = [c for c in find_caveats(collect_study(paths, settings)) if c["title"] == "Found in the features"]
    (item,) = [item["text"] for caveat in found for item in caveat["items"]]
    assert "4 of 10 folds: in 90 of 486 genes kept." in item
    assert path.parent.name in item
    assert found[0]["loud"]


def test_names_of_classes_survive_as_text(odd):
    page, parsed = odd
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    for name in ("1", "NA", "a & b", "$x$"):
        assert f'<th scope="row">{name.replace("&", "&amp;")}</th>' in page
        assert any(name == word.strip() for word in parsed.words)


def test_networks_that_are_not_better_than_the_linear_model_are_a_caveat(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=WITH_CONTROLS)
    table = pd.read_csv(paths["comparisons"][0], sep="\t", keep_default_na=False)
    for verdict, said in (("no difference shown", True), ("worse", True), ("better", False)):
        against = (table["family"] == "linear reference") & (table["model"] == "gexpnet")
        write_table(table.assign(verdict=np.where(against, verdict, "no difference shown")), paths["comparisons"][0])
        text = Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text
        assert ("gexpnet, resnet50 against logistic: none is shown to be better." in text) == said


def test_a_study_without_a_linear_model_is_a_caveat(tmp_path):
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=["majority", "gexpnet"])
    assert "No linear reference model" in parsed.text


def test_published_values_stand_beside_measured_ones(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    entry = {"accuracy": 0.9899, "low": 0.9857, "high": 0.9943, "source": "A paper", "protocol": "same"}
    settings["config"]["datasets"]["d"] = {"published": {"gexpnet": {**entry, "data": "other", "note": "a note"}}}
    text = Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text
    assert re.search(r"gexpnet 98\.99 \[98\.57, 99\.43\] [\d.]+ \[[\d., ]+\] same other A paper: a note", text)


def test_the_merged_view_has_a_table_where_there_is_one(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y", "z"]}, models=FEW)
    settings["config"]["datasets"]["d"] = {"merge": {"yz": ["y", "z"]}}
    assert "Merged view of d (yz for y, z)" in Nesting(render_page(collect_study(paths, settings), TEMPLATES)).text


def test_study_without_attribution_or_scores_still_has_a_page(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW, explained=())
    page = render_page(collect_study({"cards": paths["cards"]}, settings), TEMPLATES)
    assert "No scores were found" in page
    assert "No model of this dataset was explained" in page


def test_heat_map_too_large_for_the_page_is_named_by_its_path(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    Path(paths["heatmaps"][0]).write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><text>' + "x" * 1_100_000 + "</text></svg>"
    )
    page = render_page(collect_study(paths, settings), TEMPLATES)
    assert "results/d/attribution/gexpnet/heatmaps.svg" in page
    assert len(page.encode()) < 1e6


def test_images_and_curves_are_explained_with_the_networks_they_belong_to(tmp_path):
    models = ["majority", "gexpnet", "resnet50", "resnet50~random", "resnet50~shuffled", "vgg19"]
    page, parsed = render(tmp_path, {"d": ["x", "y"]}, models=models)
    assert "as image networks see them (resnet50, vgg19): the first test sample of each class in fold 1" in parsed.text
    assert "Beside it what the control with shuffled genes sees" in parsed.text
    assert page.count("<image ") >= 4
    assert "Loss and accuracy by epoch of 3 networks on d" in page
    assert "Dashed: median of a control" in parsed.text
    assert "validation samples after it" not in parsed.text


def test_images_of_a_study_without_controls_mention_none(tmp_path):
    _, parsed = render(tmp_path, {"d": ["x", "y"]}, models=FEW, validation=True)
    assert "as image networks see them (resnet50):" in parsed.text
    assert "Beside it what" not in parsed.text
    assert "validation samples after it" in parsed.text


def test_images_too_large_for_the_page_are_named_by_their_path_and_small_ones_stay(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"], "e": ["x", "y"]}, models=FEW)
    drawing = Path(paths["images"][0])
    drawing.write_text(drawing.read_text().replace("</svg>", "<text>" + "x" * 500_000 + "</text></svg>"))
    page = render_page(collect_study(paths, settings), TEMPLATES)
    assert 'They lie in <span class="code">results/d/recipes/image-top/images/alphabetical-102.svg</span>' in page
    assert "results/e/recipes/image-top/images" not in page
    assert page.count("Test samples of ") == 2  # the label and title of the small one


def test_script_of_the_rule_writes_the_page(tmp_path):
    paths, settings = fabricate(tmp_path, {"d": ["x", "y"]}, models=FEW)
    inputs = {**paths, "template": str(TEMPLATES / "index.html.j2"), "style": str(TEMPLATES / "style.css")}
    page = tmp_path / "results" / "report" / "index.html"
    log = tmp_path / "results/logs/report/write_report.log"
    run_script(job_of("write_report", log, inputs, {"page": str(page)}, settings))
    assert "Tumour types from gene expression" in page.read_text(encoding="utf-8")


def test_a_study_without_a_leaky_variant_says_nothing_of_leaks(large):
    assert "LEAKY" not in large[1].text
    assert "published protocol" not in large[1].text
