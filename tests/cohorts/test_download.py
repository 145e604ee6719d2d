"""A download is whole and checked, or nothing: proven against a server on this machine and its faults."""

import errno
import gzip
import hashlib
import io
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest
from web_server import CONTENT, Answer

from gexflow.cohorts import checksums
from gexflow.cohorts import patience as patience_module
from gexflow.cohorts.checksums import check_file
from gexflow.cohorts.download import download
from gexflow.cohorts.partial import Partial
from gexflow.cohorts.patience import Patience
from gexflow.errors import InputError

MD5, SHA256 = hashlib.md5(CONTENT).hexdigest(), hashlib.sha256(CONTENT).hexdigest()
SUMS = {"size_bytes": len(CONTENT), "md5": MD5, "sha256": SHA256}
QUICK = Patience(waits=(0.01, 0.02, 0.03), connect_seconds=2, read_seconds=0.25)
SCRIPTS = Path(__file__).parents[2] / "scripts"


def fetch(address, path, expected=SUMS, **more):
    addresses = [address] if isinstance(address, str) else address
    return download(addresses, path, expected, **{"patience": QUICK, **more})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_arrives_whole_and_checked_with_one_line_in_the_log(site, tmp_path, lines):
    path = tmp_path / "new" / "file.tsv"
    assert fetch(site.add("/file"), path) == SHA256
    assert path.read_bytes() == CONTENT
    assert names(path.parent) == ["file.tsv"]
    assert len(lines) == 1
    for word in ("file.tsv", f"{len(CONTENT)} bytes", " s,", SHA256, "md5 and sha256 as expected"):
        assert word in lines[0]


def test_an_unchecked_file_is_said_to_be_unchecked(site, tmp_path, lines):
    fetch(site.add("/file"), tmp_path / "file.tsv", {})
    assert "no checksum is known" in lines[0]


def test_the_first_digits_of_a_checksum_will_do(site, tmp_path):
    assert fetch(site.add("/file"), tmp_path / "weights.pth", {"sha256": SHA256[:8]}) == SHA256


