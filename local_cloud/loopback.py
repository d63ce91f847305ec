"""TCP ports of the loopback interface, the only one that anything here listens on."""

from __future__ import annotations

import socket

from local_cloud.errors import LocalCloudError


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
    """Return a port on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
