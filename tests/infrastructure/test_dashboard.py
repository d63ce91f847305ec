"""The dashboard answers its three questions, and shows all alarms."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from constructs_lib.alarm_settings import AlarmSettings
from scaling_simulator.intrinsics import Resolver
from stacks.stages import stage_settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from stacks.settings import StageSettings


def widgets(template: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the widgets of the one dashboard."""
    (body,) = [
        resource["Properties"]["DashboardBody"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::CloudWatch::Dashboard"
    ]
    found: list[dict[str, Any]] = json.loads(Resolver(template).resolve(body))["widgets"]
    return found


def in_one_place(template: dict[str, Any], title: str) -> dict[str, Any]:
    """Return the properties of the one widget of that title."""
    (properties,) = [one["properties"] for one in widgets(template) if one["properties"].get("title") == title]
    return dict(properties)


def test_it_asks_three_questions(template: dict[str, Any]) -> None:
    """From what is urgent to what is not."""
    questions = [one["properties"]["markdown"] for one in widgets(template) if one["type"] == "text"]

    assert questions == ["## Does it work?", "## Does it keep up?", "## What does it cost?"]


def test_widgets_neither_overlap_nor_leave_the_width(template: dict[str, Any]) -> None:
    """A dashboard has 24 columns."""
    cells = [
        (x, y)
        for one in widgets(template)
        for x in range(one["x"], one["x"] + one["width"])
        for y in range(one["y"], one["y"] + one["height"])
    ]

    assert len(set(cells)) == len(cells)
    assert max(x for x, _ in cells) == 23


def test_it_shows_every_alarm_the_most_urgent_first(template: dict[str, Any]) -> None:
    """Those of scaling are no alarms for people."""
    described = {
        f"<{name}.Arn>": resource["Properties"]["AlarmDescription"]
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::CloudWatch::Alarm" and "Runbook:" in resource["Properties"]["AlarmDescription"]
    }
    shown = in_one_place(template, "Alarms, the most urgent first")["alarms"]

    assert sorted(shown) == sorted(described)
    urgent = [described[alarm].startswith("[critical]") for alarm in shown]
    assert urgent == sorted(urgent, reverse=True)
    assert True in urgent


def test_it_shows_where_the_alarm_on_the_oldest_request_is(
    synthesize: Callable[[StageSettings], dict[str, Any]],
) -> None:
    """As it is set."""
    stage = stage_settings("dev")
    endpoint = replace(stage.endpoints[0], alarms=AlarmSettings(oldest_request_percent=10))
    waiting = in_one_place(synthesize(replace(stage, endpoints=(endpoint,))), "Waiting")

    assert waiting["annotations"]["horizontal"][0]["value"] == 2_970


def test_times_are_in_seconds_whatever_their_unit_is(dev_template: dict[str, Any]) -> None:
    """Milliseconds of the queue, microseconds of the model."""
    shown = [*in_one_place(dev_template, "Waiting")["metrics"], *in_one_place(dev_template, "Working")["metrics"]]
    expressions = {row[0]["expression"] for row in shown if isinstance(row[0], dict)}

    assert expressions == {
        "timeinbacklog_average / 1000",
        "requestdownloadlatency_average / 1000000",
        "modellatency_average / 1000000",
        "responseuploadlatency_average / 1000000",
        "modellatency_maximum / 1000000",
        "totalprocessingtime_maximum / 1000",
    }


def test_cost_is_an_estimate_only_with_a_price(
    synthesize: Callable[[StageSettings], dict[str, Any]], dev_template: dict[str, Any]
) -> None:
    """Over the whole time shown: instances report once a minute."""
    stage = stage_settings("dev")
    endpoint = replace(stage.endpoints[0], price_per_instance_hour=0.23)
    priced = in_one_place(synthesize(replace(stage, endpoints=(endpoint,))), "In the time shown")
    unpriced = in_one_place(dev_template, "In the time shown")

    def totals(widget: dict[str, Any]) -> dict[str, str]:
        return {row[0]["label"]: row[0]["expression"] for row in widget["metrics"] if isinstance(row[0], dict)}

    assert totals(unpriced) == {"Instance-hours": "1 * minutes / 60"}
    assert totals(priced) == totals(unpriced) | {"Estimated cost at 0.23 an hour": "0.23 * minutes / 60"}
    assert priced["setPeriodToTimeRange"] is True
