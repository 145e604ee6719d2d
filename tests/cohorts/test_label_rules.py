"""Label and group rules: what they say, and why they say nothing."""

import pandas as pd
import pytest

from gexflow.cohorts.labels import apply_group_rule, apply_label_rule, find_field
from gexflow.log import CAUTION

FIELDS = pd.DataFrame(
    {"Tissue": ["tumour A", "normal B", "", "NA", "Tumour C"], "patient": ["p1", "p1", "p2", "", "p3"]},
    index=["s1", "s2", "s3", "s4", "s5"],
)


def label(**rule):
    return apply_label_rule(FIELDS, rule, "liver")


def test_a_field_alone_gives_its_values():
    ruled = label(field="tissue")
    assert ruled.values == ["tumour A", "normal B", "", "", "Tumour C"]
    assert ruled.reasons == ["", "", 'no value in field "Tissue"', 'no value in field "Tissue"', ""]


def test_a_pattern_takes_its_group_or_the_whole_match():
    assert label(field="Tissue", pattern=r"(\w)$").values == ["A", "B", "", "", "C"]
    ruled = label(field="Tissue", pattern="^[a-z]+")
    assert ruled.values == ["tumour", "normal", "", "", ""]
    assert "does not match" in ruled.reasons[4]


def test_a_map_translates_and_lists_what_it_lacks():
    ruled = label(field="Tissue", pattern="^[A-Za-z]+", map={"tumour": 1, "other": "x"})
    assert ruled.values == ["1", "", "", "", ""]
    assert '"normal" (1)' in ruled.reasons[1]
    assert '"Tumour" (1)' in ruled.reasons[4]
    assert 'the map\'s "other" fits no sample' in ruled.reasons[4]


def test_an_unknown_field_is_named_with_its_key_and_neighbours(refused):
    sentence = refused(label, field="Tisue")
    assert all(word in sentence for word in ["datasets.liver.label.field", 'did you mean "Tissue"', "patient"])
    assert "Tissue, patient" in refused(label, field="zzzzz")
    assert "not set" in refused(label)


def test_a_field_may_be_written_with_other_signs_between_its_words(refused):
    fields = FIELDS.rename(columns={"Tissue": "TISSUE_TYPE", "patient": "a-b"})
    assert apply_label_rule(fields, {"field": "Tissue Type"}, "liver").values[:2] == ["tumour A", "normal B"]
    assert find_field(["MIR1-1", "TP53"], "mir1 1", "ignore") == "MIR1-1"
    assert '"a b"' in refused(find_field, ["a-b", "a_b"], "a b", "datasets.x.label.field")
    assert '"ab"' in refused(find_field, ["a-b"], "ab", "datasets.x.label.field")


@pytest.mark.parametrize(("pattern", "word"), [("(", "regular expression"), ("(a)(b)", "2 groups")])
def test_a_bad_pattern_is_refused(refused, pattern, word):
    assert word in refused(label, field="Tissue", pattern=pattern)


def test_groups_are_patients_for_tcga_and_else_samples():
    assert apply_group_rule(FIELDS, None, "x", "tcga")[0] == ["p1", "p1", "p2", "s4", "p3"]
    assert apply_group_rule(FIELDS, None, "x", "geo")[0] == list(FIELDS.index)


def test_barcodes_that_nobody_reads_are_pointed_out():
    samples = ["TCGA-OR-A5L0-01A", "TCGA-OR-A5L0-11A", "s3"]
    notes = apply_group_rule(pd.DataFrame(index=samples), None, "own", "table")[1]
    assert any("2 sample ids are TCGA barcodes" in note for note in notes)
    assert len(apply_group_rule(pd.DataFrame(index=["s1"]), None, "own", "table")[1]) == 1


def test_a_group_rule_that_groups_nothing_is_refused(refused):
    rule = {"field": "patient", "pattern": "^Individual (.*)$"}
    sentence = refused(apply_group_rule, FIELDS, rule, "liver", "geo")
    assert "datasets.liver.group" in sentence
    assert "does not match the pattern" in sentence


def test_a_group_rule_without_two_samples_of_a_group_asks_for_a_look():
    fields = pd.DataFrame({"patient": ["1A", "1B", "2A", "2B"]}, index=list("stuv"))
    loose = apply_group_rule(fields, {"field": "patient"}, "liver", "geo")
    fitting = apply_group_rule(fields, {"field": "patient", "pattern": "^(.*)[AB]$"}, "liver", "geo")
    assert any(note.startswith(CAUTION) and "datasets.liver.group" in note for note in loose[1])
    assert not any(note.startswith(CAUTION) for note in fitting[1])
    barcodes = apply_group_rule(fields, None, "liver", "tcga")
    assert not any(note.startswith(CAUTION) for note in barcodes[1])


def test_a_sample_without_a_group_is_its_own_and_counted():
    groups, notes = apply_group_rule(FIELDS, {"field": "patient", "pattern": r"p([12])"}, "x", "geo")
    assert groups == ["1", "1", "2", "s4", "s5"]
    assert any(note.startswith("2 samples have no group") for note in notes)


def test_odd_field_names_and_labels_are_shown_cut_and_printable(refused):
    fields = FIELDS.rename(columns={"Tissue": "\u2028" + "x" * 5000}).assign(kind="\x1b" + "y" * 5000)
    for rule in ({"field": "Tissue"}, {}):
        sentence = refused(apply_label_rule, fields, rule, "liver")
        assert "?xxx" in sentence
        assert len(sentence) < 300
    reasons = apply_label_rule(fields, {"field": "kind", "map": {"A": "B"}}, "liver").reasons
    assert '"?yyy' in reasons[0]
    assert len(reasons[0]) < 200
