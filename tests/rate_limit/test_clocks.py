"""Rate limits and time: which clock they go by, and how often those who wait look at it."""

from __future__ import annotations

import asyncio

import pytest
from tests.support import Door, Script

from holdfast.errors import RateLimitExceededError
from holdfast.rate_limit import RateLimiter, RateLimiterConfig, SlidingWindow, TokenBucket
from holdfast.testing import VirtualClock


@pytest.mark.parametrize(
    "limit",
    [
        TokenBucket(rate=0.1, capacity=1),
        SlidingWindow(limit=1, period=10),
        SlidingWindow(limit=1, period=10, buckets=5),
    ],
    ids=lambda limit: repr(limit),
)
def test_promise_7_setting_the_wall_clock_changes_nothing(
    door: Door, clock: VirtualClock, limit: TokenBucket | SlidingWindow
) -> None:
    limiter = RateLimiter(RateLimiterConfig(limit=limit, queue_timeout=0), clock=clock)
    guarded = limiter.protect(door.function(Script("fine")))
    assert door.run(guarded) == "fine"
    for day in (86_400, -2 * 86_400):
        clock.set_wall_clock(clock.time() + day)
        with pytest.raises(RateLimitExceededError) as caught:
            door.run(guarded)
        assert caught.value.retry_after == 10
    clock.advance(10)
    assert door.run(guarded) == "fine"


def test_promise_37_a_task_that_waits_sleeps_once_and_no_task_is_there_to_watch(clock: VirtualClock) -> None:
    class Patient(VirtualClock):
        """A sleep ends when the clock is advanced to its end, and not before."""

        async def sleep_async(self, duration: float) -> None:
            self.sleeps.append(duration)
            ends = self.monotonic() + duration
            while self.monotonic() < ends:
                await asyncio.sleep(0)

    patient = Patient()
    limiter = RateLimiter(TokenBucket(rate=1, capacity=1), clock=patient)

    async def main() -> None:
        await limiter.acquire_async()
        waiting = [asyncio.create_task(limiter.acquire_async()) for _ in range(3)]
        for _ in range(50):
            await asyncio.sleep(0)
        assert patient.sleeps == [1.0, 2.0, 3.0], "each until its own turn, and no oftener"
        assert len(asyncio.all_tasks()) == 1 + 2 * 3, "this one, and for each its own and its sleep on that clock"
        for turn in (1, 2, 3):
            patient.advance(1)
            for _ in range(50):
                await asyncio.sleep(0)
            assert [task.done() for task in waiting].count(True) == turn
        assert patient.sleeps == [1.0, 2.0, 3.0]
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())
