"""A download is whole and checked, or nothing: proven against a server on this machine."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from gexflow.cohorts.download import check_file, download
from gexflow.errors import InputError

CONTENT = b"gene\ts1\nTP53\t1.5\n" * 500


class Handler(BaseHTTPRequestHandler):
    """Serve /file, cut /cut off half-way, and know nothing else."""

    def do_GET(self):
        if self.path not in ("/file", "/cut"):
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT if self.path == "/file" else CONTENT[: len(CONTENT) // 2])

    def log_message(self, *arguments):
        """Keep the tests' output clean."""


@pytest.fixture(scope="module")
def server():
    httpd = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()


def test_a_file_arrives_whole_and_checked(server, tmp_path):
    path = tmp_path / "new" / "file.tsv"
    sums = {"md5": hashlib.md5(CONTENT).hexdigest(), "sha256": hashlib.sha256(CONTENT).hexdigest()}
    assert download(f"{server}/file", path, sums) == sums["sha256"]
    assert path.read_bytes() == CONTENT
    assert [item.name for item in path.parent.iterdir()] == ["file.tsv"]


@pytest.mark.parametrize(
    ("address", "sums", "words"),
    [
        ("/nothing", {}, ["404", "by hand"]),
        ("/cut", {}, ["cannot be downloaded"]),
        ("/file", {"sha256": "0" * 64}, ["sha256", "0000"]),
        ("/file", {"md5": "f" * 32}, ["md5", "ffff"]),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_nothing(server, tmp_path, address, sums, words):
    with pytest.raises(InputError) as caught:
        download(server + address, tmp_path / "file.tsv", sums)
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_a_network_the_sentence_names_address_and_place(tmp_path):
    with pytest.raises(InputError) as caught:
        download("http://127.0.0.1:9/file.tsv", tmp_path / "file.tsv", {})
    assert "http://127.0.0.1:9/file.tsv" in str(caught.value)
    assert str(tmp_path / "file.tsv") in str(caught.value)


def test_a_file_put_there_by_hand_is_checked_too(tmp_path):
    path = tmp_path / "file.tsv"
    path.write_bytes(CONTENT)
    check_file(path, {"sha256": hashlib.sha256(CONTENT).hexdigest()}, f"{path} is a file")
    with pytest.raises(InputError, match="whose sha256 is"):
        check_file(path, {"sha256": "0" * 64}, f"{path} is a file")
