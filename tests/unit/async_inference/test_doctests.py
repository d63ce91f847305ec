"""The examples in the docstrings: each runs, as its reader would run it, on an endpoint that answers at once.

They find what they talk about: ``endpoint`` and its ``configuration``; ``job``, which has succeeded, ``failed_job`` and
``queued_job``; and a ``page.png`` in the current folder.
"""

from __future__ import annotations

import doctest
import importlib
import json
import pkgutil
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

import async_inference.aio
from async_inference import AsyncEndpoint
from async_inference.configuration import parameter_name
from tests.unit.async_inference.fake_aws import BUCKET, CONFIGURATION, Answer, FakeAws, Request

if TYPE_CHECKING:
    from collections.abc import Iterator

PARAMETER = json.dumps(
    {"Parameter": {"Name": parameter_name("dev", "ocr"), "Value": json.dumps(CONFIGURATION.to_dict())}}
)
ANSWER = json.dumps({"text": "Grüße"}, ensure_ascii=False).encode()
OBJECTS = ["AsyncEndpoint", "Job", "Result"]
"""The classes of which each public method has an example; of the others the class has one."""

PUBLIC = {name: value for name in async_inference.__all__ if callable(value := getattr(async_inference, name))}


class AnsweringAws(FakeAws):
    """AWS with a model that has answered when a request is accepted."""

    outcome: str | None = "Output"

    def _invoke(self, request: Request) -> Answer:
        number = len(self.requests)
        self.output_location = f"s3://{BUCKET}/output/{number}.out"
        self.failure_location = f"s3://{BUCKET}/failure/{number}-error.out"
        status, headers, body = super()._invoke(request)
        if self.outcome:
            location = headers[f"X-Amzn-SageMaker-{self.outcome}Location"]
            self.put(location, ANSWER if self.outcome == "Output" else b"no image")
        return status, headers, body

    def submit(self, endpoint: AsyncEndpoint, outcome: str | None, name: str) -> async_inference.Job:
        """Return a job with this outcome."""
        before, self.outcome = self.outcome, outcome
        job = endpoint.submit(b"page", inference_id=f"{name}-1")
        self.outcome = before
        return job


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the examples find."""
    aws = AnsweringAws()
    sessions = boto3.Session

    def session(**options: object) -> boto3.Session:
        made = sessions(**options, aws_access_key_id="x", aws_secret_access_key="x")  # type: ignore[arg-type]  # noqa: S106 - accepted by nobody
        aws.serve(made.events)
        return made

    monkeypatch.setattr(boto3, "Session", session)
    monkeypatch.setenv("AWS_DEFAULT_REGION", CONFIGURATION.region)
    monkeypatch.chdir(tmp_path)
    Path("page.png").write_bytes(b"png")
    aws.fail("GetParameter", (200, {}, PARAMETER.encode()))
    with aws.endpoint() as endpoint:
        yield {
            "Path": Path,
            "aio": async_inference.aio,
            "json": json,
            "time": SimpleNamespace(sleep=aws.time.sleep),
            "configuration": CONFIGURATION,
            "endpoint": endpoint,
            "job": aws.submit(endpoint, "Output", "done"),
            "failed_job": aws.submit(endpoint, "Failure", "failed"),
            "queued_job": aws.submit(endpoint, None, "queued"),
        }
    aws.close()


def examples() -> Iterator[doctest.DocTest]:
    """Yield the docstrings with examples of all modules."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    for found in pkgutil.walk_packages(async_inference.__path__, "async_inference."):
        if not found.name.endswith(".__main__"):
            module = importlib.import_module(found.name)
            yield from (test for test in finder.find(module, globs=PUBLIC | vars(module)) if test.examples)


EXAMPLES = {test.name.removeprefix("async_inference."): test for test in examples()}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_does_what_it_says(name: str, world: dict[str, Any]) -> None:
    """To the letter, except where it says ``...``."""
    test = EXAMPLES[name]
    test.globs |= world
    said: list[str] = []

    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(test, out=said.append)

    assert results.failed == 0, "".join(said)


def has_example(value: object) -> bool:
    """Whether its docstring has one."""
    return ">>>" in (value.__doc__ or "")


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in OBJECTS])
def test_a_public_name_has_an_example(name: str) -> None:
    """A class its own, or one of its methods has."""
    value = PUBLIC[name]

    assert has_example(value) or any(map(has_example, vars(value).values()))


METHODS = {
    f"{name}.{method}": value
    for name in OBJECTS
    for method, value in vars(PUBLIC[name]).items()
    if not method.startswith("_") and (callable(value) or isinstance(value, classmethod | property))
}


@pytest.mark.parametrize("name", METHODS)
def test_a_method_of_a_public_object_has_an_example(name: str) -> None:
    """Properties and class methods too."""
    assert has_example(METHODS[name])
