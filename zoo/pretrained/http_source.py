"""Files of a model from a web server."""

import contextlib
import http.client
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
        address: `https://host/path/name`.
        size: bytes of all files of the model, for the progress bar; None if unknown.

    Example:
        >>> from zoo.pretrained.http_source import HttpSource
        >>> HttpSource("https://example.org/models/digits/").address
        'https://example.org/models/digits'
    """

    def __init__(self, address: str, size: int | None = None):
        self.address = address.rstrip("/")
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
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                if start and answer.status != http.HTTPStatus.PARTIAL_CONTENT:
                    written.seek(0)  # the server sends the file from its start
                    written.truncate()
                expected = int(answer.headers.get("Content-Length") or -1)
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


class ProgressBar:
    """Keras's progress bar in KiB, on standard error, if that is a terminal or a notebook.

    Args:
        size: bytes of the whole download; None if unknown.
    """

    def __init__(self, size: int | None):
        import keras  # here, because names of models are listed without it

        self.done, self.size = 0, size
        self.visible = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.bar = keras.utils.Progbar(size and -(-size // 1024), unit_name="KiB")

    def add(self, num_bytes: int, *, drawn: bool = True) -> None:
        """Counts further bytes."""
        self.done += num_bytes
        if drawn:
            self._draw()

    def finish(self) -> None:
        """Ends the line."""
        self._draw(finalize=True)

    def _draw(self, **options):
        if self.visible:
            with contextlib.redirect_stdout(sys.stderr):  # figures of commands are on standard output
                self.bar.update(min(self.done, self.size or self.done) // 1024, **options)
