"""Logical ids of what holds state, pinned: a changed one replaces the resource and loses what is in it."""

from __future__ import annotations

from typing import Any

PINNED = {
    "AlarmsAnnouncementsTopic7145BDA1": "AWS::SNS::Topic",
    "Configuration6A36F2CE": "AWS::SSM::Parameter",
    "Endpoint8024A810": "AWS::SageMaker::Endpoint",
    "NotificationsConsumerdefaultDeadLetters3856DFEB": "AWS::SQS::Queue",
    "NotificationsConsumerdefaultQueue103F06D8": "AWS::SQS::Queue",
    "NotificationsErrorBEDE5C08": "AWS::SNS::Topic",
    "NotificationsSuccess81EF3C92": "AWS::SNS::Topic",
    "PayloadsAccessLogs1CFA2538": "AWS::S3::Bucket",
    "PayloadsBucket1715615A": "AWS::S3::Bucket",
    "PollingLogs448B4050": "AWS::Logs::LogGroup",
}

STATEFUL_TYPES = {
    "AWS::S3::Bucket",
    "AWS::SageMaker::Endpoint",
    "AWS::SNS::Topic",
    "AWS::SQS::Queue",
    "AWS::SSM::Parameter",
    "AWS::Logs::LogGroup",
}


def test_stateful_resources_keep_their_logical_ids(template: dict[str, Any]) -> None:
    """Nothing that holds state is renamed, removed or added unnoticed, in any stage."""
    stateful = {
        logical_id: resource["Type"]
        for logical_id, resource in template["Resources"].items()
        if resource["Type"] in STATEFUL_TYPES
    }

    assert stateful == PINNED
