"""What a user may lose, or misread, is a warning with the true reason and an example."""

import json

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.matrix import Matrix
from gexflow.cohorts.odd_gene_names import odd_gene_names
from gexflow.cohorts.read import read_matrix
from gexflow.cohorts.scale import find_scale
from gexflow.cohorts.similar_spellings import similar_spellings, spelling_notes
from gexflow.cohorts.standardised import find_standardisation
from gexflow.log import CAUTION

SETTINGS = {"source": "table", "label": {"field": "class"}}


def cohort_of(values, classes, genes=None, **settings):
    samples = [f"s{number}" for number in range(len(values))]
    genes = genes or [f"g{number}" for number in range(values.shape[1])]
    fields = pd.DataFrame({"class": classes, "patient": [f"p{n // 2}" for n in range(len(values))]}, index=samples)
    fields = fields.assign(**settings.pop("fields", {}))
    return build_cohort(Matrix(values.astype(np.float32), samples, genes, fields), SETTINGS | settings, "own", [])


def cautions(cohort):
    return [note for note in json.loads(cohort.uns["source"])["notes"] if note.startswith(CAUTION)]


def logged(count, genes=60, seed=0):
    return np.random.default_rng(seed).uniform(4, 14, (count, genes))


TWO = ["X", "Y"]


def test_few_samples_on_another_scale_are_named():
    values = logged(200)
    values[[3, 77]] = 2 ** values[[3, 77]]
    cohort = cohort_of(values, TWO * 100, near_duplicates="off")
    assert cohort.uns["scale"] == "log2"
    assert [
        all(word in note for word in ["2 samples", "s3, s77", "datasets.own.exclude"]) for note in cautions(cohort)
    ] == [True]


@pytest.mark.parametrize(("samples", "odd"), [(200, 3), (30, 1), (2000, 6)])
def test_more_samples_on_another_scale_are_refused(refused, samples, odd):
    values = logged(samples)
    values[:odd] = 2 ** values[:odd]
    sentence = refused(find_scale, values, [f"s{n}" for n in range(samples)], "own")
    assert all(word in sentence for word in [f"linear: {odd}", "s0", "datasets.own.scale", "datasets.own.exclude"])
    found = find_scale(values, [f"s{n}" for n in range(samples)], "own", "log2")
    assert (found.scale, len(found.notes)) == ("log2", 1)


def test_whole_numbers_among_linear_values_are_no_other_scale():
    values = np.random.default_rng(0).uniform(0, 500, (40, 50))
    values[:2] = values[:2].round()
    found = find_scale(values, [f"s{n}" for n in range(40)])
    assert (found.scale, found.notes) == ("linear", [])


def test_a_sample_without_counts_is_named_and_can_be_left_out(refused):
    values = np.random.default_rng(0).poisson(100, (12, 60)).astype(float)
    values[4] = 0
    settings = {"near_duplicates": "off"}
    noted = cautions(cohort_of(values, TWO * 6, **settings))
    assert [all(word in note for word in ["s4", "without any counts", "datasets.own.exclude"]) for note in noted] == [
        True
    ]
    cohort = cohort_of(values, TWO * 6, exclude=["s4"], **settings)
    assert (cohort.n_obs, cautions(cohort)) == (11, [])
    assert ("s4" in cohort.obs_names, json.loads(cohort.uns["source"])["dropped"][0]["examples"]) == (False, ["s4"])
    assert 'did you mean "s4"' in refused(cohort_of, values, TWO * 6, exclude=["S 4"])


