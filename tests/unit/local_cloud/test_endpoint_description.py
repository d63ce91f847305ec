"""How an endpoint is described."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from local_cloud.sagemaker.endpoint import PendingDeployment
from local_cloud.sagemaker.endpoint_description import description
from local_cloud.sagemaker.resources import EndpointConfig, Model

VARIANT = {"VariantName": "AllTraffic", "ModelName": "m", "InstanceType": "ml.m5.large"}


def config(name: str, **variant: object) -> EndpointConfig:
    """Return a configuration."""
    definition = {"ProductionVariants": [VARIANT | variant]}
    return EndpointConfig(name=name, arn="arn", created_at=0.0, definition=definition, asynchronous=None)


def model(image: str) -> Model:
    """Return a model of an image."""
    return Model(name="m", arn="arn", created_at=0.0, definition={"PrimaryContainer": {"Image": image}})


def described(image: str = "image:1", **changes: object) -> dict[str, Any]:
    """Return the description of an endpoint at rest with two instances, but for some changes."""
    members: dict[str, Any] = {
        "name": "ocr",
        "arn": "arn",
        "config": config("first"),
        "created_at": 1_000.0,
        "modified_at": 1_060.0,
        "status": "InService",
        "failure_reason": None,
        "deployment": {},
        "pending": None,
        "stage": None,
        "release": SimpleNamespace(model=model(image)),
        "weight": 1.0,
        "current_types": Counter({"ml.m5.large": 2}),
        "desired_count": 2,
    }
    endpoint: Any = SimpleNamespace(**members | changes)
    endpoint.current_count = endpoint.current_types.total()
    return description(endpoint)


@pytest.mark.parametrize(
    ("image", "resolved"),
    [
        ("registry:5000/team/echo:1", "registry:5000/team/echo@sha256:"),
        ("registry:5000/team/echo", "registry:5000/team/echo@sha256:"),
        ("echo@sha256:0123", "echo@sha256:0123"),
    ],
)
def test_an_image_is_resolved_to_a_digest(image: str, resolved: str) -> None:
    """One that names its digest keeps it, and a tag takes the place of none."""
    [variant] = described(image)["ProductionVariants"]
    [shown] = variant["DeployedImages"]
    assert (shown["SpecifiedImage"], shown["ResolutionTime"]) == (image, 1_000.0)
    assert shown["ResolvedImage"].startswith(resolved)


def test_what_is_being_done_to_a_variant_is_its_status() -> None:
    """With the moment at which it began."""
    [variant] = described(status="Deleting", stage=("Deleting", 1_070.0))["ProductionVariants"]
    assert variant["VariantStatus"] == [{"Status": "Deleting", "StartTime": 1_070.0}]


def test_a_deployment_under_way_is_described_by_itself() -> None:
    """The status is that of the variant to come, until it is the one that works."""
    new, started = config("second"), 1_070.0
    pending = PendingDeployment(config=new, model=model("image:2"), count=3, weight=2.0, started_at=started)
    before = described(status="Updating", pending=pending, stage=("Creating", started))
    after = described(status="Updating", pending=pending, stage=("Baking", started), config=new)
    assert "VariantStatus" not in before["ProductionVariants"][0]
    assert after["ProductionVariants"][0]["VariantStatus"] == [{"Status": "Baking", "StartTime": started}]
    for shown, current in ((before, 0), (after, 2)):
        summary = shown["PendingDeploymentSummary"]
        [variant] = summary["ProductionVariants"]
        assert (summary["EndpointConfigName"], summary["StartTime"]) == ("second", started)
        assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (current, 3)
        assert (variant["DesiredWeight"], variant["DeployedImages"][0]["SpecifiedImage"]) == (2.0, "image:2")


def test_instances_of_pools_are_counted_by_type() -> None:
    """Those in service, of every type that the configuration names; a variant of one type has no pools."""
    pools = [{"InstanceType": "ml.g5.xlarge", "Priority": 1}, {"InstanceType": "ml.g4dn.xlarge", "Priority": 2}]
    pooled = config("pooled", InstancePools=pools)
    pending = PendingDeployment(config=pooled, model=model("image:1"), count=3, weight=1.0, started_at=1_070.0)
    before = described(pending=pending, stage=("Creating", 1_070.0))
    fallen_back = Counter({"ml.g4dn.xlarge": 2})
    after = described(pending=pending, stage=("Baking", 1_130.0), config=pooled, current_types=fallen_back)
    assert "InstancePools" not in before["ProductionVariants"][0]
    for variants, counts in (
        (before["PendingDeploymentSummary"]["ProductionVariants"], (0, 0)),
        (after["PendingDeploymentSummary"]["ProductionVariants"], (0, 2)),
        (after["ProductionVariants"], (0, 2)),
    ):
        assert variants[0]["InstancePools"] == [
            {"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": counts[0]},
            {"InstanceType": "ml.g4dn.xlarge", "CurrentInstanceCount": counts[1]},
        ]
