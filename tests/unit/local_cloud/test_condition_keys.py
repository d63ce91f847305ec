"""The condition keys of requests to SageMaker's control API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from local_cloud.sagemaker.condition_keys import KEYS, UNKNOWN, request_context
from local_cloud.scope import Scope

SCOPE = Scope("000000000000", "us-east-1")
VARIANT = {"VariantName": "AllTraffic", "ModelName": "Ocr", "InitialInstanceCount": 1}
VPC = {"VpcConfig": {"Subnets": ["subnet-1", "subnet-2"], "SecurityGroupIds": ["sg-1"]}}


@pytest.mark.parametrize(
    ("operation", "members", "expected"),
    [
        ("DescribeModel", {"ModelName": "m"}, {}),
        ("CreateModel", {"ModelName": "m"}, {}),
        (
            "CreateModel",
            {"EnableNetworkIsolation": False, **VPC},
            {
                "sagemaker:NetworkIsolation": "false",
                "sagemaker:VpcSubnets": ("subnet-1", "subnet-2"),
                "sagemaker:VpcSecurityGroupIds": ("sg-1",),
            },
        ),
        (
            "CreateEndpointConfig",
            {"ProductionVariants": [VARIANT | {"InstanceType": "ml.p4d.24xlarge"}], "KmsKeyId": "alias/volumes"},
            {
                "sagemaker:InstanceTypes": ("ml.p4d.24xlarge",),
                "sagemaker:ModelArn": "arn:aws:sagemaker:us-east-1:000000000000:model/ocr",
                "sagemaker:VolumeKmsKey": "alias/volumes",
            },
        ),
        (
            "CreateEndpointConfig",
            {
                "ProductionVariants": [
                    {"InstancePools": [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g4dn.xlarge"}]},
                    {"InstanceType": "ml.g5.xlarge", "AcceleratorType": "ml.eia2.medium"},
                ]
            },
            {
                "sagemaker:InstanceTypes": ("ml.g5.xlarge", "ml.g4dn.xlarge"),
                "sagemaker:AcceleratorTypes": ("ml.eia2.medium",),
            },
        ),
        (
            "CreateEndpointConfig",
            {"ProductionVariants": [{"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}}]},
            {"sagemaker:ServerlessMaxConcurrency": "5", "sagemaker:ServerlessMemorySize": "2048"},
        ),
        (
            "CreateEndpoint",
            {"EndpointName": "e", "Tags": [{"Key": "owner", "Value": "me"}, {"Key": "team", "Value": "a"}]},
            {"aws:RequestTag/owner": "me", "aws:RequestTag/team": "a", "aws:TagKeys": ("owner", "team")},
        ),
        ("DeleteTags", {"TagKeys": ["owner"]}, {"aws:TagKeys": ("owner",)}),
    ],
)
def test_a_request_has_the_keys_that_it_gives_values(
    operation: str, members: dict[str, Any], expected: dict[str, object]
) -> None:
    """Those that it says nothing of are absent, so that policies can ask for that."""
    assert dict(request_context(SCOPE, operation, members)) == expected


@pytest.mark.parametrize("value", ["text", 1, None, [1], {"a": 1}])
def test_a_request_that_is_not_checked_yet_may_hold_anything(value: object) -> None:
    """Who may not call is told so first, and what is wrong with the request afterwards."""
    members = dict.fromkeys(("Tags", "TagKeys", "ProductionVariants", "VpcConfig"), value)
    assert "sagemaker:InstanceTypes" not in dict(request_context(SCOPE, "CreateEndpointConfig", members))


def test_keys_that_no_request_has_are_told() -> None:
    """Who writes a policy with one of them finds it in the page."""
    page = Path(__file__).resolve().parents[3].joinpath("docs", "local-cloud.md").read_text()
    assert [key for key in UNKNOWN if f"`{key}`" not in page] == []
    assert not {key for keys in KEYS.values() for key in keys} & set(UNKNOWN)