def test_classes_and_patients_in_two_spellings_are_pointed_out():
    classes = ["Tumour", "tumour", "Tumour", "normal", "normal", "normal "] * 2
    patients = ["p 1", "P1", "p 1", "p2", "É3", "e3"] * 2
    rule = {"group": {"field": "id"}, "fields": {"id": patients}, "near_duplicates": "off"}
    noted = cautions(cohort_of(logged(12), classes, **rule))
    assert len(noted) == 2
    assert all(
        word in noted[0] for word in ['"Tumour" (4)', '"tumour" (2)', 'datasets.own.label.map: {"Tumour": "Tumour"']
    )
    assert '"normal": "normal"' in noted[0]
    assert all(word in noted[1] for word in ['"p 1"', '"P1"', "É3", 'datasets.own.group.map: {"P1": "p 1"'])
    rule["group"] = {"field": "id", "map": {"P1": "p 1", "e3": "É3"}}
    rule["label"] = {"field": "class", "map": {"Tumour": "t", "tumour": "t", "normal": "n"}}
    cohort = cohort_of(logged(12), classes, **rule)
    assert cautions(cohort) == []
    assert cohort.obs["group"].nunique() == 3
    assert sorted(set(cohort.obs["label"])) == ["n", "t"]


def test_names_that_differ_otherwise_are_two():
    assert similar_spellings(["stage I", "stage II", "a-1", "a1"]) == []
    assert similar_spellings(["1 12", "11 2", "112", "Stage 11", "Stage 1 1", "a - 1", "a-1"]) == []
    assert similar_spellings(["Stage  1", "stage1", "T Cell", "Tcell", "1 b", "1B", "1  2", "1 2 "]) == [
        ["Stage  1", "stage1"],
        ["T Cell", "Tcell"],
        ["1 b", "1B"],
        ["1  2", "1 2 "],
    ]
    assert similar_spellings(["a\u00a01", "A1"]) == [["a\u00a01", "A1"]]


def advised_map(note):
    return json.loads(note[note.index("{") : note.index("}") + 1])


def test_the_advised_map_keeps_every_sample():
    types = ["01", "01", "11"] * 8
    classes = ["Tumour", "tumour", "Solid Tissue"] * 8
    fields = {"fields": {"sample_type": types}, "adjacent_label": "normal", "near_duplicates": "off"}
    before = cohort_of(logged(24), classes, **fields)
    (note,) = cautions(before)
    assert advised_map(note) == {"Tumour": "Tumour", "tumour": "Tumour", "Solid Tissue": "Solid Tissue"}
    after = cohort_of(logged(24), classes, label={"field": "class", "map": advised_map(note)}, **fields)
    assert (cautions(after), before.n_obs, after.n_obs) == ([], 24, 24)
    assert after.obs["label"].value_counts().to_dict() == {"Tumour": 16, "normal": 8}


def test_names_that_a_map_made_are_joined_in_that_map():
    classes, patients = ["1", "2", "3"] * 4, ["a", "b", "c", "d"] * 3
    rules = {"label": {"field": "class", "map": {"1": "Tumour", "2": "tumour", "3": "normal"}}}
    rules["group"] = {"field": "id", "map": {"a": "P 1", "b": "p1"}}
    rules["batch"] = {"field": "id", "map": {"a": "X", "b": "x"}}
    noted = cautions(cohort_of(logged(12), classes, fields={"id": patients}, near_duplicates="off", **rules))
    for rule, note in zip(("label", "group", "batch"), noted, strict=True):
        assert f"give them one name in datasets.own.{rule}.map." in note
        assert "{" not in note


def test_a_class_spelled_like_the_label_of_adjacent_normals_is_pointed_out():
    fields = {"fields": {"sample_type": ["01", "11", "01"] * 4}, "adjacent_label": "normal"}
    (note,) = cautions(cohort_of(logged(12), ["tumour", "tumour", "Normal"] * 4, near_duplicates="off", **fields))
    assert all(word in note for word in ['"Normal"', "datasets.own.adjacent_label", '"normal"'])


