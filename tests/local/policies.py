"""Identities of a local cloud that enforces policies, and what they are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_cloud.process import REGION

if TYPE_CHECKING:
    from collections.abc import Callable

Statement = dict[str, Any]


def allow(*actions: str, resource: str | list[str] = "*", **others: object) -> Statement:
    """Return a statement that allows actions."""
    return {"Effect": "Allow", "Action": list(actions), "Resource": resource, **others}


def deny(*actions: str, resource: str | list[str] = "*", **others: object) -> Statement:
    """Return a statement that denies actions."""
    return {**allow(*actions, resource=resource, **others), "Effect": "Deny"}


def policy(*statements: Statement) -> str:
    """Return a policy document."""
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


class User:
    """An IAM user whose one policy can be replaced.

    Args:
        client: makes clients of the account's root.
        endpoint_url: of the local cloud.
        name: of the user.
    """

    def __init__(self, client: Callable[[str], Any], endpoint_url: str, name: str) -> None:
        self._iam = client("iam")
        self._name = name
        self._endpoint_url = endpoint_url
        self._iam.create_user(UserName=name)
        key = self._iam.create_access_key(UserName=name)["AccessKey"]
        self._session: Any = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)

    def may(self, *statements: Statement) -> Callable[[str], Any]:
        """Give the user nothing but ``statements`` and return what makes clients of the user."""
        self._iam.put_user_policy(UserName=self._name, PolicyName="only", PolicyDocument=policy(*statements))
        return self.client

    def client(self, service: str, **config: Any) -> Any:  # noqa: ANN401 - boto3 carries no types
        """Return a client of the user, who calls the local cloud by name: an address has no names below it."""
        endpoint_url = self._endpoint_url.replace("127.0.0.1", "localhost")
        return self._session.client(service, endpoint_url=endpoint_url, config=Config(**config))


def refusal(operation: Callable[..., Any], **members: object) -> tuple[str, str]:
    """Return code and message with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        operation(**members)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]
