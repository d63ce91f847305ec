"""How a new release takes over from the old one: beside it, watched, and not for longer than it fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import ArnFormat, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from constructs_lib.alarm_settings import FAILURES_FOR_A_SHARE, LOSS_PERIOD_SECONDS
from constructs_lib.compliance import acknowledge
from constructs_lib.grants import allow
from constructs_lib.scaling_settings import PUBLICATION_DELAY_SECONDS, SAMPLE_SECONDS

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from constructs_lib.alarm_settings import AlarmSettings
    from constructs_lib.metrics import AsyncEndpointMetrics

_LEAST_WATCH_SECONDS: Final = LOSS_PERIOD_SECONDS + PUBLICATION_DELAY_SECONDS + SAMPLE_SECONDS
"""A whole period of the alarm, until its metrics are there and it is evaluated: old instances stay for at least that,
because a deployment of all at once is watched for as long as they do, and no longer."""

_NO_ACTION: Final = (
    "SageMaker reads it while it deploys, and takes the deployment back. People are told of failures by the alarms on"
    " failed invocations."
)


class DeploymentGuardrails(Construct):
    """A blue/green deployment that SageMaker takes back where the new release fails.

    New instances come up beside the old ones and get all requests at once; the old ones stay for as long as the longest
    job, so that it can end, and take over again where the alarm rings meanwhile. Canary and linear steps are shares of
    the number of instances, which for an endpoint that rests is 0. Source: "Deployment guardrails" in the SageMaker
    developer guide.

    The alarm watches the last minutes alone: those on failed invocations look back for as long as several jobs take, in
    which a bad release is lost among the successes of the old one, and a good one would pay for the old one's failures.

    Args:
        scope: The parent.
        construct_id: The name within it.
        max_job_seconds: The longest that the model may work on a request, 1 to 3,600. Old instances stay for as long,
            and for eight minutes at least.
        watched: Whether this deployment is taken back where the alarm rings.
    """

    def __init__(self, scope: Construct, construct_id: str, *, max_job_seconds: int, watched: bool) -> None:
        super().__init__(scope, construct_id)
        self._termination_wait_seconds = max(max_job_seconds, _LEAST_WATCH_SECONDS)
        self._watched = watched
        # A physical name: the alarm names the endpoint and the endpoint the alarm, which references could not express.
        self.alarm_name = f"{Stack.of(self).stack_name}-Rollback"

    @property
    def deployment_config(self) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
        """How SageMaker deploys changes of the endpoint."""
        return sagemaker.CfnEndpoint.DeploymentConfigProperty(
            blue_green_update_policy=sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
                traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                    type="ALL_AT_ONCE",
                    wait_interval_in_seconds=0,  # required, though one step has nothing to wait between
                ),
                termination_wait_in_seconds=self._termination_wait_seconds,
            ),
            auto_rollback_configuration=self._auto_rollback if self._watched else None,
        )

    @property
    def _auto_rollback(self) -> sagemaker.CfnEndpoint.AutoRollbackConfigProperty:
        return sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
            alarms=[sagemaker.CfnEndpoint.AlarmProperty(alarm_name=self.alarm_name)]
        )

    def grant_watch(self, grantee: iam.IGrantable) -> None:
        """Allow ``grantee``, the execution role, to look at the alarm, which SageMaker does in its name."""
        arn = Stack.of(self).format_arn(
            service="cloudwatch",
            resource="alarm",
            resource_name=self.alarm_name,
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        allow(grantee, ["cloudwatch:DescribeAlarms"], arn)

    def add_alarm(self, metrics: AsyncEndpointMetrics, settings: AlarmSettings) -> cloudwatch.Alarm:
        """Add the alarm, once there is an endpoint to watch.

        Args:
            metrics: Of the endpoint.
            settings: Which share of failures is too large.
        """
        alarm = cloudwatch.Alarm(
            self,
            "Alarm",
            alarm_name=self.alarm_name,
            alarm_description="SageMaker takes a deployment back while this rings: a large share of what has"
            " ended in the last minutes has failed.",
            metric=metrics.failed_percent(at_least=FAILURES_FOR_A_SHARE, seconds=LOSS_PERIOD_SECONDS),
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            threshold=settings.failed_invocations_percent,
            evaluation_periods=1,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        )
        acknowledge(alarm, {"NIST.800.53.R5-CloudWatchAlarmAction": _NO_ACTION})
        return alarm
