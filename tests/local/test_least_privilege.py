"""The app's own template with policies enforced: every grant in it is needed, and its loss is seen as on AWS.

The echo container stands for the reference model, so that nothing here waits for a model to compute.
"""

from __future__ import annotations

import json
import re
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_cloud.container_commands import REFERENCE_IMAGE
from local_cloud.deployment import bootstrap, deploy, destroy, diff
from local_cloud.process import ACCOUNT, REGION, local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud
    from tests.local.wire import Answers

WITHOUT_A_TEST = {
    "sqs:SendMessage": "the function's failures are put into the queue without a look at its role",
    "xray:PutTelemetryRecords": "no traces are kept here",
    "xray:PutTraceSegments": "likewise",
}
"""Actions whose loss is not seen here, and why."""

SEEN = {
    "cloudwatch:DescribeAlarms",
    "cloudwatch:PutMetricData",
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
    "s3:AbortMultipartUpload",
    "s3:GetObject",
    "s3:ListBucket",
    "s3:PutObject",
    "sagemaker:InvokeEndpointAsync",
    "sns:Publish",
    "sqs:DeleteMessage",
    "sqs:ReceiveMessage",
    "ssm:GetParameter",
}
"""Actions whose loss the tests below see."""

LASTING_LOGS = re.compile(r"/aws/sagemaker/Endpoints/|/aws/lambda/.*CustomS3AutoDeleteObjects")
"""Log groups that outlast a stack: SageMaker made that of the endpoint, and Lambda that of the CDK's own function that
empties the bucket. README names them."""


class Account:
    """The deployed stack as its owner sees it, whose policies can be taken apart."""

    def __init__(self, outputs: dict[str, str], client: Callable[[str], Any]) -> None:
        self.outputs = outputs
        self.client = client
        self.bucket = outputs["BucketName"]
        self.endpoint = outputs["EndpointName"]
        names = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
        self.execution_role = next(name for name in names if "ModelExecutionRole" in name)
        self.polling_role = next(name for name in names if "PollingRole" in name)

    def policy(self, role: str) -> tuple[str, dict[str, Any]]:
        """Return the ARN and the content of a role's one policy."""
        iam = self.client("iam")
        [attached] = iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]
        assert iam.list_role_policies(RoleName=role)["PolicyNames"] == []
        return attached["PolicyArn"], self.document(attached["PolicyArn"])

    def document(self, arn: str) -> dict[str, Any]:
        """Return the content of a managed policy."""
        iam = self.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        document: dict[str, Any] = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
        return document

    @contextmanager
    def without(self, role: str, *actions: str) -> Iterator[None]:
        """Take actions away from a role while the context lasts."""
        arn, document = self.policy(role)
        self._replace(arn, reduced(document, *actions))
        try:
            yield
        finally:
            self._replace(arn, document)

    def _replace(self, arn: str, document: dict[str, Any]) -> None:
        iam = self.client("iam")
        before = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(document), SetAsDefault=True)
        iam.delete_policy_version(PolicyArn=arn, VersionId=before)

    def submit(self, **members: object) -> dict[str, Any]:
        """Submit a request."""
        response: dict[str, Any] = self.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=self.endpoint, InvocationTimeoutSeconds=3_600, **members
        )
        return response

    def exists(self, uri: str) -> bool:
        """Return whether there is an object at an S3 URI."""
        key = uri.removeprefix(f"s3://{self.bucket}/")
        return bool(self.client("s3").list_objects_v2(Bucket=self.bucket, Prefix=key)["KeyCount"])

    def metric_is_published(self, name: str) -> bool:
        """Return whether a metric of the endpoint exists."""
        dimensions = [{"Name": "EndpointName", "Value": self.endpoint}]
        return bool(self.client("cloudwatch").list_metrics(MetricName=name, Dimensions=dimensions)["Metrics"])


