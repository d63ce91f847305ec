"""Asynchronous inference by bare boto3: what is submitted comes back, whatever the container does."""

from __future__ import annotations

import gzip
import itertools
import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local_cloud.process import LocalCloudError, local_cloud
from tests.local.sagemaker_calls import UNKNOWN_IMAGE, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable


BUCKET = "payloads"
ENDPOINT = "echo"
ROLE = "arn:aws:iam::000000000000:role/execution"
CONCURRENCY = 2


def create_queue_of(client: Callable[[str], Any], topics: list[str]) -> str:
    """Return the URL of a queue that gets what the topics are told."""
    sns, sqs = client("sns"), client("sqs")
    url: str = sqs.create_queue(QueueName="notices")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in topics:
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    return url


def create_config(client: Callable[[str], Any], name: str, **model: object) -> None:
    """Create a model and an endpoint configuration of it, both called ``name``."""
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, **model)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": f"s3://{BUCKET}/output"}},
    )


@pytest.fixture(scope="module")
def queue_url(client: Callable[[str], Any], echo_image: str, eventually: Callable[..., Any]) -> str:
    """An endpoint in service with bucket, topics and a queue, whose URL this is."""
    client("s3").create_bucket(Bucket=BUCKET)
    topics = [client("sns").create_topic(Name=name)["TopicArn"] for name in ("success", "error")]
    url = create_queue_of(client, topics)
    sagemaker = client("sagemaker")
    container = {"Image": echo_image, "Environment": {"GREETING": "hello"}}
    sagemaker.create_model(ModelName="echo", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": "echo", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(
        EndpointConfigName="echo",
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        AsyncInferenceConfig={
            "ClientConfig": {"MaxConcurrentInvocationsPerInstance": CONCURRENCY},
            "OutputConfig": {
                "S3OutputPath": f"s3://{BUCKET}/output",
                "S3FailurePath": f"s3://{BUCKET}/failure",
                "NotificationConfig": {"SuccessTopic": topics[0], "ErrorTopic": topics[1]},
            },
        },
    )
    sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="echo")
    assert sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "Creating"
    eventually(lambda: sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService")
    return url


@pytest.fixture
def invoke(client: Callable[[str], Any], queue_url: str) -> Callable[..., dict[str, Any]]:
    """Submits a request; the model may take all the time there is."""
    assert queue_url

    def submit(**members: object) -> dict[str, Any]:
        members = {"EndpointName": ENDPOINT, "InvocationTimeoutSeconds": 3_600} | members
        response: dict[str, Any] = client("sagemaker-runtime").invoke_endpoint_async(**members)
        return response

    return submit


@pytest.fixture
def read(client: Callable[[str], Any], eventually: Callable[..., Any]) -> Callable[[str], dict[str, Any]]:
    """Waits for the object at an S3 URI and returns it with its content as bytes."""
    s3 = client("s3")

    def find(uri: str) -> dict[str, Any] | None:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            found: dict[str, Any] = s3.get_object(Bucket=bucket, Key=key)
        except s3.exceptions.NoSuchKey:
            return None
        return found | {"Body": found["Body"].read()}

    def wait(uri: str) -> dict[str, Any]:
        found: dict[str, Any] = eventually(lambda: find(uri))
        return found

    return wait


def test_an_inline_request_reaches_the_container_and_its_answer_the_bucket(
    invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """Content, headers and the model's environment arrive; the output has the response's type."""
    response = invoke(
        Body=b"page",
        ContentType="text/plain",
        Accept="application/json",
        CustomAttributes="a=b",
        InferenceId="inline-1",
    )
    assert response["InferenceId"] == "inline-1"
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 202
    output = read(response["OutputLocation"])
    echo = json.loads(output["Body"])
    assert output["ContentType"] == "application/json"
    assert (echo["body"], echo["greeting"]) == ("page", "hello")
    assert echo["headers"]["content-type"] == "text/plain"
    assert echo["headers"]["accept"] == "application/json"
    assert echo["headers"]["x-amzn-sagemaker-custom-attributes"] == "a=b"
    assert echo["headers"]["x-amzn-sagemaker-inference-id"] == "inline-1"


def test_an_input_in_s3_is_read_and_the_output_named_as_asked(
    client: Callable[[str], Any], invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """``Filename`` and ``S3OutputPathExtension`` name the output, but not the failure."""
    client("s3").put_object(Bucket=BUCKET, Key="input/page", Body=b"from s3")
    response = invoke(InputLocation=f"s3://{BUCKET}/input/page", Filename="0001.json", S3OutputPathExtension="batch/a")
    assert response["OutputLocation"] == f"s3://{BUCKET}/output/batch/a/0001.json"
    assert response["FailureLocation"].startswith(f"s3://{BUCKET}/failure/")
    assert json.loads(read(response["OutputLocation"])["Body"])["body"] == "from s3"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"fail 302", b"raw \xff error"),
        (b"fail 400", b"raw \xff error"),
        (b"fail 503", b"raw \xff error"),
        (b"chunked", b"ok"),
    ],
)
def test_a_containers_error_is_stored_raw(
    invoke: Callable[..., Any], read: Callable[[str], Any], body: bytes, expected: bytes
) -> None:
    """An error, and an answer without Content-Length, become the failure object as they are."""
    assert read(invoke(Body=body)["FailureLocation"])["Body"] == expected


