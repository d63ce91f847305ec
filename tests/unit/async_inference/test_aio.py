"""The asyncio face: the same answers, no thread for each job, and nothing left behind."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from async_inference import (
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    Clock,
    InvalidRequest,
    ModelError,
    PermissionDenied,
    PollingPolicy,
    RequestExpired,
    ResultTimeout,
    RetryPolicy,
    aio,
)
from tests.unit.async_inference.fake_aws import s3_error, service_error
from tests.unit.async_inference.fake_queue import CONSUMER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from async_inference import Result
    from tests.unit.async_inference.fake_queue import FakeQueueAws

QUICK = PollingPolicy(initial_seconds=0.01, factor=1.0, maximum_seconds=0.01)


@pytest.fixture
def run(queue_aws: FakeQueueAws) -> Callable[[Any], None]:
    """Runs a coroutine with an endpoint, and closes it."""

    async def with_endpoint(body: Any) -> None:  # noqa: ANN401 - a coroutine function
        clock = Clock(now=lambda: queue_aws.time.now)
        endpoint = queue_aws.endpoint(polling=QUICK, retry=RetryPolicy(budget_seconds=0), clock=clock)
        async with aio.AsyncEndpoint.of(endpoint) as wrapped:
            await body(wrapped)

    def run(body: Any) -> None:  # noqa: ANN401 - likewise
        threads = threading.active_count()
        asyncio.run(with_endpoint(body))
        assert threading.active_count() == threads

    return run


async def collect(source: AsyncIterator[Result], results: list[Result]) -> None:
    """Keep what comes before an error."""
    async for result in source:
        results.append(result)  # noqa: PERF401 - a comprehension would lose them


def test_a_job_is_awaited(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """Its result, by decoder or not, its location, its error, its document."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        good, bad = await endpoint.submit(b"x"), await endpoint.submit(b"x", inference_id="id-1")
        queue_aws.succeed(good.handle, content=b"[1]")
        queue_aws.fail_job(bad.handle)

        assert (await good.result()).json() == [1]
        assert await good.result(decoder=lambda content, _: len(content)) == 3
        assert (await good.locate()).size == 3
        assert await good.exception() is None
        assert await good.done()
        assert endpoint.job(good.to_dict()) == good
        assert isinstance(await bad.exception(), ModelError)
        with pytest.raises(ModelError, match="the model failed on inference id id-1: no image"):
            await bad.result()

    run(body)


