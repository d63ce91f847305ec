"""Policies enforced: a caller with the caller's policy and nothing else does all that the client can, and no more.

What is deployed is the production stage, with its key. The echo container stands for the model, so that nothing here
waits for it to compute.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import boto3
import pytest
from botocore.exceptions import ClientError

from async_inference import AsyncEndpoint, PollingPolicy, as_completed
from async_inference.batches import BatchItem
from local_cloud.deployment import bootstrap, deploy
from local_cloud.process import local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local_cloud.process import RunningLocalCloud

    Clients = Callable[[str], Any]

ACCOUNT = "111122223333"
REGION = "eu-west-1"
IMAGE = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/async-inference/ocr:1"
"""Of the production stage."""

DENIED = {"AccessDenied", "AccessDeniedException", "AuthorizationError", "AuthorizationErrorException"}


@dataclass(frozen=True, slots=True)
class Stack:
    """What is deployed, as the acts below need it."""

    endpoint: str
    bucket: str
    parameter: str
    function: str
    queue: str
    dead_letters: str
    failed_invocations: str
    success_topic: str
    error_topic: str
    execution_role: str
    polling_role: str
    caller_policy: str


@pytest.fixture(scope="module")
def cloud(echo_command: tuple[str, ...]) -> Iterator[RunningLocalCloud]:
    """A local cloud that enforces policies."""
    with local_cloud(time_scale=600.0, enforce_iam=True, containers={IMAGE: echo_command}) as running:
        yield running


@pytest.fixture(scope="module")
def client(cloud: RunningLocalCloud) -> Clients:
    """Makes clients of the account's root: twelve digits are an access key."""
    new_client: Any = boto3.Session(ACCOUNT, "secret", region_name=REGION).client
    return lambda service: new_client(service, endpoint_url=cloud.endpoint_url)


@pytest.fixture(scope="module")
def stack(cloud: RunningLocalCloud, client: Clients) -> Stack:
    """The deployed app, with an object below each prefix."""
    environment = {**cloud.environment, "AWS_ACCESS_KEY_ID": ACCOUNT, "AWS_DEFAULT_REGION": REGION}
    bootstrap(environment, account=ACCOUNT, region=REGION)
    (outputs,) = deploy(environment, stage="prod").values()
    roles = {role["RoleName"]: role["Arn"] for role in client("iam").list_roles()["Roles"]}
    topics = [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]]
    queues = client("sqs").list_queues()["QueueUrls"]

    def one(kind: str, names: list[str] | dict[str, str]) -> str:
        (found,) = [name for name in names if kind in name]
        return names[found] if isinstance(names, dict) else found

    for prefix in ("input", "output", "failure", "batches", "elsewhere"):
        client("s3").put_object(Bucket=outputs["BucketName"], Key=f"{prefix}/there", Body=b"x")
    return Stack(
        endpoint=outputs["EndpointName"],
        bucket=outputs["BucketName"],
        parameter=outputs["ParameterName"],
        function=outputs["PollingFunctionName"],
        queue=one("defaultQueue", queues),
        dead_letters=one("defaultDeadLetters", queues),
        failed_invocations=one("FailedInvocations", queues),
        success_topic=one("Success", topics),
        error_topic=one("Error", topics),
        execution_role=one("ModelExecutionRole", roles),
        polling_role=one("PollingRole", roles),
        caller_policy=outputs["CallerPolicyArndefault"],
    )


def _session(client: Clients, user: str) -> boto3.Session:
    """Return a session of a new user."""
    client("iam").create_user(UserName=user)
    key = client("iam").create_access_key(UserName=user)["AccessKey"]
    return boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)


@pytest.fixture(scope="module")
def caller(client: Clients, stack: Stack) -> boto3.Session:
    """The session of a user to whom nothing but the caller's policy is attached."""
    session = _session(client, "caller")
    client("iam").attach_user_policy(UserName="caller", PolicyArn=stack.caller_policy)
    return session


@pytest.fixture(scope="module")
def administrator(client: Clients) -> boto3.Session:
    """The session of a user to whom the account allows everything."""
    session = _session(client, "administrator")
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [everything]})
    client("iam").put_user_policy(UserName="administrator", PolicyName="all", PolicyDocument=document)
    return session


def _code(session: boto3.Session, cloud: RunningLocalCloud, service: str, operation: str, **members: object) -> str:
    """Return with which code an operation is refused, or nothing if it is not."""
    new_client: Any = session.client
    try:
        getattr(new_client(service, endpoint_url=cloud.endpoint_url), operation)(**members)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


