"""Where probes are made: an asynchronous endpoint of their own, in the local cloud or in an AWS account."""

from __future__ import annotations

import io
import json
import sys
import tarfile
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MODEL_SCRIPT: Final = Path(__file__).with_name("probe_model.py")
VARIANT: Final = "AllTraffic"
INSTANCE_TYPE: Final = "ml.m5.large"
_TRUST: Final = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
_ALLOWED: Final = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(kw_only=True)
class Laboratory:
    """An endpoint, and what belongs to it; everything is called :attr:`name`.

    Attributes:
        client: makes boto3 clients.
        image: of the model's container.
        time_scale: seconds of the service that pass each second.
        grace_seconds: how long a role needs until SageMaker knows it.
        name: of bucket, queue, topics, role, model, configuration, endpoint, alarm and stack.
        configs: the names of all configurations, the first of which is :attr:`name`.
        endpoints: the names of all endpoints that were ever asked for, likewise.
    """

    client: Callable[[str], Any]
    image: str
    time_scale: float = 1.0
    grace_seconds: float = 0.0
    name: str = field(default_factory=lambda: f"async-probe-{uuid.uuid4().hex[:8]}")
    configs: list[str] = field(default_factory=list)
    endpoints: list[str] = field(default_factory=list)

    def set_up(self) -> None:
        """Create everything, and wait until the endpoint is in service."""
        s3 = self.client("s3")
        region = s3.meta.region_name
        location = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=self.name, **location)
        s3.put_object(Bucket=self.name, Key="model.tar.gz", Body=_archive())
        iam = self.client("iam")
        self.role = iam.create_role(RoleName=self.name, AssumeRolePolicyDocument=json.dumps(_TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName=self.name, PolicyName=self.name, PolicyDocument=json.dumps(_ALLOWED))
        time.sleep(self.grace_seconds)
        self.topic = self.client("sns").create_topic(Name=self.name)["TopicArn"]
        self.queue = self._queue_of_topic()
        self._create_model()
        self.create_config()
        self.create_endpoint(self.name)

    def clean_up(self) -> None:
        """Delete everything, whatever there is of it, and first of all what costs money by the hour."""
        sagemaker, s3 = self.client("sagemaker"), self.client("s3")
        steps: list[Callable[[], object]] = [
            *(lambda name=name: self._ask_to_delete(name) for name in self.endpoints),
            self.delete_stack,
            *(lambda name=name: self.delete_endpoint(name) for name in (*self.endpoints, self.stack_endpoint)),
            # Without the endpoint that it could not delete, if so.
            self.delete_stack,
            *(lambda name=name: sagemaker.delete_endpoint_config(EndpointConfigName=name) for name in self.configs),
            lambda: sagemaker.delete_model(ModelName=self.name),
            lambda: self.client("cloudwatch").delete_alarms(AlarmNames=[self.name]),
            lambda: self.client("sqs").delete_queue(QueueUrl=self.queue),
            lambda: self.client("sns").delete_topic(TopicArn=self.topic),
            lambda: self.client("iam").delete_access_key(UserName=self.name, AccessKeyId=self.key["AccessKeyId"]),
            lambda: self.client("iam").delete_user_policy(UserName=self.name, PolicyName=self.name),
            lambda: self.client("iam").delete_user(UserName=self.name),
            lambda: self.client("iam").delete_role_policy(RoleName=self.name, PolicyName=self.name),
            lambda: self.client("iam").delete_role(RoleName=self.name),
            lambda: [s3.delete_object(Bucket=self.name, Key=key) for key in self.keys()],
            lambda: s3.delete_bucket(Bucket=self.name),
        ]
        for step in steps:
            try:
                step()
            except Exception as error:  # noqa: BLE001 - whatever it is, what is left costs money or may do everything
                # What was never made is not there, or not known.
                sys.stderr.write(f"{self.name}: {error}\n")

    def create_config(self, *, max_concurrency: int | None = 1, pools: Sequence[str] = ()) -> str:
        """Create another configuration of the model, of these types of instances if there are any; return its name."""
        name = f"{self.name}-{len(self.configs) + 1}" if self.configs else self.name
        self.configs.append(name)
        self.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, **self._config(max_concurrency=max_concurrency, pools=pools)
        )
        return name

    def create_endpoint(self, name: str, **members: object) -> str:
        """Create an endpoint of the first configuration, and return its status once it is known."""
        # Whatever becomes of it: the answer alone may be lost, and then it is there.
        self.endpoints.append(name)
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=self.name, **members)
        return self.wait_until_in_service(name)

    def delete_endpoint(self, name: str) -> None:
        """Delete an endpoint as soon as nothing else goes on, and wait until it is gone.

        Raises:
            TimeoutError: it stays.
        """
        sagemaker = self.client("sagemaker")

        def gone() -> bool:
            self._ask_to_delete(name)
            listed = sagemaker.list_endpoints(NameContains=name)["Endpoints"]
            return name not in [one["EndpointName"] for one in listed]

        if not self.wait(gone, seconds=3_600, at_least=60):
            raise TimeoutError(f"the endpoint {name} is still there")

    def _ask_to_delete(self, name: str) -> None:
        # Refused while something goes on, and where there is none.
        with suppress(ClientError):
            self.client("sagemaker").delete_endpoint(EndpointName=name)

    def start_deployment(self, config: str | None = None, **members: object) -> str:
        """Start to deploy a configuration, by default a new one, and return its name."""
        config = config or self.create_config()
        self.client("sagemaker").update_endpoint(
            EndpointName=self.name, EndpointConfigName=config, RetainAllVariantProperties=True, **members
        )
        return config

    @property
    def stack_endpoint(self) -> str:
        """The name of the endpoint that :meth:`create_stack` makes."""
        return f"{self.name}-stack"

    def create_stack(self, deployment: dict[str, Any]) -> str:
        """Create a stack of another endpoint with a ``DeploymentConfig``, and return its status once it is known."""
        template = self._template(deployment, max_concurrency=1)
        self.client("cloudformation").create_stack(StackName=self.name, TemplateBody=template)
        return self.wait_for_stack()

    def start_stack_update(self, deployment: dict[str, Any]) -> None:
        """Start to update the stack to another configuration, and wait until its endpoint is being deployed."""
        template = self._template(deployment, max_concurrency=2)
        self.client("cloudformation").update_stack(StackName=self.name, TemplateBody=template)
        self.wait(lambda: self.describe(self.stack_endpoint)["EndpointStatus"] == "Updating", seconds=900)

    def wait_for_stack(self) -> str:
        """Wait until nothing goes on at the stack, and return its status: ``gone`` if there is none."""
        pages = self.client("cloudformation").get_paginator("describe_stacks")

        def settled() -> str | None:
            stacks = [stack for page in pages.paginate() for stack in page["Stacks"]]
            status = next((one["StackStatus"] for one in stacks if one["StackName"] == self.name), "gone")
            return None if status.endswith("_IN_PROGRESS") else status

        return self.wait(settled, seconds=7_200, at_least=60) or "never settled"

    def delete_stack(self) -> None:
        """Delete the stack as soon as nothing else goes on, and wait until it is gone.

        Raises:
            RuntimeError: it stays.
        """
        self.wait_for_stack()
        self.client("cloudformation").delete_stack(StackName=self.name)
        if (status := self.wait_for_stack()) != "gone":
            raise RuntimeError(f"the stack {self.name} is still there: {status}")

    def scale(self, count: int) -> None:
        """Change the number of instances, and wait for it."""
        wish = {"VariantName": VARIANT, "DesiredInstanceCount": count}
        self.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=self.name, DesiredWeightsAndCapacities=[wish]
        )
        self.wait_until_in_service()

    def wait_until_in_service(self, endpoint: str | None = None) -> str:
        """Wait as long as a deployment of an endpoint may take, by default the first's, and return its status."""

        def settled() -> str | None:
            status: str = self.describe(endpoint)["EndpointStatus"]
            return status if status in ("InService", "Failed") else None

        return self.wait(settled, seconds=3_600) or "never settled"

    def describe(self, endpoint: str | None = None) -> dict[str, Any]:
        """Return what SageMaker says of an endpoint, by default the first."""
        described: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=endpoint or self.name)
        return described

    def config(self, endpoint: str | None = None) -> str:
        """Return the name of the configuration that is deployed at an endpoint, by default the first."""
        name: str = self.describe(endpoint)["EndpointConfigName"]
        return name

    def counts(self) -> tuple[int, int]:
        """Return how many instances there are, and how many there should be."""
        [variant] = self.describe()["ProductionVariants"]
        return variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]

    def submit(self, text: str, **members: object) -> dict[str, Any]:
        """Submit a request."""
        response: dict[str, Any] = self.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.name,
            Body=text.encode(),
            ContentType="text/plain",
            **{"InvocationTimeoutSeconds": 3_600} | members,
        )
        return response

    def keys(self) -> list[str]:
        """Return the keys of all objects."""
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.name)
        return [entry["Key"] for page in pages for entry in page.get("Contents", ())]

    def end(self, response: dict[str, Any], *, seconds: float = 300, at_least: float = 8) -> str:
        """Wait for the output or the failure of a request, and say which it was: ``lost`` if neither came."""
        locations = {"output": response["OutputLocation"], "failure": response["FailureLocation"]}

        def found() -> str | None:
            there = {f"s3://{self.name}/{key}" for key in self.keys()}
            return next((kind for kind, uri in locations.items() if uri in there), None)

        return self.wait(found, seconds=seconds, at_least=at_least) or "lost"

    def content(self, uri: str) -> bytes:
        """Return the content of an object."""
        key = uri.removeprefix(f"s3://{self.name}/")
        content: bytes = self.client("s3").get_object(Bucket=self.name, Key=key)["Body"].read()
        return content

    def notice(self, inference_id: str, *, seconds: float = 120, at_least: float = 8) -> dict[str, Any] | None:
        """Wait for the notice about a request; ``None`` if none comes."""
        found: list[dict[str, Any]] = []

        def receive() -> bool:
            answer = self.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            notices = [json.loads(message["Body"]) for message in answer.get("Messages", ())]
            found.extend(notice for notice in notices if notice.get("inferenceId") == inference_id)
            return bool(found)

        self.wait(receive, seconds=seconds, at_least=at_least)
        return found[0] if found else None

    def datapoints(self, metric: str) -> list[float]:
        """Return all values of a queue metric so far, oldest first."""
        dimensions = [{"Name": "EndpointName", "Value": self.name}]
        named = {"Namespace": "AWS/SageMaker", "MetricName": metric, "Dimensions": dimensions}
        query = {"Id": "q", "MetricStat": {"Metric": named, "Period": 60, "Stat": "Maximum"}}
        now = time.time()
        answer = self.client("cloudwatch").get_metric_data(
            MetricDataQueries=[query], StartTime=now - 7_200, EndTime=now + 30 * 86_400, ScanBy="TimestampAscending"
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values

    def rings(self, expression: str, *, published: str, seconds: float = 600) -> bool:
        """Return whether an alarm rings that ``expression`` is above 0, while 1 is published as one of its metrics.

        Args:
            expression: of metric math, on ``one`` and ``other``.
            published: which of the two is published.
            seconds: for how long to wait.
        """
        cloudwatch = self.client("cloudwatch")
        metrics = [
            {
                "Id": name,
                "MetricStat": {"Metric": self._own(name), "Period": 60, "Stat": "Maximum"},
                "ReturnData": False,
            }
            for name in ("one", "other")
        ]
        cloudwatch.put_metric_alarm(
            AlarmName=self.name,
            Metrics=[*metrics, {"Id": "watched", "Expression": expression, "ReturnData": True}],
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            EvaluationPeriods=1,
            TreatMissingData="notBreaching",
        )
        own = self._own(published)

        def rang() -> bool:
            cloudwatch.put_metric_data(
                Namespace=own["Namespace"], MetricData=[{"MetricName": own["MetricName"], "Value": 1.0}]
            )
            [alarm] = cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"]
            return bool(alarm["StateValue"] == "ALARM")

        return bool(self.wait(rang, seconds=seconds))

    def ring(self) -> str:
        """Make an alarm that rings, and goes on ringing, and return its name."""
        return self._alarm("ALARM")

    def be_calm(self) -> str:
        """Make the alarm of :meth:`ring` one that does not ring yet, and return its name."""
        return self._alarm("OK")

    def _alarm(self, state: str) -> str:
        cloudwatch = self.client("cloudwatch")
        cloudwatch.put_metric_alarm(
            AlarmName=self.name,
            **self._own("never"),
            Statistic="Maximum",
            Period=60,
            ComparisonOperator="GreaterThanThreshold",
            Threshold=0,
            EvaluationPeriods=1,
            TreatMissingData="ignore",
        )
        cloudwatch.set_alarm_state(AlarmName=self.name, StateValue=state, StateReason="a probe")
        return self.name

    def _own(self, metric: str) -> dict[str, str]:
        return {"Namespace": self.name, "MetricName": metric}

    def client_of_user(self, policy: str, service: str) -> Any:  # noqa: ANN401 - a boto3 client
        """Return a client of a new user who has one policy."""
        iam = self.client("iam")
        iam.create_user(UserName=self.name)
        iam.put_user_policy(UserName=self.name, PolicyName=self.name, PolicyDocument=policy)
        self.key = iam.create_access_key(UserName=self.name)["AccessKey"]
        time.sleep(self.grace_seconds)
        own = self.client(service)
        new_client: Any = boto3.Session(self.key["AccessKeyId"], self.key["SecretAccessKey"]).client
        return new_client(service, region_name=own.meta.region_name, endpoint_url=own.meta.endpoint_url)

    def work(self, seconds: float) -> str:
        """Return the request for so many seconds of work, as the service counts them."""
        return f"work {seconds / self.time_scale}"

    def sleep(self, seconds: float) -> None:
        """Let so many seconds of the service pass."""
        time.sleep(seconds / self.time_scale)

    def wait(self, condition: Callable[[], Any], *, seconds: float, at_least: float = 8) -> Any:  # noqa: ANN401 - whatever it returns
        """Wait for the first true value of a condition: seconds of the service, at least so many of this machine."""
        deadline = time.monotonic() + max(seconds / self.time_scale, at_least)
        while not (value := condition()) and time.monotonic() < deadline:
            time.sleep(min(5.0, 60 / self.time_scale))
        return value

    def _create_model(self) -> None:
        container = {
            "Image": self.image,
            "ModelDataUrl": f"s3://{self.name}/model.tar.gz",
            "Environment": {
                "SAGEMAKER_PROGRAM": MODEL_SCRIPT.name,
                "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
                "SAGEMAKER_MODEL_SERVER_TIMEOUT": "3600",
            },
        }
        self.client("sagemaker").create_model(
            ModelName=self.name, ExecutionRoleArn=self.role, PrimaryContainer=container
        )

    def _config(self, *, max_concurrency: int | None = 1, pools: Sequence[str] = ()) -> dict[str, Any]:
        client = {} if max_concurrency is None else {"MaxConcurrentInvocationsPerInstance": max_concurrency}
        prioritized = [{"InstanceType": one, "Priority": place} for place, one in enumerate(pools, start=1)]
        types = {"InstancePools": prioritized} if pools else {"InstanceType": INSTANCE_TYPE}
        variant = {"VariantName": VARIANT, "ModelName": self.name, "InitialInstanceCount": 1, "InitialVariantWeight": 1}
        return {
            "ProductionVariants": [variant | types],
            "AsyncInferenceConfig": {
                "ClientConfig": client,
                "OutputConfig": {
                    "S3OutputPath": f"s3://{self.name}/output",
                    "S3FailurePath": f"s3://{self.name}/failure",
                    "NotificationConfig": {
                        "SuccessTopic": self.topic,
                        "ErrorTopic": self.topic,
                        "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"],
                    },
                },
            },
        }

    def _template(self, deployment: dict[str, Any], *, max_concurrency: int) -> str:
        endpoint = {
            "EndpointName": self.stack_endpoint,
            "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            "RetainAllVariantProperties": True,
            "DeploymentConfig": deployment,
        }
        config = self._config(max_concurrency=max_concurrency)
        resources = {
            "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
            "Endpoint": {"Type": "AWS::SageMaker::Endpoint", "Properties": endpoint},
        }
        return json.dumps({"Resources": resources})

    def _queue_of_topic(self) -> str:
        sqs = self.client("sqs")
        url: str = sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        self.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"}
        )
        return url


def _archive() -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as files:
        files.add(MODEL_SCRIPT, f"code/{MODEL_SCRIPT.name}")
    return archive.getvalue()
