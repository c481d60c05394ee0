"""Tasks in breakers, bulkheads, limiters and fallbacks, cancelled at any moment."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    BulkheadTimeoutError,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    CircuitState,
    LastGood,
    RateLimiter,
    RateLimitExceededError,
    SlidingWindow,
    TokenBucket,
    with_fallback,
)
from holdfast.rate_limit import RateLimiterConfig

from ..exploring import Scenario
from ..worlds import Tasks
from .limiters import Watched


def probes(world: Tasks) -> None:
    """Half-open admits its number of tasks; probes that are cancelled or outlive their lease wedge nothing."""
    most = world.random.randint(1, 2)
    config = CircuitBreakerConfig(half_open_max_calls=most, success_threshold=50, reset_timeout=10, probe_timeout=1e3)
    breaker = CircuitBreaker(config, clock=world.clock)
    inside: list[int] = []
    seen: Counter[str] = Counter()

    @breaker.protect
    async def service(fails: bool) -> None:
        if breaker.state is CircuitState.HALF_OPEN:
            assert len(inside) < most, "too many probes"
        inside.append(1)
        try:
            await asyncio.sleep(world.random.choice((0, 0, 1)))
        finally:
            inside.pop()
        if fails:
            raise ConnectionResetError

    async def main() -> None:
        breaker.force_open()
        await asyncio.sleep(10)
        before = breaker.metrics.rejected_requests
        fails = world.random.choice(((False,), (False, False, True)))
        tasks = [world.victim(service(world.random.choice(fails))) for _ in range(6)]
        for outcome in await world.finish(tasks):
            seen[outcome.__name__ if isinstance(outcome, type) else type(outcome).__name__] += 1
        metrics = breaker.metrics
        assert metrics.rejected_requests - before == seen["CircuitOpenError"]
        assert metrics.failed_requests == seen["ConnectionResetError"]
        assert metrics.successful_requests == seen["NoneType"]
        assert breaker.get_stats()["probes"] == 0
        assert breaker.state is (CircuitState.OPEN if seen["ConnectionResetError"] else CircuitState.HALF_OPEN)

    world.run(main())


def permits(world: Tasks) -> None:
    """Cancelled while granted, timed out while granted: no permit and no place in the queue is lost."""
    most = world.random.randint(1, 3)
    config = BulkheadConfig(
        max_concurrent=most, max_queue=world.random.choice((2, 20)), queue_timeout=world.random.choice((None, 1.0, 2.0))
    )
    bulkhead = Bulkhead(config, clock=world.clock)
    inside: list[int] = []
    order: list[int] = []
    seen: Counter[str] = Counter()

    async def body() -> None:
        inside.append(1)
        assert len(inside) <= most
        try:
            await asyncio.sleep(world.random.choice((0, 0, 1)))
        finally:
            inside.pop()

    guarded = bulkhead.protect(body)

    async def call(number: int) -> None:
        if world.random.random() < 0.3:
            async with bulkhead.acquire_async(timeout=world.random.choice((0.0, 1.0, None))):
                order.append(number)
                await body()
        else:
            await guarded()

    async def main() -> None:
        outcomes = await world.finish([world.victim(call(number)) for number in range(10)])
        for outcome in outcomes:
            seen["full"] += isinstance(outcome, BulkheadFullError)
            seen["timeout"] += isinstance(outcome, BulkheadTimeoutError)
            assert outcome in (None, asyncio.CancelledError) or isinstance(
                outcome, (BulkheadFullError, BulkheadTimeoutError)
            )
        metrics = bulkhead.metrics
        assert (metrics.active, metrics.queued, metrics.available) == (0, 0, most)
        assert metrics.admitted == metrics.completed
        assert (metrics.rejected, metrics.timed_out) == (seen["full"], seen["timeout"])

    world.run(main())


def turns(world: Tasks) -> None:
    """No more than the limit; a cancelled waiter gives its place back, and those behind it come in their order."""
    limit = world.random.choice((SlidingWindow(limit=2, period=1.0), TokenBucket(rate=2.0, capacity=2)))
    limiter = RateLimiter(
        RateLimiterConfig(limit=limit, queue_timeout=world.random.choice((1.0, 50.0)), max_queue=20), clock=world.clock
    )
    limiter.line.allowance = allowance = Watched(limit)
    came: list[int] = []

    def alarms() -> None:
        line = limiter.line
        first = next(iter(line.waiters), None)
        if first is not None:
            assert first.alarm <= line.due(line.read(), first.cost, 0, first) + 1e-6, (
                "the first one would come too late"
            )

    world.loop.when_idle.append(alarms)

    async def call(number: int, cost: int) -> None:
        await limiter.acquire_async(cost)
        came.append(number)

    async def main() -> None:
        tasks = [world.victim(call(number, world.random.choice((1, 1, 2)))) for number in range(8)]
        for outcome in await world.finish(tasks):
            assert outcome in (None, asyncio.CancelledError) or isinstance(outcome, RateLimitExceededError), outcome
        assert limiter.line.waiters == {}
        await asyncio.sleep(100)
        assert (limiter.stats.queued, limiter.stats.available) == (0, 2)
        assert limiter.metrics.admitted >= len(came)
        allowance.check()

    world.run(main())


def one_renewal(world: Tasks) -> None:
    """One task makes a value anew, the others get the old one; if it is cancelled, the next one does it."""
    making: list[int] = []
    crowds: list[int] = []
    made: list[int] = []

    async def service(key: str) -> int:
        making.append(1)
        crowds.append(len(making))
        try:
            await asyncio.sleep(world.random.choice((0, 0, 0.5)))
        finally:
            making.pop()
        if made and world.random.random() < 0.2:
            raise ConnectionResetError
        made.append(len(made))
        return made[-1]

    guarded: Any = with_fallback(last_good=LastGood(refresh_after=1.0, max_age=None), clock=world.clock)(service)

    async def main() -> None:
        assert await guarded("key") == 0
        await asyncio.sleep(2)
        for outcome in await world.finish([world.victim(guarded("key")) for _ in range(6)]):
            assert outcome is asyncio.CancelledError or outcome in made
        await asyncio.sleep(2)
        count = len(made)
        for _ in range(50):  # it may fail, and the old value answers
            assert await guarded("key") in made
        assert len(made) > count, "nobody makes it anew any more"
        assert max(crowds) == 1, "two made it anew at once"

    world.run(main())


def late_results(world: Tasks) -> None:
    """Calls that were let in before a reset, and end after it, are told to nobody; all others are counted."""
    breaker = CircuitBreaker(
        CircuitBreakerConfig(failure_threshold=3, minimum_requests=1, reset_timeout=1), clock=world.clock
    )
    seen: Counter[str] = Counter()

    @breaker.protect
    async def service(fails: bool) -> None:
        await asyncio.sleep(world.random.choice((0, 0, 1)))
        if fails:
            raise ConnectionResetError

    async def operator() -> None:
        for _ in range(2):
            await asyncio.sleep(0)
            world.random.choice((breaker.reset, breaker.force_open, breaker.force_close))()

    async def main() -> None:
        tasks = [world.victim(service(world.random.random() < 0.5)) for _ in range(8)]
        resetting = asyncio.ensure_future(operator())
        for outcome in await world.finish(tasks):
            if outcome is None:
                seen["success"] += 1
            elif isinstance(outcome, ConnectionResetError):
                seen["failure"] += 1
            elif isinstance(outcome, CircuitOpenError):
                seen["rejected"] += 1
            else:
                assert outcome is asyncio.CancelledError
                seen["cancelled"] += 1
        await resetting
        counts = breaker.counts
        assert (counts[0], counts[1], counts[3]) == (seen["success"], seen["failure"], seen["rejected"])
        assert counts[2] <= seen["cancelled"]
        assert breaker.get_stats()["probes"] == 0

    world.run(main())


SCENARIOS = [
    Scenario("tasks-breaker-probes", probes),
    Scenario("tasks-breaker-late", late_results),
    Scenario("tasks-bulkhead-permits", permits),
    Scenario("tasks-limiter-turns", turns),
    Scenario("tasks-fallback-one-renewal", one_renewal),
]
