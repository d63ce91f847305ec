"""Models and endpoint configurations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError

from local_cloud.errors import AwsError
from local_cloud.json_api import JsonApi
from local_cloud.ministack_kms import Keys
from local_cloud.sagemaker.execution_roles import ExecutionRoles
from local_cloud.sagemaker.listing import page
from local_cloud.sagemaker.model_operations import ModelOperations
from local_cloud.sagemaker.registry import Registry
from local_cloud.sagemaker.tags import Tags
from local_cloud.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.aws_clients import AwsClients
    from local_cloud.clock import SimulatedClock
    from local_cloud.ministack_iam import Identities
    from local_cloud.sagemaker.resources import Model

SCOPE = Scope("000000000000", "us-east-1")
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/image:1"
MODEL = {
    "ModelName": "m",
    "ExecutionRoleArn": "arn:aws:iam::000000000000:role/execution",
    "PrimaryContainer": {"Image": IMAGE},
}
VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
SERVERLESS = {
    "VariantName": "AllTraffic",
    "ModelName": "m",
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
}
POOLED = {
    "VariantName": "AllTraffic",
    "ModelName": "m",
    "InitialInstanceCount": 1,
    "InstancePools": [
        {"InstanceType": "ml.m5.large", "Priority": 1},
        {"InstanceType": "ml.inf1.2xlarge", "Priority": 2},
    ],
}
MANAGED = {"ManagedInstanceScaling": {"Status": "ENABLED", "MinInstanceCount": 0, "MaxInstanceCount": 2}}
DATA_CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": "s3://bucket/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
CONFIG = {
    "EndpointConfigName": "c",
    "ProductionVariants": [VARIANT],
    "AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://bucket/output"}},
}


class Bucket:
    """Knows some objects."""

    def __init__(self, *uris: str) -> None:
        self._uris = uris

    async def call(self, _scope: object, _service: str, operation: str, **members: Any) -> dict[str, int]:  # noqa: ANN401
        """Perform HeadObject or ListObjectsV2."""
        if operation == "list_objects_v2":
            prefix = f"s3://{members['Bucket']}/{members['Prefix']}"
            return {"KeyCount": sum(uri.startswith(prefix) for uri in self._uris)}
        if f"s3://{members['Bucket']}/{members['Key']}" not in self._uris:
            raise ClientError({"Error": {"Code": "404"}}, "HeadObject")
        return {}


@pytest.fixture
def call(clock: SimulatedClock, finish: Callable[..., Any], identities: Identities) -> Callable[..., Any]:
    """Performs an operation by name."""
    tags = Tags()
    clients = cast("AwsClients", Bucket("s3://models/there.tar.gz", "s3://models/folder/weights"))
    roles = ExecutionRoles(identities, clients, Keys(identities, lambda: SCOPE))
    models: Registry[Model] = Registry("model")
    operations = ModelOperations(clock, models, Registry("endpoint-config"), tags, roles).operations()
    api = JsonApi("sagemaker", operations | tags.operations())
    return lambda name, members, scope=SCOPE: finish(api.call(scope, name, members))


def test_a_model_is_described_as_it_was_created(call: Callable[..., Any]) -> None:
    """The description has the definition, the ARN and the moment."""
    arn = "arn:aws:sagemaker:us-east-1:000000000000:model/m"
    assert {"ModelArn": arn} == call("CreateModel", MODEL)
    assert MODEL | {"ModelArn": arn, "CreationTime": 1000.0} == call("DescribeModel", {"ModelName": "m"})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"InstanceType": "ml.m5.large"}, "Only one of InstanceType and InstancePools"),
        (
            {"InstancePools": [{"InstanceType": f"ml.m5.{size}", "Priority": 1} for size in ("large", "xlarge")]},
            "unique",
        ),
    ],
)
def test_pools_are_instead_of_an_instance_type_and_have_an_order(
    call: Callable[..., Any], changed: dict[str, Any], message: str
) -> None:
    """A variant with both, and pools of equal priority, are refused."""
    pools = {"InstancePools": [{"InstanceType": "ml.m5.large", "Priority": 1}]}
    variant = {name: value for name, value in VARIANT.items() if name != "InstanceType"} | pools | changed
    with pytest.raises(AwsError, match=message):
        call("CreateEndpointConfig", CONFIG | {"ProductionVariants": [variant]})


def test_names_are_unique_within_a_region(call: Callable[..., Any]) -> None:
    """Another region has names of its own."""
    call("CreateModel", MODEL)
    there = {"PrimaryContainer": {"Image": IMAGE.replace("us-east-1", "eu-west-1")}}
    call("CreateModel", MODEL | there, Scope("000000000000", "eu-west-1"))
    with pytest.raises(AwsError, match="Cannot create already existing model"):
        call("CreateModel", MODEL)


def test_a_model_that_is_not_there_is_named(call: Callable[..., Any]) -> None:
    """The message is SageMaker's."""
    with pytest.raises(AwsError, match='Could not find model "arn:aws:sagemaker:us-east-1:000000000000:model/m"'):
        call("DescribeModel", {"ModelName": "m"})


