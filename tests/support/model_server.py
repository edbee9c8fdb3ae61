"""A server on the loopback interface that holds folders of models, and can break off, lie, stall or refuse."""

import contextlib
import functools
import http.server
import pathlib
import threading
import time
import urllib.parse
from typing import ClassVar

import pytest


class ModelServer:
    """Serves a folder.

    Attributes:
        address: of the folder.
        ranges: whether the server continues files in the middle.
        faults: `{end of a path: [function, ...]}`; each request for such a path takes the first function that is left,
            which gets the handler and the content of the file and answers in its own way.
        requests: `(method, path, Range header or None)` of every request.
    """

    def __init__(self, folder):
        self.folder, self.ranges, self.faults, self.requests = pathlib.Path(folder), True, {}, []

    def paths(self):
        """The last components of the requested paths, in order."""
        return [pathlib.PurePosixPath(path).name for _, path, _ in self.requests]

    def answer(self, handler):
        path = urllib.parse.unquote(urllib.parse.urlsplit(handler.path).path)
        self.requests.append((handler.command, path, handler.headers.get("Range")))
        file = self.folder / path.lstrip("/")
        if not file.is_file():
            return handler.send_error(404)
        content = file.read_bytes()
        for end, faults in self.faults.items():
            if path.endswith(end) and faults:
                return faults.pop(0)(handler, content)
        asked = handler.headers.get("Range")
        if asked and self.ranges:
            return send(handler, content[int(asked.removeprefix("bytes=").removesuffix("-")) :], status=206)
        return send(handler, content)


def send(handler, content, length=None, status=200):
    """Answers with a content, and with a length that need not be its own."""
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(content) if length is None else length))
    for key, value in handler.own_headers.items():
        handler.send_header(key, value)
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(content)


def break_off(handler, content):
    """Sends a third of the rest and closes the connection."""
    asked = handler.headers.get("Range", "bytes=0-")
    rest = content[int(asked.removeprefix("bytes=").removesuffix("-")) :]
    send(handler, rest[: len(rest) // 3], len(rest), 206 if "Range" in handler.headers else 200)


def hang_up(handler, content):
    """Closes the connection without an answer."""


def lie(handler, content):
    """Sends another content of the same length."""
    send(handler, bytes(byte ^ 1 for byte in content))


def send_too_much(handler, content):
    send(handler, content + bytes(10_000))


def stall(handler, content):
    """Sends a third and then nothing for a second."""
    with contextlib.suppress(OSError):  # the client leaves
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content[: len(content) // 3])
        time.sleep(1)


def redirect_to(address):
    """Leads to another address."""

    def redirect(handler, content):
        handler.send_response(302)
        handler.send_header("Location", address)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return redirect


def state_no_length(handler, content):
    """Sends the content with a length that is no number."""
    send(handler, content, "abc")


def refuse(handler, content):
    handler.send_error(503)


class Handler(http.server.BaseHTTPRequestHandler):
    own_headers: ClassVar = {}

    def __init__(self, owner, *arguments):
        self.owner = owner
        super().__init__(*arguments)

    def do_GET(self):
        self.owner.answer(self)

    do_HEAD = do_POST = do_DELETE = do_GET

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def running(owner):
    """Runs a server whose `answer` gets every request; sets its `address`."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, owner)) as server:
        server.daemon_threads = True
        owner.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield owner
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def model_server(tmp_path):
    """A running `ModelServer` of the folder `served`."""
    (tmp_path / "served").mkdir()
    with running(ModelServer(tmp_path / "served")) as server:
        yield server
