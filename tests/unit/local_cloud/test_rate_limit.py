"""How many calls are taken in a second."""

from __future__ import annotations

from local_cloud.sagemaker.rate_limit import RateLimit


def test_a_second_has_so_many_calls() -> None:
    """A burst of them, then one each time that so much of a second has passed."""
    now = [0.0]
    limit = RateLimit(4, monotonic=lambda: now[0])
    assert [limit.takes("a") for _ in range(5)] == [True] * 4 + [False]
    now[0] = 0.25
    assert [limit.takes("a") for _ in range(2)] == [True, False]
    now[0] = 0.375
    assert not limit.takes("a")
    now[0] = 0.5
    assert limit.takes("a")


def test_calls_are_not_saved_up() -> None:
    """After an hour's rest there is one second's worth."""
    now = [0.0]
    limit = RateLimit(2, monotonic=lambda: now[0])
    limit.takes("a")
    now[0] = 3_600.0
    assert [limit.takes("a") for _ in range(3)] == [True, True, False]


def test_callers_have_limits_of_their_own() -> None:
    """One that asks too much takes nothing from another."""
    limit = RateLimit(1, monotonic=lambda: 0.0)
    assert [limit.takes(caller) for caller in ("a", "a", "b")] == [True, False, True]
