"""Files of a model from a web server."""

import contextlib
import http.client
import ipaddress
import pathlib
import ssl
import sys
import urllib.error
import urllib.parse
import urllib.request
from typing import IO

from zoo.pretrained.card import CARD_FILE

ATTEMPTS = 3  # per file. A broken download continues where it broke off, if the server allows it.
CHUNK = 2**16
TIMEOUT = 30.0  # seconds without an answer
BROKEN_OFF = (http.client.HTTPException, ConnectionError, ssl.SSLError)


class HttpSource:
    """A folder on a web server.

    Args:
        address: `https://host/path/name`. Plain http is for a server on this machine, or for a `known` model.
        size: bytes of all files of the model, for the progress bar; None if unknown.
        known: whether the checksum of the model's card is known, so that nobody on the way can replace the model.

    Raises:
        ValueError: the address is plain http to another machine, and the model is not known.

    Example:
        >>> from zoo.pretrained.http_source import HttpSource
        >>> HttpSource("https://example.org/models/digits/").address
        'https://example.org/models/digits'
    """

    def __init__(self, address: str, size: int | None = None, *, known: bool = False):
        self.address = address.rstrip("/")
        if not (known or is_private(address)):
            raise ValueError(f"{address} is refused: what comes by plain http can be altered on the way. Use https://.")
        self.opener = urllib.request.build_opener(SafeRedirects(known))
        self.bar = ProgressBar(size)

    def fetch(self, file: str, folder: pathlib.Path, limit: int | None = None) -> None:
        """Downloads a file.

        Args:
            file: its path below the address.
            folder: it gets the same path below this folder.
            limit: the most bytes that the file may have.

        Raises:
            ConnectionError: the server cannot be reached, breaks off or answers too slowly.
            ValueError: the server has no such file, or the file is longer than `limit`.
        """
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as written:
            for _ in range(ATTEMPTS):
                if self._continue(file, written, limit):
                    return
        raise ConnectionError(f"the server broke off {ATTEMPTS} times")

    def finish(self) -> None:
        """Ends the line of the progress bar."""
        self.bar.finish()

    def _continue(self, file: str, written: IO[bytes], limit: int | None) -> bool:
        """Appends the rest of a file; returns whether it is complete."""
        start = written.tell()
        request = urllib.request.Request(urllib.parse.quote(f"{self.address}/{file}", safe="/:%@[]"))
        request.add_header("User-Agent", "regularized-zoo")
        if start:
            request.add_header("Range", f"bytes={start}-")
        try:
            with self.opener.open(request, timeout=TIMEOUT) as answer:
                if start and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                    written.seek(0)  # the server sends the file from its start
                    written.truncate()
                length = answer.headers.get("Content-Length") or ""
                expected = int(length) if length.isdecimal() else -1
                return self._copy(file, answer, written, limit) == expected or expected < 0
        except urllib.error.HTTPError as error:
            if error.code == http.HTTPStatus.NOT_FOUND:
                self._missing(file)
            raise ConnectionError(f"the server answers {error.code} {error.reason}") from error
        except urllib.error.URLError as error:
            raise ConnectionError(f"{error.reason}") from error
        except TimeoutError as error:
            raise ConnectionError(f"the server does not answer for {TIMEOUT:g} s") from error
        except http.client.InvalidURL as error:
            raise ConnectionError(f"{error}") from error
        except BROKEN_OFF:
            return False

    def _copy(self, file, answer, written, limit):
        received = 0
        while chunk := answer.read(CHUNK):
            written.write(chunk)
            received += len(chunk)
            self.bar.add(len(chunk), drawn=file != CARD_FILE)  # the card tells whether there is a download at all
            if limit is not None and written.tell() > limit:
                raise ValueError(
                    f"{self.address} is refused: it sends more than the {limit:,} bytes that are expected."
                )
        return received

    def _missing(self, file):
        if file == CARD_FILE:
            raise ValueError(f"{self.address} is no model of the zoo: it has no {CARD_FILE}.")
        raise ValueError(f"{self.address} is incomplete: its card names {file}, which the server does not have.")


def is_private(address: str) -> bool:
    """Whether nobody between the server and this machine can alter the answer: it comes by https, or from here.

    Args:
        address: an address of a file or a folder.

    Example:
        >>> from zoo.pretrained.http_source import is_private
        >>> is_private("https://example.org/x"), is_private("http://127.0.0.1:80/x"), is_private("http://example.org/x")
        (True, True, False)
    """
    parts = urllib.parse.urlsplit(address)
    if parts.scheme != "http":
        return parts.scheme == "https"
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:  # a name
        return False


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections to https, and those from http to http where plain http is allowed.

    Args:
        known: see `HttpSource`.
    """

    def __init__(self, known: bool):
        self.known = known

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        """The next request, as `urllib` asks for it."""
        scheme = urllib.parse.urlsplit(newurl).scheme
        if scheme != "https" and not (scheme == req.type == "http" and (self.known or is_private(newurl))):
            raise ValueError(f"{req.full_url} is refused: it leads to {newurl}, which is not https.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class ProgressBar:
    """Keras's progress bar in KiB, on standard error, if that is a terminal or a notebook.

    Args:
        size: bytes of the whole download; None if unknown.
    """

    def __init__(self, size: int | None):
        import keras  # here, because names of models are listed without it

        self.done, self.size, self.begun = 0, size, False
        self.visible = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.bar = keras.utils.Progbar(size and -(-size // 1024), unit_name="KiB")

    def add(self, num_bytes: int, *, drawn: bool = True) -> None:
        """Counts further bytes."""
        self.done += num_bytes
        if drawn:
            self._draw()

    def finish(self) -> None:
        """Ends the line, if there is one."""
        if self.begun:
            self._draw(finalize=True)

    def _draw(self, **options):
        self.begun = True
        if self.visible:
            with contextlib.redirect_stdout(sys.stderr):  # figures of commands are on standard output
                self.bar.update(min(self.done, self.size or self.done) // 1024, **options)
