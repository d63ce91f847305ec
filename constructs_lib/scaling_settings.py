"""How an endpoint scales: the settings, what they are refused for, and what they promise in seconds.

Kept apart from the constructs, so that the promises can be compared with a simulation without the CDK.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import combinations
from typing import Final
from zoneinfo import available_timezones

from async_inference.limits import Bounds
from constructs_lib.checks import COUNT, SettingError, require_match, require_type, require_within

SAMPLE_SECONDS: Final = 60
"""Between two datapoints of a metric, and between two evaluations of an alarm."""

PUBLICATION_DELAY_SECONDS: Final = 120
"""The longest from a minute's end until its datapoints can be read that the promises hold for. With longer ones the
endpoint rests late or never, and still loses no job."""

WAKE_PERIODS: Final = 2
"""Minutes with a backlog and no instance before the endpoint wakes."""

REST_MARGIN_PERIODS: Final = 3
"""Minutes without work beyond the longest job: one for the job that begins between two samples, two for metrics that
are published late."""

EXPOSURE_SECONDS: Final = SAMPLE_SECONDS + PUBLICATION_DELAY_SECONDS
"""A job that arrives this shortly before the endpoint rests is in no metric that scaling could have known, and is
cut off where SageMaker cuts off running work."""

WAKE_SECONDS: Final = (WAKE_PERIODS + 1) * SAMPLE_SECONDS + PUBLICATION_DELAY_SECONDS
"""The longest from a request at zero instances until an instance is launched."""

_COLD_START_SECONDS: Final = Bounds(60, 7_200)  # downloading the model and starting it may take an hour each
_REST_AFTER_SECONDS: Final = Bounds(60, 82_800)  # an alarm looks back no longer than a day
_TIME: Final = r"([01]\d|2[0-3]):[0-5]\d"
_WEEK: Final = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_DAYS: Final = rf"({'|'.join(_WEEK)})(-({'|'.join(_WEEK)}))?"


@dataclass(frozen=True, kw_only=True, slots=True)
class WarmHours:
    """When instances are kept although there is no work.

    Attributes:
        start: Such as ``08:00``; the instances are launched then, so let it be a cold start earlier.
        end: Such as ``18:00``. From then on the endpoint rests as soon as there is no work for long enough.
        days: Such as ``MON-FRI`` or ``SAT``; of the start. Weeks begin on Sunday, so ``FRI-MON`` is not allowed.
            Warm hours of the same day must not touch: the end of one would be the end of all.
        timezone: Such as ``Europe/Berlin``, a name of the IANA's database; one for all. Application Auto Scaling takes
            those that Joda-Time knows ("PutScheduledAction").
        instances: How many, at least 1.
    """

    start: str
    end: str
    days: str = "MON-FRI"
    timezone: str = "UTC"
    instances: int = 1

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            require_match(self, name, _TIME, "a time of day such as 08:00")
        require_match(self, "days", _DAYS, "a day or a range of days such as MON-FRI")
        if not self.weekdays():
            raise SettingError(self, "days", self.days, "a range within a week, which begins on SUN")
        _require_timezone(self)
        require_within(self, "instances", COUNT, "instances")
        if self.start >= self.end:
            raise SettingError(self, "end", self.end, f"a time after {self.start} on the same day")

    def weekdays(self) -> frozenset[int]:
        """Return the numbers of the days, 0 for Sunday."""
        first, _, last = self.days.partition("-")
        return frozenset(range(_WEEK.index(first), _WEEK.index(last or first) + 1))

    @property
    def seconds(self) -> int:
        """How long they last."""
        start, end = (60 * hour + minute for hour, minute in map(_parts, (self.start, self.end)))
        return 60 * (end - start)

    def cron(self, time: str) -> str:
        """Return the schedule of every warm day at ``time``."""
        hour, minute = _parts(time)
        return f"cron({minute} {hour} ? * {self.days} *)"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingSettings:
    """How the number of instances follows the queue. The defaults lose no job that a metric has seen.

    Attributes:
        max_instances: The most instances at a time, at least 1.
        min_instances: The fewest; 0 lets the endpoint rest, 1 keeps one warm and answers at once, at the price of it.
        backlog_per_instance: Requests, waiting or running, that one instance should have; at least 1.
        cold_start_seconds: How long it takes from the decision to launch an instance until it answers, 60 to 7,200. So
            long, and until metrics show it, a policy waits for the effect of what it has launched; less than it takes
            buys more instances.
        rest_after_seconds: How long there has to be no work before the endpoint rests. Left out, it is the longest
            time that a job may take. Less saves instance-hours, and loses running jobs if the backlog metric turns
            out not to count them.
        count_jobs_in_flight: Whether clients publish how many jobs they wait for, and the endpoint does not rest while
            there are any. Needs clients that do.
        shrink: Whether instances go one by one while fewer would do. The instance that goes may be working.
        interruptions_accepted: Needed for settings that may lose jobs beyond the exposure of three minutes: ``shrink``,
            and a ``rest_after_seconds`` below the longest job.
        warm_hours: When instances are kept although there is no work.
    """

    max_instances: int = 1
    min_instances: int = 0
    backlog_per_instance: int = 5
    cold_start_seconds: int = 600
    rest_after_seconds: int | None = None
    count_jobs_in_flight: bool = False
    shrink: bool = False
    interruptions_accepted: bool = False
    warm_hours: tuple[WarmHours, ...] = ()

    def __post_init__(self) -> None:
        require_within(self, "max_instances", COUNT, "instances")
        require_within(self, "min_instances", Bounds(0, self.max_instances), "instances, max_instances")
        require_within(self, "backlog_per_instance", COUNT, "requests")
        require_within(self, "cold_start_seconds", _COLD_START_SECONDS, "seconds")
        if self.rest_after_seconds is not None:
            require_within(self, "rest_after_seconds", _REST_AFTER_SECONDS, "seconds")
        for name in ("count_jobs_in_flight", "shrink", "interruptions_accepted"):
            require_type(self, name, bool)
        require_type(self, "warm_hours", tuple)
        for hours in self.warm_hours:
            self._check_warm_hours(hours)
        for earlier, later in combinations(sorted(self.warm_hours, key=lambda hours: hours.start), 2):
            _require_apart(earlier, later)
        if self.shrink and not self.interruptions_accepted:
            raise SettingError(
                self, "shrink", value=True, allowed="False, or True with interruptions_accepted: it may lose jobs"
            )

    def _check_warm_hours(self, hours: object) -> None:
        if not isinstance(hours, WarmHours):
            raise SettingError(self, "warm_hours", self.warm_hours, "a tuple of WarmHours")
        if not self.min_instances <= hours.instances <= self.max_instances:
            raise SettingError(
                hours,
                "instances",
                hours.instances,
                f"{max(1, self.min_instances)} to max_instances, {self.max_instances}",
            )

    def require_safe(self, *, max_job_seconds: int, request_ttl_seconds: int, concurrency: int) -> None:
        """Require that no request is stranded, and that lost jobs are accepted where some may be.

        Args:
            max_job_seconds: The longest that the model may work on a request.
            request_ttl_seconds: The longest that a request may wait in the queue.
            concurrency: Requests that an instance works on at a time.

        Raises:
            SettingError: a request could outlive its time in the queue before an instance takes it, whatever SageMaker
                does with running work and whether its backlog counts it, or ``rest_after_seconds`` is below
                ``max_job_seconds`` and interruptions are not accepted.
        """
        rest = self.rest_after_seconds
        if rest is not None and rest < max_job_seconds and not self.interruptions_accepted:
            raise SettingError(
                self,
                "rest_after_seconds",
                rest,
                f"at least max_job_seconds, {max_job_seconds}, or less with interruptions_accepted: it may lose jobs",
            )
        wake = self.wake_seconds
        # A job that drains while the endpoint goes to rest may keep anything from being launched.
        draining = 0 if self.min_instances else max_job_seconds
        if wake + draining > request_ttl_seconds:
            allowed = (
                f"so short that with {WAKE_SECONDS + draining} s more it is within request_ttl_seconds, "
                f"{request_ttl_seconds}: a request that wakes the endpoint would expire first"
            )
            raise SettingError(self, "cold_start_seconds", self.cold_start_seconds, allowed)
        # So many may wait without anything growing, besides those that run, if the backlog does not count these.
        ahead = math.ceil(self.backlog_per_instance / concurrency)
        if self.max_instances > 1 and wake + ahead * max_job_seconds > request_ttl_seconds:
            most = ((request_ttl_seconds - wake) // max_job_seconds) * concurrency
            allowed = f"at most {most}: the last of so many long jobs would expire in the queue, and nothing would grow"
            raise SettingError(self, "backlog_per_instance", self.backlog_per_instance, allowed)

    @property
    def wake_seconds(self) -> int:
        """The longest from a request until an instance takes it, as far as no other is ahead of it."""
        return 0 if self.min_instances else WAKE_SECONDS + self.cold_start_seconds

    @property
    def cooldown_seconds(self) -> int:
        """How long a policy waits for the effect of what it has launched.

        A cold start, and until that is seen: the next sample, its publication, the next evaluation.
        """
        return self.cold_start_seconds + SAMPLE_SECONDS + PUBLICATION_DELAY_SECONDS + SAMPLE_SECONDS

    def rest_periods(self, max_job_seconds: int) -> int:
        """Return for how many minutes there has to be no work before the endpoint rests."""
        seconds = max_job_seconds if self.rest_after_seconds is None else self.rest_after_seconds
        return math.ceil(seconds / SAMPLE_SECONDS) + REST_MARGIN_PERIODS

    def shrink_periods(self, max_job_seconds: int) -> int:
        """Return for how many minutes fewer instances have to do before one goes: always decided before a rest."""
        return self.rest_periods(max_job_seconds) // 2

    def rest_seconds(self, max_job_seconds: int) -> int:
        """Return the longest from the end of the last job until no instance is wanted.

        Where updates of the endpoint block scaling, a launch in progress comes on top.
        """
        return (self.rest_periods(max_job_seconds) + 2) * SAMPLE_SECONDS + PUBLICATION_DELAY_SECONDS


def _require_timezone(hours: WarmHours) -> None:
    """Require that the time zone is one. Names are compared with a list: a disk may take berlin for Berlin."""
    require_type(hours, "timezone", str)
    known = sorted(available_timezones())
    if hours.timezone not in known:
        similar = get_close_matches(hours.timezone, known, n=1) or ["Europe/Berlin"]
        raise SettingError(hours, "timezone", hours.timezone, f"the name of a time zone, such as {similar[0]}")


def _parts(time: str) -> tuple[int, int]:
    """Return hour and minute of a time of day such as 08:00."""
    hour, minute = time.split(":")
    return int(hour), int(minute)


def _require_apart(earlier: WarmHours, later: WarmHours) -> None:
    """Require that the end of some warm hours is not within others: it sets the minimum for all of them."""
    if later.timezone != earlier.timezone:
        raise SettingError(later, "timezone", later.timezone, f"{earlier.timezone}, as of the other warm hours")
    if later.start <= earlier.end and later.weekdays() & earlier.weekdays():
        allowed = f"a time after {earlier.end}, the end of other warm hours of the same day"
        raise SettingError(later, "start", later.start, allowed)