def reduced(document: dict[str, Any], *actions: str) -> dict[str, Any]:
    """Return a policy without actions; a statement that is left without any goes."""
    statements = []
    for statement in document["Statement"]:
        all_of_it = [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        if left := [action for action in all_of_it if action not in actions]:
            statements.append(statement | {"Action": left})
    return document | {"Statement": statements}


@pytest.fixture(scope="module")
def cloud(echo_command: tuple[str, ...]) -> Iterator[RunningLocalCloud]:
    """A bootstrapped local cloud that enforces policies."""
    with local_cloud(time_scale=600.0, enforce_iam=True, containers={REFERENCE_IMAGE: echo_command}) as running:
        bootstrap(running.environment, account=ACCOUNT, region=REGION)
        yield running


@pytest.fixture(scope="module")
def account(
    cloud: RunningLocalCloud, client: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Account]:
    """The account into which the app is deployed; destroyed again, it has nothing left of it but the logs of two."""
    assembly = tmp_path_factory.mktemp("assembly")
    (outputs,) = deploy(cloud.environment, stage="local", assembly=assembly).values()
    yield Account(outputs, client)
    destroy(cloud.environment, stage="local", assembly=assembly)
    assert remains(client) == []


def remains(client: Callable[[str], Any]) -> list[str]:
    """Return what there is of the app, besides the logs that stay on AWS as well."""
    sagemaker, name = client("sagemaker"), "AsyncInference"
    found = {
        "buckets": [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]],
        "roles": [role["RoleName"] for role in client("iam").list_roles()["Roles"]],
        "topics": [topic["TopicArn"] for topic in client("sns").list_topics()["Topics"]],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "functions": [function["FunctionName"] for function in client("lambda").list_functions()["Functions"]],
        "parameters": [found["Name"] for found in client("ssm").describe_parameters()["Parameters"]],
        "alarms": [alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "endpoints": [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]],
        "configurations": [one["EndpointConfigName"] for one in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        "models": [one["ModelName"] for one in sagemaker.list_models()["Models"]],
        "log groups": [
            group["logGroupName"]
            for page in client("logs").get_paginator("describe_log_groups").paginate()
            for group in page["logGroups"]
            if not LASTING_LOGS.match(group["logGroupName"])
        ],
    }
    own = (name.lower(), "/async-inference/")
    return [
        f"{kind}: {each}" for kind, all_of in found.items() for each in all_of if any(o in each.lower() for o in own)
    ]


@pytest.fixture
def caller(
    cloud: RunningLocalCloud, account: Account, answers: Answers
) -> Iterator[Callable[..., Callable[[str], Any]]]:
    """Makes clients of a user who has the caller's permissions of the template, less some actions."""
    iam = account.client("iam")
    iam.create_user(UserName="caller")
    key = iam.create_access_key(UserName="caller")["AccessKey"]

    def with_all_but(*actions: str) -> Callable[[str], Any]:
        document = json.dumps(reduced(account.document(account.outputs["CallerPolicyArndefault"]), *actions))
        iam.put_user_policy(UserName="caller", PolicyName="caller", PolicyDocument=document)
        session = boto3.Session(key["AccessKeyId"], key["SecretAccessKey"], region_name=REGION)
        new_client: Any = session.client
        return lambda service: answers.watch(new_client(service, endpoint_url=cloud.endpoint_url))

    yield with_all_but
    iam.delete_user_policy(UserName="caller", PolicyName="caller")
    iam.delete_access_key(UserName="caller", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="caller")


def refusal(operation: Callable[..., Any], **members: object) -> tuple[str, str]:
    """Return code and message with which a call is refused."""
    with pytest.raises(ClientError) as refused:
        operation(**members)
    error = refused.value.response["Error"]
    return error["Code"], error["Message"]


def test_every_grant_of_the_template_has_its_test(account: Account) -> None:
    """A new action in a policy needs a test of what its loss does, or a reason why it has none."""
    documents = [account.policy(role)[1] for role in (account.execution_role, account.polling_role)]
    documents.append(account.document(account.outputs["CallerPolicyArndefault"]))
    granted: set[str] = set()
    for document in documents:
        for statement in document["Statement"]:
            actions = statement["Action"]
            granted |= {actions} if isinstance(actions, str) else set(actions)
    assert granted == SEEN | WITHOUT_A_TEST.keys()


def test_a_diff_against_what_is_deployed_is_empty(cloud: RunningLocalCloud, account: Account) -> None:
    """Nothing drifts by itself, whatever has been scaled meanwhile, and a second synthesis says the same."""
    assert account.endpoint
    diff(cloud.environment, stage="local")


def test_a_caller_with_all_grants_does_all(
    account: Account, caller: Callable[..., Callable[[str], Any]], eventually: Callable[..., Any]
) -> None:
    """Upload, submit, wait and read with nothing but what the template gives."""
    client = caller()
    client("s3").put_object(Bucket=account.bucket, Key="input/page", Body=b"page")
    response = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=account.endpoint, InputLocation=f"s3://{account.bucket}/input/page", InvocationTimeoutSeconds=3_600
    )
    eventually(lambda: account.exists(response["OutputLocation"]))
    key = response["OutputLocation"].removeprefix(f"s3://{account.bucket}/")
    assert b'"page"' in client("s3").get_object(Bucket=account.bucket, Key=key)["Body"].read()


