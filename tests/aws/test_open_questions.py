"""One probe for each open question of docs/open-questions.md that an endpoint can answer.

Each says what the local cloud assumes: against it the answer has to be that, and against AWS it is written down.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.aws.laboratory import Laboratory

FAILURE_FIELDS = [
    "awsRegion",
    "eventName",
    "eventSource",
    "eventTime",
    "eventVersion",
    "failureReason",
    "inferenceId",
    "invocationStatus",
    "receivedTime",
    "requestParameters",
    "responseBody",
]


@pytest.fixture
def at_zero(laboratory: Laboratory) -> Iterator[None]:
    """No instances, and one again afterwards."""
    laboratory.scale(0)
    yield
    laboratory.scale(1)


def test_whether_failures_follow_extension_and_file_name(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """Batches list one prefix for outputs, and perhaps another for failures."""
    response = laboratory.submit("fail 500", S3OutputPathExtension="batch/a", Filename="0001.json")
    assert laboratory.end(response) == "failure"
    location = response["FailureLocation"]
    followed = {"extension": "/batch/a/" in location, "filename": "0001" in location}
    learn(followed, {"extension": False, "filename": False})


def test_what_a_repeated_file_name_does(laboratory: Laboratory, learn: Callable[[object, object], None]) -> None:
    """Attempts of one item must not hide each other."""
    statuses = []
    for text in ("first", "second"):
        response = laboratory.submit(text, Filename="repeated", InferenceId=f"repeated-{text}")
        notice = laboratory.notice(f"repeated-{text}")
        statuses.append(notice and notice["invocationStatus"])
    kept = "second" if b"second" in laboratory.content(response["OutputLocation"]) else "first"
    learn({"kept": kept, "statuses": statuses}, {"kept": "second", "statuses": ["Completed", "Completed"]})


@pytest.mark.usefixtures("at_zero")
def test_what_an_expired_request_leaves(laboratory: Laboratory, learn: Callable[[object, object], None]) -> None:
    """A waiter that hears nothing has to know when to give up."""
    response = laboratory.submit("late", RequestTTLSeconds=60, InferenceId="late")
    laboratory.sleep(300)
    notice = laboratory.notice("late", seconds=60, at_least=2)
    left = {"end": laboratory.end(response, seconds=60, at_least=2), "notice": notice and notice["invocationStatus"]}
    learn(left, {"end": "lost", "notice": None})


def test_which_fields_a_failure_notice_has(laboratory: Laboratory, learn: Callable[[object, object], None]) -> None:
    """The only samples are older than failure paths."""
    laboratory.submit("fail 500", InferenceId="failed")
    notice = laboratory.notice("failed")
    assert notice is not None
    learn(sorted(notice), FAILURE_FIELDS)


def test_what_a_notice_says_of_a_response_beyond_its_limit(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """Responses of up to 128 KB are included; what stands there for a larger one is not said."""
    laboratory.submit("large 200000", InferenceId="large")
    notice = laboratory.notice("large")
    assert notice is not None
    body: dict[str, Any] = notice.get("responseBody") or {}
    learn({"body": "responseBody" in notice, "content": bool(body.get("content"))}, {"body": False, "content": False})


def test_whether_an_inference_id_is_worked_on_once(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """Otherwise a submission whose answer was lost could be repeated."""
    responses = [laboratory.submit("twice", InferenceId="same") for _ in range(2)]
    learn([laboratory.end(response) for response in responses], ["output", "output"])


def test_whether_the_backlog_counts_running_work(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """If not, scaling in by the backlog kills the last job."""
    before = len(laboratory.datapoints("ApproximateBacklogSize"))
    response = laboratory.submit(laboratory.work(600))
    laboratory.sleep(480)
    counted = any(laboratory.datapoints("ApproximateBacklogSize")[before + 2 :])
    assert laboratory.end(response, seconds=1_200) == "output"
    learn({"counted": counted}, {"counted": True})


@pytest.mark.usefixtures("at_zero")
def test_whether_the_backlog_per_instance_exists_at_zero_instances(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """If it does, target tracking alone could wake an endpoint."""
    laboratory.sleep(180)
    before = len(laboratory.datapoints("ApproximateBacklogSizePerInstance"))
    laboratory.submit("waiting")
    laboratory.sleep(480)
    exists = len(laboratory.datapoints("ApproximateBacklogSizePerInstance")) > before + 2
    learn({"exists": exists}, {"exists": False})


def test_what_scale_in_does_to_running_work(laboratory: Laboratory, learn: Callable[[object, object], None]) -> None:
    """It may fail, be finished first, or go back into the queue."""
    response = laboratory.submit(laboratory.work(600))
    laboratory.sleep(60)
    started = time.monotonic()
    laboratory.scale(0)
    took = (time.monotonic() - started) * laboratory.time_scale
    end = laboratory.end(response, seconds=120)
    laboratory.scale(1)
    if end == "lost":
        end = f"{laboratory.end(response, seconds=1_800)} after another launch"
    learn({"end": end, "drained": took > 400}, {"end": "failure", "drained": False})


@pytest.mark.usefixtures("at_zero")
def test_whether_an_update_at_zero_instances_stays_there(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """``RetainAllVariantProperties`` keeps the count; whether that holds for zero is not said."""
    laboratory.start_deployment()
    status = laboratory.wait_until_in_service()
    learn([status, *laboratory.counts()], ["InService", 0, 0])


def test_whether_max_leaves_out_a_series_without_datapoints(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """Otherwise an endpoint that publishes nothing while it has no work would never rest."""
    learn({"left out": laboratory.rings("MAX([one, other])", published="one")}, {"left out": True})


def test_whether_a_listing_grant_for_a_prefix_shows_missing_keys(
    laboratory: Laboratory, learn: Callable[[object, object], None]
) -> None:
    """The whole bucket is granted, because a grant with a prefix may leave 403 for a result that is not there yet."""
    bucket = f"arn:aws:s3:::{laboratory.name}"
    statements = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"{bucket}/output/*"},
        {
            "Effect": "Allow",
            "Action": "s3:ListBucket",
            "Resource": bucket,
            "Condition": {"StringLike": {"s3:prefix": "output/*"}},
        },
    ]
    s3 = laboratory.client_of_user(json.dumps({"Version": "2012-10-17", "Statement": statements}), "s3")
    with pytest.raises(ClientError) as refusal:
        s3.get_object(Bucket=laboratory.name, Key="output/missing")
    learn(refusal.value.response["Error"]["Code"], "AccessDenied")