@pytest.mark.parametrize("missing", ["ExecutionRoleArn", "PrimaryContainer"])
def test_a_model_needs_role_and_image(call: Callable[..., Any], missing: str) -> None:
    """The service model does not require them, the service does."""
    with pytest.raises(AwsError) as refusal:
        call("CreateModel", {name: value for name, value in MODEL.items() if name != missing})
    assert refusal.value.code == "ValidationException"


def test_a_role_that_sagemaker_may_not_assume_is_refused(call: Callable[..., Any]) -> None:
    """CreateModel looks at once, not when the first instance starts."""
    role = "arn:aws:iam::000000000000:role/missing"
    with pytest.raises(AwsError, match=f"Could not assume role {role}"):
        call("CreateModel", MODEL | {"ExecutionRoleArn": role})


def test_an_artefact_has_to_be_there(call: Callable[..., Any]) -> None:
    """The message is the one that users know."""
    there, missing = (
        MODEL | {"PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": f"s3://models/{name}.tar.gz"}}
        for name in ("there", "missing")
    )
    call("CreateModel", there)
    with pytest.raises(AwsError, match=r"Could not access model data at s3://models/missing\.tar\.gz"):
        call("CreateModel", missing | {"ModelName": "other"})


def data_source(uri: str, data_type: str = "S3Prefix", compression: str = "None") -> dict[str, Any]:
    """Return where the files of a model lie."""
    source = {"S3Uri": uri, "S3DataType": data_type, "CompressionType": compression}
    return {"ModelDataSource": {"S3DataSource": source}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"Containers": [{"Image": IMAGE}]}, "Exactly one of PrimaryContainer and Containers"),
        ({"PrimaryContainer": None}, "Exactly one of PrimaryContainer and Containers"),
        ({"PrimaryContainer": {"Environment": {"A": "1"}}}, "has no Image"),
        ({"PrimaryContainer": {"Image": "nginx"}}, 'Using non-ECR image "nginx" without Vpc repository access mode'),
        (
            {"PrimaryContainer": {"Image": IMAGE.replace("us-east-1", "eu-west-1")}},
            "does not match expected region of us-east-1",
        ),
        (
            {
                "PrimaryContainer": {"Image": IMAGE, "ModelDataUrl": "s3://models/there.tar.gz"}
                | data_source("s3://models/")
            },
            "Only one of ModelDataUrl and ModelDataSource",
        ),
        ({"PrimaryContainer": {"Image": IMAGE} | data_source("s3://models/there")}, "must end with a forward slash"),
        ({"PrimaryContainer": {"Image": IMAGE} | data_source("s3://models/a/", compression="Gzip")}, "is an S3Object"),
        ({"PrimaryContainer": {"Image": IMAGE} | data_source("s3://models/a/")}, "Could not access model data at s3:"),
    ],
)
def test_models_that_sagemaker_refuses_are_refused(
    call: Callable[..., Any], change: dict[str, Any], message: str
) -> None:
    """What contradicts itself, cannot be pulled or is not there makes no model."""
    with pytest.raises(AwsError, match=message) as refusal:
        call("CreateModel", MODEL | change)
    assert refusal.value.code == "ValidationException"


@pytest.mark.parametrize(
    "container",
    [
        {"Image": IMAGE.partition(":")[0]},
        {"Image": "nginx", "ImageConfig": {"RepositoryAccessMode": "Vpc"}},
        {"Image": IMAGE} | data_source("s3://models/folder/"),
        {"Image": IMAGE} | data_source("s3://models/there.tar.gz", "S3Object"),
        {"Image": IMAGE} | data_source("s3://models/there.tar.gz", "S3Object", "Gzip"),
    ],
)
def test_images_and_artefacts_of_every_kind_are_taken(call: Callable[..., Any], container: dict[str, Any]) -> None:
    """An image without a tag, one of a registry in the network, a prefix, an object and an archive."""
    assert call("CreateModel", MODEL | {"PrimaryContainer": container})


