"""The depth of MiniStack's queues, which it publishes no metric of; beside the bridge the only module that knows it.

AWS publishes for active queues alone, which are those that hold messages or were used in the last hours: here all are
active. Source: "Available CloudWatch metrics for Amazon SQS" in the SQS developer guide.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMESPACE: Final = "AWS/SQS"
VISIBLE_MESSAGES: Final = "ApproximateNumberOfMessagesVisible"

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {"ministack.services.sqs": ("_queues", "_refresh_counts")}
"""What is used of MiniStack, by module."""


def queue_depths() -> Iterator[tuple[Scope, str, int]]:
    """Yield each queue's account and region, its name, and how many messages it has to hand out."""
    sqs: Any = import_module("ministack.services.sqs")
    for (account, region, _), queue in sqs._queues.all_items():  # noqa: SLF001
        sqs._refresh_counts(queue)  # noqa: SLF001
        yield Scope(account, region), queue["name"], int(queue["attributes"]["ApproximateNumberOfMessages"])
