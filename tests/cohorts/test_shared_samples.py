"""Cohorts that share patients are told, whatever the scale of their values and the order of their genes."""

import json

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.jobs import job_of, run_script

from gexflow.cohorts.shared_samples import Genes, common_genes, shared_samples
from gexflow.files import read_table, write_h5ad


@pytest.fixture
def patients():
    """Return log2 values of 90 patients of three types and 1,200 genes."""
    rng = np.random.default_rng(0)
    values = rng.normal(8, 1.8, 1200) + rng.normal(0, 0.6, (3, 1200))[np.arange(90) % 3]
    values += 0.8 * rng.normal(size=(90, 8)) @ rng.normal(0, 0.35, (8, 1200)) + rng.normal(0, 0.4, (90, 1200))
    return values.astype(np.float32)


def genes_of(values, order=None, symbols=None):
    names = [f"G{number}" for number in (range(values.shape[1]) if order is None else order)]
    return Genes(values, symbols or names, names if symbols is None else [""] * len(names))


def test_ten_shared_patients_are_found_logged_noisy_and_in_another_order(patients):
    rng = np.random.default_rng(1)
    order = rng.permutation(1200)[:1000]
    noisy = patients[40:] + rng.normal(0, 0.1, (50, 1200)).astype(np.float32)
    noisy[rng.random(noisy.shape) < 0.01] = np.nan
    found = shared_samples(genes_of(patients[:50]), genes_of(2 ** noisy[:, order], order))
    assert sorted(pair[:2] for pair in found.pairs) == [(row, row - 40) for row in range(40, 50)]
    assert (found.genes_in_common, found.first, found.second) == (1000, 10, 10)
    assert found.largest > found.threshold


def test_different_patients_are_not_shared(patients):
    found = shared_samples(genes_of(patients[:45]), genes_of(patients[45:]))
    assert (found.pairs, found.note) == ([], "")
    assert found.largest < 0.99


def test_few_common_genes_allow_no_answer(patients):
    found = shared_samples(genes_of(patients[:, :40]), genes_of(patients[:, :40]))
    assert (found.pairs, found.threshold) == ([], None)
    assert "fewer than 50 genes" in found.note


def test_genes_are_matched_by_symbol_or_else_by_id():
    nothing = np.zeros((1, 3), dtype=np.float32)
    first = Genes(nothing, ["p1", "p2", "p3"], ["TP53", "tp53", "EGFR"])
    second = Genes(nothing, ["a", "b", "c"], ["EGFR", "MYC", "TP53"])
    assert [columns.tolist() for columns in common_genes(first, second)] == [[0, 2], [2, 0]]
    first = Genes(nothing, ["ENSG01.4", "X|12", "?|7"], ["", "", ""])
    second = Genes(nothing, ["7", "ENSG01.11", "12"], ["A", "", ""])
    assert [columns.tolist() for columns in common_genes(first, second)] == [[0, 1, 2], [1, 2, 0]]


def test_ids_that_are_symbols_are_matched_with_symbols():
    nothing = np.zeros((1, 3), dtype=np.float32)
    own = Genes(nothing, ["TP53", "EGFR", "MYC"], [""] * 3)
    tcga = Genes(nothing, ["MYC|4609", "?|7", "TP53|7157"], ["MYC", "", "TP53"])
    assert [columns.tolist() for columns in common_genes(own, tcga)] == [[0, 2], [2, 0]]


def test_the_table_says_where_families_are_wrong(patients, tmp_path):
    parts = {"a": patients[:50], "b": patients[40:], "c": patients[40:70]}
    for name, values in parts.items():
        var = pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(1200)])
        write_h5ad(anndata.AnnData(values, var=var), tmp_path / f"{name}.h5ad")
    settings = {"datasets": list(parts), "families": {"a": "a", "b": "x", "c": "x"}, "tests": []}
    log, cohorts = tmp_path / "logs/job.log", [str(tmp_path / f"{name}.h5ad") for name in parts]
    outputs = {"shared": str(tmp_path / "shared.tsv")}
    run_script(job_of("find_shared_samples", log, {"cohorts": cohorts}, outputs, settings))
    table = read_table(tmp_path / "shared.tsv", ("dataset", "other", "note")).set_index(["dataset", "other"])
    assert table["shared"].to_dict() == {
        ("a", "b"): 10,
        ("b", "a"): 10,
        ("a", "c"): 10,
        ("c", "a"): 10,
        ("b", "c"): 30,
        ("c", "b"): 30,
    }
    assert table["of"][("a", "b")] == 50
    assert "give a and b one family" in table["note"][("a", "b")]
    lines = log.read_text().splitlines()
    assert ["WARNING" in line and "one family" in line for line in lines] == [True, True, False]
    assert "b and c: 30 pairs of one sample over 1200 genes" in lines[2]
    assert table["same_family"].tolist() == ["no", "no", "no", "no", "yes", "yes"]


@pytest.mark.parametrize(("train", "test", "shared"), [("a", "b", range(10)), ("b", "a", range(40, 50))])
def test_samples_shared_with_a_test_are_to_be_excluded(patients, tmp_path, train, test, shared):
    parts = {"a": patients[:50], "b": patients[40:]}
    var = pd.DataFrame({"symbol": ""}, index=[f"g{n}" for n in range(1200)])
    for name, values in parts.items():
        obs = pd.DataFrame(index=[f"{name} {n}" for n in range(len(values))])
        write_h5ad(anndata.AnnData(values, obs=obs, var=var), tmp_path / f"{name}.h5ad")
    settings = {"datasets": ["a", "b"], "families": {"a": "a", "b": "b"}, "tests": [[train, test]]}
    log, cohorts = tmp_path / "logs/job.log", [str(tmp_path / f"{name}.h5ad") for name in parts]
    outputs = {"shared": str(tmp_path / "shared.tsv")}
    run_script(job_of("find_shared_samples", log, {"cohorts": cohorts}, outputs, settings))
    table = read_table(tmp_path / "shared.tsv", ("dataset", "other", "note"))
    (line,) = [line for line in log.read_text().splitlines() if "WARNING" in line]
    for text in (line, *table["note"]):
        assert f"datasets.{test}.exclude" in text
        assert "one family" not in text
    assert json.loads(line[line.index("[") :]) == [f"{test} {n}" for n in shared]


@pytest.mark.real
def test_genuine_tables_share_the_samples_that_their_barcodes_say(real):
    from test_genuine_files import cohort

    def of(name, **settings):
        table = cohort("table", real / f"tcga/{name}.tsv.gz", label={"field": "acronym"}, **settings)
        return [sample[:15] for sample in table.obs_names], genes_of(table.X, symbols=table.var_names.tolist())

    names, joint = of("joint_ebpp_hiseqv2_90genes")
    others, subset = of("ebpp_pancan_allgenes_subset", min_class_size=2)
    found = shared_samples(joint, subset)
    assert len(set(names) & set(others)) == 110
    assert len(found.pairs) >= 95
    assert all(names[one] == others[other] for one, other, _ in found.pairs)
