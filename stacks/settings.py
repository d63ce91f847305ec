"""What a team decides about its endpoints: frozen dataclasses that refuse what AWS would refuse, at synth, in one line.

The groups of settings that belong to one construct lie beside it in :mod:`constructs_lib`; the values of each stage are
in :mod:`stacks.stages`.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING, Final

from aws_cdk.region_info import RegionInfo

from async_inference.configuration import Limits, Prefixes
from async_inference.limits import (
    DEFAULT_INVOCATION_TIMEOUT_SECONDS,
    DEFAULT_REQUEST_TTL_SECONDS,
    INVOCATION_TIMEOUT_SECONDS,
    MAX_CONCURRENT_INVOCATIONS_PER_INSTANCE,
    REQUEST_TTL_SECONDS,
)
from constructs_lib.alarm_settings import AlarmSettings
from constructs_lib.checks import (
    SettingError,
    require_match,
    require_names,
    require_positive,
    require_tags,
    require_type,
    require_within,
)
from constructs_lib.container_image import ContainerImage
from constructs_lib.encryption import CustomerManagedKey
from constructs_lib.instance_types import has_local_storage, known_instance_types
from constructs_lib.model import ContainerModel, HuggingFaceModel, ModelSource
from constructs_lib.notifications import CONSUMER_PATTERN
from constructs_lib.payload_store import BUCKET_NAME_PATTERN, InputBucket, RetentionSettings
from constructs_lib.polling_function import PollingFunctionSettings
from constructs_lib.scaling_settings import ScalingSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

_STAGE_PATTERN: Final = r"[a-z][a-z0-9]{0,31}"
_ENDPOINT_PATTERN: Final = r"[a-z][a-z0-9]*(-[a-z0-9]+)*"
_MAX_INPUT_BUCKETS: Final = 5  # an IAM policy has 6,144 characters
_MAX_CONSUMERS: Final = 10  # the configuration has to fit into a parameter of 4 KB
_PREFIX_PATTERN: Final = r"([a-zA-Z0-9_-]+/)+"
_MAX_PREFIX_LENGTH: Final = 400  # S3OutputPath has 512 characters for bucket and prefix
_INSTANCE_TYPE_PATTERN: Final = r"ml\.(?!t2\.|inf1\.)[a-z0-9-]+\.[a-z0-9-]+"
_INSTANCE_TYPE: Final = "ml.<family>.<size> of a family other than t2 and inf1"
_CPU_INSTANCE_PATTERN: Final = r"ml\.[cmr]\d(?!g)[a-z0-9-]*\.[a-z0-9-]+"
_CPU_INSTANCE: Final = "a c, m or r family of x86 for the Hugging Face image for CPU"
_MAX_FALLBACK_INSTANCE_TYPES: Final = 4  # InstancePools has five
_REGION_PATTERN: Final = r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}"
_ROLE_BOUNDARY_PATTERN: Final = r"arn:aws[a-z-]*:iam::\d{12}:policy/[\w+=,.@/-]{1,640}"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointSettings:
    """One asynchronous endpoint; each becomes a stack of its own.

    Attributes:
        name: Part of the stack's name and of the parameter's; at most 32 characters.
        model: What answers the requests.
        instance_type: Such as ``ml.g5.xlarge``. Burstable ``ml.t2`` instances cannot be scaled, ``ml.inf1`` has no
            asynchronous inference.
        fallback_instance_types: What to take instead while AWS has no instance of ``instance_type``, the most wanted
            first; at most 4, each once, of the same kinds. The model has to run on each of them, about as fast as on
            the others: scaling counts an instance as one whatever its type. Each needs a quota of its own; to change
            them takes two deployments, as to change ``instance_type``. With a customer's key either all types have
            local storage or none has. docs/scaling.md says more.
        instance_types_before: The types that are deployed, ``instance_type`` first, while any of them is being changed;
            docs/updates.md says how.
        max_job_seconds: The longest that the model may work on a request, 1 to 3,600. Clients send it with each request
            and the model server's own time-outs follow it.
        request_ttl_seconds: The longest that a request may wait in the queue, 60 to 21,600.
        max_concurrent_invocations_per_instance: Requests that a container is sent at a time, 1 to 1,000. More than the
            model can work on at once lets them time out inside the container.
        network_isolation: Cut the container off from every network. Not for a model that the container fetches.
        scaling: How the number of instances follows the queue.
        retention: How long inputs, outputs and failures are kept.
        prefixes: Where in the bucket they lie; each ends with a slash, none lies within another.
        consumers: Who has a queue of notifications of its own, 1 to 10 names.
        polling_function: Size of the Lambda function.
        alarms: When somebody is told that the endpoint needs help, and where.
        price_per_instance_hour: Of ``instance_type``, above 0; with it the dashboard shows an estimate of the cost.
            It is one price, at which hours of ``fallback_instance_types`` are counted too.
        customer_managed_key: Encrypt everything with a key that the account owns; with keys of AWS if left out. A
            production stage has to have one.
        bucket_name: The bucket that a deleted stack has left behind, instead of a new one; docs/data.md says how.
        input_buckets: Other buckets in which inputs lie, at most 5.
    """

    name: str
    model: ModelSource
    instance_type: str
    fallback_instance_types: tuple[str, ...] = ()
    instance_types_before: tuple[str, ...] = ()
    max_job_seconds: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS
    request_ttl_seconds: int = DEFAULT_REQUEST_TTL_SECONDS
    max_concurrent_invocations_per_instance: int = 1
    network_isolation: bool = False
    scaling: ScalingSettings = field(default_factory=ScalingSettings)
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    prefixes: Prefixes = field(default_factory=Prefixes)
    consumers: tuple[str, ...] = ("default",)
    polling_function: PollingFunctionSettings = field(default_factory=PollingFunctionSettings)
    alarms: AlarmSettings = field(default_factory=AlarmSettings)
    price_per_instance_hour: float | None = None
    customer_managed_key: CustomerManagedKey | None = None
    bucket_name: str | None = None
    input_buckets: tuple[InputBucket, ...] = ()

    def __post_init__(self) -> None:
        require_match(
            self,
            "name",
            _ENDPOINT_PATTERN,
            "lower-case letters, digits and single dashes, starting with a letter, at most 32 characters",
            max_length=32,
        )
        require_type(self, "model", ContainerModel, HuggingFaceModel)
        self._check_instance_types(_INSTANCE_TYPE_PATTERN, _INSTANCE_TYPE)
        require_within(self, "max_job_seconds", INVOCATION_TIMEOUT_SECONDS, "seconds")
        require_within(self, "request_ttl_seconds", REQUEST_TTL_SECONDS, "seconds")
        require_within(
            self, "max_concurrent_invocations_per_instance", MAX_CONCURRENT_INVOCATIONS_PER_INSTANCE, "requests"
        )
        require_type(self, "network_isolation", bool)
        require_type(self, "scaling", ScalingSettings)
        require_type(self, "retention", RetentionSettings)
        require_type(self, "polling_function", PollingFunctionSettings)
        require_type(self, "alarms", AlarmSettings)
        if self.price_per_instance_hour is not None:
            require_positive(self, "price_per_instance_hour")
        require_names(self, "consumers", CONSUMER_PATTERN, "lower-case letters and digits, at most 16", _MAX_CONSUMERS)
        self._check_prefixes()
        self._check_data()
        self.scaling.require_safe(
            max_job_seconds=self.max_job_seconds,
            request_ttl_seconds=self.request_ttl_seconds,
            concurrency=self.max_concurrent_invocations_per_instance,
        )
        if isinstance(self.model, HuggingFaceModel):
            self._check_fetched_model()

    @property
    def limits(self) -> Limits:
        """How long requests may wait and take, as clients are told."""
        return Limits(max_job_seconds=self.max_job_seconds, request_ttl_seconds=self.request_ttl_seconds)

    @property
    def instance_types(self) -> tuple[str, ...]:
        """The types that an instance may have, the most wanted first."""
        return self.instance_type, *self.fallback_instance_types

    def _check_instance_types(self, pattern: str, allowed: str) -> None:
        fallback = "fallback_instance_types"
        require_match(self, "instance_type", pattern, allowed)
        require_names(self, fallback, pattern, allowed, _MAX_FALLBACK_INSTANCE_TYPES, least=0)
        if self.instance_type in self.fallback_instance_types:
            raise SettingError(self, fallback, self.fallback_instance_types, "types other than instance_type")
        before = "instance_types_before"
        # Whatever the new model needs, this is what the old one has.
        require_names(self, before, _INSTANCE_TYPE_PATTERN, _INSTANCE_TYPE, _MAX_FALLBACK_INSTANCE_TYPES + 1, least=0)
        if self.instance_types_before == self.instance_types:
            raise SettingError(
                self,
                before,
                self.instance_types_before,
                "other types than those that it changes to: take it out once they are deployed",
            )
        named = (
            dict.fromkeys(self.instance_types_before, before)
            | dict.fromkeys(self.fallback_instance_types, fallback)
            | {self.instance_type: "instance_type"}
        )
        for instance_type, name in named.items():
            if instance_type not in known_instance_types():
                raise SettingError(self, name, instance_type, "a type that the installed boto3 knows: is it misspelt?")

    def _check_fetched_model(self) -> None:
        self._check_instance_types(_CPU_INSTANCE_PATTERN, _CPU_INSTANCE)
        if self.network_isolation:
            raise SettingError(
                self, "network_isolation", value=True, allowed="False for a model that is fetched at launch"
            )

    def _check_data(self) -> None:
        require_type(self, "customer_managed_key", CustomerManagedKey, type(None))
        kinds = {has_local_storage(one) for one in self.instance_types}
        if self.customer_managed_key is not None and len(kinds) > 1:
            raise SettingError(
                self,
                "fallback_instance_types",
                self.fallback_instance_types,
                "types with local storage if instance_type has it, else without: the customer's key is for the latter",
            )
        if self.bucket_name is not None:
            require_match(self, "bucket_name", BUCKET_NAME_PATTERN, "a bucket's name")
        require_type(self, "input_buckets", tuple)
        others = {type(bucket) for bucket in self.input_buckets} - {InputBucket}
        if others or len(self.input_buckets) > _MAX_INPUT_BUCKETS:
            raise SettingError(
                self, "input_buckets", self.input_buckets, f"a tuple of at most {_MAX_INPUT_BUCKETS} InputBucket"
            )

    def _check_prefixes(self) -> None:
        require_type(self, "prefixes", Prefixes)
        for name in self.prefixes.__slots__:
            require_match(
                self.prefixes,
                name,
                _PREFIX_PATTERN,
                "a path of letters, digits, dashes and underscores that ends with a slash, at most 400 characters",
                max_length=_MAX_PREFIX_LENGTH,
            )
        prefixes = astuple(self.prefixes)
        if any(one.startswith(other) for one, other in permutations(prefixes, 2)):
            raise SettingError(self, "prefixes", prefixes, "prefixes of which none lies within another")


@dataclass(frozen=True, kw_only=True, slots=True)
class StageSettings:
    """One deployment of all endpoints, such as development or production.

    Attributes:
        name: Part of the stacks' names and of the parameters'; at most 32 letters and digits.
        endpoints: The endpoints, at least one.
        production: Data outlives the stacks, stacks are protected against deletion, and the rules of NIST 800-53 are
            checked beside the others. Models must not be fetched at launch; data must be encrypted with a key of the
            customer, and the function's concurrency bounded.
        account: Where to deploy; the credentials' own account if left out.
        region: Where to deploy; the credentials' own region if left out.
        permissions_boundary_arn: A policy that bounds every role, where an organisation demands one.
        tags: The team's own, such as ``{"cost-centre": "4711"}``, on every resource that takes tags, beside
            ``async-inference:stage`` and ``async-inference:endpoint``; at most 47. Keys have 1 to 128 characters and
            begin neither with ``aws:`` nor with ``async-inference:``, values have up to 256: letters, digits, spaces
            and ``_.:/=+-@``.
    """

    name: str
    endpoints: tuple[EndpointSettings, ...]
    production: bool = False
    account: str | None = None
    region: str | None = None
    permissions_boundary_arn: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # No dash: stage "prod-eu" with endpoint "ocr" would have the stack of stage "prod" with endpoint "eu-ocr".
        require_match(self, "name", _STAGE_PATTERN, "lower-case letters and digits, starting with a letter, at most 32")
        require_type(self, "production", bool)
        self._check_endpoints()
        if self.account is not None:
            require_match(self, "account", r"\d{12}", "text of 12 digits")
        if self.region is not None:
            require_match(self, "region", _REGION_PATTERN, "a region such as eu-west-1")
            for endpoint in self.endpoints:
                self._check_registry(endpoint, self.region)
        if self.permissions_boundary_arn is not None:
            require_match(
                self, "permissions_boundary_arn", _ROLE_BOUNDARY_PATTERN, "arn:aws:iam::<account>:policy/<name>"
            )
        require_tags(self, "tags", reserved="async-inference:")

    def _check_endpoints(self) -> None:
        require_type(self, "endpoints", tuple)
        if {type(endpoint) for endpoint in self.endpoints} - {EndpointSettings}:
            raise SettingError(self, "endpoints", self.endpoints, "a tuple of EndpointSettings")
        names = [endpoint.name for endpoint in self.endpoints]
        if not names or len(set(names)) != len(names):
            raise SettingError(self, "endpoints", names, "at least one endpoint, each name once")
        if self.production:
            for endpoint in self.endpoints:
                self._check_production(endpoint)

    def _check_production(self, endpoint: EndpointSettings) -> None:
        obstacles = {
            f"{endpoint.name}'s model is fetched at launch": isinstance(endpoint.model, HuggingFaceModel),
            f"{endpoint.name} has no customer_managed_key": endpoint.customer_managed_key is None,
            f"{endpoint.name}'s polling_function has no reserved_concurrency": (
                endpoint.polling_function.reserved_concurrency is None
            ),
        }
        for obstacle, found in obstacles.items():
            if found:
                raise SettingError(self, "production", value=True, allowed=f"False while {obstacle}")

    def _check_registry(self, endpoint: EndpointSettings, region: str) -> None:
        """Require that the region has the endpoint's image: SageMaker pulls from no other."""
        if isinstance(endpoint.model, ContainerModel):
            allowed = ContainerImage.from_uri(endpoint.model.image_uri).region
            if region != allowed:
                raise SettingError(self, "region", region, f"{allowed}, where the image of {endpoint.name} is")
        elif RegionInfo.get(region).dlc_repository_account is None:
            raise SettingError(self, "region", region, f"one with deep-learning containers, for {endpoint.name}")
