"""The metrics of MiniStack's CloudWatch; beside the bridge the only module that knows how it keeps them.

MiniStack keeps the samples of a metric as a list, which is searched from end to end and grows for two weeks. A
:class:`~local_cloud.cloudwatch.metric_store.Series` stands in for each list.
"""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from local_cloud.cloudwatch.metric_store import Series
from local_cloud.ministack_context import enter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from local_cloud.scope import Scope
    from scaling_engine.metrics import Metric

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.cloudwatch": (
        "_dims_from_list",
        "_dims_key",
        "_evict_old_metrics",
        "_metric_bucket",
        "_metrics",
        "_store_datum",
        "time",
    )
}
"""What is used of MiniStack, by module."""


class MiniStackMetrics:
    """The metrics of this process.

    Args:
        now: the simulated moment, in seconds since the epoch, which is CloudWatch's from now on.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        # Any: MiniStack carries no types.
        self._cloudwatch: Any = import_module("ministack.services.cloudwatch")
        self._series: Any = self._cloudwatch._metrics  # noqa: SLF001
        self._take_over(now)

    def put(
        self,
        scope: Scope,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        *,
        unit: str,
        timestamp: float,
    ) -> None:
        """Store one sample."""
        enter(scope)
        store = self._cloudwatch._store_datum  # noqa: SLF001
        store(namespace, name, dict(dimensions), timestamp, unit, value, None, None, None)

    def statistics(
        self, scope: Scope, metric: Metric, *, period: float, count: int, end: float, unit: str | None = None
    ) -> list[float | None]:
        """Return a metric's statistic in each of the last ``count`` periods before ``end``, oldest first.

        The metric is the one of exactly its dimensions, and of ``unit`` if one is named; ``None`` stands for a period
        without samples.
        """
        key = (metric.namespace, metric.name, self._cloudwatch._dims_key(dict(metric.dimensions)))  # noqa: SLF001
        series = self._series.get_scoped(scope.account, scope.region, key)
        if series is None or unit not in (None, series.unit):
            return [None] * count
        found = series.statistics(start=end - count * period, period=period, count=count)
        return [one.value(metric.statistic) for one in found]

    def forget(self, now: float) -> None:
        """Let go of samples, and of metrics without any, that are older at ``now`` than they are kept."""
        for scoped_key, series in self._series.to_dict().items():
            series.forget(now)
            if not series:
                self._series.pop_scoped(*scoped_key)

    def _take_over(self, now: Callable[[], float]) -> None:
        self._cloudwatch.time = SimpleNamespace(time=now)
        self._cloudwatch._metric_bucket = self._bucket  # noqa: SLF001
        self._cloudwatch._evict_old_metrics = lambda: None  # noqa: SLF001
        dimensions = self._cloudwatch._dims_from_list  # noqa: SLF001
        self._cloudwatch._dims_from_list = lambda listed: _Dimensions(dimensions(listed))  # noqa: SLF001

    def _bucket(self, key: tuple[str, str, str]) -> Series:
        series: Series | None = self._series.get(key)
        if series is None:
            series = self._series[key] = Series()
        return series


class _Dimensions(dict[str, str]):
    """The dimensions of a metric that is asked for.

    MiniStack takes none for any. CloudWatch does not: a metric without dimensions is a metric of its own.
    """

    def __bool__(self) -> bool:
        return True
