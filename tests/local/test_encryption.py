"""One customer-managed key for everything: each right to it that is missing is seen, as on AWS."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from local_cloud.process import ACCOUNT, REGION, local_cloud
from tests.local.policies import Statement, User, allow, policy, refusal
from tests.local.sagemaker_calls import IN_A_MOMENT, ROLE, create_execution_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local_cloud.process import RunningLocalCloud

NAME = "encrypted"
EXECUTION = ROLE.rpartition("/")[2]
TO_IAM = allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
SEND = ("kms:GenerateDataKey*", "kms:Decrypt")
SMALLEST_PART = 5 * 1024 * 1024


def to_service(service: str, *actions: str, **condition: dict[str, str]) -> Statement:
    """Return a statement of a key's policy that lets a service in."""
    return allow(*actions, Principal={"Service": service}, Condition=condition)


@pytest.fixture(scope="module")
def cloud(echo_image: str, echo_command: tuple[str, ...]) -> Iterator[RunningLocalCloud]:
    """A local cloud that enforces policies."""
    with local_cloud(time_scale=600.0, enforce_iam=True, containers={echo_image: echo_command}) as running:
        yield running


class Key:
    """A key whose policy can be replaced."""

    def __init__(self, client: Callable[[str], Any]) -> None:
        self._kms = client("kms")
        self.arn: str = self._kms.create_key()["KeyMetadata"]["Arn"]
        self.admits()

    def admits(self, *statements: Statement) -> None:
        """Admit identity-based policies and ``statements``."""
        self.has_policy(TO_IAM, *statements)

    def has_policy(self, *statements: Statement) -> None:
        """Admit nothing but ``statements``."""
        self._kms.put_key_policy(KeyId=self.arn, PolicyName="default", Policy=policy(*statements))


@pytest.fixture(scope="module")
def key(client: Callable[[str], Any]) -> Key:
    """A customer-managed key, by which a bucket of the same name as everything else is encrypted."""
    made = Key(client)
    client("s3").create_bucket(Bucket=NAME)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": made.arn}}
    client("s3").put_bucket_encryption(Bucket=NAME, ServerSideEncryptionConfiguration={"Rules": [rule]})
    return made


@pytest.fixture(scope="module")
def user(cloud: RunningLocalCloud, client: Callable[[str], Any]) -> User:
    """A user who may nothing yet."""
    return User(client, cloud.endpoint_url, "caller")


@pytest.fixture(scope="module")
def execution_role(client: Callable[[str], Any]) -> Callable[..., None]:
    """Gives the execution role everything but actions of KMS, and those that are named."""
    create_execution_role(client)

    def may(*actions: str) -> None:
        rest = ["s3:*", "sns:*", "ecr:*", "logs:*"]
        client("iam").put_role_policy(
            RoleName=EXECUTION, PolicyName="all", PolicyDocument=policy(allow(*rest, *actions))
        )

    return may


@pytest.fixture(scope="module")
def endpoint(client: Callable[[str], Any], key: Key, execution_role: Callable[..., None], echo_image: str) -> str:
    """An endpoint whose inputs, outputs and notifications are encrypted by the key."""
    execution_role("kms:*")
    topic = client("sns").create_topic(Name=NAME, Attributes={"KmsMasterKeyId": key.arn})["TopicArn"]
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName=NAME, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": echo_image})
    variant = {"VariantName": "A", "ModelName": NAME, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    paths = {"S3OutputPath": f"s3://{NAME}/output", "S3FailurePath": f"s3://{NAME}/failure", "KmsKeyId": key.arn}
    sagemaker.create_endpoint_config(
        EndpointConfigName=NAME,
        ProductionVariants=[variant],
        AsyncInferenceConfig={
            "OutputConfig": {**paths, "NotificationConfig": {"SuccessTopic": topic, "ErrorTopic": topic}}
        },
    )
    sagemaker.create_endpoint(EndpointName=NAME, EndpointConfigName=NAME)
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=NAME, WaiterConfig=IN_A_MOMENT)
    return NAME


