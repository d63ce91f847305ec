"""Crossing into another process: a job as its document, an error as it is."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import (
    AsyncInferenceError,
    BatchBusy,
    ConfigurationError,
    EndpointUnavailable,
    InvalidRequest,
    ModelError,
    PermissionDenied,
    RequestExpired,
    ResultCorrupt,
    ResultTimeout,
    exceptions,
    remedies,
)
from tests.unit.async_inference.fake_aws import FAILURE, FakeAws

if TYPE_CHECKING:
    from collections.abc import Callable

ERRORS: list[AsyncInferenceError] = [
    ConfigurationError("m"),
    InvalidRequest("m"),
    ModelError("m", body=b"words"),
    RequestExpired("m"),
    ResultTimeout("m"),
    PermissionDenied("m", action="s3:GetObject", resource="bucket b", remedy=remedies.CREDENTIALS_REFUSED),
    ResultCorrupt("m", content=b"\xff"),
    EndpointUnavailable("m", submission_unknown=True, inference_id="id-1", remedy=remedies.SUBMISSION_UNKNOWN),
    BatchBusy("m", owner="worker-7", silent_seconds=12.0),
]


@pytest.mark.parametrize("way", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_job_cannot_be_pickled_and_says_what_can(aws: FakeAws, way: Callable[[Any], object]) -> None:
    """It holds connections."""
    with pytest.raises(TypeError, match=r"^a Job cannot be pickled or copied.* to_dict\(\) .* AsyncEndpoint\.job\("):
        way(aws.endpoint().submit(b"x"))


def test_a_models_failure_leaves_a_worker_process(aws: FakeAws) -> None:
    """Without its job, which cannot; with all else that it says."""
    aws.put(FAILURE, b"no image")
    job = aws.endpoint().submit(b"x", inference_id="id-1")
    with pytest.raises(ModelError) as caught:
        job.result()
    caught.value.add_note("page 7")

    arrived = pickle.loads(pickle.dumps(caught.value))  # noqa: S301 - our own bytes

    assert isinstance(arrived, ModelError)
    assert str(arrived) == "the model failed on inference id id-1: no image"
    assert (arrived.job, arrived.body, arrived.remedy) == (None, b"no image", remedies.MODEL_FAILED)
    assert [f"remedy: {remedies.MODEL_FAILED}", "page 7"] == arrived.__notes__
    assert job is caught.value.job


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling(error: AsyncInferenceError) -> None:
    """With its type and all of its attributes."""
    arrived = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes

    assert type(error) is type(arrived)
    assert (error.args, vars(error)) == (arrived.args, vars(arrived))


def test_every_error_is_tried() -> None:
    """The list above is complete."""
    tree = {value for value in vars(exceptions).values() if isinstance(value, type) and issubclass(value, Exception)}

    assert tree - {AsyncInferenceError} == {type(error) for error in ERRORS}