def test_without_invoke_a_caller_cannot_submit(account: Account, caller: Callable[..., Callable[[str], Any]]) -> None:
    """The message names the caller, the action and the endpoint."""
    runtime = caller("sagemaker:InvokeEndpointAsync")("sagemaker-runtime")
    code, message = refusal(runtime.invoke_endpoint_async, EndpointName=account.endpoint, Body=b"x")
    assert code == "AccessDeniedException"
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/{account.endpoint.lower()}"
    assert message.startswith(
        f"User: arn:aws:iam::{ACCOUNT}:user/caller is not authorized to perform: sagemaker:InvokeEndpointAsync"
        f" on resource: {arn}"
    )


def test_other_endpoints_are_out_of_a_callers_reach(caller: Callable[..., Callable[[str], Any]]) -> None:
    """The grant names one endpoint, and whether another exists is not told."""
    runtime = caller()("sagemaker-runtime")
    assert refusal(runtime.invoke_endpoint_async, EndpointName="other", Body=b"x")[0] == "AccessDeniedException"
    sagemaker = caller()("sagemaker")
    assert refusal(sagemaker.describe_endpoint, EndpointName="other")[0] == "AccessDeniedException"


@pytest.mark.parametrize("action", ["ssm:GetParameter", "sqs:ReceiveMessage", "sqs:DeleteMessage"])
def test_without_it_a_caller_neither_finds_the_endpoint_nor_hears_of_results(
    account: Account, caller: Callable[..., Callable[[str], Any]], action: str
) -> None:
    """The parameter, the consumer's queue and its messages are each allowed by an action of their own."""
    parameter = account.outputs["ParameterName"]
    found = json.loads(account.client("ssm").get_parameter(Name=parameter)["Parameter"]["Value"])
    queue, client = found["consumers"]["default"]["queue_url"], caller(action)
    calls = {
        "ssm:GetParameter": (client("ssm").get_parameter, {"Name": parameter}),
        "sqs:ReceiveMessage": (client("sqs").receive_message, {"QueueUrl": queue}),
        "sqs:DeleteMessage": (client("sqs").delete_message, {"QueueUrl": queue, "ReceiptHandle": "handle"}),
    }
    operation, members = calls[action]
    assert "Access" in refusal(operation, **members)[0]


def test_without_put_a_caller_cannot_upload(account: Account, caller: Callable[..., Callable[[str], Any]]) -> None:
    """S3 says no more than that."""
    s3 = caller("s3:PutObject")("s3")
    assert refusal(s3.put_object, Bucket=account.bucket, Key="input/page", Body=b"x")[0] == "AccessDenied"


