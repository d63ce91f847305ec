"""Lets MiniStack ask for rights to customer-managed keys, where policies are enforced.

What AWS would refuse for want of a right to the key is refused here:

* to callers, by their policies and the key's: at encrypted topics and queues (S3's part is in
  :mod:`local_cloud.ministack_s3`);
* to services that act in their own name, by the key's policy: to SNS at an encrypted queue, to CloudWatch's alarms at
  an encrypted topic, to CloudWatch Logs at an encrypted log group.

What SNS may not deliver goes to the dead-letter queue of the subscription, if that lets it.

Sources: *Amazon SNS Developer Guide*, "Managing encryption keys" and "Amazon SNS dead-letter queues"; *Amazon SQS
Developer Guide*, "Key management"; *CloudWatch Logs User Guide*, "Encrypt log data".
"""

from __future__ import annotations

import json
import logging
from importlib import import_module
from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from local_cloud.errors import AwsError
from local_cloud.ministack_context import current_scope
from local_cloud.ministack_kms import DECRYPT, ENCRYPT, NOT_FOUND, Caller

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from local_cloud.json_api import Members, Response
    from local_cloud.ministack_alarms import MiniStackAlarms
    from local_cloud.ministack_kms import Keys

logger = logging.getLogger(__name__)

PRIVATE_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "ministack.services.cloudformation.provisioners": ("_RESOURCE_HANDLERS", "_physical_name"),
    "ministack.services.sns": ("_deliver_to_sqs", "_error", "_topic_by_arn_any_scope"),
    "ministack.services.sqs": ("_Err", "_get_q", "_json_err_resp", "_queue_by_arn", "_xml_err_resp"),
}
"""What is used of MiniStack, by module."""

SEND: Final = (*ENCRYPT, *DECRYPT)
"""What it takes to send an encrypted message: data keys are used more than once."""

_LOGS: Final = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", *ENCRYPT, "kms:DescribeKey")
_SQS_ACTIONS: Final = {"SendMessage": SEND, "SendMessageBatch": SEND, "ReceiveMessage": DECRYPT}


def ask_for_keys(keys: Keys, alarms: MiniStackAlarms) -> None:
    """Let MiniStack's SNS, SQS, alarms and log groups ask for rights to keys."""
    _ask_publishers(keys)
    _ask_at_queues(keys)
    _ask_for_deliveries(keys)
    _ask_for_alarms(keys, alarms)
    _ask_for_log_groups(keys)


def _ask_publishers(keys: Keys) -> None:
    sns: Any = import_module("ministack.services.sns")
    handlers = import_module("ministack.app").SERVICE_HANDLERS
    answer = handlers["sns"]

    async def answer_or_refuse(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        action, members = _operation(headers, body, query)
        topic_arn = members.get("TopicArn") or members.get("TargetArn") or ""
        if action in ("Publish", "PublishBatch") and (topic := sns._topic_by_arn_any_scope(topic_arn)):  # noqa: SLF001
            key_id = topic["attributes"].get("KmsMasterKeyId")
            try:
                keys.require(Caller(headers, query), key_id, SEND, ("aws:sns:topicArn", topic_arn))
            except AwsError as error:
                refusal: Response = sns._error(_kms_code(error, "KMS"), error.message, 400)  # noqa: SLF001
                return refusal
        response: Response = await answer(method, path, headers, body, query)
        return response

    handlers["sns"] = answer_or_refuse


def _ask_at_queues(keys: Keys) -> None:
    sqs: Any = import_module("ministack.services.sqs")
    handlers = import_module("ministack.app").SERVICE_HANDLERS
    answer = handlers["sqs"]

    def attributes(url: str) -> Members:
        try:
            found: Members = sqs._get_q(url)["attributes"]  # noqa: SLF001
        except sqs._Err:  # noqa: SLF001 - MiniStack says so itself
            return {}
        return found

    async def answer_or_refuse(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]
    ) -> Response:
        action, members = _operation(headers, body, query)
        if needed := _SQS_ACTIONS.get(action):
            queue = attributes(members.get("QueueUrl") or path)
            key_id, arn = queue.get("KmsMasterKeyId"), str(queue.get("QueueArn"))
            try:
                keys.require(Caller(headers, query), key_id, needed, ("aws:sqs:arn", arn))
            except AwsError as error:
                respond = sqs._json_err_resp if "x-amz-target" in headers else sqs._xml_err_resp  # noqa: SLF001
                refusal: Response = respond(_kms_code(error, "Kms"), error.message)
                return refusal
        response: Response = await answer(method, path, headers, body, query)
        return response

    handlers["sqs"] = answer_or_refuse


