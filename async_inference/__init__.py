"""A client for Amazon SageMaker Asynchronous Inference that hands back results as if the call had been local.

::

    endpoint = AsyncEndpoint.from_parameter("/async-inference/dev/ocr")
    job = endpoint.submit(Path("page.png"), content_type="image/png")
    print(job.result(timeout=600).json()["text"])
"""

from async_inference.clients import Clients
from async_inference.clock import Clock
from async_inference.configuration import EndpointConfiguration
from async_inference.endpoint import AsyncEndpoint
from async_inference.exceptions import (
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
)
from async_inference.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, DoneAndNotDone, as_completed, wait
from async_inference.job import Job
from async_inference.locations import S3Location
from async_inference.results import Result
from async_inference.retrying import RetryPolicy
from async_inference.storage import StoredObject
from async_inference.submitting.naming import OutputName
from async_inference.waiting import PollingPolicy
from async_inference.watching.watch import Watch

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "AsyncEndpoint",
    "AsyncInferenceError",
    "BatchBusy",
    "Clients",
    "Clock",
    "ConfigurationError",
    "DoneAndNotDone",
    "EndpointConfiguration",
    "EndpointUnavailable",
    "InvalidRequest",
    "Job",
    "ModelError",
    "OutputName",
    "PermissionDenied",
    "PollingPolicy",
    "RequestExpired",
    "Result",
    "ResultCorrupt",
    "ResultTimeout",
    "RetryPolicy",
    "S3Location",
    "StoredObject",
    "Watch",
    "as_completed",
    "wait",
]