def test_a_map_that_joins_some_says_of_how_many():
    names = [f"{letter}{n}" for n in range(7) for letter in "pP"]
    (note,) = spelling_notes(names, "batches", "datasets.own.batch")
    assert len(advised_map(note)) == 5
    assert "first 5 of 7" in note
    assert "first" not in spelling_notes(names[:10], "batches", "datasets.own.batch")[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda values: (values - values.mean(axis=0)) / values.std(axis=0), "z-scores"),
        (lambda values: (values - values.mean(axis=0)) / values.std(axis=0, ddof=1), "z-scores"),
        (lambda values: ((values - values.mean(axis=0)) / values.std(axis=0)).round(3), "z-scores"),
        (lambda values: values - values.mean(axis=0), "centring of each gene"),
        (lambda values: 2**values - np.median(2**values, axis=0), "by its median"),
        (lambda values: (values[:39] - np.median(values[:39], axis=0)).round(2), "by its median"),
        (lambda values: (values - values.min(axis=0)) / np.ptp(values, axis=0), "0..1"),
        (lambda values: values, ""),
        (lambda values: (values - values.mean(axis=1)[:, None]) / values.std(axis=1)[:, None], ""),
    ],
)
def test_values_standardised_over_all_samples_are_recognised(change, words):
    values = change(logged(40)).astype(np.float32)
    values[3, 5] = np.nan
    found = find_standardisation(values)
    assert words in found
    assert bool(found) == bool(words)


def test_a_median_over_some_missing_values_is_recognised():
    values = 2 ** logged(31)
    values[np.random.default_rng(1).random(values.shape) < 0.2] = np.nan
    assert find_standardisation((values - np.nanmedian(values, axis=0)).astype(np.float32)).endswith("by its median")


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).poisson(0.3, (40, 60)),  # most medians are 0
        np.random.default_rng(0).poisson(0.05, (40, 60)),  # most genes are 0 or 1
        np.random.default_rng(0).integers(0, 2, (40, 60)),
        np.where(np.random.default_rng(0).random((40, 60)) < 0.5, 0, logged(40) - 9),  # 0 where nothing was measured
    ],
)
def test_counts_calls_and_zeros_are_no_standardisation(values):
    assert find_standardisation(values.astype(np.float32)) == ""


def test_genes_found_in_one_sample_do_not_hide_a_range():
    values = (logged(40) - 4) / 10
    values = (values - values.min(axis=0)) / np.ptp(values, axis=0)
    values[:, :40] = np.eye(40)
    assert "0..1" in find_standardisation(values.astype(np.float32))


def test_joint_standardisation_reaches_card_and_warnings():
    values = logged(40)
    cohort = cohort_of((values - values.mean(axis=0)) / values.std(axis=0), TWO * 20, exclude=["s0"])
    assert "z-scores" in describe(cohort)["normalised_jointly"]
    assert any("z-scores" in note for note in cautions(cohort))


@pytest.fixture
def read(write):
    def reader(ids, labels):
        lines = ["gene\t" + "\t".join(ids)]
        lines += [f"g{n}\t" + "\t".join(map(str, row)) for n, row in enumerate(logged(len(ids)).T.round(2))]
        settings = SETTINGS | {"dataset": "own"}
        matrix = read_matrix("table", [write("\n".join(lines) + "\n")], write(labels, "labels.tsv"), settings)
        return build_cohort(matrix, settings, "own", [])

    return reader


def test_samples_without_a_row_are_lost_for_that_reason(read):
    ids = [f"X{n}.T" if n < 4 else f"{n}-T" for n in range(20)]
    labels = "id\tclass\n" + "".join(f"{n}-T\t{'' if n == 7 else TWO[n % 2]}\n" for n in range(20))
    cohort = read(ids, labels)
    dropped = {entry["why"]: entry["count"] for entry in json.loads(cohort.uns["source"])["dropped"]}
    assert dropped == {"no row in labels.tsv": 4, 'no value in field "class"': 1}
    rows, value = cautions(cohort)
    assert all(word in rows for word in ["4 of 20", '"X0.T"', '"0-T"', "labels.tsv"])
    assert all(word in value for word in ["1 of 20", '"class"', '"7-T"'])


