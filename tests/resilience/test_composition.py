"""The guards of a policy stand in their order, each attempt passes the inner ones, and the fallback answers for all."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    BulkheadFullError,
    CircuitOpenError,
    DeadlineExceededError,
    OperationTimeoutError,
    RateLimitExceededError,
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    Value,
    current_deadline,
)
from holdfast.testing import VirtualClock

QUICK = RetryPolicy.fixed(1)
NO_WAITING = {"max_concurrent": 1, "max_queue": 0}
ONE_A_MINUTE = {"limit": 1, "period": 60, "queue_timeout": 0}


class Scene:
    """One policy around one service, on a clock of its own, called through one door."""

    def __init__(self, door: Door, clock: VirtualClock) -> None:
        self.door = door
        self.clock = clock
        self.manager = ResilienceManager(clock=clock)

    def guard(self, function: Callable[..., Any] | Script, **fields: Any) -> Callable[..., Any]:
        """The function, or one of the door's kind that follows the script, under a policy of these fields."""
        own = self.door.function(function) if isinstance(function, Script) else function
        return self.manager.protect(own, "service", ResiliencePolicy(**fields))

    def slow(self, *durations: float) -> Callable[..., Any]:
        """A service that takes so long each time, the last one for ever after."""
        took = iter(durations)
        last = durations[-1]

        def plain() -> str:
            self.clock.advance(next(took, last))
            return "done"

        async def later() -> str:
            return plain()

        return {"sync": plain, "async": later}.get(self.door.name, lambda: later())

    def run(self, function: Callable[..., Any]) -> Any:
        return self.door.run(function)

    @property
    def breaker(self) -> Any:
        return self.manager.surroundings.circuit_breaker.obtain("service")

    @property
    def limiter(self) -> Any:
        return self.manager.surroundings.rate_limit.obtain("service")

    @property
    def room(self) -> Any:
        return self.manager.surroundings.bulkhead.obtain("service")


def fallback_total(scene: Scene) -> None:
    """The fallback answers for a call that took too long in all."""
    function = scene.guard(scene.slow(10), fallback=Value("fallback"), total_timeout=5)
    assert scene.run(function) == "fallback"


def total_retry(scene: Scene) -> None:
    """The time for the whole call ends the retries, and their waits count."""
    script = Script(ConnectionError)
    function = scene.guard(script, total_timeout=5, retry=RetryPolicy.fixed(2, max_attempts=10))
    with pytest.raises(ConnectionError):
        scene.run(function)
    assert script.calls == 3
    assert scene.clock.monotonic() < 5


def retry_breaker(scene: Scene) -> None:
    """Each attempt passes the breaker, and is counted by it."""
    function = scene.guard(Script(ConnectionError), retry=QUICK, circuit_breaker={})
    with pytest.raises(ConnectionError):
        scene.run(function)
    assert scene.breaker.metrics.failed_requests == 3


def breaker_limiter(scene: Scene) -> None:
    """An open circuit takes nothing from the limit, and a refusal by the limiter is no failure."""
    script = Script(ConnectionError, "fine")
    function = scene.guard(
        script, circuit_breaker={"failure_threshold": 1}, rate_limit={"limit": 2, "period": 60, "queue_timeout": 0}
    )
    with pytest.raises(ConnectionError):
        scene.run(function)
    for _ in range(3):
        with pytest.raises(CircuitOpenError):
            scene.run(function)
    assert scene.limiter.metrics.admitted == 1
    scene.breaker.reset()
    assert scene.run(function) == "fine"
    with pytest.raises(RateLimitExceededError):
        scene.run(function)
    assert scene.breaker.metrics.failed_requests == 0


def limiter_bulkhead(scene: Scene) -> None:
    """A call that the limiter refuses asks for no permit; one that the bulkhead refuses has used up its turn."""
    function = scene.guard(Script("fine"), rate_limit=ONE_A_MINUTE, bulkhead=NO_WAITING)
    scene.manager.surroundings.bulkhead.obtain("service", ResiliencePolicy(bulkhead=NO_WAITING).bulkhead)
    permit = scene.room.acquire()
    with pytest.raises(BulkheadFullError):
        scene.run(function)
    permit.release()
    with pytest.raises(RateLimitExceededError):
        scene.run(function)
    assert scene.room.metrics.admitted == 1


def bulkhead_timeout(scene: Scene) -> None:
    """A call has its permit before its time begins, and gives it back when it took too long."""
    seen = []

    def look() -> str:
        mark = current_deadline()
        assert mark is not None
        seen.append((scene.room.stats.active, mark.remaining()))
        scene.clock.advance(10)
        return "late"

    async def look_async() -> str:
        return look()

    function = scene.guard(look if scene.door.name == "sync" else look_async, bulkhead=NO_WAITING, timeout=5)
    with pytest.raises(OperationTimeoutError):
        scene.run(function)
    assert seen == [(1, 5.0)]
    assert scene.room.stats.active == 0


