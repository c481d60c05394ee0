"""Limits in time: of one attempt, of the whole call, and what a plain function can and cannot be held to."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, strategies as st
from tests.support import Door, LoopClock, Script, run_virtual

from holdfast import (
    DeadlineExceededError,
    OperationTimeoutError,
    RetryManager,
    RetryPolicy,
    retrying,
    with_retry,
)
from holdfast.retry.backoff import BACKOFF_TYPES
from holdfast.testing import VirtualClock

ATTEMPT = {"attempt_timeout": 5.0}


class Hanging:
    """An async service that hangs for some seconds (virtual ones) and notes how its calls end."""

    def __init__(self, *seconds: float) -> None:
        self.seconds = seconds
        self.ended: list[str] = []

    async def __call__(self) -> str:
        duration = self.seconds[min(len(self.ended), len(self.seconds) - 1)]
        try:
            await asyncio.sleep(duration)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)  # clean-up that takes its time
            self.ended.append("cleaned up")
            raise
        self.ended.append("finished")
        return "fine"


async def call(service: Any, how: str, **fields: Any) -> Any:
    """Call an async service under a policy, in each of the ways there are."""
    clock = fields.setdefault("clock", LoopClock())
    if how == "async":
        return await with_retry(**fields)(service)()
    if how == "returns-awaitable":
        returned: Any = with_retry(**fields)(lambda: service())()
        return await returned
    if how == "execute":
        del fields["clock"]
        return await RetryManager(clock=clock).execute_or_raise(service, **fields)
    async for attempt in retrying(**fields):
        if how == "block":
            with attempt:
                return await service()
        else:
            async with attempt:
                return await service()
    raise AssertionError("a loop ends with a return or an error")


@pytest.fixture(params=["async", "returns-awaitable", "execute", "block", "async block"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_an_attempt_that_hangs_is_cancelled_cleaned_up_and_made_again(how: str) -> None:
    service, clock = Hanging(60, 60, 1), LoopClock()

    async def main() -> None:
        assert await call(service, how, clock=clock, attempt_timeout=5) == "fine"
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        assert asyncio.get_running_loop().time() == 5.5 + 1 + 5.5 + 2 + 1

    run_virtual(main())
    assert service.ended == ["cleaned up", "cleaned up", "finished"]
    assert clock.sleeps == [1, 2]


def test_attempts_that_all_hang_end_in_our_timeout_error_that_shows_where_it_hung(how: str) -> None:
    service = Hanging(60)

    async def main() -> None:
        with pytest.raises(OperationTimeoutError, match=r"attempt_timeout of 5 s") as caught:
            await call(service, how, attempt_timeout=5)
        assert type(caught.value) is OperationTimeoutError
        assert isinstance(caught.value, TimeoutError)
        assert caught.value.duration == 5
        assert isinstance(caught.value.__cause__, asyncio.CancelledError)
        assert "gave up after 3 attempts" in caught.value.__notes__[0]

    run_virtual(main())
    assert service.ended == ["cleaned up"] * 3


def test_promise_10_total_timeout_cuts_the_attempt_that_is_running(how: str) -> None:
    service = Hanging(60)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with pytest.raises(DeadlineExceededError, match=r"total_timeout of 0\.3 s") as caught:
            await call(service, how, total_timeout=0.3, max_attempts=100)
        assert caught.value.duration == 0.3
        assert loop.time() == pytest.approx(0.3 + 0.5)  # and the clean-up that the service wants

    run_virtual(main())
    assert service.ended == ["cleaned up"]


def test_promise_10_the_shorter_of_both_limits_counts(how: str) -> None:
    service = Hanging(60)

    async def main() -> None:
        with pytest.raises(DeadlineExceededError) as caught:
            await call(service, how, total_timeout=10, attempt_timeout=8, backoff="fixed")
        assert caught.value.duration == 10
        # 8 s and the clean-up, a wait of 1 s, then what is left of the 10 s and the clean-up
        assert asyncio.get_running_loop().time() == pytest.approx(10.5)

    run_virtual(main())
    assert service.ended == ["cleaned up"] * 2


def test_promise_32_the_functions_own_timeout_error_comes_out_as_itself(how: str) -> None:
    own = TimeoutError("my own")

    async def service() -> None:
        raise own

    async def main() -> None:
        with pytest.raises(TimeoutError) as caught:
            await call(service, how, attempt_timeout=5, total_timeout=50)
        assert caught.value is own

    run_virtual(main())


def test_outer_cancellation_during_an_attempt_stays_cancellation(how: str) -> None:
    service = Hanging(60)

    async def main() -> None:
        task = asyncio.ensure_future(call(service, how, attempt_timeout=5, total_timeout=50))
        await asyncio.sleep(2)
        task.cancel("outer")
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() == 2.5

    run_virtual(main())
    assert service.ended == ["cleaned up"]


def test_promise_10_no_sleep_is_begun_that_could_not_be_followed_by_an_attempt(door: Door, clock: VirtualClock) -> None:
    script = Script(ConnectionResetError)
    guarded = with_retry(RetryPolicy(max_attempts=100, backoff={"initial_delay": 0.1}, total_timeout=0.3), clock=clock)
    with pytest.raises(ConnectionResetError) as caught:
        door.run(guarded(door.function(script)))
    assert clock.sleeps == [0.1], "0.1 + 0.2 would use up the 0.3"
    assert clock.monotonic() <= 0.3
    assert "total_timeout leaves 0.2 s" in caught.value.__notes__[0]


def test_promise_10_no_attempt_is_begun_after_a_sleep_that_took_too_long(door: Door) -> None:
    class SlowClock(VirtualClock):
        def sleep(self, duration: float) -> None:
            super().sleep(duration)
            self.advance(100)  # a laptop's lid was closed meanwhile

    script, clock = Script(ConnectionResetError), SlowClock()
    with pytest.raises(ConnectionResetError) as caught:
        door.run(with_retry(max_attempts=9, total_timeout=30, clock=clock)(door.function(script)))
    assert script.calls == 1
    assert "total_timeout was over when the wait ended" in caught.value.__notes__[0]


def test_a_plain_function_is_not_cut_but_its_time_counts(clock: VirtualClock) -> None:
    calls = 0

    def slow() -> None:
        nonlocal calls
        calls += 1
        clock.advance(4)
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        with_retry(max_attempts=9, total_timeout=10, attempt_timeout=1, backoff="fixed", clock=clock)(slow)()
    assert calls == 2, "4 + 1 + 4 leaves no room for another wait of 1 and an attempt"


def test_what_is_left_of_the_time_counts_once_an_awaitable_was_returned() -> None:
    calls = 0
    clock = LoopClock()

    async def hang() -> None:
        await asyncio.sleep(60)

    def late() -> Any:
        nonlocal calls
        calls += 1
        return hang()

    async def main() -> None:
        pending: Any = with_retry(total_timeout=7, clock=clock)(late)()
        await asyncio.sleep(3)  # the call has begun, though nobody awaits it yet
        with pytest.raises(DeadlineExceededError):
            await pending
        assert asyncio.get_running_loop().time() == 7

    run_virtual(main())
    assert calls == 1


def test_promise_7_setting_the_wall_clock_changes_nothing(door: Door) -> None:
    for days in (-1, 1):
        clock = VirtualClock()

        def jump(_error: Exception, _attempt: int, _delay: float, by: float = days * 86_400.0) -> None:
            clock.set_wall_clock(clock.time() + by)

        script = Script(ConnectionResetError, ConnectionResetError, "fine")
        guarded = with_retry(clock=clock, total_timeout=10, on_retry=jump)(door.function(script))
        assert door.run(guarded) == "fine"
        assert clock.sleeps == [1, 2]


durations = st.floats(min_value=0, max_value=5)


@given(
    limit=st.floats(min_value=0.01, max_value=20),
    initial=durations,
    kind=st.sampled_from(BACKOFF_TYPES),
    takes=st.lists(durations, min_size=1, max_size=8),
    asked=st.lists(st.none() | durations, min_size=1, max_size=8),
    slow_callback=durations,
)
def test_promise_10_nothing_is_begun_beyond_total_timeout(
    limit: float, initial: float, kind: Any, takes: list[float], asked: list[float | None], slow_callback: float
) -> None:
    """Whatever the attempts, the waits, the server and the callbacks take; and an async attempt is cut."""
    policy = RetryPolicy(
        max_attempts=20,
        backoff={"type": kind, "initial_delay": initial, "max_delay": 30, "jitter_factor": 0.5},
        total_timeout=limit,
        on_retry=lambda *_args: clock.advance(slow_callback),
    )
    begun: list[float] = []

    class BusyError(Exception):
        status_code = 503

        def __init__(self, retry_after: float | None) -> None:
            self.retry_after = retry_after

    def service() -> None:
        number = len(begun)
        begun.append(clock.monotonic())
        clock.advance(takes[number % len(takes)])
        raise BusyError(asked[number % len(asked)])

    class Noting(VirtualClock):
        began: list[float]

        def sleep(self, duration: float) -> None:
            self.began.append(self.monotonic())
            super().sleep(duration)

    clock = Noting()
    clock.began = []
    with pytest.raises(BusyError):
        with_retry(policy, clock=clock)(service)()
    assert all(moment < limit for moment in begun)
    ends_of_waits = [before + wait for before, wait in zip(clock.began, clock.sleeps, strict=True)]
    assert all(moment < limit for moment in ends_of_waits)

    async def service_async() -> None:
        number = len(begun)
        begun.append(asyncio.get_running_loop().time())
        await asyncio.sleep(takes[number % len(takes)])
        raise BusyError(asked[number % len(asked)])

    async def main() -> None:
        begun.clear()
        with pytest.raises((BusyError, DeadlineExceededError)):
            await with_retry(policy.replace(on_retry=None), clock=LoopClock())(service_async)()
        assert asyncio.get_running_loop().time() <= limit + 1e-6
        assert all(moment < limit for moment in begun)

    run_virtual(main())
