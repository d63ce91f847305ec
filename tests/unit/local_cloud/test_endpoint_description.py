"""How an endpoint is described."""

from __future__ import annotations

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
        "current_count": 2,
        "desired_count": 2,
    }
    endpoint: Any = SimpleNamespace(**members | changes)
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


def test_instances_of_pools_are_of_the_first_type() -> None:
    """There is always room for it here."""
    pools = [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g4dn.xlarge"}]
    [variant] = described(config=config("pooled", InstancePools=pools))["ProductionVariants"]
    assert variant["InstancePools"] == [
        {"InstanceType": "ml.g5.xlarge", "CurrentInstanceCount": 2},
        {"InstanceType": "ml.g4dn.xlarge", "CurrentInstanceCount": 0},
    ]
