"""A stream that stands for a terminal."""

import io


class Terminal(io.StringIO):
    """Stands for a terminal, on which commands show progress bars."""

    def isatty(self):
        return True
