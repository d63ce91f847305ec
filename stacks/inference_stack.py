"""One stack per endpoint: composes the constructs and tells callers what they need to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import Annotations, CfnOutput, Environment, PermissionsBoundary, Stack
from aws_cdk import aws_ssm as ssm

from async_inference.configuration import Consumer, EndpointConfiguration, InputLocation, parameter_name
from constructs_lib.alarms import EndpointAlarms
from constructs_lib.async_endpoint import VARIANT_NAME, AsyncEndpoint
from constructs_lib.caller_policies import CallerPolicies
from constructs_lib.cost_allocation import tag_everything
from constructs_lib.dashboard import EndpointDashboard
from constructs_lib.deployment_guardrails import DeploymentGuardrails
from constructs_lib.encryption import Encryption
from constructs_lib.endpoint_scaling import EndpointScaling
from constructs_lib.metrics import AsyncEndpointMetrics
from constructs_lib.model import Model
from constructs_lib.notifications import Notifications
from constructs_lib.payload_store import PayloadStore
from constructs_lib.polling_function import PollingFunction
from stacks.deployment_options import SETTLED

if TYPE_CHECKING:
    from aws_cdk import App
    from constructs import Construct

    from stacks.deployment_options import DeploymentOptions
    from stacks.settings import EndpointSettings, StageSettings

_SCALING_IS_OFF: Final = (
    "Scaling is off after this deployment: the endpoint neither wakes nor rests until it is deployed with"
    " -c scaling=on."
)


class InferenceStack(Stack):
    """Bucket, topics and queues, model, endpoint, scaling, polling function, alarms and dashboard of one endpoint.

    Args:
        scope: The app.
        construct_id: The stack's name.
        stage: The stage that it belongs to.
        settings: The endpoint.
        production: Keep the data when the stack is deleted.
        options: What holds for this deployment alone.
        **stack_options: Options of every stack, such as ``env``.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stage: str,
        settings: EndpointSettings,
        production: bool,
        options: DeploymentOptions,
        **stack_options: Any,  # noqa: ANN401 - the options of aws_cdk.Stack, passed on
    ) -> None:
        super().__init__(scope, construct_id, **stack_options)
        scales = options.leave_scaled(settings)
        settings = options.applied_to(settings)
        encryption = Encryption(self, "Encryption", settings=settings.customer_managed_key, retain=production)
        payloads = PayloadStore(
            self,
            "Payloads",
            prefixes=settings.prefixes,
            retention=settings.retention,
            retain=production,
            encryption=encryption,
            bucket_name=settings.bucket_name,
            input_buckets=settings.input_buckets,
        )
        notifications = Notifications(self, "Notifications", consumers=settings.consumers, encryption=encryption)
        model = Model(
            self,
            "Model",
            source=settings.model,
            max_job_seconds=settings.max_job_seconds,
            network_isolation=settings.network_isolation,
        )
        guardrails = DeploymentGuardrails(
            self, "Guardrails", max_job_seconds=settings.max_job_seconds, watched=options.rollback
        )
        endpoint = AsyncEndpoint(
            self,
            "Endpoint",
            model=model,
            payloads=payloads,
            notifications=notifications,
            encryption=encryption,
            instance_types=settings.instance_types,
            max_concurrent_invocations_per_instance=settings.max_concurrent_invocations_per_instance,
            guardrails=guardrails,
        )
        scaling = EndpointScaling(
            self,
            "Scaling",
            endpoint_name=endpoint.endpoint_name,
            variant_name=VARIANT_NAME,
            settings=settings.scaling,
            max_job_seconds=settings.max_job_seconds,
            max_concurrent_invocations_per_instance=settings.max_concurrent_invocations_per_instance,
            enabled=scales,
        )
        if not scales:
            Annotations.of(self).add_warning_v2("async-inference:scaling-off", _SCALING_IS_OFF)
        configuration = self._configuration(settings, endpoint, payloads, notifications)
        polling = PollingFunction(
            self,
            "Polling",
            endpoint=endpoint,
            configuration=configuration,
            encryption=encryption,
            settings=settings.polling_function,
        )
        scaling.grant_count_jobs(polling.role.policy)
        parameter = ssm.StringParameter(
            self, "Configuration", parameter_name=parameter_name(stage, settings.name), string_value=configuration
        )
        guardrails.add_alarm(AsyncEndpointMetrics(endpoint.endpoint_name, VARIANT_NAME), settings.alarms)
        alarms = self._monitor(settings, endpoint, notifications, polling, encryption)
        CfnOutput(self, "AlarmTopicArn", value=alarms.topic.topic_arn)
        callers = CallerPolicies(
            self,
            "Callers",
            consumers=settings.consumers,
            endpoint=endpoint,
            payloads=payloads,
            notifications=notifications,
            scaling=scaling,
            parameter=parameter,
        )
        CfnOutput(self, "EndpointName", value=endpoint.endpoint_name)
        CfnOutput(self, "BucketName", value=payloads.bucket.bucket_name)
        CfnOutput(self, "ParameterName", value=parameter.parameter_name)
        CfnOutput(self, "PollingFunctionName", value=polling.function.function_name)
        for consumer, policy in callers.policies.items():
            CfnOutput(self, f"CallerPolicyArn-{consumer}", value=policy.managed_policy_arn)

    def _monitor(
        self,
        settings: EndpointSettings,
        endpoint: AsyncEndpoint,
        notifications: Notifications,
        polling: PollingFunction,
        encryption: Encryption,
    ) -> EndpointAlarms:
        metrics = AsyncEndpointMetrics(endpoint.endpoint_name, VARIANT_NAME)
        alarms = EndpointAlarms(
            self,
            "Alarms",
            metrics=metrics,
            queues=notifications.queues,
            polling=polling,
            settings=settings.alarms,
            scaling=settings.scaling,
            limits=settings.limits,
            key=encryption.key,
        )
        EndpointDashboard(
            self,
            "Dashboard",
            metrics=metrics,
            alarms=alarms.alarms,
            function_metrics=[polling.function.metric_errors(), polling.function.metric_throttles()],
            oldest_request_seconds=settings.alarms.oldest_request_seconds(
                settings.scaling, settings.request_ttl_seconds
            ),
            max_instances=settings.scaling.max_instances,
            price_per_instance_hour=settings.price_per_instance_hour,
        )
        return alarms

    def _configuration(
        self, settings: EndpointSettings, endpoint: AsyncEndpoint, payloads: PayloadStore, notifications: Notifications
    ) -> str:
        configuration = EndpointConfiguration(
            endpoint_name=endpoint.endpoint_name,
            region=self.region,
            bucket=payloads.bucket.bucket_name,
            prefixes=settings.prefixes,
            limits=settings.limits,
            consumers={name: Consumer(queue_url=queue.queue_url) for name, queue in notifications.queues.items()},
            count_jobs_in_flight=settings.scaling.count_jobs_in_flight,
            input_locations=tuple(
                InputLocation(bucket=bucket.name, prefix=bucket.prefix) for bucket in settings.input_buckets
            ),
        )
        return self.to_json_string(configuration.to_dict())


