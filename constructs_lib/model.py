"""The model: where its container and its weights come from, and the role it works under."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from aws_cdk import Arn, ArnComponents, ArnFormat, Stack
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from async_inference.limits import MAX_PAYLOAD_BYTES
from constructs_lib.checks import SettingError, require_match, require_type
from constructs_lib.compliance import acknowledge
from constructs_lib.container_image import ECR_IMAGE_PATTERN, ContainerImage
from constructs_lib.deep_learning_containers import hugging_face_image
from constructs_lib.grants import allow
from constructs_lib.service_role import ServiceRole

_TIMEOUT_VARIABLES: Final = (
    "MMS_DEFAULT_RESPONSE_TIMEOUT",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS",
    "SAGEMAKER_TS_RESPONSE_TIMEOUT",
    "TS_DEFAULT_RESPONSE_TIMEOUT",
)
_SIZE_VARIABLES: Final = (
    "MMS_MAX_REQUEST_SIZE",
    "MMS_MAX_RESPONSE_SIZE",
    "SAGEMAKER_TS_MAX_REQUEST_SIZE",
    "SAGEMAKER_TS_MAX_RESPONSE_SIZE",
    "TS_MAX_REQUEST_SIZE",
    "TS_MAX_RESPONSE_SIZE",
)
_MAX_VARIABLES: Final = 100
_VARIABLE_PATTERN: Final = r"[a-zA-Z_][a-zA-Z0-9_]{0,1023}"
_MAX_VALUE_LENGTH: Final = 1_024
_ARTEFACT_PATTERN: Final = r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?P<key>[\w!.()/-]+\.tar\.gz)"


@dataclass(frozen=True, kw_only=True, slots=True)
class ContainerModel:
    """A container image of one's own, with or without weights of its own.

    Attributes:
        image_uri: An image in Amazon ECR, with a tag or a digest.
        artefact_uri: ``s3://…tar.gz``, unpacked into ``/opt/ml/model`` at every launch; in the endpoint's region.
        environment: Variables for the container. Those that set the model server's time-out and size limits follow
            from ``max_job_seconds`` and may not be given.
    """

    image_uri: str
    artefact_uri: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_match(
            self,
            "image_uri",
            ECR_IMAGE_PATTERN,
            "<account>.dkr.ecr.<region>.<suffix>/<repository>:<tag>",
            max_length=255,
        )
        if self.artefact_uri is not None:
            require_match(self, "artefact_uri", _ARTEFACT_PATTERN, "s3://<bucket>/<key>.tar.gz", max_length=1_024)
        _require_environment(self)


@dataclass(frozen=True, kw_only=True, slots=True)
class HuggingFaceModel:
    """A model of the Hugging Face Hub on the region's AWS deep-learning container, for CPU instances.

    The container fetches the model at every launch: right for trying things out, and refused for production.

    Attributes:
        model_id: Such as ``distilbert/distilbert-base-uncased-finetuned-sst-2-english``.
        task: The pipeline's task, such as ``text-classification``.
        environment: As for :class:`ContainerModel`.
    """

    model_id: str
    task: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_match(self, "model_id", r"([\w.-]+/)?[\w.-]+", "<owner>/<model>", max_length=96)
        require_match(self, "task", r"[a-z][a-z0-9-]*", "a task such as text-classification", max_length=64)
        _require_environment(self)


ModelSource: TypeAlias = ContainerModel | HuggingFaceModel


class Model(Construct):
    """A SageMaker model and its execution role, which may pull the image, read the artefact and write logs and metrics.

    Args:
        scope: The parent.
        construct_id: The name within it.
        source: The container and the weights.
        max_job_seconds: The longest that the model may work on a request; the model server's own time-outs follow it.
        network_isolation: Cut the container off from every network.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, source: ModelSource, max_job_seconds: int, network_isolation: bool
    ) -> None:
        super().__init__(scope, construct_id)
        self.role = _execution_role(self)
        image = _image(self, source)
        self._grant_pull(image)
        self._grant_logs_and_metrics()
        artefact_uri = source.artefact_uri if isinstance(source, ContainerModel) else None
        if artefact_uri is not None:
            self._grant_read_artefact(artefact_uri)
        self.resource = sagemaker.CfnModel(
            self,
            "Model",
            execution_role_arn=self.role.role.role_arn,
            enable_network_isolation=network_isolation,
            primary_container=sagemaker.CfnModel.ContainerDefinitionProperty(
                image=image.uri, model_data_url=artefact_uri, environment=_environment(source, max_job_seconds)
            ),
        )

        if not network_isolation:
            acknowledge(
                self.resource,
                {
                    "CKV_AWS_370": "Network isolation is the endpoint's setting, and a container that fetches its model"
                    " at launch needs a network."
                },
            )

    @property
    def model_name(self) -> str:
        """The generated name."""
        return self.resource.attr_model_name

    def _grant_pull(self, image: ContainerImage) -> None:
        repository = Arn.format(
            ArnComponents(
                service="ecr",
                account=image.account,
                region=image.region,
                resource="repository",
                resource_name=image.repository,
            ),
            Stack.of(self),
        )
        allow(
            self.role.policy,
            ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            repository,
        )
        allow(
            self.role.policy,
            ["ecr:GetAuthorizationToken"],
            "*",
            wildcard="ecr:GetAuthorizationToken takes no resource.",
        )

    def _grant_logs_and_metrics(self) -> None:
        log_groups = Stack.of(self).format_arn(
            service="logs",
            resource="log-group",
            resource_name="/aws/sagemaker/Endpoints/*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(
            self.role.policy,
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            log_groups,
            wildcard="The log group has the endpoint's name, which is generated.",
        )
        allow(
            self.role.policy,
            ["cloudwatch:PutMetricData"],
            "*",
            wildcard="cloudwatch:PutMetricData takes no resource, and the namespaces of a container are its own.",
        )

    def _grant_read_artefact(self, artefact_uri: str) -> None:
        bucket_name, _, key = artefact_uri.removeprefix("s3://").partition("/")
        bucket = s3.Bucket.from_bucket_name(self, "ArtefactBucket", bucket_name)
        allow(self.role.policy, ["s3:GetObject"], bucket.arn_for_objects(key))
        allow(self.role.policy, ["s3:ListBucket"], bucket.bucket_arn)


