"""Damaged files of every format give a cohort or an InputError, never another exception and nothing half-written.

Hypothesis draws the damage and shrinks whatever fails. `make test` draws the same 100 files a format every time; the
long tests draw 2,000 with a seed of their own, which they print: GEXFLOW_SEED=... draws them again, and
GEXFLOW_DAMAGES=... another number.
"""

import io
import os
import random
import tempfile
import time
import warnings
from collections import Counter
from contextlib import nullcontext

import h5py
import hypothesis
import numpy as np
import pytest
import requests
import urllib3
from damage import damages
from hypothesis import HealthCheck, Phase, assume, given, settings
from odd_contents import build_parquet, change_h5ad, h5ad_contents, parquet_contents
from small_files import FORMATS, LABELLED, LISTED, LISTED_ADDRESS, LISTING, LISTING_ADDRESS, text

from gexflow import files
from gexflow.cohorts import h5_probe
from gexflow.cohorts.annotation import read_annotation
from gexflow.cohorts.build import build_cohort
from gexflow.cohorts.card import describe
from gexflow.cohorts.download import download
from gexflow.cohorts.patience import Patience
from gexflow.cohorts.read import read_matrix
from gexflow.errors import InputError

DATASET = "damaged_set"
FEW = 100
NUMBERS = [FEW, pytest.param(2000, marks=pytest.mark.long)]
MOST_SECONDS = 20
LONGEST_SENTENCE = 3000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder of the damaged files; whatever is written elsewhere lands in the folder `stray`."""
    for name in ("files", "stray"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "stray")
    monkeypatch.setenv("TMPDIR", str(tmp_path / "stray"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    hypothesis.configuration.set_hypothesis_home_dir(tmp_path / "hypothesis")
    yield tmp_path / "files"
    assert list((tmp_path / "stray").iterdir()) == []


@pytest.fixture
def quick_probe(monkeypatch):
    """Let the first reading of HDF5 files take a copy of this process instead of a fresh one: 10 times as fast."""

    def find_damage(path, names):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # about threads, which the copy does not use
            child = os.fork()
        if child == 0:
            status = 1
            try:
                h5_probe.touch(str(path), names)
                status = 0
            finally:
                os._exit(status)
        deadline = time.monotonic() + 10
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return "" if status == 0 else "the copy of this process failed"
            if time.monotonic() > deadline:
                os.kill(child, 9)
            time.sleep(0.0005)

    monkeypatch.setattr("gexflow.cohorts.h5ad_table.find_damage", find_damage)


def hold(what, drawn, run, number, capsys):
    """Run drawn examples: each must end as "read" or "refused", in time, and some in either way."""
    seed = int(os.environ.get("GEXFLOW_SEED", 0)) or random.SystemRandom().randrange(1, 1 << 32)
    number = int(os.environ.get("GEXFLOW_DAMAGES", number))
    outcomes, seconds = Counter(), []

    def check(example):
        begin = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome = run(example)
        seconds.append(time.monotonic() - begin)
        assert seconds[-1] < MOST_SECONDS
        outcomes[outcome] += 1

    check = settings(
        max_examples=number,
        derandomize=number <= FEW,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )(given(drawn)(check))
    if number > FEW:
        hypothesis.seed(seed)(check)
    try:
        check()
    finally:
        time_taken = f"{sum(seconds):.1f} s, slowest {max(seconds, default=0):.2f} s"
        with capsys.disabled() if number > FEW else nullcontext():
            print(f"{what}: {dict(outcomes)}, {time_taken}, GEXFLOW_SEED={seed}")
    assert outcomes.total() >= number
    assert outcomes.keys() == {"read", "refused"}


def build_whole_way(folder, source, contents, options):
    """Do what the rule read_cohort does."""
    paths = {name: folder / name for name in contents}
    matrix, labels, annotation = (
        [path for name, path in paths.items() if name.startswith(kind)] for kind in ("matrix", "labels", "annotation")
    )
    for name, content in contents.items():
        paths[name].write_bytes(content)
    options = {"dataset": DATASET, "source": source, **options}
    read = read_matrix(source, matrix, next(iter(labels), None), options)
    cohort = build_cohort(read, options, DATASET, [], read_annotation(annotation, read.genes) if annotation else None)
    card = describe(cohort)
    files.write_h5ad(cohort, folder / "cohort.h5ad")
    files.write_json(card, folder / "card.json")
    return cohort


def check_cohort(cohort, folder):
    assert cohort.X.shape == (len(cohort.obs), len(cohort.var))
    assert cohort.X.dtype == np.float32
    assert not np.isinf(cohort.X).any()
    assert not np.isnan(cohort.X).all()
    assert cohort.obs_names.is_unique
    assert cohort.var_names.is_unique
    assert cohort.obs["label"].notna().all()
    assert cohort.obs["label"].nunique() > 1
    assert (cohort.obs["group"].astype(str) != "").all()
    with h5py.File(folder / "cohort.h5ad") as again:  # much faster than anndata
        for ids, name in ((cohort.obs_names, "obs"), (cohort.var_names, "var")):
            written = again[name][again[name].attrs["_index"]]
            written = written["values"] if isinstance(written, h5py.Group) else written  # anndata from 0.13 on
            assert list(written.asstr()) == list(ids)
        np.testing.assert_array_equal(again["X"][:], cohort.X)


def check_sentence(error, names):
    sentence = str(error)
    assert any(name in sentence for name in (DATASET, *names)), sentence
    assert sentence.isprintable(), sentence
    assert len(sentence) < LONGEST_SENTENCE, sentence


def run_whole_way(folder, source, contents, options):
    """Tell how the reading of files ends; nothing but these and a whole cohort may then lie in the folder."""
    for path in folder.iterdir():
        path.unlink()
    try:
        cohort = build_whole_way(folder, source, contents, options)
    except InputError as error:
        check_sentence(error, contents)
        made, outcome = set(), "refused"
    else:
        check_cohort(cohort, folder)
        made, outcome = {"card.json", "cohort.h5ad"}, "read"
    assert {path.name for path in folder.iterdir()} == {*contents, *made}
    for name, content in contents.items():
        assert (folder / name).read_bytes() == content
    return outcome


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", FORMATS)
def test_damage_ends_in_a_cohort_or_a_sentence(folder, quick_probe, capsys, name, number):
    form = FORMATS[name]
    whole = {piece.name: piece.build() for piece in form.files}
    assert run_whole_way(folder, form.source, whole, form.settings) == "read"

    def run(drawn):
        contents = {piece.name: piece.build(drawn) for piece in form.files}
        assume(contents != whole)
        return run_whole_way(folder, form.source, contents, form.settings)

    hold(name, damages(form.files), run, number, capsys)


@pytest.mark.parametrize("number", NUMBERS)
def test_odd_parquet_contents_end_in_a_cohort_or_a_sentence(folder, capsys, number):
    def run(drawn):
        return run_whole_way(folder, "table", {"matrix.parquet": build_parquet(drawn)}, LABELLED)

    hold("odd Parquet", parquet_contents(), run, number, capsys)


@pytest.mark.parametrize("number", NUMBERS)
def test_odd_h5ad_contents_end_in_a_cohort_or_a_sentence(folder, quick_probe, capsys, number):
    whole = [FORMATS[name].files[0].build() for name in ("h5ad", "h5ad, sparse")]

    def run(drawn):
        sparse, changes = drawn
        return run_whole_way(folder, "table", {"matrix.h5ad": change_h5ad(whole[sparse], changes)}, LABELLED)

    hold("odd h5ad", h5ad_contents(), run, number, capsys)


class Memory(requests.adapters.HTTPAdapter):
    """Answer requests without a network: the listing at its address, the file at its own, and else nothing."""

    def __init__(self, listing):
        super().__init__()
        self.pages = {LISTING_ADDRESS: listing, LISTED_ADDRESS: LISTED}

    def send(self, request, **options):
        body = self.pages.get(request.url)
        headers = {"Content-Length": str(len(body or b""))}
        status = 404 if body is None else 200
        answer = urllib3.HTTPResponse(io.BytesIO(body or b""), headers, status, preload_content=False)
        return self.build_response(request, answer)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_damaged_listing_ends_in_the_right_file_or_a_sentence(folder, monkeypatch, capsys, number):
    piece = text("listing", LISTING)

    def run(drawn):
        listing = piece.build(drawn)
        assume(listing != piece.content)
        for path in folder.iterdir():
            path.unlink()
        session = requests.Session()
        for start in ("http://", "https://"):
            session.mount(start, Memory(listing))
        monkeypatch.setattr("gexflow.cohorts.download.open_session", lambda: session)
        path = folder / "matrix.mat"
        try:
            download([], path, {}, LISTING_ADDRESS, Patience(waits=()))
        except InputError as error:
            check_sentence(error, [path.name])
            assert not path.exists()
            return "refused"
        assert path.read_bytes() == LISTED
        assert list(folder.iterdir()) == [path]
        return "read"

    hold("Mendeley listing", damages([piece]), run, number, capsys)
