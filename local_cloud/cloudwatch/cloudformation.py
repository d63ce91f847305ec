"""``AWS::CloudWatch::CompositeAlarm``, which MiniStack's CloudFormation lacks, through MiniStack's own CloudWatch.

``Ref`` is the alarm's name. Source: *CloudFormation Template Reference*.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from local_cloud.errors import AwsError
from local_cloud.ministack_context import enter
from local_cloud.resource_type import ResourceType
from local_cloud.service_model import coerced, input_shape
from local_cloud.template_schema import template_schema

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local_cloud.json_api import Members
    from local_cloud.scope import Scope

    Call = Callable[[str, str, Members], Awaitable[Members]]

SERVICE: Final = "monitoring"
"""By which MiniStack knows CloudWatch."""

COMPOSITE_ALARM: Final = template_schema("cloudwatch", "PutCompositeAlarm")
"""The properties of ``AWS::CloudWatch::CompositeAlarm``."""


def composite_alarm(call: Call) -> ResourceType:
    """Return the type.

    Args:
        call: performs an operation of a service of MiniStack in the current scope.
    """
    shape = input_shape("cloudwatch", "PutCompositeAlarm")

    async def put(scope: Scope, name: str, properties: Members) -> tuple[str, Members]:
        enter(scope)
        members = coerced(shape, {**properties, "AlarmName": name})
        try:
            await call(SERVICE, "PutCompositeAlarm", members)
        except AwsError as error:
            raise ValueError(f"composite alarm {name}: {error.message}") from error
        return name, {"Arn": scope.arn("cloudwatch", f"alarm:{name}")}

    async def create(scope: Scope, generated: str, properties: Members) -> tuple[str, Members]:
        return await put(scope, str(properties.get("AlarmName") or generated), properties)

    async def update(scope: Scope, name: str, _old: Members, new: Members) -> tuple[str, Members]:
        return await put(scope, name, new)

    async def delete(scope: Scope, name: str) -> None:
        enter(scope)
        await call(SERVICE, "DeleteAlarms", {"AlarmNames": [name]})

    return ResourceType(
        name="AWS::CloudWatch::CompositeAlarm",
        create=create,
        update=update,
        delete=delete,
        schema=COMPOSITE_ALARM,
        create_only=("AlarmName",),
        name_property="AlarmName",
    )