def _execution_role(scope: Construct) -> ServiceRole:
    """Return the role that SageMaker works under, for this account's resources alone.

    The condition is the narrowest that SageMaker has for inference: the guide warns against the ARN of a model or
    endpoint (SageMaker developer guide, "Cross-service confused deputy prevention").
    """
    stack = Stack.of(scope)
    return ServiceRole(
        scope,
        "ExecutionRole",
        service="sagemaker.amazonaws.com",
        conditions={
            "StringEquals": {"aws:SourceAccount": stack.account},
            "ArnLike": {"aws:SourceArn": stack.format_arn(service="sagemaker", resource="*")},
        },
        description="SageMaker: runs the model, reads requests, stores and announces results",
    )


def _image(scope: Construct, source: ModelSource) -> ContainerImage:
    if isinstance(source, HuggingFaceModel):
        return hugging_face_image(Stack.of(scope))
    return ContainerImage.from_uri(source.image_uri)


def _environment(source: ModelSource, max_job_seconds: int) -> dict[str, str]:
    hugging_face = (
        {"HF_MODEL_ID": source.model_id, "HF_TASK": source.task} if isinstance(source, HuggingFaceModel) else {}
    )
    limits = dict.fromkeys(_TIMEOUT_VARIABLES, str(max_job_seconds)) | dict.fromkeys(
        _SIZE_VARIABLES, str(MAX_PAYLOAD_BYTES)
    )
    return dict(source.environment) | hugging_face | limits


def _require_environment(settings: ModelSource) -> None:
    require_type(settings, "environment", Mapping)
    own = {*_TIMEOUT_VARIABLES, *_SIZE_VARIABLES, "HF_MODEL_ID", "HF_TASK"}
    variables: Mapping[object, object] = dict(settings.environment.items())
    if len(variables) > _MAX_VARIABLES - len(own):
        raise SettingError(settings, "environment", len(variables), f"at most {_MAX_VARIABLES - len(own)} variables")
    for name, value in variables.items():
        if not isinstance(name, str) or re.fullmatch(_VARIABLE_PATTERN, name, re.ASCII) is None:
            raise SettingError(settings, "environment", name, "names of letters, digits and underscores")
        if name in own:
            raise SettingError(settings, f"environment[{name}]", value, "nothing: it follows from the other settings")
        if not isinstance(value, str) or len(value) > _MAX_VALUE_LENGTH:
            # The value may be a secret: what is shown is its type and length.
            shown = f"{type(value).__name__} of length {len(str(value))}"
            raise SettingError(
                settings, f"environment[{name}]", shown, f"text of at most {_MAX_VALUE_LENGTH} characters"
            )
