"""Calls through a bulkhead: what it guards, what comes out, and that every permit comes back."""

from __future__ import annotations

import asyncio
import functools
import gc
import inspect
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast.circuit_breaker.bulkhead import queue as bulkhead_queue
from holdfast.circuit_breaker.bulkhead.config import BulkheadConfig
from holdfast.circuit_breaker.bulkhead.manager import Bulkhead
from holdfast.errors import BulkheadFullError, BulkheadTimeoutError


def small(permits: int = 1, places: int = 0, **fields: Any) -> Bulkhead:
    return Bulkhead(BulkheadConfig(name="small", max_concurrent=permits, max_queue=places, **fields))


@pytest.fixture(params=["lock-free", "locked"])
def make(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bulkhead]:
    """Bulkheads as they are with the GIL and as they are without it."""
    monkeypatch.setattr(bulkhead_queue, "LOCK_FREE", request.param == "lock-free")
    return small


def is_whole(bulkhead: Bulkhead) -> bool:
    return bulkhead.stats.as_dict() == {"active": 0, "queued": 0, "available": bulkhead.config.max_concurrent}


# Promise 1: whatever can be called is guarded and keeps its looks.


class Service:
    def method(self, x: int) -> int:
        """Doc."""
        return x + 1

    async def method_async(self, x: int) -> int:
        return x + 1

    def __call__(self, x: int) -> int:
        return x + 1


class AsyncService:
    async def __call__(self, x: int) -> int:
        return x + 1


def test_promise_1_the_guarded_function_keeps_its_looks() -> None:
    for function in (Service.method, Service.method_async):
        guarded = small().protect(function)
        assert (guarded.__name__, guarded.__doc__) == (function.__name__, function.__doc__)
        assert inspect.signature(guarded) == inspect.signature(function)
        assert inspect.iscoroutinefunction(guarded) == inspect.iscoroutinefunction(function)


def test_promise_1_methods_partials_and_objects_are_guarded() -> None:
    bulkhead = small()

    protect: Any = bulkhead.protect

    class Guarded:
        plain = protect(Service.method)
        static = protect(staticmethod(lambda x: x + 1))
        of_class = protect(classmethod(lambda cls, x: x + 1))
        awaited = protect(Service.method_async)

    plain: list[Any] = [Guarded().plain, Guarded.static, Guarded().of_class]
    plain += [protect(functools.partial(Service.method, Service())), protect(Service())]
    for number, call in enumerate(plain):
        assert call(number) == call(x=number) == number + 1
    for call in (Guarded().awaited, protect(AsyncService())):
        assert asyncio.run(call(1)) == asyncio.run(call(x=1)) == 2
    assert is_whole(bulkhead)
    assert bulkhead.metrics.completed == 14


@pytest.mark.parametrize("thing", [Service, property(lambda self: 1), 42, None])
def test_what_cannot_be_guarded_is_refused_when_decorating(thing: Any) -> None:
    with pytest.raises(TypeError, match="bulkhead cannot guard"):
        small().protect(thing)
    with pytest.raises(TypeError, match="bulkhead cannot guard"):
        small().execute(thing)


# Permits: taken while a call runs, back when it is over.


def ways(bulkhead: Bulkhead, door: Door, script: Script) -> list[Callable[[], Any]]:
    function = door.function(script)
    return [bulkhead.protect(function), lambda: bulkhead.execute(function)]


@pytest.mark.parametrize("way", [0, 1])
@pytest.mark.parametrize("watched", [False, True])
def test_every_end_of_a_call_gives_the_permit_back(
    door: Door, way: int, watched: bool, make: Callable[..., Bulkhead]
) -> None:
    bulkhead = make()
    if watched:
        bulkhead.on("execution_completed", lambda event: None)
    script = Script("a", 1, ValueError, "b", KeyboardInterrupt, asyncio.CancelledError, SystemExit, None)
    call = ways(bulkhead, door, script)[way]
    outcomes: list[Any] = []
    for _ in range(8):
        try:
            outcomes.append(run_quietly(door, call))
        except BaseException as error:
            outcomes.append(type(error))
        assert is_whole(bulkhead)
    assert outcomes == ["a", 1, ValueError, "b", KeyboardInterrupt, asyncio.CancelledError, SystemExit, None]
    metrics = bulkhead.metrics
    assert (metrics.admitted, metrics.completed, metrics.rejected, metrics.abandoned) == (8, 8, 0, 0)