def test_without_get_a_caller_cannot_read_results(
    account: Account, caller: Callable[..., Callable[[str], Any]]
) -> None:
    """It is there, and it is not for this caller."""
    account.client("s3").put_object(Bucket=account.bucket, Key="output/there", Body=b"x")
    s3 = caller("s3:GetObject")("s3")
    assert refusal(s3.get_object, Bucket=account.bucket, Key="output/there")[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("removed", "get_code", "head_code"), [((), "NoSuchKey", "404"), (("s3:ListBucket",), "AccessDenied", "403")]
)
def test_a_result_that_is_not_there_yet_is_403_to_whom_may_not_list(
    account: Account,
    caller: Callable[..., Callable[[str], Any]],
    removed: tuple[str, ...],
    get_code: str,
    head_code: str,
) -> None:
    """A poller without ``s3:ListBucket`` cannot tell *not yet* from *never yours*."""
    s3 = caller(*removed)("s3")
    assert refusal(s3.get_object, Bucket=account.bucket, Key="output/missing")[0] == get_code
    assert refusal(s3.head_object, Bucket=account.bucket, Key="output/missing")[0] == head_code


def test_the_function_names_the_permission_that_it_lacks(account: Account) -> None:
    """The polling function acts with its own role, and its error says what to grant."""
    with account.without(account.polling_role, "sagemaker:InvokeEndpointAsync"):
        event = json.dumps({"payload": "text", "content_type": "text/plain"})
        answer = account.client("lambda").invoke(FunctionName=account.outputs["PollingFunctionName"], Payload=event)
    error = json.load(answer["Payload"])
    assert (answer["FunctionError"], error["errorType"]) == ("Unhandled", "PermissionDenied")
    assert "sagemaker:InvokeEndpointAsync" in error["errorMessage"]


def test_without_get_the_execution_role_fails_the_download(account: Account, eventually: Callable[..., Any]) -> None:
    """Submitting succeeds; the job is the one to fail."""
    account.client("s3").put_object(Bucket=account.bucket, Key="input/forbidden", Body=b"x")
    with account.without(account.execution_role, "s3:GetObject"):
        response = account.submit(InputLocation=f"s3://{account.bucket}/input/forbidden")
        eventually(lambda: account.exists(response["FailureLocation"]))
    key = response["FailureLocation"].removeprefix(f"s3://{account.bucket}/")
    failure = account.client("s3").get_object(Bucket=account.bucket, Key=key)["Body"].read()
    assert b"Could not download the input" in failure
    assert b"AccessDenied" in failure


@pytest.mark.parametrize(("removed", "reason"), [((), b"NoSuchKey"), (("s3:ListBucket",), b"AccessDenied")])
def test_without_list_a_missing_input_looks_forbidden(
    account: Account, eventually: Callable[..., Any], removed: tuple[str, ...], reason: bytes
) -> None:
    """The failure of a job whose input is gone misleads."""
    with account.without(account.execution_role, *removed):
        response = account.submit(InputLocation=f"s3://{account.bucket}/input/gone")
        eventually(lambda: account.exists(response["FailureLocation"]))
    key = response["FailureLocation"].removeprefix(f"s3://{account.bucket}/")
    assert reason in account.client("s3").get_object(Bucket=account.bucket, Key=key)["Body"].read()


