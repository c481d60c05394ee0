"""Threads in a rate limiter."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Sequence

from holdfast import RateLimiter, RateLimitExceededError, SlidingWindow, TokenBucket
from holdfast.rate_limit import RateLimiterConfig
from holdfast.rate_limit.allowance import Allowance

from ..exploring import Scenario, watching
from ..worlds import Threads

_WATCHED = watching("rate_limit", "circuit_breaker.bulkhead.queue")
_HAIR = 1e-9


class Watched(Allowance):
    """Notes what passes, and when."""

    def __init__(self, limit: TokenBucket | SlidingWindow) -> None:
        super().__init__(limit)
        self.passed: list[tuple[float, int]] = []

    def take(self, now: float, amount: int) -> None:
        self.passed.append((now, amount))
        super().take(now, amount)

    def record(self, times: Sequence[float]) -> None:
        self.passed.extend((time, 1) for time in times)
        super().record(times)

    def check(self) -> int:
        """Assert that it never was too much; return how much it was."""
        passed = sorted(self.passed)
        for first, (begin, _) in enumerate(passed):
            total = 0
            for end, amount in passed[first:]:
                total += amount
                if isinstance(self.limit, SlidingWindow):
                    assert end - begin >= self.limit.period - _HAIR or total <= self.limit.limit, passed
                else:
                    assert total <= self.limit.capacity + self.limit.rate * (end - begin) + _HAIR, passed
        return sum(amount for _, amount in passed)


def watched_limiter(world: Threads) -> tuple[RateLimiter, Watched]:
    limit = world.random.choice((SlidingWindow(limit=2, period=1.0), TokenBucket(rate=2.0, capacity=2)))
    config = RateLimiterConfig(limit=limit, queue_timeout=world.random.choice((0.0, 0.6, 5.0)), max_queue=9)
    limiter = RateLimiter(config, clock=world.clock)
    allowance = Watched(limit)
    limiter.line.allowance = allowance
    return limiter, allowance


def windows(world: Threads) -> None:
    """Never more than the limit, on the quiet path or in the line; every call is counted once; nobody waits for ever."""
    limiter, allowance = watched_limiter(world)
    if world.random.random() < 0.2:
        limiter.on("admitted", lambda _event: None)
    seen: Counter[str] = Counter()
    service = limiter.protect(world.point)
    costly = limiter.protect(world.point, cost=2)

    def caller(ways: list[str]) -> None:
        for way in ways:
            try:
                if way == "try":
                    seen["admitted" if limiter.try_acquire() else "rejected"] += 1
                    continue
                if way == "reserve":
                    world.clock.sleep(limiter.reserve(timeout=world.random.choice((0.0, 2.0))).delay)
                else:
                    (costly if way == "costly" else service)()
                seen["admitted"] += 1
                seen["more"] += way == "costly"
            except RateLimitExceededError:
                seen["rejected"] += 1

    weights = world.random.choice(((6, 1, 2, 1), (1, 0, 0, 0), (0, 0, 1, 1)))
    for _ in range(3):
        world.start(caller, world.random.choices(["call", "try", "costly", "reserve"], weights, k=3))
    world.run()
    world.scheduler.now += 100.0
    assert (limiter.stats.queued, limiter.stats.available) == (0, 2)
    metrics = limiter.metrics
    assert (metrics.admitted, metrics.rejected + metrics.timed_out) == (seen["admitted"], seen["rejected"])
    assert allowance.check() == seen["admitted"] + seen["more"]


def given_back(world: Threads) -> None:
    """What cancelled tasks and dropped reservations had is there for the others, threads and tasks."""
    limiter, allowance = watched_limiter(world)
    limiter.adjust(limiter.config.replace(queue_timeout=50.0))
    seen: Counter[str] = Counter()
    service = limiter.protect(world.point)

    @limiter.protect
    async def async_service() -> None:
        await asyncio.sleep(0)

    def caller() -> None:
        for _ in range(2):
            service()
            seen["admitted"] += 1

    def changes_its_mind() -> None:
        limiter.reserve().cancel()

    async def tasks() -> None:
        victims = [asyncio.ensure_future(async_service()) for _ in range(3)]
        for each in world.random.sample(victims, k=world.random.randint(0, 2)):
            await asyncio.sleep(world.random.choice((0.0, 0.5)))
            each.cancel()
        for outcome in await asyncio.gather(*victims, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome

    for _ in range(2):
        world.start(caller)
    world.start(changes_its_mind)
    world.start_tasks(tasks)
    world.run()
    allowance.check()
    world.scheduler.now += 100.0
    assert (limiter.stats.queued, limiter.stats.available) == (0, 2)
    assert limiter.metrics.admitted >= seen["admitted"]


def quiet_calls(world: Threads) -> None:
    """Who takes a token on the quiet path is counted at a moment for which it was paid, however long it takes."""
    limit = SlidingWindow(limit=2, period=1.0)
    limiter = RateLimiter(RateLimiterConfig(limit=limit, queue_timeout=0.0), clock=world.clock)
    limiter.line.allowance = allowance = Watched(limit)
    seen: Counter[str] = Counter()
    service = limiter.protect(lambda: None)

    def caller(pauses: list[float]) -> None:
        for pause in pauses:
            try:
                service()
                seen["admitted"] += 1
            except RateLimitExceededError:
                seen["rejected"] += 1
            world.clock.sleep(pause)

    for _ in range(3):
        world.start(caller, world.random.choices([0.0, 1.0], k=4))
    world.run()
    metrics = limiter.metrics
    assert (metrics.admitted, metrics.rejected) == (seen["admitted"], seen["rejected"])
    assert allowance.check() == seen["admitted"]


def reservations(world: Threads) -> None:
    """A reservation and those who wait keep their order and the limit, also if one who was called up comes late."""
    limit = world.random.choice((SlidingWindow(limit=2, period=1.0), TokenBucket(rate=2.0, capacity=2)))
    limiter = RateLimiter(RateLimiterConfig(limit=limit, queue_timeout=50.0, max_queue=9), clock=world.clock)
    limiter.line.allowance = allowance = Watched(limit)
    limiter.acquire(2)

    def waits(cost: int) -> None:
        limiter.acquire(cost)

    def reserves() -> None:
        reservation = limiter.reserve()
        if world.random.random() < 0.2:
            reservation.cancel()
        while (delay := reservation.delay) not in {0.0, math.inf}:
            world.clock.sleep(delay)

    def looks() -> None:
        for _ in range(3):
            world.clock.sleep(1.0)
            assert limiter.stats.available <= 2

    world.start(waits, 2)
    world.start(reserves)
    world.start(world.random.choice((reserves, looks)))
    world.start(looks)
    world.run()
    allowance.check()
    world.scheduler.now += 100.0
    assert (limiter.stats.queued, limiter.stats.available) == (0, 2)


SCENARIOS = [
    Scenario("limiter-windows", windows, _WATCHED),
    Scenario("limiter-quiet", quiet_calls, _WATCHED),
    Scenario("limiter-reservations", reservations, _WATCHED),
    Scenario("limiter-given-back", given_back, _WATCHED),
]