@pytest.mark.parametrize("cut", [0, 1, len(CONTENT) // 3, len(CONTENT) - 1])
@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("expected", [SUMS, {}])
def test_a_cut_connection_ends_in_the_whole_file(site, tmp_path, cut, ranges, expected):
    address = site.add("/file", Answer(cut=cut, ranges=ranges), Answer(ranges=ranges))
    assert fetch(address, tmp_path / "file.tsv", expected) == SHA256
    assert names(tmp_path) == ["file.tsv"]
    assert len(site.requests) == 2
    if ranges:
        assert site.ranges()[1] == (f"bytes={cut}-" if cut else None)
    assert site.served == len(CONTENT) + (0 if ranges else cut)


@pytest.mark.parametrize("cut", [0, 1, len(CONTENT) // 3, len(CONTENT) - 1])
def test_connections_that_always_break_leave_nothing_where_the_server_cannot_go_on(site, tmp_path, cut):
    address = site.add("/file", Answer(cut=cut, ranges=False))
    with pytest.raises(InputError, match=rf"cut.*check the network.*{tmp_path}/file.tsv by hand") as caught:
        fetch(address, tmp_path / "file.tsv", {})
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []
    assert len(site.requests) == 1 + len(QUICK.waits)


def test_a_cut_body_of_unknown_length_is_no_success(site, tmp_path):
    address = site.add("/file", Answer(chunked=True, cut=1000), Answer(chunked=True))
    assert fetch(address, tmp_path / "file.tsv", {}) == SHA256
    assert len(site.requests) == 2


def test_a_server_that_hangs_up_without_an_answer_is_asked_again(site, tmp_path):
    assert fetch(site.add("/file", Answer(silent=True), Answer()), tmp_path / "file.tsv") == SHA256


def test_a_body_that_stalls_is_given_up_and_resumed(site, tmp_path):
    address = site.add("/file", Answer(stall=1), Answer())
    assert fetch(address, tmp_path / "file.tsv") == SHA256
    assert site.ranges() == [None, f"bytes={len(CONTENT) // 2}-"]


def test_a_slow_body_is_waited_for(site, tmp_path):
    assert fetch(site.add("/file", Answer(stall=0.05, pieces=10)), tmp_path / "file.tsv") == SHA256
    assert len(site.requests) == 1


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(site, tmp_path, status):
    assert fetch(site.add("/file", Answer(status=status, body=b"busy"), Answer()), tmp_path / "file.tsv") == SHA256
    assert len(site.requests) == 2


@pytest.mark.parametrize(
    ("asked", "waits"), [("7", [7, 2, 3]), ("0", [1, 2, 3]), ("99999", [50, 2, 3]), ("x", [1, 2, 3])]
)
def test_waits_grow_and_heed_the_server_within_a_bound(site, tmp_path, monkeypatch, asked, waits):
    slept = []
    monkeypatch.setattr(patience_module.time, "sleep", slept.append)
    busy = Answer(status=503, body=b"")
    address = site.add("/file", Answer(status=429, body=b"", headers={"Retry-After": asked}), busy)
    with pytest.raises(InputError, match="the server answered 503"):
        fetch(address, tmp_path / "file.tsv", patience=Patience((1, 2, 3), 2, 2, longest_wait=50))
    assert slept == waits


def test_an_attempt_that_brings_much_does_not_count_as_one_in_vain(site, tmp_path):
    body = bytes(range(256)) * 4 * 4096 * 2  # 8 MiB, cut after every 1.5 MiB: more often than there are waits
    cuts = [Answer(body, cut=cut) for cut in range(3 << 19, len(body), 3 << 19)]
    assert len(cuts) > len(QUICK.waits)
    fetch(site.add("/file", *cuts, Answer(body)), tmp_path / "file.bin", {})
    assert (tmp_path / "file.bin").read_bytes() == body
    assert site.served == len(body)


def test_a_missing_file_is_asked_for_once_and_then_at_the_mirrors(site, tmp_path, lines):
    addresses = [site.add("/gone", Answer(status=404, body=b"")), site.add("/mirror")]
    assert fetch(addresses, tmp_path / "file.tsv") == SHA256
    assert [path for path, _ in site.requests] == ["/gone", "/mirror"]
    assert "404" in lines[0]
    assert addresses[1] in lines[0]


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"sha256": "0" * 64}, ["sha256", "0000", SHA256]),
        ({"md5": "f" * 32}, ["md5", "ffff", MD5]),
        ({"size_bytes": 5}, [f"{len(CONTENT)} bytes", "expected 5"]),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence_and_leaves_nothing(site, tmp_path, expected, words):
    address = site.add("/file")
    with pytest.raises(InputError) as caught:
        fetch(address, tmp_path / "file.tsv", expected)
    for word in (*words, address, "config", "by hand"):
        assert word in str(caught.value)
    assert "\n" not in str(caught.value)
    assert names(tmp_path) == []
    assert len(site.requests) == 1


def test_a_body_longer_than_expected_is_not_read_to_its_end(site, tmp_path):
    body = bytes(4_000_000)
    with pytest.raises(InputError, match="more than the expected 5000 bytes"):
        fetch(site.add("/file", Answer(body, chunked=True, pieces=100)), tmp_path / "file.tsv", {"size_bytes": 5000})
    assert site.served < len(body)


def test_the_mirror_of_a_damaged_file_is_tried(site, tmp_path):
    addresses = [site.add("/damaged", Answer(CONTENT[::-1])), site.add("/mirror")]
    assert fetch(addresses, tmp_path / "file.tsv") == SHA256


def test_a_redirect_is_followed(site, tmp_path):
    address = site.add("/old", Answer(status=302, body=b"", headers={"Location": "/new"}))
    site.add("/new", Answer(cut=100), Answer())
    assert fetch(address, tmp_path / "file.tsv") == SHA256
    assert [path for path, _ in site.requests] == ["/old", "/new"] * 2
    assert site.served == len(CONTENT)


def test_redirects_in_circles_end_in_a_sentence(site, tmp_path):
    address = site.add("/a", Answer(status=302, body=b"", headers={"Location": "/a"}))
    with pytest.raises(InputError, match="circles"):
        fetch(address, tmp_path / "file.tsv")


@pytest.mark.parametrize("page", [b"<!DOCTYPE html><html>log in</html>", b"\n <HTML>", b"<!-- x --><head>"])
def test_a_web_page_in_place_of_a_file_is_refused(site, tmp_path, page):
    headers = {"Content-Type": "text/html; charset=utf-8"}
    address = site.add("/file", Answer(page, headers=headers))
    with pytest.raises(InputError, match="web page"):
        fetch(address, tmp_path / "file.tsv", {})
    assert names(tmp_path) == []
    fetch(address, tmp_path / "file.html", {})
    site.add("/file", Answer(CONTENT, headers=headers))  # a wrong type alone is no reason
    fetch(address, tmp_path / "file.tsv")


def test_a_packed_file_stays_packed(site, tmp_path):
    packed = gzip.compress(CONTENT)
    address = site.add("/file", Answer(packed, headers={"Content-Encoding": "gzip"}))
    fetch(address, tmp_path / "file.tsv.gz", {})
    assert (tmp_path / "file.tsv.gz").read_bytes() == packed
    with pytest.raises(InputError, match="packed"):
        fetch(address, tmp_path / "file.tsv", {})


def test_without_a_network_the_sentence_names_all_addresses_and_the_place(tmp_path):
    addresses = ["http://127.0.0.1:9/file.tsv", "http://127.0.0.1:9/mirror/file.tsv"]
    with pytest.raises(InputError) as caught:
        fetch(addresses, tmp_path / "file.tsv")
    for word in (*addresses, "no connection to 127.0.0.1", str(tmp_path / "file.tsv"), "by hand"):
        assert word in str(caught.value)
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "address", ["http://", "http://[::1", "http://a b/\x00", "https://..", "http://127.0.0.1:99999/f"]
)
def test_an_address_that_is_none_ends_in_a_sentence(tmp_path, address):
    with pytest.raises(InputError, match="cannot be downloaded"):
        fetch(address, tmp_path / "file.tsv", patience=Patience(waits=()))


def test_a_setting_of_the_system_that_stops_requests_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "nowhere.pem"))
    with pytest.raises(InputError, match=r"nowhere\.pem.*by hand"):
        fetch("https://127.0.0.1:9/file.tsv", tmp_path / "file.tsv")
    assert names(tmp_path) == []