def _ask_for_deliveries(keys: Keys) -> None:
    sns: Any = import_module("ministack.services.sns")
    sqs: Any = import_module("ministack.services.sqs")
    deliver = sns._deliver_to_sqs  # noqa: SLF001

    def key_lacks(queue_arn: str, topic_arn: str) -> str | None:
        queue = sqs._queue_by_arn(queue_arn)  # noqa: SLF001
        key_id = queue["attributes"].get("KmsMasterKeyId") if queue else None
        return keys.service_lacks("sns.amazonaws.com", key_id, SEND, _source(topic_arn))

    def deliver_or_give_up(endpoint: str, *arguments: object, topic_arn: str = "", **others: object) -> None:
        for queue_arn in chain([endpoint], _dead_letter_queues(topic_arn, endpoint)):
            lacks = key_lacks(queue_arn, topic_arn)
            if not lacks:
                deliver(queue_arn, *arguments, topic_arn=topic_arn, **others)
                return
            logger.warning(
                "%s cannot deliver to %s: the key's policy does not allow SNS %s", topic_arn, queue_arn, lacks
            )

    sns._deliver_to_sqs = deliver_or_give_up  # noqa: SLF001


def _dead_letter_queues(topic_arn: str, endpoint: str) -> Iterator[str]:
    """Yield the ARNs of the queues for what a topic cannot deliver to a queue, if its subscription names any."""
    sns: Any = import_module("ministack.services.sns")
    for subscription in sns._topic_by_arn_any_scope(topic_arn)["subscriptions"]:  # noqa: SLF001
        policy = subscription["attributes"].get("RedrivePolicy")
        if subscription["endpoint"] == endpoint and policy:
            yield json.loads(policy)["deadLetterTargetArn"]


def _ask_for_alarms(keys: Keys, alarms: MiniStackAlarms) -> None:
    alarms.lacks_key = lambda alarm_arn, key_id: keys.service_lacks(
        "cloudwatch.amazonaws.com", key_id, SEND, _source(alarm_arn)
    )


def _ask_for_log_groups(keys: Keys) -> None:
    provisioners: Any = import_module("ministack.services.cloudformation.provisioners")
    handlers = provisioners._RESOURCE_HANDLERS["AWS::Logs::LogGroup"]  # noqa: SLF001
    create = handlers["create"]

    def create_or_fail(logical_id: str, properties: Members, stack_name: str) -> tuple[str, Members]:
        # CloudFormation names it like everything else; MiniStack's own name would fit no policy that expects that.
        name = properties.get("LogGroupName") or provisioners._physical_name(stack_name, logical_id)  # noqa: SLF001
        owner = current_scope()
        lacks = keys.service_lacks(
            f"logs.{owner.region}.amazonaws.com",
            properties.get("KmsKeyId"),
            _LOGS,
            {"kms:EncryptionContext:aws:logs:arn": owner.arn("logs", f"log-group:{name}")},
        )
        if lacks:
            raise ValueError(
                f"The specified KMS key does not exist or is not allowed to be used with LogGroup {name!r}: {lacks}"
            )
        created: tuple[str, Members] = create(logical_id, {**properties, "LogGroupName": name}, stack_name)
        return created

    handlers["create"] = create_or_fail


def _source(arn: str) -> dict[str, str]:
    """Return the condition keys that say on behalf of what a service acts."""
    return {"aws:SourceArn": arn, "aws:SourceAccount": arn.split(":")[4]}


def _operation(headers: Mapping[str, str], body: bytes, query: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the operation and the members of a request, of AWS's JSON or its query protocol."""
    if target := headers.get("x-amz-target"):
        try:
            members = json.loads(body or b"{}")
        except ValueError:
            members = {}
        return target.rpartition(".")[2], members
    fields = {**query, **parse_qs(body.decode(errors="replace"))}
    first = {name: value[0] if isinstance(value, list) else value for name, value in fields.items()}
    return str(first.get("Action", "")), first


def _kms_code(error: AwsError, prefix: str) -> str:
    return f"{prefix}NotFound" if error.code == NOT_FOUND else f"{prefix}AccessDenied"
