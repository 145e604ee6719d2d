"""A server on this machine with the faults of the real ones: what each address answers is a list of `Answer`s."""

import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CONTENT = b"gene\ts1\nTP53\t1.5\n" * 3000


@dataclass
class Answer:
    """One answer; `cut` ends the body early, `stall` is a silence in seconds before its second half."""

    body: bytes = CONTENT
    status: int = 200
    headers: dict = field(default_factory=dict)
    cut: int | None = None
    stall: float = 0
    pieces: int = 2
    ranges: bool = True  # serve parts of the file
    trusting: bool = False  # serve them whatever If-Range says
    chunked: bool = False
    silent: bool = False  # close the connection without a word

    def standard_headers(self) -> dict:
        ranges = {"Accept-Ranges": "bytes", "ETag": '"v1"'} if self.ranges else {}
        return {"Content-Type": "application/octet-stream", **ranges, **self.headers}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        site = self.server.site
        with site.lock:
            site.requests.append((self.path, self.headers.get("Range")))
            site.conditions.append(self.headers.get("If-Range"))
            answers = site.pages.get(self.path, [Answer(status=404, body=b"")])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        self.close_connection = True
        if not answer.silent:
            self.send(answer, site)

    def send(self, answer, site):
        start, status = self.beginning(answer)
        body = answer.body[start:]
        self.send_response(416 if start > len(answer.body) else status)
        headers = answer.standard_headers()
        if status == 206:
            headers = {"Content-Range": f"bytes {start}-{len(answer.body) - 1}/{len(answer.body)}", **headers}
        if answer.chunked:
            headers = {"Transfer-Encoding": "chunked", **headers}
        else:
            headers = {"Content-Length": str(len(body)), **headers}
        for key, value in {**headers, "Connection": "close"}.items():
            self.send_header(key, value)
        self.end_headers()
        sent = body if answer.cut is None else body[: max(0, answer.cut - start)]
        step = max(1, -(-len(sent) // answer.pieces))
        for place in range(0, len(sent), step):
            time.sleep(answer.stall if place else 0)
            piece = sent[place : place + step]
            try:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece) if answer.chunked else piece)
                site.served += len(piece)
            except OSError:
                return  # the other side has gone
        if answer.chunked and answer.cut is None:
            self.wfile.write(b"0\r\n\r\n")

    def beginning(self, answer) -> tuple[int, int]:
        wanted, condition = self.headers.get("Range"), self.headers.get("If-Range")
        headers = answer.standard_headers()
        same = condition in (None, headers.get("ETag"), headers.get("Last-Modified")) or answer.trusting
        if wanted and answer.ranges and answer.status == 200 and same:
            return int(wanted.removeprefix("bytes=").removesuffix("-")), 206
        return 0, answer.status

    def log_message(self, *arguments):
        """Keep the tests' output clean."""


class Site:
    """A server: `pages` to fill, `requests`, their `conditions` (If-Range) and `served` bytes to look at."""

    def __init__(self, address: str):
        self.address = address
        self.pages: dict[str, list[Answer]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.conditions: list[str | None] = []
        self.served = 0
        self.lock = threading.Lock()

    def add(self, path: str, *answers: Answer) -> str:
        """Let `path` give these answers, the last one for ever, and return its address."""
        self.pages[path] = list(answers or [Answer()])
        return self.address + path

    def ranges(self) -> list[str | None]:
        """Return the Range header of every request."""
        return [wanted for _, wanted in self.requests]


@contextmanager
def serve():
    """Start a site in a thread."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.site = Site(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.site
    finally:
        server.shutdown()
        server.server_close()
