"""TCP ports of the loopback interface, the only one that anything here listens on."""

from __future__ import annotations

import socket
from collections import deque
from typing import Final

from local_cloud.errors import LocalCloudError

_handed_out: Final[deque[int]] = deque(maxlen=1024)
"""Ports that somebody may be about to listen on. Older ones are listened on by now, or are free again."""


class PortTakenError(LocalCloudError):
    """The port cannot be listened on."""


def listen(port: int) -> socket.socket:
    """Return a listening socket.

    Raises:
        PortTakenError: the port is taken, or not for this user.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTakenError(f"port {port} on 127.0.0.1 cannot be used ({error.strerror}): choose another") from error
    return listener


def free_port() -> int:
    """Return a port on which nothing listens now, and which was not among the last that were returned."""
    while (port := _unused_port()) in _handed_out:
        pass
    _handed_out.append(port)
    return port


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