ORDER: dict[tuple[str, str], Callable[[Scene], None]] = {
    ("fallback", "total_timeout"): fallback_total,
    ("total_timeout", "retry"): total_retry,
    ("retry", "circuit_breaker"): retry_breaker,
    ("circuit_breaker", "rate_limit"): breaker_limiter,
    ("rate_limit", "bulkhead"): limiter_bulkhead,
    ("bulkhead", "timeout"): bulkhead_timeout,
}


@pytest.mark.parametrize("pair", ORDER, ids=" around ".join)
def test_each_guard_stands_around_the_next(pair: tuple[str, str], door: Door, clock: VirtualClock) -> None:
    ORDER[pair](Scene(door, clock))


def test_the_table_of_the_order_leaves_no_guard_out() -> None:
    outer, inner = zip(*ORDER, strict=True)
    assert outer[1:] == inner[:-1]
    assert {*outer, *inner} == set(ResiliencePolicy._fields) - {"timeout_mode"}


FAILURES = (
    "its own error",
    "retries exhausted",
    "an open circuit",
    "a full bulkhead",
    "the rate limit",
    "an attempt that takes too long",
    "a call that takes too long",
)


def _failing(how: str, scene: Scene, fallback: Any) -> Callable[..., Any]:
    """A guarded function that fails in this way."""
    if how == "its own error":
        return scene.guard(Script(ValueError), fallback=fallback, retry=QUICK)
    if how == "retries exhausted":
        return scene.guard(Script(0), fallback=fallback, retry={"retry_on_result": lambda value: not value})
    if how == "an open circuit":
        function = scene.guard(Script("fine"), fallback=fallback, circuit_breaker={})
        scene.run(function)
        scene.breaker.force_open(hold=True)
        return function
    if how == "a full bulkhead":
        function = scene.guard(Script("fine"), fallback=fallback, bulkhead=NO_WAITING)
        scene.run(function)
        protected: Any = function
        protected.permit = scene.room.acquire()
        return function
    if how == "the rate limit":
        function = scene.guard(Script("fine"), fallback=fallback, rate_limit=ONE_A_MINUTE)
        scene.run(function)
        return function
    limit = {"timeout": 1} if how == "an attempt that takes too long" else {"total_timeout": 1}
    return scene.guard(scene.slow(10), fallback=fallback, **limit)


@pytest.mark.parametrize("how", FAILURES)
def test_promise_38_the_fallback_answers_for_every_way_in_which_a_call_can_fail(
    how: str, door: Door, clock: VirtualClock
) -> None:
    seen = []

    def answer(error: Exception) -> str:
        seen.append(error)
        return "answer"

    assert Scene(door, clock).run(_failing(how, Scene(door, clock), answer)) == "answer"
    assert len(seen) == 1


@pytest.mark.parametrize("how", FAILURES)
def test_promise_38_an_async_fallback_is_awaited_and_its_own_error_has_the_first_one_as_context(
    how: str, clock: VirtualClock
) -> None:
    door = Door("async")
    scene = Scene(door, clock)

    async def answer(error: Exception) -> str:
        await asyncio.sleep(0)
        raise LookupError("nothing cached") from None

    with pytest.raises(LookupError) as caught:
        scene.run(_failing(how, scene, answer))
    assert isinstance(caught.value.__context__, Exception)
    assert not isinstance(caught.value.__context__, LookupError)


def test_promise_39_an_open_circuit_is_not_hammered_by_the_retry_around_it(door: Door, clock: VirtualClock) -> None:
    scene = Scene(door, clock)
    script = Script(ConnectionError)
    retry = RetryPolicy.fixed(1, max_attempts=10)
    function = scene.guard(script, retry=retry, circuit_breaker={"failure_threshold": 3, "reset_timeout": 1000})
    with pytest.raises(CircuitOpenError):
        scene.run(function)
    assert script.calls == 3
    began = clock.monotonic()
    for _ in range(5):
        with pytest.raises(CircuitOpenError):
            scene.run(function)
    assert script.calls == 3
    assert scene.breaker.metrics.rejected_requests == 6
    scene.breaker.force_open(hold=True)  # then it says nothing of when to come back
    with pytest.raises(CircuitOpenError):
        scene.run(function)
    assert scene.breaker.metrics.rejected_requests == 7
    assert clock.monotonic() == began, "no back-off is slept for a rejection"