def test_who_may_not_use_the_key_neither_stores_nor_reads(client: Callable[[str], Any], key: Key, user: User) -> None:
    """All rights to S3 do not help; metadata can be read, which is not encrypted."""
    client("s3").put_object(Bucket=NAME, Key="there", Body=b"secret")
    s3 = user.may(allow("s3:*"))("s3")
    code, message = refusal(s3.put_object, Bucket=NAME, Key="new", Body=b"x")
    assert (code, f"kms:GenerateDataKey on resource: {key.arn}" in message) == ("AccessDenied", True)
    code, message = refusal(s3.get_object, Bucket=NAME, Key="there")
    assert (code, "kms:Decrypt" in message) == ("AccessDenied", True)
    assert s3.head_object(Bucket=NAME, Key="there")["SSEKMSKeyId"] == key.arn
    assert refusal(client("s3").get_object, Bucket=NAME, Key="new")[0] == "NoSuchKey"


def test_who_may_use_the_key_by_way_of_s3_stores_and_reads(key: Key, user: User) -> None:
    """The conditions that keep a key to one service and one object hold."""
    by_s3 = {
        "kms:ViaService": f"s3.{REGION}.amazonaws.com",
        "kms:EncryptionContext:aws:s3:arn": f"arn:aws:s3:::{NAME}/mine",
    }
    rights = allow("kms:GenerateDataKey", "kms:Decrypt", resource=key.arn, Condition={"StringEquals": by_s3})
    s3 = user.may(allow("s3:*"), rights)("s3")
    s3.put_object(Bucket=NAME, Key="mine", Body=b"secret")
    assert s3.get_object(Bucket=NAME, Key="mine")["Body"].read() == b"secret"
    assert refusal(s3.put_object, Bucket=NAME, Key="yours", Body=b"x")[0] == "AccessDenied"


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_address_stores_nothing_for_want_of_a_right_to_the_key(key: Key, user: User, version: str) -> None:
    """Whoever has it has the rights of its signer, and no others."""

    def put(*statements: Statement) -> tuple[int, str]:
        user.may(allow("s3:*"), *statements)
        s3 = user.client("s3", signature_version=version)
        url = s3.generate_presigned_url("put_object", Params={"Bucket": NAME, "Key": "by-address"})
        answer = urllib3.request("PUT", url, body=b"x")
        return answer.status, answer.data.decode()

    status, message = put()
    assert (status, f"kms:GenerateDataKey on resource: {key.arn}" in message) == (403, True)
    assert put(allow("kms:GenerateDataKey", resource=key.arn)) == (200, "")


def test_a_key_that_does_not_admit_identity_policies_admits_whom_it_names(key: Key, user: User) -> None:
    """A policy that allows everything does not open a key whose own policy does not say so."""
    client = user.may(allow("s3:*", "kms:*"))
    key.has_policy(allow("kms:*", Principal={"AWS": f"arn:aws:iam::{ACCOUNT}:role/other"}))
    assert refusal(client("s3").put_object, Bucket=NAME, Key="new", Body=b"x")[0] == "AccessDenied"
    key.admits()
    client("s3").put_object(Bucket=NAME, Key="new", Body=b"x")


def test_a_large_upload_needs_the_right_to_decrypt(key: Key, user: User) -> None:
    """S3 reads each part again: *CreateMultipartUpload* succeeds, the first part does not."""
    s3 = user.may(allow("s3:*"), allow("kms:GenerateDataKey", resource=key.arn))("s3")
    upload = s3.create_multipart_upload(Bucket=NAME, Key="large")["UploadId"]
    part = {"Bucket": NAME, "Key": "large", "UploadId": upload, "PartNumber": 1, "Body": b"x" * SMALLEST_PART}
    code, message = refusal(s3.upload_part, **part)
    assert (code, "kms:Decrypt" in message) == ("AccessDenied", True)


def test_an_unknown_key_is_named(user: User) -> None:
    """Before anything is stored."""
    s3 = user.may(allow("*"))("s3")
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "alias/none"}
    code, message = refusal(s3.put_object, Bucket=NAME, Key="new", Body=b"x", **encryption)
    assert (code, message) == ("KMS.NotFoundException", "Invalid keyId 'alias/none'")