def test_hundreds_of_awaits_cost_one_thread(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """Beside the event loop's own pool."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        jobs = [await endpoint.submit(b"x") for _ in range(300)]
        awaits = [asyncio.create_task(job.result()) for job in jobs]
        await asyncio.sleep(0)
        names = [thread.name for thread in threading.enumerate() if not thread.name.startswith("asyncio")]
        assert len([name for name in names if name.startswith("async-inference")]) == 1
        for job in jobs:
            queue_aws.succeed(job.handle)
        assert {result.job for result in await asyncio.gather(*awaits)} == {job.handle for job in jobs}

    run(body)


@pytest.mark.parametrize("timeout", [0, 0.05])
def test_patience_ends(queue_aws: FakeQueueAws, run: Callable[[Any], None], timeout: float) -> None:
    """With one last look."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        job, ready = await endpoint.submit(b"x"), await endpoint.submit(b"x")
        queue_aws.succeed(ready.handle)

        with pytest.raises(ResultTimeout, match=f"within {timeout:g} s"):
            await job.result(timeout=timeout)
        with pytest.raises(ResultTimeout, match="1 of 2 jobs have no outcome"):
            assert [one async for one in aio.as_completed([job, ready], timeout=timeout)] == [ready]
        assert await aio.wait([job, ready], timeout=timeout) == ({ready}, {job})
        assert (await ready.result(timeout=timeout)).content == b'"done"'

    run(body)


def test_jobs_are_yielded_as_they_end(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """Each once."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        first, second = await endpoint.submit(b"x"), await endpoint.submit(b"x")
        queue_aws.succeed(second.handle)
        seen = []
        async for job in aio.as_completed([first, second, first]):
            seen.append(job)
            queue_aws.succeed(first.handle)
        assert seen == [second, first]
        assert [job async for job in aio.as_completed([])] == []

    run(body)


@pytest.mark.parametrize("consumer", [None, CONSUMER], ids=["listing", "push"])
def test_what_has_ended_is_not_waited_for_again(queue_aws: FakeQueueAws, consumer: str | None) -> None:
    """However long it takes until S3 is looked at again, for the sake of the others."""
    queue_aws.long_poll = lambda: threading.Event().wait(0.01)
    seldom = PollingPolicy(initial_seconds=600, maximum_seconds=600)
    clock = Clock(now=lambda: queue_aws.time.now)

    async def body() -> None:
        async with aio.AsyncEndpoint.of(queue_aws.endpoint(polling=seldom, clock=clock, consumer=consumer)) as endpoint:
            running, *ready = [await endpoint.submit(b"x") for _ in range(4)]
            for job in ready:
                queue_aws.succeed(job.handle)
                queue_aws.notify(job.handle)
            seen = set()
            async for job in aio.as_completed([running, *ready]):
                assert (await job.result()).content == b'"done"'
                seen.add(job)
                if len(seen) == len(ready):
                    break
            assert await aio.wait([running, *ready], return_when=FIRST_COMPLETED) == (seen, {running})

    asyncio.run(asyncio.wait_for(body(), timeout=20))


def test_waiting_for_the_first(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """To end, or to fail."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        good, bad, running = [await endpoint.submit(b"x") for _ in range(3)]
        queue_aws.succeed(good.handle)
        assert await aio.wait([good, running], return_when=FIRST_COMPLETED) == ({good}, {running})
        queue_aws.fail_job(bad.handle)
        done, not_done = await aio.wait([good, bad, running], return_when=FIRST_EXCEPTION)
        assert (done, not_done) == ({good, bad}, {running})
        assert await aio.wait([]) == (set(), set())
        with pytest.raises(InvalidRequest, match="return_when"):
            await aio.wait([], return_when="SOME")

    run(body)


def test_cancelling_forgets_the_wait_and_not_the_job(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """Which can be awaited again."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        job = await endpoint.submit(b"x")
        waiting = asyncio.create_task(job.result())
        await asyncio.sleep(0.02)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert job.handle._results.watcher._waiting == {}
        queue_aws.succeed(job.handle)
        assert (await job.result()).content == b'"done"'

    run(body)


def test_results_come_in_order_and_errors_in_their_turn(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """No more are submitted than may be unfinished."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        submitted = 0

        def payloads() -> Any:  # noqa: ANN401 - a generator
            nonlocal submitted
            for number in range(5):
                submitted += 1
                yield [number]
            yield b""

        async def finish() -> None:
            while True:
                for request in queue_aws.sent("InvokeEndpointAsync"):
                    name = "/".join(
                        request.headers[f"x-amzn-sagemaker-{part}"] for part in ("s3outputpathextension", "filename")
                    )
                    queue_aws.put(f"s3://payloads-bucket/output/{name}", request.body)
                await asyncio.sleep(0.01)

        finishing = asyncio.create_task(finish())
        results: list[Result] = []
        with pytest.raises(InvalidRequest, match="payload: is empty"):
            await collect(endpoint.map(payloads(), max_unfinished=2), results)
        finishing.cancel()
        assert [result.json() for result in results] == [[number] for number in range(5)]
        assert submitted == 5

    run(body)


def test_time_for_all_results(run: Callable[[Any], None]) -> None:
    """The next in order is named."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        with pytest.raises(ResultTimeout, match="the next in order"):
            _ = [result async for result in endpoint.map([b"x"], timeout=0.02)]

    run(body)


def test_another_attempt_is_an_explicit_choice(
    queue_aws: FakeQueueAws, run: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    """The first to succeed wins, the earlier one too."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        with pytest.raises(ResultTimeout):
            await endpoint.invoke(b"x", timeout=0.03)
        invoking = asyncio.create_task(endpoint.invoke(b"x", timeout=0.2, attempts=2))
        await asyncio.sleep(0.3)
        first = queue_aws.sent("InvokeEndpointAsync")[1].headers
        name = f"{first['x-amzn-sagemaker-s3outputpathextension']}/{first['x-amzn-sagemaker-filename']}"
        queue_aws.put(f"s3://payloads-bucket/output/{name}", b"1")
        assert (await invoking).content == b"1"

    run(body)
    assert [message for message in caplog.messages if "attempt 2 of 2" in message]


def test_all_attempts_may_expire(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """Then that is what is raised."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        queue_aws.time.step = 0
        invoking = asyncio.create_task(endpoint.invoke(b"x", attempts=2))
        while not invoking.done():
            queue_aws.time.now += 10_000
            await asyncio.sleep(0.02)
        with pytest.raises(RequestExpired):
            await invoking
        assert queue_aws.count("InvokeEndpointAsync") == 2

    run(body)


def locations_of(aws: FakeQueueAws, number: int) -> str:
    """Return where the output of a submission is to be."""
    sent = aws.sent("InvokeEndpointAsync")[number].headers
    return f"output/{sent['x-amzn-sagemaker-s3outputpathextension']}/{sent['x-amzn-sagemaker-filename']}"


async def submissions(aws: FakeQueueAws, number: int) -> None:
    """Wait for so many."""
    while aws.count("InvokeEndpointAsync") < number:  # noqa: ASYNC110 - what is waited for knows no events
        await asyncio.sleep(0.005)


def test_a_failure_of_one_attempt_is_not_the_end_of_another(
    queue_aws: FakeQueueAws, run: Callable[[Any], None]
) -> None:
    """It is raised if nothing else comes."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        for content in (b"1", b""):
            before = queue_aws.count("InvokeEndpointAsync")
            invoking = asyncio.create_task(endpoint.invoke(b"x", timeout=0.2, attempts=2))
            await submissions(queue_aws, before + 1)
            failure = queue_aws.failure_location
            await submissions(queue_aws, before + 2)
            queue_aws.put(str(failure), b"no image")
            await asyncio.sleep(0.05)
            assert not invoking.done()
            queue_aws.put(f"s3://payloads-bucket/{locations_of(queue_aws, before + 1)}", content)
            if content:
                assert (await invoking).content == content
            else:
                with pytest.raises(ModelError, match="no image"):
                    await invoking

    run(body)


def test_a_submission_that_fails_loses_no_earlier_attempt(
    queue_aws: FakeQueueAws, run: Callable[[Any], None], caplog: pytest.LogCaptureFixture
) -> None:
    """It is raised if nothing else comes, with the job that is under way."""
    refusal = service_error(400, "ValidationError", "secret")

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        for number in range(2):
            before = queue_aws.count("InvokeEndpointAsync")
            invoking = asyncio.create_task(endpoint.invoke(b"x", timeout=0.1, attempts=3))
            await submissions(queue_aws, before + 1)
            queue_aws.fail("InvokeEndpointAsync", refusal)
            await submissions(queue_aws, before + 2)
            if number == 0:
                queue_aws.put(f"s3://payloads-bucket/{locations_of(queue_aws, before)}", b"1")
                assert (await invoking).content == b"1"
            else:
                with pytest.raises(InvalidRequest) as caught:
                    await invoking
                assert caught.value.job is not None
                assert str(caught.value.job.output_location).endswith(locations_of(queue_aws, before))
            assert queue_aws.count("InvokeEndpointAsync") == before + 2

    run(body)
    assert len([message for message in caplog.messages if "failed with InvalidRequest" in message]) == 2
    assert "secret" not in caplog.text


def test_errors_of_aws_reach_who_awaits(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """A refusal is not waited out in silence."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        job = await endpoint.submit(b"x")
        queue_aws.fail("ListObjectsV2", *[s3_error(403, "AccessDenied")] * 2)
        with pytest.raises(PermissionDenied, match="s3:ListBucket"):
            await job.result()

    run(body)


def test_closing_tells_who_awaits(run: Callable[[Any], None]) -> None:
    """Nobody hangs."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        job = await endpoint.submit(b"x")
        waiting = asyncio.create_task(job.result())
        await asyncio.sleep(0.02)
        await endpoint.close()
        with pytest.raises(InvalidRequest, match="closed"):
            await waiting

    run(body)


def test_a_callback_is_called_in_the_event_loop(queue_aws: FakeQueueAws, run: Callable[[Any], None]) -> None:
    """With the awaitable job."""

    async def body(endpoint: aio.AsyncEndpoint) -> None:
        called: asyncio.Future[tuple[aio.Job, threading.Thread]] = asyncio.get_running_loop().create_future()
        job = await endpoint.submit(b"x")
        queue_aws.succeed(job.handle)
        job.add_done_callback(lambda one: called.set_result((one, threading.current_thread())))
        assert await called == (job, threading.main_thread())

    run(body)