@pytest.fixture(scope="module")
def container(cloud: RunningLocalCloud, account: Account) -> Callable[[str], Any]:
    """Makes clients with the credentials that the model's container finds in its environment."""
    response = account.submit(Body=b"environment")
    key = response["OutputLocation"].removeprefix(f"s3://{account.bucket}/")
    s3 = account.client("s3")
    s3.get_waiter("object_exists").wait(Bucket=account.bucket, Key=key, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    found = json.load(s3.get_object(Bucket=account.bucket, Key=key)["Body"])
    session = boto3.Session(
        found["AWS_ACCESS_KEY_ID"], found["AWS_SECRET_ACCESS_KEY"], found["AWS_SESSION_TOKEN"], region_name=REGION
    )
    new_client: Any = session.client
    return lambda service: new_client(service, endpoint_url=cloud.endpoint_url)


def test_without_put_metric_data_a_container_publishes_none(account: Account, container: Callable[[str], Any]) -> None:
    """SageMaker's own metrics do not need it; those that the model's code publishes do."""
    publish: Any = container("cloudwatch").put_metric_data
    metric = {"Namespace": "Model", "MetricData": [{"MetricName": "Pages", "Value": 1.0}]}
    publish(**metric)
    with account.without(account.execution_role, "cloudwatch:PutMetricData"):
        code, message = refusal(publish, **metric)
    assert code in ("AccessDenied", "AccessDeniedException")
    assert "cloudwatch:PutMetricData" in message


def test_without_describe_alarms_no_deployment_is_watched(account: Account, eventually: Callable[..., Any]) -> None:
    """SageMaker looks at the one alarm of the template in the role's name, and refuses to deploy where it may not."""
    sagemaker = account.client("sagemaker")
    described = sagemaker.describe_endpoint(EndpointName=account.endpoint)
    alarms = account.client("cloudwatch").describe_alarms(AlarmNamePrefix="AsyncInference-local-ocr-Rollback")
    (alarm,) = alarms["MetricAlarms"]
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    watched = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": alarm["AlarmName"]}]},
    }

    def is_refused() -> bool:
        _, message = refusal(
            sagemaker.update_endpoint,
            EndpointName=account.endpoint,
            EndpointConfigName=described["EndpointConfigName"],
            DeploymentConfig=watched,
        )
        # While it scales, it is refused for that.
        return "cloudwatch:DescribeAlarms" in message and alarm["AlarmArn"] in message

    with account.without(account.execution_role, "cloudwatch:DescribeAlarms"):
        eventually(is_refused)


def test_without_describe_log_streams_a_container_finds_none(account: Account, container: Callable[[str], Any]) -> None:
    """The agents that SageMaker's documentation lists it for look before they write."""
    describe: Any = container("logs").describe_log_streams
    group = {"logGroupName": f"/aws/sagemaker/Endpoints/{account.endpoint}"}
    with suppress(account.client("logs").exceptions.ResourceAlreadyExistsException):
        account.client("logs").create_log_group(**group)
    describe(**group)
    with account.without(account.execution_role, "logs:DescribeLogStreams"):
        code, message = refusal(describe, **group)
    assert code == "AccessDeniedException"
    assert "logs:DescribeLogStreams" in message


def left_of(account: Account, s3: Any, key: str) -> list[str]:  # noqa: ANN401 - boto3 carries no types
    """Return the keys of unfinished uploads after ``s3`` has begun one and given it up."""
    upload = {"Bucket": account.bucket, "Key": key}
    upload["UploadId"] = account.client("s3").create_multipart_upload(**upload)["UploadId"]
    with suppress(ClientError):
        s3.abort_multipart_upload(**upload)
    left = account.client("s3").list_multipart_uploads(Bucket=account.bucket).get("Uploads", [])
    if left:
        account.client("s3").abort_multipart_upload(**upload)
    return [one["Key"] for one in left]


def test_without_abort_an_upload_leaves_its_parts(
    account: Account, caller: Callable[..., Callable[[str], Any]], container: Callable[[str], Any]
) -> None:
    """Whoever gives an upload up cannot clear it away: a caller's input, an execution role's output."""
    action = "s3:AbortMultipartUpload"
    assert left_of(account, caller()("s3"), "input/part") == []
    assert left_of(account, caller(action)("s3"), "input/part") == ["input/part"]
    assert left_of(account, container("s3"), "output/part") == []
    with account.without(account.execution_role, action):
        assert left_of(account, container("s3"), "output/part") == ["output/part"]


def test_without_put_the_execution_role_stores_nothing(account: Account, eventually: Callable[..., Any]) -> None:
    """Neither output nor failure appear; a metric is all there is."""
    with account.without(account.execution_role, "s3:PutObject"):
        response = account.submit(Body=b"lost")
        eventually(lambda: account.metric_is_published("ResponseUploadFailures"))
    assert not account.exists(response["OutputLocation"])
    assert not account.exists(response["FailureLocation"])