def test_a_field_that_some_samples_spell_otherwise_is_found(read):
    rows = [f"s{n}\t{'' if n < 6 else TWO[n % 2]}\t{'metastasis' if n < 6 else ''}\n" for n in range(20)]
    noted = cautions(read([f"s{n}" for n in range(20)], "id\tclass\tclass of tissue\n" + "".join(rows)))
    assert [all(word in note for word in ["6 of 20", '"class of tissue"', "for 6"]) for note in noted] == [True]


def test_a_cohort_that_loses_nothing_has_no_caution(read):
    labels = "id\tclass\n" + "".join(f"s{n}\t{TWO[n % 2]}\n" for n in range(25))
    assert cautions(read([f"s{n}" for n in range(20)], labels)) == []


def test_symbols_that_became_dates_are_named():
    genes = ["1-Mar", "2-Sep", "2023-03-01 00:00:00", "Dec-01", "2.31E+13", "TP53", "MARCH1", "SEPT2", "DEC1"]
    (note,) = odd_gene_names(genes, [""] * len(genes))
    assert note.startswith(CAUTION)
    assert "(5, e.g. " in note
    assert "1-Mar, 2-Sep" in note
    assert "(1, e.g. 1-Mär" in odd_gene_names(["p1"], ["1-Mär"])[0]


def test_ids_that_r_changed_are_named():
    genes = ["X1007_s_at", "X1053_at", "X117_at", "AFFX.BioB"]
    assert "3 of 4 gene ids" in odd_gene_names(genes, [""] * 4)[0]
    assert odd_gene_names(["X95735_at", "M27891_at", "U50136_at"], [""] * 3) == []  # accessions of HuGeneFL


def replicates(noise, samples=24, genes=400):
    random = np.random.default_rng(0)
    patients = random.normal(8, 2, genes) + np.repeat(random.normal(0, 1, (samples // 2, genes)), 2, axis=0)
    return patients + random.normal(0, noise, (samples, genes))


def test_replicates_side_by_side_ask_for_a_group_rule():
    classes = ["X"] * 12 + ["Y"] * 12
    values = replicates(0.6)
    noted = cautions(cohort_of(values, classes))
    assert [all(word in note for word in ["24 of 24", "datasets.own.group"]) for note in noted] == [True]
    assert cautions(cohort_of(values, classes, group={"field": "patient"})) == []
    assert cautions(cohort_of(logged(24, 400), classes)) == []


def test_one_value_decides_no_scale_and_facts_of_samples_are_pointed_out():
    values = np.column_stack([logged(40, 200), np.arange(540, 500, -1), 70 - np.arange(40)])
    genes = [*(f"g{n}" for n in range(200)), "os_days", "age"]
    cohort = cohort_of(values, TWO * 20, genes, near_duplicates="off")
    assert cohort.uns["scale"] == "log2"
    assert [all(word in note for word in ["os_days", "age", "ignore"]) for note in cautions(cohort)] == [True]


def test_a_given_scale_that_no_sample_has_is_what_to_correct():
    found = find_scale(logged(10), [f"s{n}" for n in range(10)], "own", "linear")
    assert "correct datasets.own.scale" in found.notes[0]


def test_a_class_for_each_sample_is_refused(refused):
    sentence = refused(cohort_of, logged(12), [f"c{n}" for n in range(12)], near_duplicates="off")
    assert "datasets.own.label.field" in sentence


def test_a_sample_without_values_is_a_caution():
    values = logged(12)
    values[3] = np.nan
    assert ["s3" in note for note in cautions(cohort_of(values, TWO * 6, near_duplicates="off"))] == [True]


def test_replicates_of_a_group_rule_ask_for_no_other(refused):
    values = replicates(0.6)
    alone = {"group": {"field": "own"}, "fields": {"own": [f"q{n}" for n in range(24)]}}
    assert not any("replicates" in note for note in cautions(cohort_of(values, ["X"] * 12 + ["Y"] * 12, **alone)))