def run_quietly(door: Door, call: Callable[[], Any]) -> Any:
    """Run without a loop that would treat a KeyboardInterrupt as its own."""
    result = call()
    if door.name == "sync":
        return result
    steps = result.__await__()
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        return stop.value


def test_promise_2_an_awaitable_keeps_its_permit_until_it_was_awaited(door: Door) -> None:
    bulkhead = small()
    seen: list[Any] = []

    async def inner() -> None:
        await asyncio.sleep(1)
        seen.append(bulkhead.stats.active)

    async def main() -> None:
        for call in (bulkhead.protect(lambda: inner()), lambda: bulkhead.execute(lambda: inner())):
            pending = call()
            assert bulkhead.stats.active == 1
            with pytest.raises(BulkheadFullError):
                bulkhead.execute(lambda: None)
            await pending
            assert is_whole(bulkhead)

    run_virtual(main())
    assert seen == [1, 1]


def test_an_awaitable_that_nobody_awaits_gives_its_permit_back() -> None:
    bulkhead = small()

    class Never:
        def __await__(self) -> Any:
            raise AssertionError

    async def main() -> None:
        for call in (bulkhead.protect(lambda: Never()), lambda: bulkhead.execute(lambda: Never())):
            pending = call()
            assert bulkhead.stats.active == 1
            with pytest.warns(RuntimeWarning, match="never awaited"):
                del pending
            assert is_whole(bulkhead)

    asyncio.run(main())


def test_results_of_many_types_are_just_results() -> None:
    bulkhead = small()
    results = [type(f"T{n}", (), {})() for n in range(20)] + [1, "x", None, iter(()), (n for n in range(0))]
    guarded = bulkhead.protect(lambda x: x)
    for result in results * 2:
        assert guarded(result) is result
    assert is_whole(bulkhead)


def test_a_type_whose_metaclass_refuses_to_be_asked_costs_no_permit() -> None:
    class Shy(type):
        def __getattr__(cls, name: str) -> Any:
            raise RuntimeError(name)

    class Odd(metaclass=Shy):
        pass

    bulkhead = small()
    for call in (bulkhead.protect(Odd.__call__), lambda: bulkhead.execute(lambda: Odd())):
        try:
            call()
        except RuntimeError:
            pass
        gc.collect()
        assert is_whole(bulkhead)


# Blocks.


def test_a_permit_is_a_with_block() -> None:
    bulkhead = small()
    with bulkhead.acquire() as permit:
        assert bulkhead.stats.active == 1
        with pytest.raises(BulkheadFullError):
            bulkhead.acquire()
        permit.release()
        assert is_whole(bulkhead)
    permit.release()
    assert is_whole(bulkhead)
    bulkhead.acquire()  # dropped
    assert is_whole(bulkhead)
    assert bulkhead.metrics.completed == 2


def test_a_permit_can_be_awaited_or_entered_async() -> None:
    bulkhead = small()

    async def main() -> None:
        async with bulkhead.acquire_async():
            with pytest.raises(BulkheadFullError):
                await bulkhead.acquire_async(timeout=None)
        with await bulkhead.acquire_async():
            assert bulkhead.stats.active == 1
        async with bulkhead.acquire_async() as permit:
            permit.release()
        assert is_whole(bulkhead)
        with pytest.raises(BulkheadFullError):
            entering = bulkhead.acquire_async()
            with bulkhead.acquire():
                await entering.__aenter__()
        await entering.__aexit__(None, None, None)  # not entered, so nothing to give back
        assert is_whole(bulkhead)

    asyncio.run(main())


# Refusals.