def test_without_publish_the_execution_role_tells_nobody(account: Account, eventually: Callable[..., Any]) -> None:
    """The output is there all the same."""
    with account.without(account.execution_role, "sns:Publish"):
        response = account.submit(Body=b"quiet")
        eventually(lambda: account.metric_is_published("NotificationFailures"))
    assert account.exists(response["OutputLocation"])


@pytest.mark.parametrize("action", ["s3:PutObject", "sns:Publish"])
def test_an_endpoint_is_refused_whose_role_cannot_deliver(account: Account, action: str) -> None:
    """CreateEndpoint looks at what will be done with results, instead of failing each job."""
    sagemaker = account.client("sagemaker")
    config = sagemaker.describe_endpoint(EndpointName=account.endpoint)["EndpointConfigName"]
    with account.without(account.execution_role, action):
        code, message = refusal(sagemaker.create_endpoint, EndpointName="refused", EndpointConfigName=config)
    assert code == "ValidationException"
    assert action in message


@pytest.mark.parametrize(
    "action",
    ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken", "ecr:GetDownloadUrlForLayer"],
)
def test_a_model_is_refused_whose_role_cannot_pull(account: Account, action: str) -> None:
    """CreateModel looks at the image, which takes each of these to pull."""
    sagemaker = account.client("sagemaker")
    role = account.client("iam").get_role(RoleName=account.execution_role)["Role"]["Arn"]
    members = {"ModelName": "refused", "ExecutionRoleArn": role, "PrimaryContainer": {"Image": REFERENCE_IMAGE}}
    with account.without(account.execution_role, action):
        code, message = refusal(sagemaker.create_model, **members)
    assert code == "ValidationException"
    assert action in message


@pytest.mark.parametrize("action", ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"])
def test_without_logs_what_the_container_writes_is_lost(
    account: Account, eventually: Callable[..., Any], action: str
) -> None:
    """The endpoint works; whoever looks for its words finds none."""
    sagemaker, name = account.client("sagemaker"), f"silent-{action.rpartition(':')[2]}"
    config = sagemaker.describe_endpoint(EndpointName=account.endpoint)["EndpointConfigName"]
    with account.without(account.execution_role, action):
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        eventually(lambda: sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService")
        runtime = account.client("sagemaker-runtime")
        location = runtime.invoke_endpoint_async(
            EndpointName=name, Body=b"say something", InvocationTimeoutSeconds=3_600
        )["OutputLocation"]
        eventually(lambda: account.exists(location))
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig={"Delay": 1})
    logs = account.client("logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/sagemaker/Endpoints/{name}")["logGroups"]
    assert [
        event for group in groups for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]
    ] == []