def add_stacks(app: App, stage: StageSettings, options: DeploymentOptions = SETTLED) -> list[InferenceStack]:
    """Add a stack to ``app`` for every endpoint of ``stage``.

    Stacks of a production stage are protected against deletion and their data is retained.

    Raises:
        DeploymentOptionError: an instance type is being changed, and ``options`` do not say which deployment this is;
            or none is, and they take the scaling away.
    """
    options.check(stage)
    return [_tagged_stack(app, stage, endpoint, options) for endpoint in stage.endpoints]


def _tagged_stack(
    app: App, stage: StageSettings, endpoint: EndpointSettings, options: DeploymentOptions
) -> InferenceStack:
    stack = InferenceStack(
        app,
        f"AsyncInference-{stage.name}-{endpoint.name}",
        stage=stage.name,
        settings=endpoint,
        production=stage.production,
        options=options,
        description=f"Asynchronous inference endpoint {endpoint.name}, stage {stage.name}",
        env=Environment(account=stage.account, region=stage.region),
        termination_protection=stage.production,
        permissions_boundary=_permissions_boundary(stage),
    )
    tag_everything(stack, stage=stage.name, endpoint=endpoint.name, tags=stage.tags)
    return stack


def _permissions_boundary(stage: StageSettings) -> PermissionsBoundary | None:
    if stage.permissions_boundary_arn is None:
        return None
    return PermissionsBoundary.from_arn(stage.permissions_boundary_arn)
