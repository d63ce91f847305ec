"""What containers write, in CloudWatch Logs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from botocore.exceptions import ClientError

from local_cloud.sagemaker.endpoint_logs import EndpointLogs
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


def sizes(service: CloudWatchLogs) -> list[int]:
    """Return the size of each batch as CloudWatch Logs counts it."""
    batches = [members["logEvents"] for name, members in service.calls if name == "put_log_events"]
    return [sum(len(event["message"].encode()) + 26 for event in batch) for batch in batches]


def test_batches_stay_within_the_services_limits(finish: Callable[..., Any]) -> None:
    """10,000 events, and a megabyte in UTF-8 with 26 bytes for each event; no line is lost or out of order."""
    lines = [f"{number} " + "\u00e9" * 300_000 for number in range(5)] + [str(number) for number in range(10_001)]
    service = CloudWatchLogs()
    finish(logs_into(service).put("AllTraffic/i-1", lines))
    batches = [members["logEvents"] for name, members in service.calls if name == "put_log_events"]
    assert [event["message"] for batch in batches for event in batch] == lines
    assert max(sizes(service)) <= 1_048_576
    assert max(len(batch) for batch in batches) == 10_000
    assert len(batches) == 6


def test_a_line_beyond_a_megabyte_says_that_it_was_cut(finish: Callable[..., Any]) -> None:
    """CloudWatch Logs takes none that is longer; a character is never cut in two."""
    service = CloudWatchLogs()
    finish(logs_into(service).put("AllTraffic/i-1", ["\u00e9" * 1_000_000]))
    [(_, members)] = [call for call in service.calls if call[0] == "put_log_events"]
    [event] = members["logEvents"]
    assert event["message"].startswith("\u00e9\u00e9")
    assert event["message"].endswith("\u00e9 [cut: 2000000 bytes]")
    assert 1_048_500 < sizes(service)[0] <= 1_048_576