def test_a_full_bulkhead_refuses_at_once_and_says_so(door: Door, make: Callable[..., Bulkhead]) -> None:
    bulkhead = make()
    script = Script("fine")
    for call in ways(bulkhead, door, script):
        with bulkhead.acquire(), pytest.raises(BulkheadFullError) as caught:
            door.run(call)
        assert (caught.value.bulkhead_name, caught.value.reason, caught.value.retry_after) == ("small", "full", None)
        assert "'small': 1 call is running and" in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None
    assert script.calls == 0
    assert bulkhead.metrics.rejected == 2
    assert is_whole(bulkhead)


def test_in_a_thread_with_a_running_loop_a_plain_function_is_not_queued_for() -> None:
    bulkhead = small(places=5)

    async def main() -> None:
        for call in (bulkhead.protect(lambda: 1), lambda: bulkhead.execute(lambda: 1), bulkhead.acquire):
            assert call()
            gc.collect()
            async with bulkhead.acquire_async():
                with pytest.raises(BulkheadFullError, match="async def"):
                    call()

    asyncio.run(main())
    assert is_whole(bulkhead)


def test_a_thread_waits_for_its_timeout_and_no_longer() -> None:
    bulkhead = small(places=1, queue_timeout=0)
    with bulkhead.acquire():
        for call in (bulkhead.acquire, lambda: bulkhead.acquire(timeout=0.001), bulkhead.protect(lambda: 1)):
            with pytest.raises(BulkheadTimeoutError, match="within 0") as caught:
                call()
            assert caught.value.reason == "timeout"
    assert bulkhead.metrics.timed_out == 3
    assert is_whole(bulkhead)


def test_a_task_waits_for_its_timeout_and_no_longer() -> None:
    bulkhead = small(places=1, queue_timeout=5)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with bulkhead.acquire_async():
            for timeout, took in (("queue_timeout", 5.0), (7, 7.0), (0, 0.0)):
                began = loop.time()
                with pytest.raises(BulkheadTimeoutError):
                    await bulkhead.acquire_async(timeout=timeout)  # type: ignore[arg-type]
                assert loop.time() - began == pytest.approx(took, abs=1e-6)

    run_virtual(main())
    assert bulkhead.metrics.timed_out == 3
    assert is_whole(bulkhead)


def test_another_clock_waits_in_its_own_way(clock: Any) -> None:
    bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=3, queue_timeout=5), clock=clock)

    async def main() -> None:
        with pytest.raises(BulkheadTimeoutError):
            await bulkhead.acquire_async()

    with bulkhead.acquire():
        with pytest.raises(BulkheadTimeoutError):
            bulkhead.acquire()
        asyncio.run(main())
    assert clock.sleeps == [5, 5]
    assert is_whole(bulkhead)


# Promises 4 to 9.


def test_promise_4_ten_thousand_failures_and_refusals_leave_no_objects_behind(door: Door) -> None:
    if door.name != "sync":
        bulkhead = small()
        call: Any = bulkhead.protect(door.function(Script(ValueError)))

        async def many() -> None:
            for _ in range(2_000):
                try:
                    await call()
                except ValueError:
                    pass

        run_virtual(many())
        gc.collect()
        before = len(gc.get_objects())
        run_virtual(many())
        gc.collect()
        assert len(gc.get_objects()) - before < 100
        return
    bulkhead = small()
    failing = bulkhead.protect(door.function(Script(ValueError)))

    def fail() -> None:
        try:
            failing()
        except ValueError:
            pass
        try:
            with bulkhead.acquire():
                failing()
        except BulkheadFullError:
            pass

    fail()
    gc.collect()
    gc.disable()
    try:
        before = len(gc.get_objects())
        for _ in range(10_000):
            fail()
        assert len(gc.get_objects()) - before < 100
    finally:
        gc.enable()


def test_promise_4_the_users_own_exception_comes_out_the_same_object(door: Door) -> None:
    error = ValueError("own")
    for call in ways(small(), door, Script(error)):
        with pytest.raises(ValueError) as caught:
            door.run(call)
        assert caught.value is error
        assert error.__context__ is error.__cause__ is None


