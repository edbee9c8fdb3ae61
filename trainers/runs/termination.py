"""What SIGTERM does to a run: it is saved, and ends."""

import signal
import threading

EXIT_STATUS = 128 + signal.SIGTERM  # as shells have it


class Termination:
    """While it is entered, SIGTERM is only noted; leaving it then ends the process with status 143.

    Elsewhere SIGTERM kills at once, which costs nothing that is on the disk. Only the main thread can be asked to note
    signals: in another one nothing is changed.

    Attributes:
        requested: whether SIGTERM came.
    """

    requested = False

    def __enter__(self):
        self.in_charge = threading.current_thread() is threading.main_thread()
        if self.in_charge:
            self.previous = signal.signal(signal.SIGTERM, self._note)
        return self

    def _note(self, number, frame):
        self.requested = True

    def __exit__(self, kind, error, traceback):
        if self.in_charge:
            signal.signal(signal.SIGTERM, self.previous)
        if self.requested and kind is None:
            raise SystemExit(EXIT_STATUS)
