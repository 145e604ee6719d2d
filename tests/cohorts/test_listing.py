"""A Mendeley listing leads to its file, checked by the listing's own size and sha256."""

import hashlib
import json

import pytest
from web_server import CONTENT, Answer

from gexflow.cohorts.download import download
from gexflow.cohorts.patience import Patience
from gexflow.errors import InputError

SHA256 = hashlib.sha256(CONTENT).hexdigest()
NAME = "cancer types.mat"
QUICK = Patience(waits=(0.01,), connect_seconds=2, read_seconds=0.25)


def entry(site, **changes):
    details = {"download_url": f"{site.address}/content", "sha256_hash": SHA256}
    return {"filename": NAME, "size": len(CONTENT), "content_details": details, "id": "x", **changes}


def listing_of(site, *entries):
    return Answer(json.dumps(entries).encode(), headers={"Content-Type": "application/json"})


def fetch(site, tmp_path, mirrors=(), expected=None):
    return download(mirrors, tmp_path / NAME, expected or {}, f"{site.address}/listing?version=1", QUICK)


def test_the_listing_leads_to_the_file_and_its_checksum(site, tmp_path, lines):
    site.add("/content")
    site.add("/listing?version=1", listing_of(site, {"filename": "readme.txt"}, entry(site)))
    assert fetch(site, tmp_path) == SHA256
    assert [item.name for item in tmp_path.iterdir()] == [NAME]
    assert len(lines) == 1
    assert "size_bytes and sha256 as expected" in lines[0]


def test_a_busy_listing_is_asked_again(site, tmp_path):
    site.add("/content")
    site.add("/listing?version=1", Answer(status=503, body=b""), Answer(b"[", cut=0), listing_of(site, entry(site)))
    with pytest.raises(InputError):
        fetch(site, tmp_path)  # twice in vain
    assert fetch(site, tmp_path) == SHA256


def test_a_file_that_is_not_the_listed_one_is_refused(site, tmp_path):
    site.add("/content", Answer(CONTENT[::-1]))
    site.add("/listing?version=1", listing_of(site, entry(site)))
    with pytest.raises(InputError, match=f"whose sha256 is .*, not {SHA256}"):
        fetch(site, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_config_s_checksum_stands_above_the_listing_s(site, tmp_path):
    site.add("/content")
    site.add("/listing?version=1", listing_of(site, entry(site)))
    with pytest.raises(InputError, match=r"sha256.*not 0000"):
        fetch(site, tmp_path, expected={"sha256": "0" * 64})


def test_a_listing_out_of_reach_gives_way_to_the_mirrors_and_says_so(site, tmp_path, lines):
    mirror = site.add("/mirror")
    assert fetch(site, tmp_path, [mirror]) == SHA256
    assert "/listing" in lines[0]
    assert "404" in lines[0]
    assert mirror in lines[0]


def test_the_listing_s_checksum_holds_for_mirrors_too(site, tmp_path):
    site.add("/content", Answer(status=404, body=b""))
    site.add("/listing?version=1", listing_of(site, entry(site)))
    with pytest.raises(InputError, match=r"404.*/mirror.*sha256"):
        fetch(site, tmp_path, [site.add("/mirror", Answer(CONTENT[::-1]))])
    assert fetch(site, tmp_path, [site.add("/mirror")]) == SHA256


def test_a_listing_without_the_file_says_what_it_has(site, tmp_path):
    site.add("/listing?version=1", listing_of(site, entry(site, filename="other.mat")))
    with pytest.raises(InputError, match=f'lists no file "{NAME}", but other.mat.*by hand'):
        fetch(site, tmp_path)
    assert fetch(site, tmp_path, [site.add("/mirror")]) == SHA256


DAMAGED = {
    "no JSON": (b"{[", "not valid JSON"),
    "no text": (b"\xff\xfe\x00", "not valid JSON"),
    "deep": (b"[" * 100_000, "not valid JSON"),
    "a map": (b"{}", "list of files"),
    "odd names": (json.dumps([{"filename": "\x1b" * 5000}]).encode(), r"but \?\?\?"),
    "numbers": (b"[1]", "list of files"),
    "no entry": (b"[]", "lists no file"),
    "a page": (b"<html></html>", "not valid JSON"),
}


@pytest.mark.parametrize("how", DAMAGED)
def test_a_damaged_listing_ends_in_a_sentence(site, tmp_path, how):
    content, words = DAMAGED[how]
    site.add("/listing?version=1", Answer(content))
    with pytest.raises(InputError, match=words) as caught:
        fetch(site, tmp_path)
    assert len(str(caught.value)) < 500 + len(str(tmp_path))


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"size": "12"}, "size"),
        ({"size": True}, "size"),
        ({"size": -1}, "size"),
        ({"content_details": None}, "download_url"),
        ({"content_details": []}, "download_url"),
        ({"content_details": {"download_url": "ftp://x", "sha256_hash": SHA256}}, "download_url"),
        ({"content_details": {"download_url": "http://x", "sha256_hash": "12"}}, "sha256_hash"),
        ({"content_details": {"download_url": "http://x"}}, "sha256_hash"),
    ],
)
def test_a_damaged_entry_is_named(site, tmp_path, changes, key):
    site.add("/listing?version=1", listing_of(site, entry(site, **changes)))
    with pytest.raises(InputError, match=f'no valid {key} of "{NAME}"'):
        fetch(site, tmp_path)


def test_a_file_listed_twice_is_refused(site, tmp_path):
    site.add("/listing?version=1", listing_of(site, entry(site), entry(site)))
    with pytest.raises(InputError, match="several files"):
        fetch(site, tmp_path)
