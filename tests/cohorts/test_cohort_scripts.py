"""The scripts of the rules write whole results, or a sentence and nothing."""

import pytest
from tests.jobs import job_of, run_script

from gexflow.files import read_h5ad, read_json, read_table

TABLE = "id\tlabel\tg1\tg2\n" + "".join(f"s{n}\t{'AB'[n % 2]}\t{n + 0.5}\t{n / 7 + 1}\n" for n in range(20))


def run(name, folder, params, inputs, **outputs):
    outputs = {key: str(folder / value) for key, value in outputs.items()}
    log = folder / "logs" / f"{name}.log"
    run_script(job_of(name, log, inputs, outputs, params, params={"expected": '{"X": 3}'}))


def read_cohort(folder, path, field="label"):
    settings = {"dataset": "own", "source": "table", "folds": 5, "label": {"field": field}}
    settings["checksums"] = {"matrix": [{}], "labels": [], "annotation": []}
    settings["addresses"] = {"matrix": ["https://example.org/t"], "labels": [], "annotation": []}
    inputs = {"matrix": [str(path)], "labels": [], "annotation": []}
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
    settings = {"folds": 5, "repeats": 2, "seed": 1, "validation": 0.25, "min_class_size": None}
    settings["dataset"] = "own"
    run("split_cohort", tmp_path, settings, {"cohort": str(tmp_path / "cohort.h5ad")}, splits="splits.tsv")
    splits = read_table(tmp_path / "splits.tsv", ("sample", "group", "part"))
    assert len(splits) == 20 * 10
    assert set(splits["part"]) == {"train", "validation", "test"}


def test_a_mistake_ends_with_its_sentence_and_no_result(write, tmp_path):
    with pytest.raises(SystemExit):
        read_cohort(tmp_path, write(TABLE), field="labell")
    log = (tmp_path / "logs/read_cohort.log").read_text()
    assert "datasets.own.label.field" in log
    assert "Traceback" not in log
    assert not (tmp_path / "cohort.h5ad").exists()