def test_two_at_once_fetch_a_file_once(site, tmp_path):
    address, found = site.add("/file", Answer(stall=0.1)), []
    path = tmp_path / "file.tsv"
    threads = [threading.Thread(target=lambda: found.append(fetch(address, path))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [SHA256] * 4
    assert len(site.requests) == 1
    assert names(tmp_path) == ["file.tsv"]


def test_the_second_takes_over_where_the_first_fails(site, tmp_path):
    bad, good, found = site.add("/bad", Answer(CONTENT[::-1], stall=0.2)), site.add("/good"), []

    def fail():
        with pytest.raises(InputError):
            fetch(bad, tmp_path / "file.tsv")
        found.append("refused")

    first = threading.Thread(target=fail)
    first.start()
    while not site.requests:
        time.sleep(0.005)
    found.append(fetch(good, tmp_path / "file.tsv"))
    first.join()
    assert sorted(found) == [SHA256, "refused"]
    assert names(tmp_path) == ["file.tsv"]


def test_a_full_disk_is_told_in_one_sentence(site, tmp_path, monkeypatch):
    def full(self, block):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Partial, "append", full)
    with pytest.raises(InputError, match="no room for"):
        fetch(site.add("/file"), tmp_path / "file.tsv")
    assert names(tmp_path) == []


def test_a_folder_that_cannot_be_made_is_told_in_one_sentence(site, tmp_path):
    (tmp_path / "folder").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        fetch(site.add("/file"), tmp_path / "folder" / "file.tsv")


def test_an_interruption_before_the_first_byte_leaves_nothing(site, tmp_path, monkeypatch):
    def interrupt(self, block):
        raise KeyboardInterrupt

    monkeypatch.setattr(Partial, "append", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(site.add("/file"), tmp_path / "file.tsv")
    assert names(tmp_path) == []


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cancelled_job_leaves_what_a_later_run_can_go_on_with(site, tmp_path, ranges):
    address = site.add("/file", Answer(stall=30, ranges=ranges), Answer())
    job = f"""
        import json, runpy, sys
        from types import SimpleNamespace
        sys.path.insert(0, {str(SCRIPTS)!r})
        details = json.dumps({{"addresses": [{address!r}], "expected": {{}}, "listing": ""}})
        snakemake = SimpleNamespace(
            params=SimpleNamespace(details=details), output=[{str(tmp_path / "data/file.tsv")!r}],
            log=[{str(tmp_path / "job.log")!r}],
        )
        runpy.run_path({str(SCRIPTS / "download_file.py")!r}, init_globals={{"snakemake": snakemake}})
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(job)], stderr=subprocess.PIPE)
    partial = tmp_path / "data/.file.tsv.part"
    for _ in range(1000):
        if partial.exists() and partial.stat().st_size:
            break
        time.sleep(0.01)
    assert partial.stat().st_size > 0
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    assert names(tmp_path / "data") == ([".file.tsv.part", ".file.tsv.part.json"] if ranges else [])
    assert fetch(address, tmp_path / "data/file.tsv") == SHA256
    assert names(tmp_path / "data") == ["file.tsv"]
    assert (site.ranges()[-1] is not None) == ranges


def test_a_terminal_shows_a_progress_bar(site, tmp_path, monkeypatch):
    terminal = io.StringIO()
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(site.add("/file"), tmp_path / "file.tsv")
    assert "file.tsv:" in terminal.getvalue()
    assert "%" in terminal.getvalue()


def test_elsewhere_there_is_no_bar(site, tmp_path, capsys):
    fetch(site.add("/file"), tmp_path / "file.tsv")
    assert capsys.readouterr().err == ""


def test_a_file_put_there_by_hand_is_checked_too_and_read_once(tmp_path, monkeypatch):
    path = tmp_path / "file.tsv"
    path.write_bytes(CONTENT)
    opened = []
    monkeypatch.setattr(
        checksums, "open", lambda path, mode: opened.append(path) or io.FileIO(path, mode), raising=False
    )
    assert check_file(path, SUMS, f"{path} is a file") == SHA256
    assert len(opened) == 1
    for kind, wrong in (("sha256", "0" * 64), ("md5", "0" * 32), ("size_bytes", 5)):
        with pytest.raises(InputError, match=f"whose {kind} is .* not {wrong}"):
            check_file(path, {**SUMS, kind: wrong}, f"{path} is a file")
    with pytest.raises(InputError, match="cannot be read"):
        check_file(tmp_path, {}, "a folder")


def test_a_file_that_is_there_already_is_checked_and_not_fetched(site, tmp_path):
    path = tmp_path / "file.tsv"
    path.write_bytes(CONTENT)
    assert fetch(site.add("/file"), path) == SHA256
    path.write_bytes(b"another")
    with pytest.raises(InputError, match="whose size_bytes is 7"):
        fetch(site.add("/file"), path)
    assert path.read_bytes() == b"another"
    assert site.requests == []
    assert names(tmp_path) == ["file.tsv"]
