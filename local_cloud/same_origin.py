"""Refuses what web pages send: on loopback a cloud that takes every signature is open to any page that somebody opens.

A page cannot reach a loopback port unseen. Its browser says where a request comes from, in ``Origin`` (all that can
change something but a plain GET) and in ``Sec-Fetch-Site``; and a page whose name was made to resolve to 127.0.0.1 has
that name in ``Host``. (Sources: *Fetch Standard*, "Origin header"; *Fetch Metadata Request Headers*.) SDKs, command
lines and downloads by an address that somebody enters send none of it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hypercorn.typing import ASGISendCallable, HTTPScope, WebsocketScope

_LOOPBACK: Final = re.compile(r"(127\.0\.0\.1|\[::1\]|([a-z0-9_.-]+\.)?localhost)(:\d+)?", re.IGNORECASE)
"""Hosts that are this machine wherever they are resolved; names below ``localhost`` are S3's virtual hosts."""


def refusal(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """Return why a request may come from a web page, ``None`` if it cannot; header names are lower case."""
    found = {name: value.decode("latin-1") for name, value in headers}
    host = found.get(b"host", "")
    if not _LOOPBACK.fullmatch(host):
        return f"the local cloud is reached as 127.0.0.1 or localhost, not as {host!r}"
    if (origin := found.get(b"origin")) is not None:
        return f"the local cloud answers no web pages: this request has the Origin {origin!r}"
    if found.get(b"sec-fetch-site") == "cross-site":
        return "the local cloud answers no web pages: open this address in a new tab instead of following a link"
    return None


async def refuse(scope: HTTPScope | WebsocketScope, send: ASGISendCallable, reason: str) -> None:
    """Answer 403 with ``reason`` as its one line; a WebSocket is closed before it opens, which is 403 as well."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode(), "more_body": False})
