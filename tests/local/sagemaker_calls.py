"""What several tests ask of SageMaker by bare boto3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

ROLE = "arn:aws:iam::000000000000:role/execution"
"""The execution role of endpoints whose rights are of no concern."""

UNKNOWN_IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/unknown:1"
"""An image for which no program stands."""

IN_A_MOMENT = {"Delay": 1, "MaxAttempts": 40}
"""How often boto3's waiters ask: a cloud that is local needs no 30 seconds."""


def create_execution_role(client: Callable[[str], Any], name: str = ROLE.rpartition("/")[2]) -> None:
    """Create a role that SageMaker may assume, by default :data:`ROLE`."""
    statement = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)


def create_endpoint(client: Callable[[str], Any], name: str, image: str, *, instance_type: str = "ml.m5.large") -> None:
    """Create bucket, model, configuration and endpoint, all called ``name``, and wait until it is in service."""
    client("s3").create_bucket(Bucket=name)
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": image})
    create_config(client, name, name, instance_type=instance_type)
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=IN_A_MOMENT)


def create_config(client: Callable[[str], Any], name: str, model: str, *, instance_type: str = "ml.m5.large") -> None:
    """Create a configuration whose results go to the bucket called ``model``."""
    variant = {"VariantName": "AllTraffic", "ModelName": model, "InitialInstanceCount": 1}
    paths = {"S3OutputPath": f"s3://{model}/output", "S3FailurePath": f"s3://{model}/failure"}
    client("sagemaker").create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": instance_type}],
        AsyncInferenceConfig={"OutputConfig": paths},
    )
