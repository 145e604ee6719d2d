"""Other spellings of a field's name and of a sample's id."""

import numpy as np
import pandas as pd
import pytest

from gexflow.cohorts.similar_names import nearest_id, similar_field


def fields(**columns) -> pd.DataFrame:
    """Return fields of four samples, the last two of which lack the field `tissue`."""
    return pd.DataFrame({"tissue": ["a", "b", "", ""], **columns}, dtype=str)


LACKING = np.array([False, False, True, True])


@pytest.mark.parametrize("name", ["tissue type", "Tissue", "TISSUE_SOURCE", "tisue", "type (tissue)", "tissues"])
def test_a_field_of_a_similar_name_that_has_the_values_is_proposed(name):
    assert similar_field(fields(age=["1"] * 4, **{name: ["", "", "m", "m"]}), "tissue", LACKING) == name


def test_the_most_similar_of_several_fields_is_proposed():
    columns = {name: ["", "", "m", "m"] for name in ("tissue of origin", "tissue type", "type")}
    assert similar_field(fields(**columns), "tissue", LACKING) == "tissue type"


@pytest.mark.parametrize("values", [["m", "m", "", ""], ["m", "m", "NA", ""]])
def test_a_similar_field_without_values_there_is_not_proposed(values):
    assert similar_field(fields(**{"tissue type": values}), "tissue", LACKING) == ""


def test_half_of_the_samples_suffice():
    assert similar_field(fields(**{"tissue type": ["", "", "m", ""]}), "tissue", LACKING) == "tissue type"


@pytest.mark.parametrize("name", ["age", "patient", "issues known", "--"])
def test_a_field_of_another_name_is_not_proposed(name):
    assert similar_field(fields(**{name: ["m"] * 4}), "tissue", LACKING) == ""


def test_where_nothing_lacks_no_field_is_proposed():
    assert similar_field(fields(**{"tissue type": ["m"] * 4}), "tissue", np.zeros(4, dtype=bool)) == ""


@pytest.mark.parametrize(
    ("sample", "known"),
    [
        ("s1", "S1"),
        ("X0.T", "0-T"),
        ("0-T", "X0.T"),
        ("X.5a", "-5a"),
        ("Tumour.1", "tumour_1"),
        ("tumour 01", "Tumor-1"),
        ("TCGA-02-0001", "TCGA-02-0001-01A-11R-1849-01"),
        ("TCGA.02.0001.01", "TCGA-02-0001-01A"),
        ("TCGA-02-0001-01A-11R-1849-01", "TCGA-02-0001-01"),
        ("GSM123456_A.CEL", "GSM123456"),
    ],
)
def test_the_id_that_was_meant_is_found(sample, known):
    assert nearest_id(sample, ["other", "TCGA-02-0002-01A", known, "GSM123457"]) == known


def test_the_nearest_spelling_wins():
    assert nearest_id("a-1", ["A.1", "A-1"]) == "A-1"
    assert nearest_id("X1", ["1", "x1"]) == "x1"
    assert nearest_id("TCGA-02-0001", ["TCGA-02-0001-01A-11R", "TCGA-02-0001-01A"]) == "TCGA-02-0001-01A"
    assert nearest_id("TCGA-02-0001-01A-11R", ["TCGA-02", "TCGA-02-0001"]) == "TCGA-02-0001"


@pytest.mark.parametrize(
    ("sample", "known"),
    [
        ("GSM123456", "GSM123457"),
        ("sample1", "sample10"),
        ("TCGA-02-0001-01A", "TCGA-02-0002-01A"),
        ("ab", "abc-1"),
        ("alice", "marie"),
        ("...", "---"),
        ("", "a"),
    ],
)
def test_another_sample_is_not_taken_for_a_spelling(sample, known):
    assert nearest_id(sample, {known}) == ""
