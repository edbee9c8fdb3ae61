"""A port of this machine that nothing listens on."""

import socket


def free_port():
    """The number of such a port. Another process may take it at any time."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