def test_promise_39_each_attempt_passes_the_inner_guards(door: Door, clock: VirtualClock) -> None:
    scene = Scene(door, clock)
    script = Script(ConnectionError, ConnectionError, "fine")
    function = scene.guard(
        script,
        retry=QUICK,
        circuit_breaker={},
        rate_limit={"limit": 10, "period": 60},
        bulkhead={"max_concurrent": 1},
        timeout=5,
        total_timeout=60,
    )
    assert scene.run(function) == "fine"
    assert script.calls == 3
    assert scene.breaker.metrics.total_requests == 3
    assert scene.limiter.metrics.admitted == 3
    assert scene.room.metrics.completed == 3


def test_promise_40_of_calls_with_thirty_in_a_hundred_failures_more_than_98_in_100_succeed_with_four_attempts(
    door: Door, clock: VirtualClock
) -> None:
    chance = random.Random(40)

    def outcomes() -> Iterator[Any]:
        while True:
            yield ConnectionError if chance.random() < 0.3 else "fine"

    service = outcomes()

    class Flaky(Script):
        def next(self) -> Any:
            self.outcomes = (next(service),)
            return super().next()

    scene = Scene(door, clock)
    policy = ResiliencePolicy.api(retry={"max_attempts": 4})
    function = scene.manager.protect(door.function(Flaky()), "service", policy)
    succeeded = 0
    for _ in range(2_000):
        try:
            succeeded += scene.run(function) == "fine"
        except (ConnectionError, CircuitOpenError):
            clock.advance(100)
    assert succeeded / 2_000 > 0.98


def test_cancellation_passes_all_guards_and_leaves_nothing_behind() -> None:
    clock_free = ResilienceManager(breakers=None)
    policy = ResiliencePolicy.api(fallback=Value("fallback"), total_timeout=200, rate_limit={"limit": 10, "period": 60})

    async def hang() -> None:
        await asyncio.sleep(1000)

    function = clock_free.protect(hang, "cancelled", policy)

    async def main() -> None:
        task = asyncio.ensure_future(function())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert task.cancelling() == 1

    run_virtual(main())
    around = clock_free.surroundings
    assert around.bulkhead.obtain("cancelled").stats.active == 0
    assert around.circuit_breaker.obtain("cancelled").metrics.as_dict()["abandoned_requests"] == 1
    for name in ("circuit_breaker", "bulkhead", "rate_limit"):
        getattr(around, name).remove("cancelled")


@pytest.mark.parametrize("fields", [{"timeout": 0.02}, {"total_timeout": 0.02}, {"timeout": 0.02, "total_timeout": 60}])
def test_a_plain_function_is_left_in_its_thread_when_the_time_is_up_and_its_permit_is_held(fields: Any) -> None:
    manager = ResilienceManager()
    gate, ended = threading.Event(), threading.Event()

    def hang() -> None:
        gate.wait(60)
        ended.set()

    function = manager.protect(hang, "hanging", ResiliencePolicy(bulkhead=NO_WAITING, **fields))
    with pytest.raises(OperationTimeoutError):
        function()
    room = manager.surroundings.bulkhead.obtain("hanging")
    assert room.stats.active == 1
    with pytest.raises(BulkheadFullError):
        function()
    gate.set()
    assert ended.wait(60)
    while room.stats.active:  # the worker gives it back in its own time
        threading.Event().wait(0.001)


def test_a_cooperative_policy_keeps_a_plain_function_in_its_thread() -> None:
    manager = ResilienceManager()
    here = threading.get_ident()

    def look() -> tuple[bool, bool]:
        return threading.get_ident() == here, current_deadline() is not None

    fields: Any = {"timeout_mode": "cooperative"}
    assert manager.protect(look, "a", ResiliencePolicy(total_timeout=60, **fields))() == (True, True)
    assert manager.protect(look, "b", ResiliencePolicy(timeout=60, **fields))() == (True, True)
    assert manager.protect(look, "c", ResiliencePolicy(total_timeout=60))() == (False, True)


def test_the_time_for_the_whole_call_cuts_a_hanging_attempt_of_an_async_function() -> None:
    manager = ResilienceManager()
    cleaned = []

    async def hang() -> None:
        try:
            await asyncio.sleep(1000)
        finally:
            cleaned.append(True)

    function = manager.protect(hang, "hung", ResiliencePolicy(retry="network", total_timeout=5, timeout=4))

    async def main() -> float:
        loop = asyncio.get_running_loop()
        with pytest.raises(DeadlineExceededError, match="hung took longer than its total_timeout of 5 s|total_timeout"):
            await function()
        return loop.time()

    assert run_virtual(main()) == pytest.approx(5)
    assert cleaned
