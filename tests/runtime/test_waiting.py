"""The real clock, and the warning about plain functions that wait where an event loop runs."""

from __future__ import annotations

import asyncio
import sys
import time
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import CircuitBreaker, Clock, with_retry
from holdfast._runtime import threads
from holdfast._runtime.system import LONGEST_SLEEP, SYSTEM_CLOCK
from holdfast.rate_limit import RateLimiter, TokenBucket
from holdfast.testing import VirtualClock


def test_the_system_clock_tells_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(SYSTEM_CLOCK, Clock)
    assert SYSTEM_CLOCK.monotonic() <= SYSTEM_CLOCK.monotonic()
    assert datetime.fromtimestamp(SYSTEM_CLOCK.time(), UTC).year >= 2026
    assert 0 <= SYSTEM_CLOCK.random() < 1
    assert repr(SYSTEM_CLOCK) == "SystemClock()"
    SYSTEM_CLOCK.sleep(0)
    asyncio.run(SYSTEM_CLOCK.sleep_async(0))
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    SYSTEM_CLOCK.sleep(1e300)
    assert slept == [LONGEST_SLEEP], "the operating system would refuse a longer sleep"


def test_promise_7_the_system_clock_that_guards_go_by_cannot_be_set() -> None:
    for read in (
        SYSTEM_CLOCK.monotonic,
        CircuitBreaker().monotonic,
        RateLimiter(TokenBucket(rate=1, capacity=1)).line.read,
    ):
        assert read is time.monotonic
    assert not time.get_clock_info("monotonic").adjustable


def test_a_plain_function_that_waits_in_a_running_loop_warns_once(clock: VirtualClock) -> None:
    def fetch() -> None:
        script.next()

    script = Script(ConnectionResetError)
    guarded: Any = with_retry(clock=clock)(fetch)

    async def main() -> None:
        for expected in (1, 0):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with pytest.raises(ConnectionResetError):
                    guarded()
            assert len(caught) == expected
            for warning in caught:
                assert "fetch is a plain function called in a thread whose event loop is running" in str(
                    warning.message
                )
                assert "asyncio.to_thread" in str(warning.message)
                assert warning.filename == __file__, "it points to who called the guarded function"
        with pytest.raises(ConnectionResetError):
            await asyncio.to_thread(guarded)

    asyncio.run(main())


def test_no_warning_where_no_loop_runs(clock: VirtualClock) -> None:
    with pytest.raises(ConnectionResetError):
        with_retry(clock=clock)(Door("sync").function(Script(ConnectionResetError)))()


def test_names_to_warn_of_are_bounded(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_WARNED_AT_MOST", len(threads._warned) + 1)

    async def main() -> None:
        for name, warns in (("bounded-first", True), ("bounded-second", False)):

            def service() -> None:
                raise ConnectionResetError

            service.__qualname__ = name
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                with pytest.raises(ConnectionResetError):
                    with_retry(clock=clock, max_attempts=2)(service)()
            assert bool(caught) is warns

    asyncio.run(main())


def test_whether_a_loop_runs_is_found_out_without_importing_asyncio(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "asyncio")
    assert not threads.loop_is_running()
    assert "asyncio" not in sys.modules


def test_a_wait_of_nothing_is_none_in_a_thread_and_a_turn_for_others_in_a_task(door: Door, clock: VirtualClock) -> None:
    guarded = with_retry(backoff={"type": "fixed", "initial_delay": 0}, clock=clock)
    assert door.run(guarded(door.function(Script(ConnectionResetError, "fine")))) == "fine"
    assert clock.sleeps == ([] if door.name == "sync" else [0])


def test_a_task_that_retries_without_a_wait_can_be_cancelled(clock: VirtualClock) -> None:
    async def main() -> None:
        script = Script(ConnectionResetError)

        async def fails_at_once() -> None:
            script.next()

        guarded = with_retry(max_attempts=10**9, backoff={"type": "fixed", "initial_delay": 0}, clock=clock)
        task = asyncio.ensure_future(guarded(fails_at_once)())
        while script.calls < 3:
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
