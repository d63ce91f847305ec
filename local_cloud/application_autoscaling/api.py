"""The API of Application Auto Scaling, for SageMaker variants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.application_autoscaling.permissions import caller_grant, role_grant, target_grants
from local_cloud.application_autoscaling.policy_alarms import PolicyAlarms
from local_cloud.application_autoscaling.policy_operations import PolicyOperations
from local_cloud.application_autoscaling.scheduled_action_operations import ScheduledActionOperations
from local_cloud.application_autoscaling.tag_operations import TagOperations
from local_cloud.application_autoscaling.target_operations import TargetOperations
from local_cloud.application_autoscaling.target_registry import TargetRegistry
from local_cloud.errors import validation_exception
from local_cloud.json_api import JsonApi

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.application_autoscaling.service_linked_role import ServiceLinkedRole
    from local_cloud.clock import SimulatedClock
    from local_cloud.json_api import Members
    from local_cloud.ministack_bridge import MiniStack
    from local_cloud.ministack_iam import Identities
    from local_cloud.sagemaker.endpoints import Endpoints
    from local_cloud.scope import Scope
    from scaling_engine.assumptions import Assumptions


class AutoScalingApi:
    """Registers targets, policies, scheduled actions and tags.

    Args:
        clock: of creation times.
        endpoints: what can be scaled.
        ministack: keeps the alarms of target tracking policies.
        identities: tells what callers may do.
        role: acts for the service.
        assumptions: what is undocumented of scaling.

    Attributes:
        targets: what is registered.
        json_api: the operations.
    """

    def __init__(
        self,
        *,
        clock: SimulatedClock,
        endpoints: Endpoints,
        ministack: MiniStack,
        identities: Identities,
        role: ServiceLinkedRole,
        assumptions: Assumptions,
    ) -> None:
        self._identities = identities
        self._role = role
        self.targets = TargetRegistry()
        alarms = PolicyAlarms(ministack)
        targets = TargetOperations(
            clock=clock, endpoints=endpoints, targets=self.targets, alarms=alarms, role=role, assumptions=assumptions
        )
        self.json_api = JsonApi(
            "application-autoscaling",
            {
                **targets.operations(),
                **PolicyOperations(clock, self.targets, alarms, role).operations(),
                **ScheduledActionOperations(clock, self.targets).operations(),
                **TagOperations(self.targets).operations(),
            },
        )

    def authorize(self, scope: Scope, headers: Mapping[str, str], operation: str, members: Members) -> None:
        """Let a request pass that its caller may make; header names are lower case.

        Raises:
            AwsError: the caller lacks the operation itself (``AccessDeniedException``), or what it does to SageMaker
                and CloudWatch (``ValidationException``, which lists all of that).
        """
        self._identities.require(scope, headers, [caller_grant(scope, operation, members)])
        grants = target_grants(scope, operation, members)
        if grants and not self._role.exists(scope):
            grants.append(role_grant(scope))
        if missing := self._identities.caller_lacks(scope, headers, grants):
            raise validation_exception(f"User is missing the following permissions: {', '.join(missing)}")