def test_a_large_input_may_take_its_time_to_be_sent(
    client: Callable[[str], Any], invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """All the time of the invocation, as a gigabyte needs on a busy machine."""
    client("s3").put_object(Bucket=BUCKET, Key="input/large", Body=b"x" * 20_000_000)
    response = invoke(InputLocation=f"s3://{BUCKET}/input/large", CustomAttributes="idle 2.5")
    assert len(json.loads(read(response["OutputLocation"])["Body"])["body"]) == 20_000_000


def test_a_compressed_answer_is_stored_compressed(invoke: Callable[..., Any], read: Callable[[str], Any]) -> None:
    """Nobody decodes what the container sends."""
    assert gzip.decompress(read(invoke(Body=b"zip")["OutputLocation"])["Body"]) == b"plain"


def test_an_input_that_is_not_there_is_a_failed_job(invoke: Callable[..., Any], read: Callable[[str], Any]) -> None:
    """The input is read when the job starts, so submitting succeeds."""
    response = invoke(InputLocation=f"s3://{BUCKET}/input/missing")
    assert b"Could not download the input" in read(response["FailureLocation"])["Body"]


def test_a_container_that_dies_fails_its_job_and_is_replaced(
    invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """The next job waits for the new container."""
    assert b"server error (0)" in read(invoke(Body=b"die")["FailureLocation"])["Body"]
    assert json.loads(read(invoke(Body=b"alive")["OutputLocation"])["Body"])["body"] == "alive"


@pytest.mark.parametrize("body", [b"work 2", b"dribble 60"])
def test_a_job_beyond_its_timeout_fails(invoke: Callable[..., Any], read: Callable[[str], Any], body: bytes) -> None:
    """One real second of work is ten simulated minutes; a container that keeps sending gets no more of them."""
    response = invoke(Body=body, InvocationTimeoutSeconds=120)
    assert b"server error (0)" in read(response["FailureLocation"])["Body"]


def test_an_instance_works_on_as_many_requests_as_its_concurrency(
    invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """Each waits in the container for the others."""
    responses = [invoke(Body=f"meet enough {CONCURRENCY} 5".encode()) for _ in range(CONCURRENCY)]
    assert [read(response["OutputLocation"])["Body"] for response in responses] == [b"met"] * CONCURRENCY


def test_an_instance_works_on_no_more_than_its_concurrency(
    invoke: Callable[..., Any], read: Callable[[str], Any]
) -> None:
    """One more never gets together in the container."""
    parties = CONCURRENCY + 1
    responses = [invoke(Body=f"meet crowd {parties} 0.5".encode()) for _ in range(parties)]
    assert [read(response["FailureLocation"])["Body"] for response in responses] == [b"alone"] * parties


def test_success_and_failure_are_notified(
    client: Callable[[str], Any], queue_url: str, invoke: Callable[..., Any], eventually: Callable[..., Any]
) -> None:
    """Both topics are told, besides the test messages of the endpoint's creation."""
    good, bad = invoke(Body=b"page", InferenceId="good"), invoke(Body=b"fail 400", InferenceId="bad")
    notices: dict[str, Any] = {}

    def receive() -> bool:
        answer = client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10)
        for message in answer.get("Messages", ()):
            notice = json.loads(message["Body"])
            notices[notice.get("inferenceId", notice["eventName"])] = notice
        return {"good", "bad", "TestNotification"} <= notices.keys()

    eventually(receive)
    assert notices["good"]["responseParameters"]["outputLocation"] == good["OutputLocation"]
    assert notices["bad"]["failureReason"].startswith("ClientError: Received client error (400) from model.")
    assert bad["InferenceId"] == "bad"


def test_metrics_are_published_each_simulated_minute(
    client: Callable[[str], Any], invoke: Callable[..., Any], read: Callable[[str], Any], eventually: Callable[..., Any]
) -> None:
    """``GetMetricData`` finds them under their dimensions and simulated timestamps."""
    read(invoke(Body=b"page")["OutputLocation"])
    cloudwatch, endpoint = client("cloudwatch"), {"Name": "EndpointName", "Value": ENDPOINT}

    def values(name: str, dimensions: list[dict[str, str]]) -> list[float]:
        metric = {"Namespace": "AWS/SageMaker", "MetricName": name, "Dimensions": dimensions}
        query = {"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}
        start, end = "2020-01-01T00:00:00Z", "2100-01-01T00:00:00Z"
        answer = cloudwatch.get_metric_data(MetricDataQueries=[query], StartTime=start, EndTime=end)
        found: list[float] = answer["MetricDataResults"][0]["Values"]
        return found

    variant = {"Name": "VariantName", "Value": "AllTraffic"}
    assert eventually(lambda: sum(values("InvocationsProcessed", [endpoint, variant])) >= 1)
    assert eventually(lambda: len(values("HasBacklogWithoutCapacity", [endpoint])) >= 2)
    assert values("HasBacklogWithoutCapacity", [endpoint, variant]) == []


def test_bad_requests_are_refused_by_the_service(invoke: Callable[..., Any]) -> None:
    """Botocore lets this pass, the service does not."""
    with pytest.raises(ClientError) as refusal:
        invoke(Body=b"x", InputLocation=f"s3://{BUCKET}/input/page")
    assert refusal.value.response["Error"]["Code"] == "ValidationError"


def test_an_image_without_a_program_fails_the_endpoint(
    client: Callable[[str], Any], eventually: Callable[..., Any]
) -> None:
    """The reason names the image and the flag that helps."""
    sagemaker = client("sagemaker")
    create_config(client, "unknown", PrimaryContainer={"Image": UNKNOWN_IMAGE})
    sagemaker.create_endpoint(EndpointName="unknown", EndpointConfigName="unknown")
    eventually(lambda: sagemaker.describe_endpoint(EndpointName="unknown")["EndpointStatus"] == "Failed")
    reason = sagemaker.describe_endpoint(EndpointName="unknown")["FailureReason"]
    assert UNKNOWN_IMAGE in reason
    assert "--container" in reason
    sagemaker.delete_endpoint(EndpointName="unknown")
    eventually(lambda: [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]] == [ENDPOINT])


def test_a_model_deleted_behind_its_configuration_is_refused(client: Callable[[str], Any]) -> None:
    """The endpoint does not come to be."""
    sagemaker = client("sagemaker")
    create_config(client, "gone", PrimaryContainer={"Image": UNKNOWN_IMAGE})
    sagemaker.delete_model(ModelName="gone")
    for operation, name in ((sagemaker.create_endpoint, "gone"), (sagemaker.update_endpoint, ENDPOINT)):
        with pytest.raises(ClientError, match=r'Could not find model ".*:model/gone"'):
            operation(EndpointName=name, EndpointConfigName="gone")
    assert [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]] == [ENDPOINT]
    assert sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService"


def test_an_unexpected_error_fails_the_endpoint(
    connect: Callable[..., Any], echo_image: str, echo_command: tuple[str, ...], eventually: Callable[..., Any]
) -> None:
    """No operating system takes this environment: the endpoint says so, and so does the log, and it can be deleted.

    Whoever started the local cloud hears of it, too.
    """
    reason = "ValueError: embedded null byte"
    with ExitStack() as stack:
        running = stack.enter_context(local_cloud(time_scale=600.0, containers={echo_image: echo_command}))
        client = connect(running)
        create_execution_role(client)
        sagemaker = client("sagemaker")
        create_config(client, "odd", PrimaryContainer={"Image": echo_image, "Environment": {"NUL": "\0"}})
        sagemaker.create_endpoint(EndpointName="odd", EndpointConfigName="odd")
        eventually(lambda: sagemaker.describe_endpoint(EndpointName="odd")["EndpointStatus"] == "Failed")
        assert reason in sagemaker.describe_endpoint(EndpointName="odd")["FailureReason"]
        assert reason in running.last_words()
        sagemaker.delete_endpoint(EndpointName="odd")
        eventually(lambda: not sagemaker.list_endpoints()["Endpoints"])
        with pytest.raises(LocalCloudError, match=f"the first: endpoint odd: unexpected error: {reason}$"):
            stack.close()


@pytest.fixture
def scale(client: Callable[[str], Any], eventually: Callable[..., Any]) -> Callable[[int], None]:
    """Gives the endpoint another number of instances and waits for them."""
    sagemaker = client("sagemaker")

    def change(count: int) -> None:
        wish = {"VariantName": "AllTraffic", "DesiredInstanceCount": count}
        sagemaker.update_endpoint_weights_and_capacities(EndpointName=ENDPOINT, DesiredWeightsAndCapacities=[wish])
        eventually(lambda: sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"] == "InService")

    return change


def test_scale_in_stops_the_oldest_instance_and_fails_its_work(
    invoke: Callable[..., Any], read: Callable[[str], Any], scale: Callable[[int], None]
) -> None:
    """The instance that is left is the newer one."""
    oldest = json.loads(read(invoke(Body=b"who")["OutputLocation"])["Body"])["process"]
    working = invoke(Body=b"work 60")
    scale(2)
    scale(1)
    assert b"server error (0)" in read(working["FailureLocation"])["Body"]
    assert json.loads(read(invoke(Body=b"who")["OutputLocation"])["Body"])["process"] != oldest


def test_an_input_is_read_when_its_job_starts(
    client: Callable[[str], Any], invoke: Callable[..., Any], read: Callable[[str], Any], scale: Callable[[int], None]
) -> None:
    """What was not there when it was submitted has come by then."""
    scale(0)
    response = invoke(InputLocation=f"s3://{BUCKET}/input/coming")
    client("s3").put_object(Bucket=BUCKET, Key="input/coming", Body=b"there now")
    scale(1)
    assert json.loads(read(response["OutputLocation"])["Body"])["body"] == "there now"


def test_requests_are_worked_on_in_their_order(
    client: Callable[[str], Any],
    queue_url: str,
    invoke: Callable[..., Any],
    eventually: Callable[..., Any],
    scale: Callable[[int], None],
) -> None:
    """The outputs come in the order in which the requests waited, as many at a time as the instance takes."""
    scale(0)
    names = [f"turn-{number}" for number in range(3 * CONCURRENCY)]
    for name in names:
        invoke(Body=b"work 0.2", InferenceId=name)
    scale(1)
    ended: dict[str, str] = {}

    def receive() -> bool:
        for message in client("sqs").receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages", ()):
            notice = json.loads(message["Body"])
            ended[notice.get("inferenceId", "")] = notice.get("eventTime", "")
        return set(names) <= ended.keys()

    eventually(receive)
    moments = [ended[name] for name in names]
    rounds = [moments[start : start + CONCURRENCY] for start in range(0, len(moments), CONCURRENCY)]
    assert all(max(earlier) < min(later) for earlier, later in itertools.pairwise(rounds))


def test_a_request_that_waits_too_long_expires_without_a_trace(
    client: Callable[[str], Any],
    invoke: Callable[..., Any],
    read: Callable[[str], Any],
    eventually: Callable[..., Any],
    scale: Callable[[int], None],
) -> None:
    """At zero instances a request waits; past its time to live nobody works on it any more."""
    cloudwatch = client("cloudwatch")
    scale(0)
    expired = invoke(Body=b"late", RequestTTLSeconds=60)
    eventually(lambda: cloudwatch.list_metrics(MetricName="ExpiredRequests")["Metrics"])
    scale(1)
    read(invoke(Body=b"page")["OutputLocation"])
    keys = {entry["Key"] for entry in client("s3").list_objects_v2(Bucket=BUCKET)["Contents"]}
    for location in (expired["OutputLocation"], expired["FailureLocation"]):
        assert location.removeprefix(f"s3://{BUCKET}/") not in keys