def test_a_configuration_needs_its_model(call: Callable[..., Any]) -> None:
    """A configuration of nothing is refused."""
    with pytest.raises(AwsError, match="Could not find model"):
        call("CreateEndpointConfig", CONFIG)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ProductionVariants": [VARIANT, VARIANT | {"VariantName": "Other"}]}, "more than one production variant"),
        ({"ProductionVariants": [VARIANT | {"InitialInstanceCount": 0}]}, "greater than or equal to 1"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3FailurePath": "s3://b/f"}}}, "S3OutputPath is required"),
        ({"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "m"}]}, "InstanceType and Initial"),
        ({"ProductionVariants": [SERVERLESS]}, "not supported with ServerlessConfig"),
        ({"DataCaptureConfig": DATA_CAPTURE}, "not supported with DataCaptureConfig"),
        ({"ShadowProductionVariants": [VARIANT]}, "not supported with ShadowProductionVariants"),
        ({"ProductionVariants": [VARIANT | {"InstanceType": "ml.inf1.xlarge"}]}, "not supported with ml.inf1.xlarge"),
        ({"ProductionVariants": [POOLED]}, "not supported with ml.inf1.2xlarge"),
        ({"ProductionVariants": [VARIANT | MANAGED]}, "not supported with ManagedInstanceScaling"),
    ],
)
def test_configurations_that_sagemaker_refuses_are_refused(
    call: Callable[..., Any], change: dict[str, Any], message: str
) -> None:
    """Two variants, no instance and no output path are impossible for asynchronous inference."""
    call("CreateModel", MODEL)
    with pytest.raises(AwsError, match=message):
        call("CreateEndpointConfig", CONFIG | change)


@pytest.mark.parametrize(
    "containers",
    [
        {"Containers": [{"Image": IMAGE}, {"Image": IMAGE}], "PrimaryContainer": None},
        {"PrimaryContainer": {"Image": IMAGE, "Mode": "MultiModel"}},
    ],
)
def test_pipelines_and_multi_model_endpoints_are_not_asynchronous(
    call: Callable[..., Any], containers: dict[str, Any]
) -> None:
    """One model in one container is."""
    call("CreateModel", MODEL | containers)
    with pytest.raises(AwsError, match="not supported with multi-model endpoints and inference pipelines"):
        call("CreateEndpointConfig", CONFIG)


def test_listings_are_newest_first_and_paged(call: Callable[..., Any]) -> None:
    """The token leads to the next page."""
    for name in ("a", "b", "c"):
        call("CreateModel", MODEL | {"ModelName": name})
    first = call("ListModels", {"MaxResults": 2})
    second = call("ListModels", {"MaxResults": 2, "NextToken": first["NextToken"]})
    assert [model["ModelName"] for model in first["Models"]] == ["c", "b"]
    assert [model["ModelName"] for model in second["Models"]] == ["a"]
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["b", "Ab", "a"]),
        ({"SortOrder": "Ascending"}, ["a", "Ab", "b"]),
        ({"SortBy": "Name", "SortOrder": "Ascending"}, ["Ab", "a", "b"]),
        ({"SortBy": "Name"}, ["b", "a", "Ab"]),
        ({"NameContains": "b"}, ["b", "Ab"]),
        ({"CreationTimeAfter": 1_060.0}, ["b", "Ab"]),
        ({"CreationTimeBefore": 1_060.0}, ["a"]),
        ({"CreationTimeAfter": 1_060.0, "CreationTimeBefore": 1_120.0}, ["Ab"]),
    ],
)
def test_listings_are_filtered_and_sorted_as_asked(asked: dict[str, Any], expected: list[str]) -> None:
    """By name, by creation, in either order; the moment named after is included, the one before is not."""
    summaries = [
        {"ModelName": name, "CreationTime": 1_000.0 + 60 * minute} for minute, name in enumerate(("a", "Ab", "b"))
    ]
    assert [summary["ModelName"] for summary in page("Model", summaries, asked)["Models"]] == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"StatusEquals": "Failed"}, ["b"]),
        ({"SortBy": "Status", "SortOrder": "Ascending"}, ["b", "a"]),
        ({"LastModifiedTimeAfter": 1_060.0}, ["b"]),
        ({"LastModifiedTimeBefore": 1_060.0}, ["a"]),
    ],
)
def test_endpoints_are_listed_by_status_and_change_as_well(asked: dict[str, Any], expected: list[str]) -> None:
    """Models and configurations have neither."""
    summaries = [
        {
            "EndpointName": name,
            "CreationTime": 1_000.0,
            "LastModifiedTime": 1_000.0 + 60 * minute,
            "EndpointStatus": status,
        }
        for minute, (name, status) in enumerate((("a", "InService"), ("b", "Failed")))
    ]
    assert [summary["EndpointName"] for summary in page("Endpoint", summaries, asked)["Endpoints"]] == expected


