"""What containers write, in CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from local_cloud.sagemaker.endpoint_logs import MAX_EVENTS, MAX_LINE, EndpointLogs
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from local_cloud.aws_clients import AwsClients

GROUP = "/aws/sagemaker/Endpoints/ocr"


class CloudWatchLogs:
    """Keeps what it is asked for, and refuses what it is told to."""

    def __init__(self, **refused: str) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._refused = refused

    async def call(self, _scope: Scope, _service: str, operation: str, **members: object) -> None:
        """Perform an operation."""
        self.calls.append((operation, members))
        if code := self._refused.get(operation):
            raise ClientError({"Error": {"Code": code}}, operation)


def logs_into(service: CloudWatchLogs) -> EndpointLogs:
    """Return logs that are kept in ``service``."""
    return EndpointLogs(cast("AwsClients", service), Scope("000000000000", "us-east-1"), "ocr", "role")


def test_group_and_stream_are_made_once(finish: Callable[..., Any]) -> None:
    """Lines go into the endpoint's group, in the execution role's name."""
    service = CloudWatchLogs()
    logs = logs_into(service)
    finish(logs.put("AllTraffic/i-1", ["first"]))
    finish(logs.put("AllTraffic/i-1", ["second"]))
    operations = ["create_log_group", "create_log_stream", "put_log_events", "put_log_events"]
    assert [name for name, _ in service.calls] == operations
    assert {(members["logGroupName"], members["role_arn"]) for _, members in service.calls} == {(GROUP, "role")}


def test_what_exists_already_is_used(finish: Callable[..., Any]) -> None:
    """Another instance made the group."""
    service = CloudWatchLogs(create_log_group="ResourceAlreadyExistsException")
    finish(logs_into(service).put("AllTraffic/i-1", ["line"]))
    assert service.calls[-1][0] == "put_log_events"


def test_what_is_refused_is_lost_with_a_warning(finish: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    """A role without the permission fails no job."""
    finish(logs_into(CloudWatchLogs(create_log_stream="AccessDeniedException")).put("AllTraffic/i-1", ["line"]))
    assert f"cannot log to {GROUP}" in caplog.text


def test_requests_stay_below_their_megabyte(finish: Callable[..., Any]) -> None:
    """Many lines are several requests, and a long one is cut."""
    service = CloudWatchLogs()
    finish(logs_into(service).put("AllTraffic/i-1", ["x" * 2 * MAX_LINE] * (MAX_EVENTS + 1)))
    sent = [members["logEvents"] for name, members in service.calls if name == "put_log_events"]
    assert [len(events) for events in sent] == [MAX_EVENTS, 1]
    assert len(sent[0][0]["message"]) == MAX_LINE
