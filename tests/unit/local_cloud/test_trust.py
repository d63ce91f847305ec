"""Which roles SageMaker may assume."""

from __future__ import annotations

import json
from typing import Any

import pytest

from local_cloud.trust import SAGEMAKER, trusts

ALLOW = {"Effect": "Allow", "Principal": {"Service": SAGEMAKER}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize(
    "statement",
    [
        ALLOW,
        [ALLOW],
        ALLOW | {"Principal": {"Service": ["lambda.amazonaws.com", SAGEMAKER]}},
        ALLOW | {"Action": ["sts:AssumeRole", "sts:TagSession"]},
        ALLOW | {"Action": "sts:*"},
    ],
)
def test_a_statement_that_names_the_service_is_enough(statement: Any) -> None:  # noqa: ANN401 - any form that IAM takes
    """Alone or in a list, as text or as a document."""
    policy = {"Version": "2012-10-17", "Statement": statement}
    assert trusts(policy, SAGEMAKER)
    assert trusts(json.dumps(policy), SAGEMAKER)


@pytest.mark.parametrize(
    "statements",
    [
        [],
        [ALLOW | {"Principal": {"Service": "lambda.amazonaws.com"}}],
        [ALLOW | {"Principal": {"AWS": "arn:aws:iam::000000000000:root"}}],
        [ALLOW | {"Principal": "*", "Action": "sts:TagSession"}],
        [ALLOW | {"Action": "sts:TagSession"}],
        [ALLOW, ALLOW | {"Effect": "Deny"}],
    ],
)
def test_nothing_else_is(statements: list[dict[str, Any]]) -> None:
    """Another service, an account, another action, a denial."""
    assert not trusts({"Statement": statements}, SAGEMAKER)