@pytest.fixture
def names_below_localhost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let names such as ``bucket.localhost`` be found, as resolvers need not do."""
    look_up = socket.getaddrinfo

    def find(host: str, *arguments: Any, **others: Any) -> Any:  # noqa: ANN401 - passes through what it is given
        return look_up("127.0.0.1" if host.endswith("localhost") else host, *arguments, **others)

    monkeypatch.setattr(socket, "getaddrinfo", find)


@pytest.mark.usefixtures("names_below_localhost")
def test_virtual_hosted_addresses_hide_missing_keys_as_well(key: Key, user: User) -> None:
    """With the bucket in the host's name: 403 without the right to list, 404 with it."""
    hosts: list[str] = []
    in_host = {"s3": {"addressing_style": "virtual"}}
    for statements, code in (((), "AccessDenied"), ((allow("s3:ListBucket"),), "NoSuchKey")):
        user.may(allow("s3:GetObject"), *statements)
        s3 = user.client("s3", **in_host)
        s3.meta.events.register("before-send", lambda request, **_: hosts.append(request.url))
        assert refusal(s3.get_object, Bucket=NAME, Key="missing")[0] == code
    user.may(allow("s3:*"))
    assert "kms:GenerateDataKey" in refusal(user.client("s3", **in_host).put_object, Bucket=NAME, Key="k", Body=b"")[1]
    assert key.arn
    assert [f"//{NAME}.localhost:" in host for host in hosts] == [True, True]


def result(client: Callable[[str], Any], submitted: dict[str, Any]) -> bytes | None:
    """Return a job's output or failure, if it is there."""
    for name in ("OutputLocation", "FailureLocation"):
        try:
            found = client("s3").get_object(Bucket=NAME, Key=submitted[name].removeprefix(f"s3://{NAME}/"))
        except ClientError:
            continue
        content: bytes = found["Body"].read()
        return content
    return None


def metric(client: Callable[[str], Any], name: str) -> bool:
    """Return whether the endpoint has published a metric."""
    dimensions = [{"Name": "EndpointName", "Value": NAME}]
    return bool(client("cloudwatch").list_metrics(MetricName=name, Dimensions=dimensions)["Metrics"])


def test_a_role_that_may_not_decrypt_fails_the_download(
    client: Callable[[str], Any], endpoint: str, execution_role: Callable[..., None], eventually: Callable[..., Any]
) -> None:
    """The job is the one to fail, and says what the role lacks."""
    client("s3").put_object(Bucket=NAME, Key="input", Body=b"secret")
    execution_role("kms:GenerateDataKey")
    submitted = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=f"s3://{NAME}/input", InvocationTimeoutSeconds=3600
    )
    failure = eventually(lambda: result(client, submitted))
    assert b"Could not download the input" in failure
    assert b"kms:Decrypt" in failure


def test_a_role_that_may_not_encrypt_stores_nothing(
    client: Callable[[str], Any], endpoint: str, execution_role: Callable[..., None], eventually: Callable[..., Any]
) -> None:
    """A metric is all there is."""
    execution_role("kms:Decrypt")
    submitted = client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, Body=b"x", InvocationTimeoutSeconds=3600
    )
    eventually(lambda: metric(client, "ResponseUploadFailures"))
    assert result(client, submitted) is None


@pytest.mark.parametrize("action", ["kms:GenerateDataKey", "kms:Decrypt"])
def test_a_role_that_may_not_use_the_key_of_a_topic_publishes_nothing(
    client: Callable[[str], Any], key: Key, user: User, action: str
) -> None:
    """SNS says so to any publisher, whose right to publish does not help."""
    topic = client("sns").create_topic(Name="locked", Attributes={"KmsMasterKeyId": key.arn})["TopicArn"]
    sns = user.may(allow("sns:Publish"), allow(action, resource=key.arn))("sns")
    assert refusal(sns.publish, TopicArn=topic, Message="x")[0] == "KMSAccessDenied"
    user.may(allow("sns:Publish"), allow(*SEND, resource=key.arn))("sns").publish(TopicArn=topic, Message="x")


def test_notifications_need_the_key_of_the_topic(
    client: Callable[[str], Any], endpoint: str, execution_role: Callable[..., None], eventually: Callable[..., Any]
) -> None:
    """Without it they are counted as failed."""
    execution_role()
    client("sagemaker-runtime").invoke_endpoint_async(EndpointName=endpoint, Body=b"x", InvocationTimeoutSeconds=3600)
    eventually(lambda: metric(client, "NotificationFailures"))


