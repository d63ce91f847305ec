"""What a user of the SageMaker Python SDK 2 does; runs in an environment that has it, and prints what came of it.

The SDK's modules are loaded by name, because this file is also checked where the SDK is not installed.
"""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

import boto3

NAME = "by-sdk"


def session() -> Any:  # noqa: ANN401 - the SDK's types are not at hand
    """Return a session of the SDK with a bucket."""
    boto3.client("s3").create_bucket(Bucket=NAME)
    return import_module("sagemaker.session").Session(boto3.Session(), default_bucket=NAME)


def deploy(sdk_session: Any, image: str, role: str) -> Any:  # noqa: ANN401 - the SDK's types are not at hand
    """Deploy a model for asynchronous inference and return the SDK's predictor, once the endpoint is in service."""
    config = import_module("sagemaker.async_inference").AsyncInferenceConfig(
        output_path=f"s3://{NAME}/output",
        failure_path=f"s3://{NAME}/failure",
        max_concurrent_invocations_per_instance=1,
    )
    model = import_module("sagemaker.model").Model(image_uri=image, role=role, sagemaker_session=sdk_session, name=NAME)
    model.deploy(1, "ml.m5.large", endpoint_name=NAME, async_inference_config=config, wait=False)
    waiter = sdk_session.sagemaker_client.get_waiter("endpoint_in_service")
    waiter.wait(EndpointName=NAME, WaiterConfig={"Delay": 1})
    predictor = import_module("sagemaker.predictor").Predictor(NAME, sagemaker_session=sdk_session)
    return import_module("sagemaker.predictor_async").AsyncPredictor(predictor)


def main(image: str, role: str) -> int:
    """Submit and wait, submit and ask later, meet a model's failure, describe."""
    sdk_session = session()
    predictor = deploy(sdk_session, image, role)
    # The SDK's threads go on asking to the last attempt, whatever has been found, and the process waits for them.
    patience = import_module("sagemaker.async_inference.waiter_config").WaiterConfig(max_attempts=8, delay=1)
    waited = predictor.predict(data=b"waited", waiter_config=patience)
    later = predictor.predict_async(data=b"later").get_result(patience)
    try:
        failure = predictor.predict(data=b"fail 400", waiter_config=patience)
    except import_module("sagemaker.exceptions").AsyncInferenceModelError as error:
        failure = str(error)
    described = sdk_session.sagemaker_client.describe_endpoint(EndpointName=NAME)
    report = {
        "waited": json.loads(waited)["body"],
        "later": json.loads(later)["body"],
        "failure": str(failure),
        "status": described["EndpointStatus"],
    }
    sys.stdout.write(json.dumps(report))
    predictor.delete_endpoint()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