@pytest.mark.parametrize(
    ("operation", "members"), [("AddTags", {"Tags": []}), ("ListTags", {}), ("DeleteTags", {"TagKeys": ["a"]})]
)
def test_what_does_not_exist_has_no_tags(call: Callable[..., Any], operation: str, members: dict[str, Any]) -> None:
    """Neither what never was nor what is gone."""
    arn = call("CreateModel", MODEL)["ModelArn"]
    call(operation, {"ResourceArn": arn} | members)
    call("DeleteModel", {"ModelName": "m"})
    with pytest.raises(AwsError, match=f'Could not find resource "{arn}"') as refusal:
        call(operation, {"ResourceArn": arn} | members)
    assert refusal.value.code == "ValidationException"


@pytest.mark.parametrize("operation", ["AddTags", "ListTags", "DeleteTags"])
@pytest.mark.parametrize(
    ("arn", "code"),
    [
        ("arn:aws:sagemaker:us-east-1:000000000000:model/unknown", "ValidationException"),
        ("arn:aws:sagemaker:eu-west-1:000000000000:model/m", "ValidationException"),
        ("arn:aws:sagemaker:us-east-1:999999999999:model/m", "AccessDeniedException"),
    ],
)
def test_tags_belong_to_what_exists_in_the_callers_account_and_region(
    call: Callable[..., Any], operation: str, arn: str, code: str
) -> None:
    """Nobody reads, adds or takes away the tags of others, or of nothing."""
    call("CreateModel", MODEL)
    optional: dict[str, dict[str, Any]] = {
        "AddTags": {"Tags": [{"Key": "a", "Value": "1"}]},
        "DeleteTags": {"TagKeys": ["a"]},
    }
    with pytest.raises(AwsError) as refused:
        call(operation, {"ResourceArn": arn, **optional.get(operation, {})})
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("tags", "reason"),
    [
        ([{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}], "given once"),
        ([{"Key": "aws:owner", "Value": "1"}], "reserved"),
        ([{"Key": f"b{number}", "Value": "1"} for number in range(50)], "51 tags"),
    ],
)
def test_tags_that_no_resource_may_have_are_refused(
    call: Callable[..., Any], tags: list[dict[str, str]], reason: str
) -> None:
    """Two of a key, one of AWS's own, or the 51st; what was there stays as it was."""
    arn = call("CreateModel", MODEL | {"Tags": [{"Key": "a", "Value": "1"}]})["ModelArn"]
    with pytest.raises(AwsError, match=reason):
        call("AddTags", {"ResourceArn": arn, "Tags": tags})
    assert call("ListTags", {"ResourceArn": arn}) == {"Tags": [{"Key": "a", "Value": "1"}]}


def test_nothing_is_created_with_tags_that_are_refused(call: Callable[..., Any]) -> None:
    """The name stays free."""
    with pytest.raises(AwsError, match="reserved"):
        call("CreateModel", MODEL | {"Tags": [{"Key": "aws:a", "Value": "1"}]})
    call("CreateModel", MODEL)


def test_tags_of_a_deleted_resource_are_gone(call: Callable[..., Any]) -> None:
    """Its successor of the same name begins without any, and until then there is nothing to tag."""
    arn = call("CreateModel", MODEL | {"Tags": [{"Key": "a", "Value": "1"}]})["ModelArn"]
    call("DeleteModel", {"ModelName": "m"})
    with pytest.raises(AwsError, match="Could not find"):
        call("ListTags", {"ResourceArn": arn})
    call("CreateModel", MODEL)
    assert call("ListTags", {"ResourceArn": arn}) == {"Tags": []}


def test_an_arn_finds_its_tags_in_any_case(call: Callable[..., Any]) -> None:
    """As its name does."""
    arn = call("CreateModel", MODEL | {"Tags": [{"Key": "a", "Value": "1"}]})["ModelArn"]
    upper = arn.replace(":model/m", ":model/M")
    assert call("ListTags", {"ResourceArn": upper}) == {"Tags": [{"Key": "a", "Value": "1"}]}


def test_tags_are_kept_by_arn(call: Callable[..., Any]) -> None:
    """Tags of the creation, added ones and deleted ones."""
    arn = call("CreateModel", MODEL | {"Tags": [{"Key": "a", "Value": "1"}]})["ModelArn"]
    call("AddTags", {"ResourceArn": arn, "Tags": [{"Key": "b", "Value": "2"}]})
    call("DeleteTags", {"ResourceArn": arn, "TagKeys": ["a"]})
    assert call("ListTags", {"ResourceArn": arn}) == {"Tags": [{"Key": "b", "Value": "2"}]}


def test_an_unknown_operation_is_named(call: Callable[..., Any]) -> None:
    """Whoever needs more than there is learns what."""
    with pytest.raises(AwsError, match="does not implement sagemaker CreateTrainingJob"):
        call("CreateTrainingJob", {})
