"""What is said of one deployment decides which settings it deploys, and is asked for where it matters."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from stacks.deployment_options import SETTLED, DeploymentOptionError, DeploymentOptions
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from stacks.settings import EndpointSettings


@pytest.fixture
def endpoint() -> EndpointSettings:
    """An endpoint whose instance type is being changed."""
    (settings,) = stage_settings("local").endpoints
    return replace(settings, instance_type="ml.c7i.xlarge", instance_types_before=settings.instance_types)


def test_a_change_of_the_instance_type_asks_which_deployment_this_is(endpoint: EndpointSettings) -> None:
    """In one line that names both."""
    with pytest.raises(DeploymentOptionError) as refusal:
        DeploymentOptions().applied_to(endpoint)

    assert str(refusal.value).startswith("endpoint ocr changes from ml.c7i.large to ml.c7i.xlarge, which takes two")
    assert "first -c scaling=off, then -c scaling=on" in str(refusal.value)


def test_the_first_deployment_keeps_the_type_and_does_not_scale(endpoint: EndpointSettings) -> None:
    """SageMaker changes no type of an endpoint that is scaled."""
    options = DeploymentOptions(scaling=False)

    assert options.applied_to(endpoint).instance_type == "ml.c7i.large"
    assert not options.leave_scaled(endpoint)


def test_fallback_types_are_kept_and_changed_with_the_type(endpoint: EndpointSettings) -> None:
    """SageMaker refuses to change any of them while the endpoint is scaled."""
    pooled = replace(endpoint, instance_types_before=("ml.m5.large", "ml.m5.xlarge"))

    kept = DeploymentOptions(scaling=False).applied_to(pooled)

    assert kept.instance_types == ("ml.m5.large", "ml.m5.xlarge")
    assert DeploymentOptions(scaling=True).applied_to(pooled).instance_types == ("ml.c7i.xlarge",)


def test_the_second_deployment_changes_the_type_and_scales(endpoint: EndpointSettings) -> None:
    """Both come in the order that CloudFormation has anyway: the target follows the endpoint."""
    assert SETTLED.applied_to(endpoint).instance_type == "ml.c7i.xlarge"
    assert SETTLED.leave_scaled(endpoint)


@pytest.mark.parametrize("scaling", [None, True, False])
def test_an_endpoint_that_keeps_its_type_is_deployed_as_it_is(endpoint: EndpointSettings, *, scaling: bool) -> None:
    """And stays scaled, whatever is said for the sake of another endpoint of the stage."""
    kept = replace(endpoint, instance_types_before=())
    options = DeploymentOptions(scaling=scaling)

    assert options.applied_to(kept) == kept
    assert options.leave_scaled(kept)


def test_scaling_is_taken_away_for_a_change_of_the_instance_type_alone(endpoint: EndpointSettings) -> None:
    """Else the stage would be left asleep for nothing."""
    stage, off = stage_settings("local"), DeploymentOptions(scaling=False)
    off.check(replace(stage, endpoints=(endpoint,)))

    with pytest.raises(DeploymentOptionError, match="no endpoint of stage local has instance_types_before"):
        off.check(stage)
