"""When somebody is told that an endpoint needs help: the thresholds, and how they follow from what it promises.

Kept apart from the constructs, so that the thresholds can be tried without the CDK.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from async_inference.limits import Bounds
from constructs_lib.checks import COUNT, SettingError, require_match, require_within
from constructs_lib.scaling_settings import PUBLICATION_DELAY_SECONDS, SAMPLE_SECONDS, WAKE_SECONDS

if TYPE_CHECKING:
    from constructs_lib.scaling_settings import ScalingSettings

SECONDS_PER_HOUR: Final = 3_600
SECONDS_PER_DAY: Final = 86_400
"""Alarms look back no longer than a day with periods below an hour. Source: the service model of ``PutMetricAlarm``."""

LOSS_PERIOD_SECONDS: Final = 300
"""The period of what should never happen: requests lost, results or notices not delivered, calls throttled."""

FAILURES_FOR_A_SHARE: Final = 2
"""One failed invocation of one is not yet a share to wake somebody for."""

_MARGIN_SECONDS: Final = Bounds(0, SECONDS_PER_HOUR)
_PERCENT: Final = Bounds(1, 99)
_WHOLE_PERCENT: Final = Bounds(1, 100)
_WINDOW_SECONDS: Final = Bounds(SAMPLE_SECONDS, SECONDS_PER_DAY)
_SHORTEST_DEFAULT_WINDOW_SECONDS: Final = 900
_JOBS_IN_A_WINDOW: Final = 4
_TOPIC_PATTERN: Final = r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}"
_RUNBOOK_PATTERN: Final = r"[^\s#]{1,512}"
_COUNTS: Final = (
    "failed_invocations",
    "expired_requests",
    "download_failures",
    "upload_failures",
    "notification_failures",
    "dead_letters",
    "function_errors",
    "function_throttles",
    "failed_function_invocations",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmSettings:
    """Where alarms go, and from how much of what on they ring.

    Attributes:
        topic_arn: An SNS topic that there is already; CloudWatch must be allowed to publish to it, and to use its key
            if it has one. Left out, the stack makes a topic of its own.
        runbook_url: Where ``docs/runbook.md`` is to be read; each alarm's description has it with ``#`` and the
            section.
        wake_margin_seconds: How much longer than promised requests may wait without an instance, 0 to 3,600.
        rest_margin_seconds: How much longer than promised instances may stay without work, 0 to 3,600.
        oldest_request_percent: How much of the time that a request has in the queue after a wake may pass, 1 to 99.
        failure_window_seconds: In which failed invocations and errors of the function are counted: whole minutes up to
            a day. Left out, time for four of the longest jobs, and at least 15 minutes. The alarms ring for as long
            after the last failure.
        failed_invocations: At least 1. The window's count that is a warning.
        failed_invocations_percent: 1 to 100. The window's share that is critical, from two failures on.
        expired_requests: At least 1; in 5 minutes, as the next three.
        download_failures: At least 1.
        upload_failures: At least 1.
        notification_failures: At least 1.
        dead_letters: At least 1; messages in a consumer's dead-letter queue.
        function_errors: At least 1; the window's. The polling function ends with an error for each failed job.
        function_throttles: At least 1; in 5 minutes.
        failed_function_invocations: At least 1; messages in the queue of the polling function's failed asynchronous
            invocations.
    """

    topic_arn: str | None = None
    runbook_url: str = "docs/runbook.md"
    wake_margin_seconds: int = 300
    rest_margin_seconds: int = 600
    oldest_request_percent: int = 50
    failure_window_seconds: int | None = None
    failed_invocations: int = 5
    failed_invocations_percent: int = 50
    expired_requests: int = 1
    download_failures: int = 1
    upload_failures: int = 1
    notification_failures: int = 1
    dead_letters: int = 1
    function_errors: int = 5
    function_throttles: int = 1
    failed_function_invocations: int = 1

    def __post_init__(self) -> None:
        if self.topic_arn is not None:
            require_match(self, "topic_arn", _TOPIC_PATTERN, "arn:aws:sns:<region>:<account>:<name>")
        require_match(self, "runbook_url", _RUNBOOK_PATTERN, "an address without spaces and #, at most 512 characters")
        require_within(self, "wake_margin_seconds", _MARGIN_SECONDS, "seconds")
        require_within(self, "rest_margin_seconds", _MARGIN_SECONDS, "seconds")
        require_within(self, "oldest_request_percent", _PERCENT, "percent")
        require_within(self, "failed_invocations_percent", _WHOLE_PERCENT, "percent")
        for name in _COUNTS:
            require_within(self, name, COUNT)
        if self.failure_window_seconds is not None:
            require_within(self, "failure_window_seconds", _WINDOW_SECONDS, "seconds")
            if self.failure_window_seconds % SAMPLE_SECONDS:
                raise SettingError(self, "failure_window_seconds", self.failure_window_seconds, "whole minutes")

    def backlog_seconds(self, scaling: ScalingSettings, request_ttl_seconds: int) -> int:
        """Return how long requests may wait without an instance: a wake, a cold start and the margin.

        So long that the alarm rings before a single request that waits has outlived its time: the last sample that has
        it has to be taken and published before.
        """
        allowed = WAKE_SECONDS + scaling.cold_start_seconds + self.wake_margin_seconds
        seen = request_ttl_seconds - SAMPLE_SECONDS - PUBLICATION_DELAY_SECONDS
        return max(1, min(_minutes(allowed), seen // SAMPLE_SECONDS)) * SAMPLE_SECONDS

    def oldest_request_seconds(self, scaling: ScalingSettings, request_ttl_seconds: int) -> int:
        """Return how old a request may become: what a wake takes, and a share of the rest of its life."""
        wake = scaling.wake_seconds
        return wake + (request_ttl_seconds - wake) * self.oldest_request_percent // 100

    def window_seconds(self, max_job_seconds: int) -> int:
        """Return the time in which failures are counted."""
        if self.failure_window_seconds is not None:
            return self.failure_window_seconds
        return max(_SHORTEST_DEFAULT_WINDOW_SECONDS, _minutes(_JOBS_IN_A_WINDOW * max_job_seconds) * SAMPLE_SECONDS)

    def idle_seconds(self, scaling: ScalingSettings, max_job_seconds: int) -> int:
        """Return how long more instances than the minimum may stay without work.

        What is promised, and the margin. No metric tells warm hours from others, so that the longest of them come on
        top where there are any.
        """
        warm = max((hours.seconds for hours in scaling.warm_hours), default=0)
        return warm + scaling.rest_seconds(max_job_seconds) + _minutes(self.rest_margin_seconds) * SAMPLE_SECONDS


def _minutes(seconds: int) -> int:
    return math.ceil(seconds / SAMPLE_SECONDS)