Act: TypeAlias = "tuple[str, str, Callable[[Stack], dict[str, object]]]"
"""A service's client, one of its operations, and what is sent with it."""

FORBIDDEN: dict[str, Act] = {
    # an output is the model's word
    "forge an output": ("s3", "put_object", lambda it: {"Bucket": it.bucket, "Key": "output/forged", "Body": b"x"}),
    "forge a failure": ("s3", "put_object", lambda it: {"Bucket": it.bucket, "Key": "failure/forged", "Body": b"x"}),
    "delete a result": ("s3", "delete_object", lambda it: {"Bucket": it.bucket, "Key": "output/there"}),
    "delete a failure": ("s3", "delete_object", lambda it: {"Bucket": it.bucket, "Key": "failure/there"}),
    "delete a batch": ("s3", "delete_object", lambda it: {"Bucket": it.bucket, "Key": "batches/there"}),
    # prefixes that are not a caller's
    "read an input": ("s3", "get_object", lambda it: {"Bucket": it.bucket, "Key": "input/there"}),
    "read elsewhere": ("s3", "get_object", lambda it: {"Bucket": it.bucket, "Key": "elsewhere/there"}),
    "write elsewhere": ("s3", "put_object", lambda it: {"Bucket": it.bucket, "Key": "elsewhere/new", "Body": b"x"}),
    "list other buckets": ("s3", "list_buckets", lambda _: {}),
    "open the bucket": ("s3", "delete_bucket_policy", lambda it: {"Bucket": it.bucket}),
    # endpoints
    "call another endpoint": (
        "sagemaker-runtime",
        "invoke_endpoint_async",
        lambda _: {"EndpointName": "o", "Body": b"x"},
    ),
    "delete the endpoint": ("sagemaker", "delete_endpoint", lambda it: {"EndpointName": it.endpoint}),
    "let the endpoint rest": (
        "sagemaker",
        "update_endpoint_weights_and_capacities",
        lambda it: {
            "EndpointName": it.endpoint,
            "DesiredWeightsAndCapacities": [{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}],
        },
    ),
    "scale the endpoint": (
        "application-autoscaling",
        "register_scalable_target",
        lambda it: {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{it.endpoint}/variant/AllTraffic",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
            "MaxCapacity": 100,
        },
    ),
    # notices
    "announce a success": ("sns", "publish", lambda it: {"TopicArn": it.success_topic, "Message": "{}"}),
    "announce an error": ("sns", "publish", lambda it: {"TopicArn": it.error_topic, "Message": "{}"}),
    "send a notice": ("sqs", "send_message", lambda it: {"QueueUrl": it.queue, "MessageBody": "{}"}),
    "empty the queue": ("sqs", "purge_queue", lambda it: {"QueueUrl": it.queue}),
    "read dead letters": ("sqs", "receive_message", lambda it: {"QueueUrl": it.dead_letters}),
    "read failed invocations": ("sqs", "receive_message", lambda it: {"QueueUrl": it.failed_invocations}),
    # identities
    "assume the execution role": (
        "sts",
        "assume_role",
        lambda it: {"RoleArn": it.execution_role, "RoleSessionName": "caller"},
    ),
    "assume the function's role": (
        "sts",
        "assume_role",
        lambda it: {"RoleArn": it.polling_role, "RoleSessionName": "caller"},
    ),
    "call the function": ("lambda", "invoke", lambda it: {"FunctionName": it.function}),
    "read another parameter": ("ssm", "get_parameter", lambda _: {"Name": "/async-inference/prod/other"}),
    "change the parameter": (
        "ssm",
        "put_parameter",
        lambda it: {"Name": it.parameter, "Value": "{}", "Type": "String", "Overwrite": True},
    ),
    "allow itself more": (
        "iam",
        "attach_user_policy",
        lambda _: {"UserName": "caller", "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess"},
    ),
    "publish a metric": (
        "cloudwatch",
        "put_metric_data",
        lambda _: {"Namespace": "AWS/SageMaker", "MetricData": [{"MetricName": "ApproximateBacklogSize", "Value": 0}]},
    ),
}


@pytest.mark.parametrize("act", FORBIDDEN.values(), ids=FORBIDDEN)
def test_a_caller_is_denied(cloud: RunningLocalCloud, stack: Stack, caller: boto3.Session, act: Act) -> None:
    """Whatever the client does not do itself."""
    service, operation, members = act
    assert _code(caller, cloud, service, operation, **members(stack)) in DENIED


