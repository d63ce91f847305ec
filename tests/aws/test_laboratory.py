"""Nothing of a laboratory is left because something else of it would not go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from tests.aws.laboratory import Laboratory

if TYPE_CHECKING:
    from collections.abc import Callable

NAMES = ("first", "second")


class Account:
    """An account without a stack, whose endpoints stay whatever is asked.

    Attributes:
        calls: what was asked, with the name of the endpoint where there is one.
        errors: what operations end with.
    """

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.errors: dict[str, Exception] = {}

    def __call__(self, _service: str) -> Account:
        """Return a client, which is the account itself."""
        return self

    def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]:
        """Return an operation."""

        def call(**members: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the operation takes
            self.calls.append(" ".join([operation, *filter(None, [members.get("EndpointName")])]))
            if operation in self.errors:
                raise self.errors[operation]
            return {"Endpoints": [{"EndpointName": name} for name in NAMES]}

        return call

    def get_paginator(self, _operation: str) -> Account:
        """Return a paginator, which is the account itself."""
        return self

    def paginate(self, **_members: object) -> list[dict[str, list[object]]]:
        """Return one page, with nothing on it."""
        return [{"Stacks": [], "Contents": []}]


@pytest.fixture
def account() -> Account:
    """An account."""
    return Account()


@pytest.fixture
def two_endpoints(account: Account, monkeypatch: pytest.MonkeyPatch) -> Laboratory:
    """A laboratory with two endpoints, which does not wait long."""
    monkeypatch.setattr(Laboratory, "wait", lambda _self, condition, **_: condition())
    return Laboratory(client=account, image="image", name="probe", endpoints=list(NAMES))


@pytest.mark.parametrize("error", [None, EndpointConnectionError(endpoint_url="https://sagemaker")])
def test_an_endpoint_that_stays_keeps_nothing_else(
    account: Account, two_endpoints: Laboratory, error: Exception | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """The role that may do everything goes all the same, and who runs the probes hears of the endpoint."""
    if error is not None:
        account.errors["list_endpoints"] = error
    two_endpoints.clean_up()
    assert {"delete_stack", "delete_model", "delete_role_policy", "delete_role", "delete_bucket"} <= set(account.calls)
    assert str(error or "the endpoint second is still there") in capsys.readouterr().err


def test_all_endpoints_are_asked_to_go_before_one_is_waited_for(account: Account, two_endpoints: Laboratory) -> None:
    """Each costs money meanwhile."""
    two_endpoints.clean_up()
    assert account.calls[:2] == ["delete_endpoint first", "delete_endpoint second"]


@pytest.mark.parametrize("operation", ["create_endpoint", "describe_endpoint"])
def test_an_endpoint_that_may_have_been_made_is_deleted(
    account: Account, two_endpoints: Laboratory, operation: str
) -> None:
    """Whether SageMaker did not take it, or nobody knows what became of it."""
    account.errors[operation] = ClientError({"Error": {"Code": "ValidationException"}}, operation)
    with pytest.raises(ClientError):
        two_endpoints.create_endpoint("third")
    two_endpoints.clean_up()
    assert "delete_endpoint third" in account.calls
