"""The queue of an endpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local_cloud.sagemaker.request_queue import RequestQueue

if TYPE_CHECKING:
    from collections.abc import Callable

    from local_cloud.sagemaker.async_request import AsyncRequest


def test_first_in_is_first_out(make_request: Callable[..., AsyncRequest]) -> None:
    """Requests leave in the order in which they came."""
    queue = RequestQueue()
    requests = [make_request(inference_id=name) for name in "abc"]
    for request in requests:
        queue.add(request)
    assert requests == [queue.take(), queue.take(), queue.take()]
    assert queue.take() is None


def test_running_requests_are_counted_until_they_finish(make_request: Callable[..., AsyncRequest]) -> None:
    """A request that was taken is running and does not wait any more."""
    queue = RequestQueue()
    queue.add(make_request())
    queue.take()
    assert (len(queue), queue.running) == (0, 1)
    queue.finish()
    assert queue.running == 0


def test_requests_expire_at_their_own_time_to_live(make_request: Callable[..., AsyncRequest]) -> None:
    """A younger request with a shorter time to live expires first."""
    queue = RequestQueue()
    long, short = make_request(ttl_seconds=600), make_request(received_at=10.0, ttl_seconds=60)
    queue.add(long)
    queue.add(short)
    assert queue.expire(69.9) == []
    assert [short] == queue.expire(70.0)
    assert [long] == queue.expire(10_000.0)
    assert len(queue) == 0


def test_a_request_that_was_taken_does_not_expire(make_request: Callable[..., AsyncRequest]) -> None:
    """The time to live is about waiting."""
    queue = RequestQueue()
    queue.add(make_request())
    queue.take()
    assert queue.expire(10_000.0) == []
    assert queue.running == 1


def test_the_oldest_age_is_that_of_the_first_in_line(make_request: Callable[..., AsyncRequest]) -> None:
    """An empty queue has no age."""
    queue = RequestQueue()
    assert queue.oldest_age(100.0) == 0.0
    queue.add(make_request(received_at=10.0))
    queue.add(make_request(received_at=50.0))
    assert queue.oldest_age(100.0) == 90.0


def test_a_request_that_is_put_back_is_the_next(make_request: Callable[..., AsyncRequest]) -> None:
    """It goes before those that came after it, and its time to live is still that of its arrival."""
    queue = RequestQueue()
    first, second = make_request(inference_id="first", ttl_seconds=100), make_request(inference_id="second")
    for request in (first, second):
        queue.add(request)
    queue.take()
    queue.finish()
    queue.put_back(first)
    assert (queue.running, queue.take()) == (0, first)
    queue.finish()
    queue.put_back(first)
    assert [second] == queue.expire(60.0)
    assert [first] == queue.expire(100.0)
