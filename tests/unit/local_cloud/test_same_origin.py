"""Which requests a web page could have sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

from local_cloud.same_origin import refusal, refuse

if TYPE_CHECKING:
    from collections.abc import Callable

    from hypercorn.typing import ASGISendCallable, WebsocketScope


def refused(**headers: str) -> bool:
    """Return whether a request with these headers is refused; ``_`` stands for ``-``."""
    return refusal([(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]) is not None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.0.0.1:4566", "localhost:4566", "LocalHost", "[::1]:4566", "b.localhost", "a.b.s3.localhost:80"],
)
def test_this_machine_is_reached_by_its_loopback_names(host: str) -> None:
    """The last two are S3's virtual hosts."""
    assert not refused(host=host)


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example:4566", "localhost.evil.example", "evillocalhost", "127.0.0.1:x"],
)
def test_a_name_that_was_made_to_resolve_to_loopback_is_refused(host: str) -> None:
    """A page of that name would be of the same origin as the local cloud."""
    assert refused(host=host)


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:4566", "null", ""])
def test_a_request_with_an_origin_is_refused(origin: str) -> None:
    """Only browsers send one, and sandboxed pages have the origin ``null``."""
    assert refused(host="127.0.0.1:4566", origin=origin)


@pytest.mark.parametrize(("site", "expected"), [("cross-site", True), ("none", False), ("same-site", False)])
def test_a_page_elsewhere_can_load_nothing(site: str, *, expected: bool) -> None:
    """Images and links have no Origin; an address that somebody enters, such as a presigned one, comes from no site."""
    assert refused(host="localhost:4566", sec_fetch_site=site) == expected


def test_a_web_socket_is_closed_before_it_opens(finish: Callable[..., Any]) -> None:
    """Browsers ask nobody before they open one."""
    sent: list[Any] = []

    async def send(message: object) -> None:
        sent.append(message)

    scope = cast("WebsocketScope", {"type": "websocket"})
    finish(refuse(scope, cast("ASGISendCallable", send), "no web pages"))
    assert sent == [{"type": "websocket.close", "code": 1008, "reason": "no web pages"}]
