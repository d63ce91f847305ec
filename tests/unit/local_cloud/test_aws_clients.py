"""Clients of the local cloud's own services."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from local_cloud.aws_clients import AwsClients
from local_cloud.scope import Scope

if TYPE_CHECKING:
    import pytest

    from local_cloud.ministack_iam import Identities

SCOPE = Scope("000000000000", "us-east-1")


def test_clients_are_made_one_after_the_other(monkeypatch: pytest.MonkeyPatch, identities: Identities) -> None:
    """A session of boto3 must not make two at a time."""
    together = threading.Barrier(2)

    def overlaps(*_: object) -> bool:
        try:
            together.wait(0.2)
        except threading.BrokenBarrierError:
            return False
        return True

    clients = AwsClients("http://127.0.0.1:1", identities)
    monkeypatch.setattr(clients, "_new_client", overlaps)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(clients._client, (SCOPE, SCOPE), ("s3", "sns"), (None, None))) == [False, False]


def test_a_client_is_made_once(identities: Identities) -> None:
    """Making one takes a while, and each has connections of its own."""
    clients = AwsClients("http://127.0.0.1:1", identities)
    assert clients._client(SCOPE, "s3", None) is clients._client(SCOPE, "s3", None)
    assert clients._client(SCOPE, "s3", None) is not clients._client(Scope("000000000000", "eu-west-1"), "s3", None)