def test_an_artefact_needs_the_key(
    client: Callable[[str], Any], key: Key, execution_role: Callable[..., None], echo_image: str
) -> None:
    """The endpoint fails, because its container's files cannot be read."""
    client("s3").put_object(Bucket=NAME, Key="model/weights", Body=b"x")
    execution_role()
    source = {"S3Uri": f"s3://{NAME}/model/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    container = {"Image": echo_image, "ModelDataSource": {"S3DataSource": source}}
    sagemaker = client("sagemaker")
    sagemaker.create_model(ModelName="artefact", ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {"VariantName": "A", "ModelName": "artefact", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    output = {"OutputConfig": {"S3OutputPath": f"s3://{NAME}/output"}}
    sagemaker.create_endpoint_config(
        EndpointConfigName="artefact", ProductionVariants=[variant], AsyncInferenceConfig=output
    )
    sagemaker.create_endpoint(EndpointName="artefact", EndpointConfigName="artefact")
    with pytest.raises(Exception, match="Waiter"):
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="artefact", WaiterConfig=IN_A_MOMENT)
    reason = sagemaker.describe_endpoint(EndpointName="artefact")["FailureReason"]
    assert "kms:Decrypt" in reason
    assert key.arn in reason


def test_an_endpoint_is_refused_whose_role_cannot_let_instances_use_the_key_of_their_volumes(
    client: Callable[[str], Any], key: Key, endpoint: str, execution_role: Callable[..., None]
) -> None:
    """The right may be limited to what AWS's own resources use."""
    sagemaker = client("sagemaker")
    variant = {"VariantName": "A", "ModelName": endpoint, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
    output = {"OutputConfig": {"S3OutputPath": f"s3://{NAME}/output"}}
    sagemaker.create_endpoint_config(
        EndpointConfigName="volumes", ProductionVariants=[variant], AsyncInferenceConfig=output, KmsKeyId=key.arn
    )
    execution_role("kms:GenerateDataKey", "kms:Decrypt")
    code, message = refusal(sagemaker.create_endpoint, EndpointName="volumes", EndpointConfigName="volumes")
    assert (code, "kms:CreateGrant" in message) == ("ValidationException", True)
    for_aws = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
    statements = allow("s3:*", "kms:Decrypt"), allow("kms:CreateGrant", resource=key.arn, Condition=for_aws)
    client("iam").put_role_policy(RoleName=EXECUTION, PolicyName="all", PolicyDocument=policy(*statements))
    sagemaker.create_endpoint(EndpointName="volumes", EndpointConfigName="volumes")


@pytest.fixture
def queue(client: Callable[[str], Any], key: Key) -> Iterator[str]:
    """A queue encrypted by the key, subscribed to a topic without encryption; its URL."""
    sqs, sns = client("sqs"), client("sns")
    attributes = {
        "KmsMasterKeyId": key.arn,
        "Policy": policy(
            allow(
                "sqs:SendMessage",
                resource=f"arn:aws:sqs:{REGION}:{ACCOUNT}:{NAME}",
                Principal={"Service": "sns.amazonaws.com"},
            )
        ),
    }
    url: str = sqs.create_queue(QueueName=NAME, Attributes=attributes)["QueueUrl"]
    topic = sns.create_topic(Name="open")["TopicArn"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    yield url
    sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])
    sqs.delete_queue(QueueUrl=url)
    key.admits()


def test_sns_delivers_to_an_encrypted_queue_if_the_key_lets_it(
    client: Callable[[str], Any], key: Key, queue: str
) -> None:
    """The queue's policy is not enough, and neither is a right for another topic's sake."""
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:open"
    other = to_service("sns.amazonaws.com", *SEND, ArnEquals={"aws:SourceArn": f"{topic}-other"})
    own = to_service("sns.amazonaws.com", *SEND, ArnEquals={"aws:SourceArn": topic})
    for statements in ((), (other,), (to_service("sns.amazonaws.com", "kms:Decrypt"),)):
        key.admits(*statements)
        client("sns").publish(TopicArn=topic, Message="lost")
    key.admits(own)
    client("sns").publish(TopicArn=topic, Message="kept")
    messages = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    assert [json.loads(message["Body"])["Message"] for message in messages] == ["kept"]


@pytest.mark.parametrize("admitted", [False, True])
def test_what_sns_may_not_deliver_goes_to_the_dead_letter_queue_of_the_subscription(
    client: Callable[[str], Any], key: Key, queue: str, *, admitted: bool
) -> None:
    """If the key of that queue lets it."""
    sqs, sns = client("sqs"), client("sns")
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:open"
    other = Key(client)
    other.admits(*([to_service("sns.amazonaws.com", *SEND, ArnEquals={"aws:SourceArn": topic})] if admitted else []))
    attributes = {
        "KmsMasterKeyId": other.arn,
        "Policy": policy(allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"})),
    }
    url = sqs.create_queue(QueueName=f"dead-{admitted}", Attributes=attributes)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    subscription = sns.list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"][0]["SubscriptionArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn})
    sns.set_subscription_attributes(SubscriptionArn=subscription, AttributeName="RedrivePolicy", AttributeValue=redrive)
    key.admits()
    sns.publish(TopicArn=topic, Message="undeliverable")
    assert "Messages" not in sqs.receive_message(QueueUrl=queue)
    found = sqs.receive_message(QueueUrl=url).get("Messages", [])
    assert [json.loads(message["Body"])["Message"] for message in found] == ["undeliverable"] * admitted


def test_who_may_not_use_the_key_of_a_queue_neither_sends_nor_receives(key: Key, queue: str, user: User) -> None:
    """To receive takes the right to decrypt, to send both."""
    sqs = user.may(allow("sqs:*"))("sqs")
    assert refusal(sqs.receive_message, QueueUrl=queue)[0] == "KmsAccessDenied"
    sqs = user.may(allow("sqs:*"), allow("kms:Decrypt", resource=key.arn))("sqs")
    assert refusal(sqs.send_message, QueueUrl=queue, MessageBody="x")[0] == "KmsAccessDenied"
    sqs.receive_message(QueueUrl=queue)
    user.may(allow("sqs:*"), allow(*SEND, resource=key.arn))("sqs").send_message(QueueUrl=queue, MessageBody="x")


def is_told(client: Callable[[str], Any], name: str, attributes: dict[str, str]) -> bool:
    """Return whether a topic with such attributes hears of an alarm."""
    sns, sqs, cloudwatch = client("sns"), client("sqs"), client("cloudwatch")
    topic = sns.create_topic(Name=name, Attributes=attributes)["TopicArn"]
    to_queue = allow("sqs:SendMessage", Principal={"Service": "sns.amazonaws.com"})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy(to_queue)})["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    watched = {"Namespace": "Test", "MetricName": "M", "Statistic": "Sum", "Period": 60}
    rule = {"EvaluationPeriods": 1, "Threshold": 1.0, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName=name, AlarmActions=[topic], **watched, **rule)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    cloudwatch.delete_alarms(AlarmNames=[name])
    return bool(sqs.receive_message(QueueUrl=url).get("Messages"))


def test_an_alarm_tells_an_encrypted_topic_if_the_key_lets_it(client: Callable[[str], Any], key: Key) -> None:
    """A key that AWS manages never does: its policy cannot be changed."""
    encrypted = {"KmsMasterKeyId": key.arn}
    key.admits()
    assert not is_told(client, "encrypted-without", encrypted)
    assert not is_told(client, "encrypted-by-aws", {"KmsMasterKeyId": "alias/aws/sns"})
    key.admits(to_service("cloudwatch.amazonaws.com", *SEND))
    assert is_told(client, "encrypted-with", encrypted)
    key.admits()


@pytest.mark.parametrize("admitted", [False, True])
def test_a_log_group_is_encrypted_if_the_key_lets_cloudwatch_logs(
    client: Callable[[str], Any], key: Key, eventually: Callable[..., Any], *, admitted: bool
) -> None:
    """Otherwise the stack fails."""
    condition = {"kms:EncryptionContext:aws:logs:arn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/app/*"}
    actions = ("kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*")
    statement = to_service(f"logs.{REGION}.amazonaws.com", *actions, ArnLike=condition)
    key.admits(*([statement] if admitted else []))
    properties = {"LogGroupName": f"/app/{admitted}", "KmsKeyId": key.arn}
    template = {"Resources": {"Group": {"Type": "AWS::Logs::LogGroup", "Properties": properties}}}
    cloudformation, name = client("cloudformation"), f"logs-{admitted}"
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    end = "CREATE_COMPLETE" if admitted else "ROLLBACK_COMPLETE"
    eventually(lambda: cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == end)
    key.admits()
