"""The institutions of TCGA's tissue source sites: the shipped table, and batches made of it."""

import re
from pathlib import Path

import pytest

from gexflow.cohorts.barcodes import BARCODE_FIELDS, barcode_fields
from gexflow.cohorts.labels import apply_batch_rule
from gexflow.cohorts.tcga import read_tcga
from gexflow.files import read_table

TABLE = Path(__file__).parents[2] / "resources/tcga_sites.tsv"
COLUMNS = ("code", "site", "institution")
KNOWN = {
    "02": ("MD Anderson Cancer Center", "MD Anderson Cancer Center"),
    "39": ("MSKCC", "Memorial Sloan Kettering Cancer Center"),
    "94": ("Washington University - Emory", "Washington University - Emory"),
    "A7": ("Christiana Healthcare", "Christiana Healthcare"),
    "AJ": ("International Genomics Consortium", "International Genomics Consortium"),
    "AQ": ("UNC", "University of North Carolina"),
    "AR": ("Mayo", "Mayo Clinic"),
    "NA": ("Duke University", "Duke University"),
    "OR": ("University of Michigan", "University of Michigan"),
    "XK": ("Mayo Clinic Arizona", "Mayo Clinic Arizona"),
    "ZX": ("University of Alabama", "University of Alabama"),
}
INSTITUTIONS = {"OR": "University of Michigan", "RW": "University of Michigan", "NA": "Duke University"}
SAMPLES = [f"TCGA-{code}-A5L{n}-01A-11R-A29S-07" for n, code in enumerate(("OR", "RW", "NA", "ZZ"))]


@pytest.fixture(scope="module")
def table():
    return read_table(TABLE, COLUMNS)


def test_every_code_stands_once_with_site_and_institution(table):
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 830
    assert all(re.fullmatch("[0-9A-Z]{2}", code) for code in table["code"])
    assert table["code"].is_unique
    assert table["code"].is_monotonic_increasing
    for name in COLUMNS:
        assert (table[name] != "").all()
        assert (table[name] == table[name].str.strip()).all()


def test_known_codes_have_their_sites(table):
    rows = {code: (site, institution) for code, site, institution in table.itertuples(index=False)}
    assert {code: rows[code] for code in KNOWN} == KNOWN


def test_an_institution_has_one_spelling(table):
    assert (table.groupby("site")["institution"].nunique() == 1).all()
    names = set(table["institution"])
    plain = {re.sub(r"^the |[^a-z]", "", name.lower()) for name in names}
    assert len(plain) == len(names)
    # it is one of its own names in the table, but for one that has two and neither by itself
    assert names - set(table["site"]) == {"Fondazione IRCCS Istituto Neurologico C. Besta"}
    own = table[table["site"].isin(names)]
    assert (own["site"] == own["institution"]).all()


def test_codes_of_an_institution_are_one_batch():
    fields = barcode_fields([*SAMPLES, "case 7"], INSTITUTIONS)
    assert tuple(fields.columns) == BARCODE_FIELDS
    assert fields["site"].tolist() == ["OR", "RW", "NA", "ZZ", ""]
    batches = ["University of Michigan", "University of Michigan", "Duke University", "ZZ", ""]
    assert apply_batch_rule(fields, None, "pan", "tcga") == batches
    assert apply_batch_rule(fields, {"field": "institution"}, "pan", "tcga") == batches


def test_the_code_can_still_be_the_batch():
    fields = barcode_fields(SAMPLES, INSTITUTIONS)
    assert apply_batch_rule(fields, {"field": "site"}, "pan", "tcga") == ["OR", "RW", "NA", "ZZ"]  # NA is no gap
    assert apply_batch_rule(fields, {"field": "site", "pattern": "^N"}, "pan", "tcga") == ["", "", "N", ""]


def test_without_a_table_a_code_stands_for_itself():
    assert barcode_fields(SAMPLES)["institution"].tolist() == ["OR", "RW", "NA", "ZZ"]
    assert list(barcode_fields(["case 7"]).columns) == []


def test_na_is_a_gap_in_fields_that_no_barcode_gave():
    fields = barcode_fields(SAMPLES, INSTITUTIONS).assign(plate=["1", "NA", "2", "2"])
    assert apply_batch_rule(fields, {"field": "plate"}, "pan", "tcga") == ["1", "", "2", "2"]
    assert apply_batch_rule(fields[["site"]], {"field": "site"}, "pan", "geo") == ["OR", "RW", "", "ZZ"]


def notes_of(path, institutions):
    return [note for note in read_tcga([path], None, {}, institutions).notes if "tissue source" in note]


def test_unknown_codes_are_counted_and_named(write):
    names = [*SAMPLES, SAMPLES[3].replace("-01A-", "-11A-")]
    path = write("\t".join(["", *names]) + "\nG1" + "\t1" * 5 + "\nG2" + "\t2" * 5 + "\n")
    (note,) = notes_of(path, INSTITUTIONS)
    assert note.startswith("2 of 5 samples")
    assert note.endswith(": ZZ (2).")
    assert notes_of(path, INSTITUTIONS | {"ZZ": "Somewhere"}) == []
    assert notes_of(path, None) == []  # invented codes


def test_a_column_called_institution_is_kept_aside(write):
    path = write("\t".join(["", *SAMPLES]) + "\nG1" + "\t1" * 4 + "\n")
    labels = write("sample\tinstitution\n" + "".join(f"{name}\tmine\n" for name in SAMPLES), "labels.tsv")
    fields = read_tcga([path], labels, {}, INSTITUTIONS).fields
    assert set(fields["institution (labels)"]) == {"mine"}
    assert fields["institution"].tolist()[2] == "Duke University"
