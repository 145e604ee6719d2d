"""The scripts of the rules write whole results, or a sentence and nothing."""

import anndata
import numpy as np
import pandas as pd
import pytest
from tests.jobs import job_of, run_script

from gexflow.files import read_h5ad, read_json, read_table, write_h5ad

TABLE = "id\tlabel\tg1\tg2\n" + "".join(f"s{n}\t{'AB'[n % 2]}\t{n + 0.5}\t{n / 7 + 1}\n" for n in range(20))


def run(name, folder, params, inputs, **outputs):
    outputs = {key: str(folder / value) for key, value in outputs.items()}
    log = folder / "logs" / f"{name}.log"
    run_script(job_of(name, log, inputs, outputs, params, params={"expected": '{"X": 3}'}))


def read_cohort(folder, path, field="label"):
    settings = {"dataset": "own", "source": "table", "folds": 5, "label": {"field": field}}
    settings["checksums"] = {"matrix": [{}], "labels": [], "annotation": []}
    settings["addresses"] = {"matrix": ["https://example.org/t"], "labels": [], "annotation": []}
    inputs = {"matrix": [str(path)], "labels": [], "annotation": [], "sites": []}
    run("read_cohort", folder, settings, inputs, cohort="cohort.h5ad", card="card.json", figure="card.svg")


def test_a_table_becomes_a_cohort_a_card_and_splits(write, tmp_path):
    read_cohort(tmp_path, write(TABLE))
    cohort, card = read_h5ad(tmp_path / "cohort.h5ad"), read_json(tmp_path / "card.json")
    assert cohort.shape == (20, 2)
    log = (tmp_path / "logs/read_cohort.log").read_text()
    assert "WARNING The classes differ from what the config expects (A: 0 expected, 10 read; " in log
    assert "X: 3 expected, 0 read" in log
    assert card["origin"][0]["address"] == "https://example.org/t"
    assert card["origin"][0]["size_bytes"] == len(TABLE)
    assert len(card["origin"][0]["sha256"]) == 64
    splits, facts = split(tmp_path, repeats=2)
    assert len(splits) == 20 * 10
    assert set(splits["part"]) == {"train", "validation", "test"}
    few = {"A": 2, "B": 2}
    expected = {"by": "group", "holdout": {}, "sites": {}, "folds": 10, "repeats": 2, "tested_in": {}}
    assert facts == {**expected, "few_tested": few}
    assert "(smallest number: A 2, B 2)" in (tmp_path / "logs/split_cohort.log").read_text()


def test_tcga_samples_get_the_institution_of_their_site(write, tmp_path):
    """The script reads the table; its codes may be called NA or 02."""
    names = [f"TCGA-{('NA', '02', 'ZZ')[n % 3]}-A{n:03d}-01" for n in range(20)]
    header = "\t".join(["gene", *names])
    matrix = write("\n".join([header, *("\t".join([f"g{g}", *(f"{n / 7 + g}" for n in range(20))]) for g in (1, 2))]))
    labels = write("sample\ttype\n" + "".join(f"{name}\t{'AB'[n % 2]}\n" for n, name in enumerate(names)), "labels.tsv")
    sites = write("code\tsite\tinstitution\n02\tMDA\tMD Anderson\nNA\tDuke\tDuke University\n", "sites.tsv")
    settings = {"dataset": "own", "source": "tcga", "label": {"field": "type"}}
    settings["checksums"] = {"matrix": [{}], "labels": [{}], "annotation": []}
    settings["addresses"] = {"matrix": ["m"], "labels": ["l"], "annotation": []}
    outputs = {"cohort": "cohort.h5ad", "card": "card.json", "figure": "card.svg"}
    for tables, first in (([str(sites)], ["Duke University", "MD Anderson", "ZZ"]), ([], ["NA", "02", "ZZ"])):
        inputs = {"matrix": [str(matrix)], "labels": [str(labels)], "annotation": [], "sites": tables}
        run("read_cohort", tmp_path, settings, inputs, **outputs)
        assert read_h5ad(tmp_path / "cohort.h5ad").obs["batch"].tolist()[:3] == first
        card = read_json(tmp_path / "card.json")
        assert (card["batches"]["count"], card["batches"]["unknown"]) == (3, 0)
        assert any("institution is not known" in note and "ZZ (6)" in note for note in card["notes"]) == bool(tables)


def split(folder, **changes):
    settings = {"folds": 5, "repeats": 1, "seed": 1, "validation": 0.25, "min_class_size": None, "holdout": {}}
    settings |= {"dataset": "own", "protocol": "group", **changes}
    run(
        "split_cohort",
        folder,
        settings,
        {"cohort": str(folder / "cohort.h5ad")},
        splits="splits.tsv",
        facts="splits.json",
    )
    return read_table(folder / "splits.tsv", ("sample", "group", "part")), read_json(folder / "splits.json")


def cohort_of_sites(folder):
    """Sixty samples of three classes: A and B at six sites, C at two."""
    labels = np.array(["A", "B", "C"] * 20)
    sites = np.where(labels == "C", np.repeat(["t1", "t2"], 30), np.repeat([f"s{n}" for n in range(6)], 10))
    obs = pd.DataFrame({"label": pd.Categorical(labels), "group": [f"p{n}" for n in range(60)], "batch": sites})
    obs.index = [f"s{n}" for n in range(60)]
    write_h5ad(anndata.AnnData(np.ones((60, 3), dtype=np.float32), obs=obs), folder / "cohort.h5ad")
    return obs


def test_folds_by_site_say_which_class_is_not_tested_across_sites(tmp_path):
    obs = cohort_of_sites(tmp_path)
    splits, facts = split(tmp_path, protocol="site", folds=3, validation=0)
    assert facts["by"] == "site"
    assert facts["sites"] == {"sites": 8, "unknown": 0, "across": ["A", "B"], "split_by_group": {"C": 2}}
    tested = splits[splits["part"] == "test"].assign(site=lambda rows: obs.loc[rows["sample"], "batch"].to_numpy())
    assert (tested[tested["site"].str.startswith("s")].groupby("site")["fold"].nunique() == 1).all()
    log = (tmp_path / "logs/split_cohort.log").read_text()
    assert "WARNING Not tested across sites" in log
    assert facts["few_tested"] == {}
    assert "one or two samples" not in log


def test_a_hold_out_is_the_same_in_all_folds_and_in_folds_by_site(tmp_path):
    cohort_of_sites(tmp_path)
    rule = {"holdout": {"share": 0.2}, "folds": 3, "validation": 0}
    (first, facts), (second, by_site) = (split(tmp_path, protocol=how, **rule) for how in ("group", "site"))
    held = [set(one["sample"][one["part"] == "holdout"]) for one in (first, second)]
    assert held[0] == held[1]
    assert facts["holdout"] == by_site["holdout"]
    assert {key: facts["holdout"][key] for key in ("samples", "groups", "classes")} == {
        "samples": 12,
        "groups": 12,
        "classes": {"A": 4, "B": 4, "C": 4},
    }
    assert "12 samples are held out: no fold sees them" in (tmp_path / "logs/split_cohort.log").read_text()


def test_a_mistake_ends_with_its_sentence_and_no_result(write, tmp_path):
    with pytest.raises(SystemExit):
        read_cohort(tmp_path, write(TABLE), field="labell")
    log = (tmp_path / "logs/read_cohort.log").read_text()
    assert "datasets.own.label.field" in log
    assert "Traceback" not in log
    assert not (tmp_path / "cohort.h5ad").exists()
