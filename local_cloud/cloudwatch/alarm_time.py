"""How CloudWatch writes moments into the JSON of alarms."""

from __future__ import annotations

from local_cloud.clock import iso_timestamp


def alarm_timestamp(moment: float) -> str:
    """Return ``moment`` (seconds since the epoch) with milliseconds and ``+0000``."""
    return iso_timestamp(moment).replace("Z", "+0000")
