"""Minutes of traffic under one policy, in virtual time: from threads, and from tasks, with what must hold all along."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from tests.support import LoopClock, run_virtual

from holdfast import (
    CircuitState,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    SlidingWindow,
    TokenBucket,
    Value,
    get_timeout_manager,
    time_left,
)
from holdfast.observability import MetricsRegistry

from .dependency import Course, Dependency, Phase
from .findings import Findings
from .shared_time import SharedTime

RETRY = RetryPolicy(max_attempts=4, backoff={"type": "full-jitter", "initial_delay": 0.1, "max_delay": 1})
BREAKER = {"failure_threshold": 20, "reset_timeout": 2, "half_open_max_calls": 3, "success_threshold": 3}
PATIENCE = 0.1
"""Seconds in the queue of the bulkhead."""

LIMIT = 0.25
"""Seconds for one attempt."""

INSTEAD = "instead"
ANSWER = "answer"


class Scene:
    """One policy around one dependency, and what came of the calls."""

    def __init__(
        self, name: str, clock: Any, *, seconds: float, rate: int, seed: int, policy: ResiliencePolicy
    ) -> None:
        self.name = name
        self.clock = clock
        self.seconds = seconds
        self.rate = rate
        self.policy = policy
        self.chance = Random(seed)
        self.findings = Findings(f"{name}: {seconds:g} virtual seconds, some {rate} calls in each")
        self.findings.expect("a call that ended as none should")
        self.findings.expect("counts that do not fit while it runs")
        self.course = Course(min(seconds, 100.0))
        self.manager = ResilienceManager(clock=clock)
        self.bulkhead = self.manager.bulkheads.get_or_create(name, policy.bulkhead.replace(name=name))  # type: ignore[union-attr]
        self.breaker = self.manager.breakers.get_or_create(name, policy.circuit_breaker.replace(name=name))  # type: ignore[union-attr]
        self.limiter = self.manager.rate_limiters.get_or_create(name, policy.rate_limit.replace(name=name))  # type: ignore[union-attr]
        self.dependency = Dependency(
            self.course,
            self.chance,
            self.findings,
            limit=rate // 2,
            most=self.bulkhead.config.max_concurrent,
            probes=BREAKER["half_open_max_calls"],
            is_half_open=lambda: self.breaker.state is CircuitState.HALF_OPEN,
        )
        self.ended: Counter[str] = Counter()
        self.in_failing: Counter[str] = Counter()
        self.calls = 0
        self.lock = threading.Lock()

    def guard(self, function: Callable[[], Any]) -> Callable[[], Any]:
        return self.manager.protect(function, self.name, self.policy)

    def begin(self) -> Phase:
        with self.lock:
            self.calls += 1
        return self.course.at(self.clock.monotonic())

    def is_rush(self) -> bool:
        """Whether more calls come than are let pass: one second in five, but not while attempts fail by chance."""
        now = self.clock.monotonic()
        return int(now) % 5 == 4 and self.course.at(now) is not Phase.FAILING

    def end(self, began: Phase, how: str) -> None:
        with self.lock:
            self.ended[how] += 1
            if began is Phase.FAILING and self.course.at(self.clock.monotonic()) is Phase.FAILING:
                self.in_failing[how] += 1

    def look(self) -> None:
        """What holds at any moment, whatever is under way."""
        bulkhead, breaker, limiter = self.bulkhead.metrics, self.breaker.metrics, self.limiter.metrics
        ended = breaker.successful_requests + breaker.failed_requests + breaker.abandoned_requests
        for what, holds in {
            "bulkhead: active": 0 <= bulkhead.active <= self.dependency.most,
            "bulkhead: queued": 0 <= bulkhead.queued <= self.bulkhead.config.max_queue,
            "bulkhead: admitted": bulkhead.completed <= bulkhead.admitted <= bulkhead.completed + self.dependency.most,
            "breaker: ended": ended <= breaker.total_requests,
            "limiter: available": 0 <= limiter.available,
        }.items():
            if not holds:
                self.findings.mishap(
                    "counts that do not fit while it runs",
                    f"{what} at {self.clock.monotonic():.3f} s: {bulkhead}, {breaker}, {limiter}",
                )

    def conclude(self, metrics: MetricsRegistry, refused: int, took: float) -> Findings:
        """All is over: the counts of the guards, of the metrics and of the dependency are one."""
        found, dependency, value = self.findings, self.dependency, metrics.value
        bulkhead, breaker, limiter = self.bulkhead.metrics, self.breaker.metrics, self.limiter.metrics
        arrived, cancelled = len(dependency.arrivals), self.ended["cancelled"]
        retried = value("retry_attempts_total", name=self.name, outcome="retried")
        attempts = breaker.total_requests + breaker.rejected_requests
        moves = value("circuit_breaker_state_changes_total", name=self.name, to_state="open")
        for what, count in sorted(self.ended.items()):
            found.fact(f"calls that ended with: {what}", count)
        found.fact("calls that arrived", arrived)
        found.fact("calls that were refused by the open circuit", breaker.rejected_requests)
        found.fact("calls that were refused by the bulkhead", bulkhead.rejected + bulkhead.timed_out)
        found.fact("calls that were refused by the rate limit", limiter.rejected + limiter.timed_out)
        found.fact("attempts that took too long", value("timeout_operations_total", name=self.name))
        found.fact("times the circuit opened", moves)
        found.fact("most calls inside at once", dependency.peak)
        found.fact("probes", dependency.probed)
        found.fact("real seconds", took)
        found.equal("calls that ended = calls", sum(self.ended.values()), self.calls)
        found.at_most("attempts <= calls + retries", attempts, self.calls + retried)
        found.at_least("attempts >= calls + retries - cancelled", attempts, self.calls + retried - cancelled)
        ended = breaker.successful_requests + breaker.failed_requests + breaker.abandoned_requests
        found.equal("circuit: successes + failures + abandoned = admitted", ended, breaker.total_requests)
        found.equal("rate limit: asked = admitted by the circuit", limiter.asked, breaker.total_requests)
        asked = bulkhead.admitted + bulkhead.rejected + bulkhead.timed_out + bulkhead.abandoned
        found.equal("bulkhead: asked = admitted by the rate limit", asked, limiter.admitted)
        found.equal("bulkhead: completed = admitted", bulkhead.completed, bulkhead.admitted)
        found.equal("arrived, or no time was left = admitted by the bulkhead", arrived + refused, bulkhead.admitted)
        found.equal("permits in use at the end", (bulkhead.active, bulkhead.queued, limiter.queued), (0, 0, 0))
        found.equal("calls inside at the end", dependency.inside, 0)
        executed = value("bulkhead_executions_total", name=self.name, state="completed")
        found.equal("metrics: executions = arrived", executed - refused, arrived)
        found.equal(
            "metrics: calls admitted by the circuit",
            value("circuit_breaker_calls_total", name=self.name) - breaker.rejected_requests,
            breaker.total_requests,
        )
        found.equal("circuit: successes = answered in time", breaker.successful_requests, dependency.answered)
        answered = self.in_failing[ANSWER] / max(1, sum(self.in_failing.values()) - self.in_failing["cancelled"])
        found.at_least("share that succeeds with 30 % transient failures", answered, 0.98)
        self._conclude_rates()
        self._conclude_outages(moves)
        return found

    def _conclude_rates(self) -> None:
        limit: Any = self.limiter.config.limit
        waits = 0.0 if self.bulkhead.config.queue_timeout == 0 else PATIENCE  # between the limiter and the arrival
        if isinstance(limit, SlidingWindow):
            seen, most = self.dependency.most_within(limit.period - waits), limit.limit
        else:
            seen, most = self.dependency.most_within(1.0 - waits), round(limit.capacity + limit.rate)
        self.findings.at_most("most calls that arrived within any second", seen, most)

    def _conclude_outages(self, moves: int) -> None:
        """While it is down it gets what finds the circuit closed, what was under way, and probes."""
        outages = max(1, round(self.seconds / self.course.cycle))
        probes = BREAKER["half_open_max_calls"] * (self.course.length(Phase.DOWN) / BREAKER["reset_timeout"] + 1)
        most = outages * (self.dependency.most + 2 * BREAKER["failure_threshold"] + probes)
        self.findings.at_least("times the circuit opened", moves, outages)
        self.findings.at_most("calls that reached it while it was down", self.dependency.by_phase[Phase.DOWN], most)


def threads(*, seconds: float, rate: int, seed: int, crew: int = 24) -> Findings:
    """Traffic of plain functions in so many threads."""
    chance = Random(seed)
    clock = SharedTime(crew, chance)
    policy = ResiliencePolicy(
        retry=RETRY,
        circuit_breaker=BREAKER,
        bulkhead={"max_concurrent": crew * 3 // 4, "max_queue": crew, "queue_timeout": 0},
        rate_limit={"limit": SlidingWindow(limit=rate * 2, period=1), "queue_timeout": 0.5},
        timeout=LIMIT,
        timeout_mode="cooperative",
        total_timeout=5,
        fallback=Value(INSTEAD),
    )
    scene = Scene("soak-threads", clock, seconds=seconds, rate=rate, seed=seed, policy=policy)

    def call() -> str:
        took, trouble, is_probe = scene.dependency.enter(clock.monotonic())
        patience = time_left(10)  # as a client's own timeout
        if took >= patience:
            took, trouble = patience, TimeoutError("the client gave up")
        clock.sleep(took)
        scene.dependency.leave(is_probe=is_probe, answered=trouble is None)
        if trouble is not None:
            raise trouble
        return ANSWER

    guarded = scene.guard(call)

    def work() -> None:
        try:
            while clock.monotonic() < seconds:
                pause = 0.004 if scene.is_rush() else max(0.004, 2 * crew / rate - 0.03)
                clock.sleep(chance.random() * pause)
                began = scene.begin()
                try:
                    scene.end(began, guarded())
                except BaseException as error:
                    scene.end(began, "error")
                    scene.findings.mishap("a call that ended as none should", repr(error))
                if not chance.randrange(50):
                    scene.look()
        finally:
            clock.leave()

    def run() -> None:
        workers = [threading.Thread(target=work) for _ in range(crew)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    return _observed(scene, run)


def tasks(*, seconds: float, rate: int, seed: int) -> Findings:
    """Traffic of async functions in one loop; one call in twenty is cancelled somewhere on its way."""
    clock = LoopClock()
    policy = ResiliencePolicy(
        retry=RETRY,
        circuit_breaker=BREAKER,
        bulkhead={"max_concurrent": max(8, rate // 10), "max_queue": rate // 5, "queue_timeout": PATIENCE},
        rate_limit={"limit": TokenBucket(rate=rate * 2, capacity=max(1, rate // 10)), "queue_timeout": 0.5},
        timeout=LIMIT,
        total_timeout=5,
        fallback=Value(INSTEAD),
    )
    scene: Any = None

    waiting: dict[asyncio.Task[Any], None] = {}
    """Tasks whose call has not come through yet, first come first."""

    async def call() -> str:
        waiting.pop(_this_task(), None)
        took, trouble, is_probe = scene.dependency.enter(clock.monotonic())
        answered = False
        try:
            await asyncio.sleep(took)
            answered = trouble is None
        finally:
            if waiting and not scene.chance.randrange(20):
                # Just now a permit comes free: cancel the first in the queue, as likely as not when it is granted.
                asyncio.get_running_loop().call_soon(_later, scene.chance.randrange(4), next(iter(waiting)).cancel)
            scene.dependency.leave(is_probe=is_probe, answered=answered)
        if trouble is not None:
            raise trouble
        return ANSWER

    async def one(guarded: Any) -> None:
        began = scene.begin()
        waiting[_this_task()] = None
        try:
            scene.end(began, await guarded())
        except asyncio.CancelledError:
            scene.end(began, "cancelled")
        except BaseException as error:
            scene.end(began, "error")
            scene.findings.mishap("a call that ended as none should", repr(error))
        finally:
            waiting.pop(_this_task(), None)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        guarded = scene.guard(call)
        under_way: set[asyncio.Task[None]] = set()
        ticks = 50
        for tick in range(int(seconds * ticks)):
            for _ in range(max(1, rate // ticks) * (4 if scene.is_rush() else 1)):
                task = loop.create_task(one(guarded))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
                if not scene.chance.randrange(20):
                    # At a moment, and so many turns of the loop later, at which others begin and end.
                    loop.call_later(scene.chance.randrange(100) / 200, _later, scene.chance.randrange(5), task.cancel)
            if not tick % 10:
                scene.look()
            await asyncio.sleep(1 / ticks)
        while under_way:
            await asyncio.wait(under_way)

    def run() -> None:
        run_virtual(main())

    # The loop's clock speaks in tasks only, so what is made outside of them gets its time there.
    async def make() -> Scene:
        return Scene("soak-tasks", clock, seconds=seconds, rate=rate, seed=seed, policy=policy)

    scene = run_virtual(make())
    return _observed(scene, run)


def _this_task() -> asyncio.Task[Any]:
    task = asyncio.current_task()
    assert task is not None
    return task


def _later(turns: int, function: Callable[[], object]) -> None:
    if turns:
        asyncio.get_running_loop().call_soon(_later, turns - 1, function)
    else:
        function()


def _observed(scene: Scene, run: Callable[[], None]) -> Findings:
    refused = get_timeout_manager().metrics.refused
    began = time.perf_counter()
    with MetricsRegistry() as metrics:
        run()
        took = time.perf_counter() - began
        refused = get_timeout_manager().metrics.refused - refused
        if not isinstance(scene.clock, LoopClock):
            return scene.conclude(metrics, refused, took)

        async def conclude() -> Findings:
            return scene.conclude(metrics, refused, took)

        found: Findings = run_virtual(conclude())
        return found