def _say_plain_http(request: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own request
    """Say what the local cloud takes for plain HTTP: the loopback interface stands for TLS otherwise."""
    request.headers["X-Forwarded-Proto"] = "http"


@pytest.mark.parametrize(
    "act",
    [
        ("s3", "get_object", lambda it: {"Bucket": it.bucket, "Key": "output/there"}),
        ("sqs", "receive_message", lambda it: {"QueueUrl": it.queue}),
        ("sqs", "get_queue_attributes", lambda it: {"QueueUrl": it.failed_invocations, "AttributeNames": ["All"]}),
    ],
    ids=["bucket", "queue", "failed-invocations"],
)
def test_plain_http_is_denied_to_everybody(
    cloud: RunningLocalCloud, stack: Stack, administrator: boto3.Session, act: Act
) -> None:
    """Nobody is allowed over plain HTTP what they are allowed over TLS."""
    service, operation, members = act
    new_client: Any = administrator.client
    client = new_client(service, endpoint_url=cloud.endpoint_url)
    getattr(client, operation)(**members(stack))
    client.meta.events.register("before-send", _say_plain_http)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**members(stack))

    assert refused.value.response["Error"]["Code"] in DENIED


def test_not_even_an_administrator_announces_what_did_not_happen(
    cloud: RunningLocalCloud, stack: Stack, administrator: boto3.Session
) -> None:
    """A notice is SageMaker's word: the topic refuses all but the execution role."""
    for topic in (stack.success_topic, stack.error_topic):
        assert _code(administrator, cloud, "sns", "publish", TopicArn=topic, Message="{}") in DENIED


def test_a_caller_with_its_policy_does_all_that_the_client_does(
    monkeypatch: pytest.MonkeyPatch, cloud: RunningLocalCloud, stack: Stack, caller: boto3.Session, tmp_path: Path
) -> None:
    """Looks the endpoint up, submits inline and by S3, hears of results, and runs a batch."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.endpoint_url)
    polling = PollingPolicy(initial_seconds=0.1, maximum_seconds=0.3)
    with AsyncEndpoint.from_parameter(stack.parameter, session=caller, polling=polling, consumer="default") as endpoint:
        small, large = b"small", b"l" * 6_000_000  # the large one goes up in parts
        jobs = [endpoint.submit(payload) for payload in (small, large)]
        ended = {job.inference_id for job in as_completed(jobs, timeout=120)}
        results = [job.result(timeout=60) for job in jobs]
        batch = endpoint.batch([BatchItem(name="one", payload=b"first"), BatchItem(name="two", payload=b"second")])
        summary = batch.run(results=tmp_path)

    assert all(result.content for result in results)
    assert ended == {job.inference_id for job in jobs}
    assert summary.succeeded == 2


def test_the_function_does_all_that_it_does_and_what_fails_is_kept(
    stack: Stack, client: Clients, eventually: Callable[..., Any]
) -> None:
    """It submits and polls in its own role; an asynchronous event that it refuses is found in its queue."""
    event = {"payload": "text", "content_type": "text/plain"}
    answer = client("lambda").invoke(FunctionName=stack.function, Payload=json.dumps(event))
    assert "FunctionError" not in answer
    broken = json.dumps({"payload": "text", "nonsense": True})
    client("lambda").invoke(FunctionName=stack.function, Payload=broken, InvocationType="Event")
    (message,) = eventually(
        lambda: client("sqs").receive_message(QueueUrl=stack.failed_invocations).get("Messages", []), seconds=60
    )
    assert json.loads(message["Body"])["requestPayload"] == json.loads(broken)


def test_results_are_encrypted_with_the_key(stack: Stack, client: Clients, eventually: Callable[..., Any]) -> None:
    """The endpoint's configuration names the key of the stack for outputs."""
    (key,) = client("kms").list_keys()["Keys"]
    location = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=stack.endpoint, Body=b"secret", InvocationTimeoutSeconds=3_600
    )["OutputLocation"]
    name = location.removeprefix(f"s3://{stack.bucket}/")
    eventually(lambda: client("s3").list_objects_v2(Bucket=stack.bucket, Prefix=name)["KeyCount"], seconds=60)

    assert client("s3").head_object(Bucket=stack.bucket, Key=name)["SSEKMSKeyId"] == key["KeyArn"]
