"""A broken download goes on where it stopped, and only where that gives the same file."""

import hashlib
import json

import pytest
from web_server import CONTENT, Answer

from gexflow.cohorts.download import download
from gexflow.cohorts.patience import Patience
from gexflow.errors import InputError

SHA256 = hashlib.sha256(CONTENT).hexdigest()
NEW = CONTENT.upper()
HALF = len(CONTENT) // 2
DATE = {"ETag": "", "Last-Modified": "Thu, 28 Jan 2016 10:00:00 GMT"}
QUICK = Patience(waits=(0.01, 0.02), connect_seconds=2, read_seconds=0.25)
ONCE = Patience(waits=(), connect_seconds=2, read_seconds=0.25)


def fetch(address, path, expected=None, patience=QUICK):
    addresses = [address] if isinstance(address, str) else address
    return download(addresses, path, expected or {}, patience=patience)


def broken(address, path, expected=None):
    with pytest.raises(InputError):
        fetch(address, path, expected, ONCE)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("headers", "condition"),
    [({}, '"v1"'), (DATE, DATE["Last-Modified"]), ({**DATE, "ETag": 'W/"weak"'}, DATE["Last-Modified"])],
)
def test_the_next_run_goes_on_where_the_network_broke(site, tmp_path, lines, headers, condition):
    path = tmp_path / "file.tsv"
    address = site.add("/file", Answer(cut=HALF, headers=headers), Answer(headers=headers))
    broken(address, path)
    assert names(tmp_path) == [".file.tsv.part", ".file.tsv.part.json"]
    assert f"{HALF} bytes are kept" in lines[-1]
    assert fetch(address, path) == SHA256
    assert names(tmp_path) == ["file.tsv"]
    assert site.ranges() == [None, f"bytes={HALF}-"]
    assert site.conditions == [None, condition]
    assert site.served == len(CONTENT)


@pytest.mark.parametrize("failure", [Answer(silent=True), Answer(status=503, body=b"")])
def test_what_was_kept_survives_further_failures_of_the_network(site, tmp_path, failure):
    address = site.add("/file", Answer(cut=HALF), failure, Answer())
    broken(address, tmp_path / "file.tsv")
    broken(address, tmp_path / "file.tsv")
    assert fetch(address, tmp_path / "file.tsv") == SHA256
    assert site.served == len(CONTENT)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(cut=HALF, ranges=False),
        Answer(cut=HALF, ranges=False, headers={"ETag": '"v1"'}),
        Answer(cut=HALF, headers={"Accept-Ranges": "none"}),
        Answer(cut=HALF, headers={"ETag": ""}),
        Answer(cut=0),
    ],
)
def test_nothing_is_kept_where_the_server_cannot_go_on(site, tmp_path, answer):
    broken(site.add("/file", answer), tmp_path / "file.tsv")
    assert names(tmp_path) == []


def test_a_refusal_after_a_break_leaves_nothing(site, tmp_path):
    address = site.add("/file", Answer(cut=HALF), Answer(status=404, body=b""))
    with pytest.raises(InputError, match="404"):
        fetch(address, tmp_path / "file.tsv")
    assert names(tmp_path) == []


def test_a_checksum_stands_in_for_a_missing_validator(site, tmp_path):
    bare = {"ETag": ""}
    address = site.add("/file", Answer(cut=HALF, headers=bare), Answer(headers=bare))
    assert fetch(address, tmp_path / "file.tsv", {"sha256": SHA256}) == SHA256
    assert site.served == len(CONTENT)


def test_a_resumed_file_with_a_wrong_checksum_is_fetched_from_zero_once(site, tmp_path):
    bare = {"ETag": ""}
    expected = {"sha256": hashlib.sha256(NEW).hexdigest()}
    address = site.add("/file", Answer(cut=HALF, headers=bare), Answer(NEW, headers=bare))
    assert fetch(address, tmp_path / "file.tsv", expected) == expected["sha256"]
    assert site.ranges() == [None, f"bytes={HALF}-", None]


CHANGED = {
    "it says so itself": Answer(NEW, headers={"ETag": '"v2"'}),
    "it ignores If-Range": Answer(NEW, headers={"ETag": '"v2"'}, trusting=True),
    "it is of another size": Answer(NEW + b"more", trusting=True),
    "it gives another part": Answer(NEW, headers={"Content-Range": f"bytes 7-{len(NEW) - 1}/{len(NEW)}"}),
    "it does not say which part": Answer(NEW, headers={"Content-Range": "some"}),
    "it is shorter than what is there": Answer(NEW[: HALF - 10]),
    "it knows no parts any more": Answer(NEW, ranges=False),
}


@pytest.mark.parametrize("how", CHANGED)
@pytest.mark.parametrize("runs", [1, 2])
def test_a_changed_file_starts_again_from_zero(site, tmp_path, how, runs):
    address = site.add("/file", Answer(cut=HALF), CHANGED[how])
    if runs == 2:
        broken(address, tmp_path / "file.tsv")
    fetch(address, tmp_path / "file.tsv")
    assert (tmp_path / "file.tsv").read_bytes() == CHANGED[how].body
    assert names(tmp_path) == ["file.tsv"]
    assert site.ranges()[:2] == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize(
    "note",
    ["", "[]", "{}", "null", '{"address": 5}', '{"received": "x", "address": "", "validator": "", "size_bytes": 1}'],
)
def test_a_kept_file_with_a_damaged_note_is_not_used(site, tmp_path, note):
    address = site.add("/file", Answer(cut=HALF), Answer())
    broken(address, tmp_path / "file.tsv")
    (tmp_path / ".file.tsv.part.json").write_text(note)
    assert fetch(address, tmp_path / "file.tsv") == SHA256
    assert site.ranges() == [None, None]


@pytest.mark.parametrize("content", [b"", CONTENT[: HALF - 1], None])
def test_a_kept_file_that_is_not_as_long_as_noted_is_not_used(site, tmp_path, content):
    address = site.add("/file", Answer(cut=HALF), Answer())
    broken(address, tmp_path / "file.tsv")
    partial = tmp_path / ".file.tsv.part"
    partial.unlink() if content is None else partial.write_bytes(content)
    assert fetch(address, tmp_path / "file.tsv") == SHA256
    assert site.ranges() == [None, None]


def test_what_a_killed_run_left_is_not_used(site, tmp_path):
    (tmp_path / ".file.tsv.part").write_bytes(b"left by a killed run")
    assert fetch(site.add("/file"), tmp_path / "file.tsv") == SHA256
    assert names(tmp_path) == ["file.tsv"]


def test_what_one_address_gave_is_not_continued_from_another(site, tmp_path):
    address, mirror = site.add("/file", Answer(cut=HALF)), site.add("/mirror", Answer(NEW))
    fetch([address, mirror], tmp_path / "file.tsv")
    assert (tmp_path / "file.tsv").read_bytes() == NEW
    assert site.requests[-1] == ("/mirror", None)


def test_a_mirror_that_has_nothing_does_not_cost_what_was_kept(site, tmp_path):
    address, mirror = site.add("/file", Answer(cut=HALF)), site.add("/mirror", Answer(status=404, body=b""))
    broken([address, mirror], tmp_path / "file.tsv")
    note = json.loads((tmp_path / ".file.tsv.part.json").read_text())
    assert note == {"address": address, "validator": '"v1"', "size_bytes": len(CONTENT), "received": HALF}