def test_promise_5_a_call_inside_a_call_takes_a_permit_of_its_own() -> None:
    bulkhead = small(2)
    inner = bulkhead.protect(lambda: bulkhead.stats.active)
    assert bulkhead.protect(lambda: inner())() == 2
    with pytest.raises(BulkheadFullError):
        bulkhead.protect(lambda: bulkhead.protect(lambda: inner())())()
    assert is_whole(bulkhead)


def test_promise_8_and_27_a_thousand_tasks_never_exceed_the_limit() -> None:
    bulkhead = small(7, 1000, queue_timeout=None)
    inside: list[int] = []
    running = 0

    @bulkhead.protect
    async def call(number: int) -> int:
        nonlocal running
        running += 1
        inside.append(running)
        await asyncio.sleep(number % 5)
        running -= 1
        return number

    async def main() -> list[int]:
        return list(await asyncio.gather(*(call(number) for number in range(1000))))

    assert run_virtual(main()) == list(range(1000))
    assert max(inside) == 7
    assert is_whole(bulkhead)


@pytest.mark.parametrize(
    ("interval", "permits", "lock_free"), [(0.005, 3, True), (1e-6, 3, True), (1e-6, 1000, True), (1e-6, 3, False)]
)
def test_promise_9_and_27_32_threads_times_2000_calls_are_counted_exactly(
    interval: float, permits: int, lock_free: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulkhead_queue, "LOCK_FREE", lock_free)
    bulkhead = small(permits, 2, queue_timeout=None)
    running: list[None] = []
    most = 0
    together = threading.Barrier(32)

    @bulkhead.protect
    def call() -> int:
        nonlocal most
        running.append(None)
        most = max(most, len(running))
        running.pop()
        return 1

    def caller(_number: int) -> int:
        together.wait()
        done = 0
        for _ in range(2000):
            try:
                done += call()
            except BulkheadFullError:
                pass
        return done

    before = sys.getswitchinterval()
    sys.setswitchinterval(interval)
    try:
        with ThreadPoolExecutor(32) as threads:
            done = sum(threads.map(caller, range(32)))
    finally:
        sys.setswitchinterval(before)
    metrics = bulkhead.metrics
    assert (metrics.admitted, metrics.completed) == (done, done)
    assert metrics.admitted + metrics.rejected == 64_000
    assert metrics.timed_out == metrics.abandoned == 0
    assert most <= permits
    assert is_whole(bulkhead)


def test_a_great_many_permits_cost_nothing_until_they_are_taken() -> None:
    bulkhead = small(10**9)
    permits = [bulkhead.acquire() for _ in range(200)]
    assert bulkhead.stats.as_dict() == {"active": 200, "queued": 0, "available": 10**9 - 200}
    permits.clear()
    assert is_whole(bulkhead)


def test_one_bulkhead_takes_at_most_two_kibibytes_and_calls_add_nothing() -> None:
    config = BulkheadConfig()
    Bulkhead(config).execute(lambda: None)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = [Bulkhead(config) for _ in range(200)]
        assert (tracemalloc.get_traced_memory()[0] - before) / len(kept) <= 2048
        call = kept[0].protect(lambda: None)
        call()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(20_000):
            call()
        assert tracemalloc.get_traced_memory()[0] - before < 1000
    finally:
        tracemalloc.stop()


def test_a_call_that_finds_a_permit_free_reads_no_clock_and_takes_no_lock() -> None:
    class NoClock:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    bulkhead = Bulkhead()
    bulkhead.clock = NoClock()
    bulkhead.line.lock = NoClock()  # type: ignore[assignment]
    guarded = bulkhead.protect(lambda: 1)
    guarded_async = bulkhead.protect(AsyncService())
    bulkhead.line.lock = threading.RLock()
    guarded()  # the type of the result is new
    bulkhead.line.lock = NoClock()  # type: ignore[assignment]
    assert guarded() == 1
    assert asyncio.run(guarded_async(1)) == 2
    bulkhead.line.lock = threading.RLock()


def test_promise_7_the_wall_clock_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: pytest.fail("the wall clock was read"))
    bulkhead = small(1, 1, queue_timeout=0)
    with bulkhead.acquire(), pytest.raises(BulkheadTimeoutError):
        bulkhead.execute(lambda: None)