def test_who_may_not_pass_the_role_makes_no_model(
    account: Account, caller: Callable[..., Callable[[str], Any]]
) -> None:
    """Otherwise whoever may create models could do what any role may."""
    sagemaker = caller()("sagemaker")
    allowed = {"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    account.client("iam").put_user_policy(UserName="caller", PolicyName="caller", PolicyDocument=document)
    role = account.client("iam").get_role(RoleName=account.execution_role)["Role"]["Arn"]
    members = {"ModelName": "refused", "ExecutionRoleArn": role, "PrimaryContainer": {"Image": REFERENCE_IMAGE}}
    code, message = refusal(sagemaker.create_model, **members)
    assert code == "AccessDeniedException"
    assert "iam:PassRole" in message


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        (["sagemaker:*"], "application-autoscaling:DeregisterScalableTarget"),
        (
            ["sagemaker:*", "application-autoscaling:DeregisterScalableTarget"],
            "application-autoscaling:DeleteScalingPolicy",
        ),
    ],
)
def test_who_may_not_deregister_deletes_no_scaled_endpoint(
    account: Account, caller: Callable[..., Callable[[str], Any]], allowed: list[str], missing: str
) -> None:
    """SageMaker deregisters the variant in the caller's name."""
    sagemaker = caller()("sagemaker")
    statement = {"Effect": "Allow", "Action": allowed, "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    account.client("iam").put_user_policy(UserName="caller", PolicyName="caller", PolicyDocument=document)
    code, message = refusal(sagemaker.delete_endpoint, EndpointName=account.endpoint)
    assert code == "AccessDeniedException"
    assert missing in message


SCALING = {
    "application-autoscaling:*",
    "sagemaker:DescribeEndpoint",
    "sagemaker:DescribeEndpointConfig",
    "sagemaker:UpdateEndpointWeightsAndCapacities",
    "cloudwatch:PutMetricAlarm",
    "cloudwatch:DescribeAlarms",
    "cloudwatch:DeleteAlarms",
}
"""What AWS's guides tell to grant to whoever configures scaling, besides the service-linked role's creation."""


def scaling_caller(
    account: Account, caller: Callable[..., Callable[[str], Any]], allowed: set[str]
) -> tuple[Any, dict[str, str]]:
    """Return a client of a user who may do ``allowed``, and the target in the stack."""
    scaling = caller()("application-autoscaling")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": sorted(allowed), "Resource": "*"}]}
    account.client("iam").put_user_policy(UserName="caller", PolicyName="caller", PolicyDocument=json.dumps(document))
    return scaling, {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{account.endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


@pytest.mark.parametrize("missing", sorted(SCALING - {"application-autoscaling:*"}))
def test_who_configures_scaling_needs_what_scaling_does(
    account: Account, caller: Callable[..., Callable[[str], Any]], missing: str
) -> None:
    """The refusal is a validation error that lists what to grant; whoever only looks needs none of it."""
    scaling, target = scaling_caller(account, caller, SCALING - {missing})
    for operation, members in (
        (scaling.register_scalable_target, {}),
        (scaling.put_scaling_policy, {"PolicyName": "mine"}),
        (scaling.delete_scaling_policy, {"PolicyName": "mine"}),
        (scaling.put_scheduled_action, {"ScheduledActionName": "mine"}),
        (scaling.delete_scheduled_action, {"ScheduledActionName": "mine"}),
        (scaling.deregister_scalable_target, {}),
    ):
        expected = ("ValidationException", f"User is missing the following permissions: {missing}")
        assert refusal(operation, **target, **members) == expected
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]


def test_who_has_all_of_it_configures_scaling(account: Account, caller: Callable[..., Callable[[str], Any]]) -> None:
    """As AWS's guides say."""
    scaling, target = scaling_caller(account, caller, SCALING)
    action = {"ScheduledActionName": "mine", "Schedule": "rate(1 day)", "ScalableTargetAction": {"MinCapacity": 0}}
    scaling.put_scheduled_action(**target, **action)
    scaling.delete_scheduled_action(**target, ScheduledActionName="mine")


def test_the_first_who_configures_scaling_needs_to_create_its_role(
    account: Account, caller: Callable[..., Callable[[str], Any]]
) -> None:
    """Once the account has the role, nobody needs to."""
    iam, (scaling, target) = account.client("iam"), scaling_caller(account, caller, SCALING)
    role = "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    iam.delete_role(RoleName=role)
    code, message = refusal(scaling.register_scalable_target, **target)
    assert (code, "iam:CreateServiceLinkedRole" in message) == ("ValidationException", True)
    first, target = scaling_caller(account, caller, SCALING | {"iam:CreateServiceLinkedRole"})
    first.register_scalable_target(**target)
    assert iam.get_role(RoleName=role)["Role"]["Path"].startswith("/aws-service-role/")
    scaling, target = scaling_caller(account, caller, SCALING)
    scaling.register_scalable_target(**target)


def test_an_unknown_key_is_refused(cloud: RunningLocalCloud) -> None:
    """Before any policy is asked."""
    new_client: Any = boto3.Session("AKIAUNKNOWN", "secret", region_name=REGION).client
    sagemaker = new_client("sagemaker", endpoint_url=cloud.endpoint_url)
    assert refusal(sagemaker.list_endpoints)[0] == "UnrecognizedClientException"
