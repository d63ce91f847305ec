"""An endpoint as ``ListEndpoints`` and ``DescribeEndpoint`` show it.

Source: the service model of both. An endpoint under way shows what it is about to have as ``PendingDeploymentSummary``,
and a variant under way what is being done to it as ``VariantStatus``.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from local_cloud.json_api import Members
    from local_cloud.sagemaker.endpoint import Endpoint, PendingDeployment
    from local_cloud.sagemaker.resources import EndpointConfig, Model

_TAG: Final = re.compile(r":[^/:]*$")


def summary(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint as ``ListEndpoints`` shows it."""
    return {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
        "EndpointStatus": endpoint.status,
    }


def description(endpoint: Endpoint) -> dict[str, Any]:
    """Return an endpoint as ``DescribeEndpoint`` shows it."""
    shown = summary(endpoint) | {
        "EndpointConfigName": endpoint.config.name,
        "ProductionVariants": [_production_variant(endpoint)],
        "AsyncInferenceConfig": endpoint.config.definition.get("AsyncInferenceConfig"),
    }
    optional = {
        "FailureReason": endpoint.failure_reason,
        "LastDeploymentConfig": endpoint.deployment,
        "PendingDeploymentSummary": endpoint.pending and _pending_deployment(endpoint, endpoint.pending),
    }
    return shown | {name: value for name, value in optional.items() if value}


def _production_variant(endpoint: Endpoint) -> dict[str, Any]:
    is_last_to_come = endpoint.pending is None or endpoint.pending.config is endpoint.config
    deployed = _deployed_images(endpoint.release.model, endpoint.created_at) if endpoint.release else {}
    return {
        "VariantName": endpoint.config.variant_name,
        "CurrentWeight": endpoint.weight,
        "DesiredWeight": endpoint.weight,
        "CurrentInstanceCount": endpoint.current_count,
        "DesiredInstanceCount": endpoint.desired_count,
        **deployed,
        **_instance_pools(endpoint.config, endpoint.current_types),
        **(_variant_status(endpoint) if is_last_to_come else {}),
    }


def _pending_deployment(endpoint: Endpoint, pending: PendingDeployment) -> Members:
    instance_type = pending.config.variant.get("InstanceType")
    current = endpoint.current_types if pending.config is endpoint.config else Counter[str]()
    variant = {
        "VariantName": pending.config.variant_name,
        "CurrentWeight": 0.0,
        "DesiredWeight": pending.weight,
        "CurrentInstanceCount": current.total(),
        "DesiredInstanceCount": pending.count,
        **({"InstanceType": instance_type} if instance_type else {}),
        **_instance_pools(pending.config, current),
        **_deployed_images(pending.model, pending.started_at),
        **_variant_status(endpoint),
    }
    return {"EndpointConfigName": pending.config.name, "ProductionVariants": [variant], "StartTime": pending.started_at}


def _variant_status(endpoint: Endpoint) -> Members:
    if endpoint.stage is None:
        return {}
    status, since = endpoint.stage
    return {"VariantStatus": [{"Status": status, "StartTime": since}]}


def _deployed_images(model: Model, resolved_at: float) -> Members:
    """Return the model's image; no registry tells its digest, so that the digest of its URI stands for it."""
    resolved = f"{_TAG.sub('', model.image)}@sha256:{hashlib.sha256(model.image.encode()).hexdigest()}"
    image = {
        "SpecifiedImage": model.image,
        "ResolvedImage": model.image if "@" in model.image else resolved,
        "ResolutionTime": resolved_at,
    }
    return {"DeployedImages": [image]}


def _instance_pools(config: EndpointConfig, current: Mapping[str, int]) -> Members:
    """Return how many of the instances in service are of each type that the configuration names."""
    types = [pool["InstanceType"] for pool in config.variant.get("InstancePools") or ()]
    pools = [{"InstanceType": one, "CurrentInstanceCount": current.get(one, 0)} for one in types]
    return {"InstancePools": pools} if pools else {}
