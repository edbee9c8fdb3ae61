"""SIGTERM during a run: the run notes it, saves itself and exits."""

import signal
import threading
from typing import Self

EXIT_STATUS = 128 + signal.SIGTERM  # the convention of shells


class Termination:
    """Notes SIGTERM inside its `with` block, and ends the process with status 143 after it.

    Outside the block SIGTERM kills at once, and everything on the disk stays valid. Python delivers signals to the main
    thread only; in another thread this class changes nothing.

    Attributes:
        requested: whether SIGTERM arrived.
    """

    requested = False

    def __enter__(self) -> Self:
        """Begins to note SIGTERM."""
        self.in_charge = threading.current_thread() is threading.main_thread()
        if self.in_charge:
            self.previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number, frame):
        self.requested = True

    def __exit__(self, kind, error, traceback):
        """Restores the earlier handler, and exits if SIGTERM arrived."""
        if self.in_charge:
            signal.signal(signal.SIGTERM, self.previous)
        if self.requested and kind is None:
            raise SystemExit(EXIT_STATUS)
