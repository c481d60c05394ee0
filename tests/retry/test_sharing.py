"""One guard, many callers: threads, tasks, loops one after another, calls inside calls; and nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import RetryExhaustedError, RetryManager, RetryPolicy, register_retry_policy, retrying, with_retry
from holdfast.testing import VirtualClock

POLICY = RetryPolicy(max_attempts=4, backoff="decorrelated-jitter")


class Flaky:
    """Fails a caller's first calls, as many as the caller says, and counts per caller."""

    def __init__(self) -> None:
        self.calls: dict[int, int] = {}

    def call(self, caller: int, fails: int) -> int:
        made = self.calls[caller] = self.calls.get(caller, 0) + 1
        if made <= fails:
            raise ConnectionResetError
        return caller

    async def call_async(self, caller: int, fails: int) -> int:
        await asyncio.sleep(0)
        return self.call(caller, fails)


def expected(callers: int) -> dict[int, int]:
    return {caller: min(caller % 6 + 1, 4) for caller in range(callers)}


def test_promise_8_64_threads_through_one_decorator_behave_as_if_alone(clock: VirtualClock) -> None:
    service = Flaky()
    guarded = with_retry(POLICY, clock=clock)(service.call)
    together = threading.Barrier(64)

    def caller(number: int) -> object:
        together.wait()
        try:
            return guarded(number, number % 6)
        except ConnectionResetError as error:
            return error.__notes__[0].split(" (")[0]

    with ThreadPoolExecutor(64) as threads:
        results = list(threads.map(caller, range(64)))
    assert service.calls == expected(64)
    for number, result in enumerate(results):
        assert result == (number if number % 6 < 4 else "holdfast: gave up after 4 attempts")


def test_promise_8_1000_tasks_through_one_decorator_behave_as_if_alone(clock: VirtualClock) -> None:
    service = Flaky()
    for function in (service.call_async, lambda *args: service.call_async(*args)):
        service.calls.clear()
        guarded: Any = with_retry(POLICY, clock=clock)(function)

        async def main(guarded: Any = guarded) -> Any:
            return await asyncio.gather(*(guarded(n, n % 6) for n in range(1000)), return_exceptions=True)

        results = asyncio.run(main())
        assert service.calls == expected(1000)
        for number, result in enumerate(results):
            assert result == number if number % 6 < 4 else isinstance(result, ConnectionResetError)


def test_promise_8_delays_of_one_call_do_not_depend_on_another(clock: VirtualClock) -> None:
    guarded = with_retry("infrastructure", clock=clock)(Door("sync").function(Script(ConnectionResetError)))
    for _ in range(3):
        with pytest.raises(ConnectionResetError):
            guarded()
    assert clock.sleeps == [5, 15] * 3


def test_promise_5_one_guard_serves_several_event_loops_one_after_another(clock: VirtualClock) -> None:
    guarded = with_retry(POLICY, clock=clock, attempt_timeout=60)(Flaky().call_async)
    assert [asyncio.run(guarded(n, 2)) for n in range(3)] == [0, 1, 2]
    manager = RetryManager(POLICY, clock=clock)
    assert [asyncio.run(manager.execute_or_raise(lambda: asyncio.sleep(0, "x"))) for _ in range(2)] == ["x", "x"]


def test_promise_5_a_callback_may_call_the_guarded_function_again(clock: VirtualClock) -> None:
    service = Flaky()

    def again(_error: Exception, attempt: int, _delay: float) -> None:
        if attempt == 1:
            assert guarded(100, 0) == 100

    guarded = with_retry(POLICY, clock=clock, on_retry=again)(service.call)
    assert guarded(1, 2) == 1
    assert service.calls == {1: 3, 100: 1}


def test_promise_5_a_name_may_be_registered_anew_by_many_threads_while_others_call(clock: VirtualClock) -> None:
    service = Flaky()
    guarded = with_retry("contended", clock=clock)(service.call)
    register_retry_policy("contended", POLICY)
    stop = threading.Event()

    def register() -> None:
        policies = [POLICY, POLICY.replace(total_timeout=1e6), POLICY.replace(attempt_timeout=1e6)]
        while not stop.is_set():
            for policy in policies:
                register_retry_policy("contended", policy)

    registrar = threading.Thread(target=register)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)  # so that a registration comes in between any two lines of a call
    registrar.start()
    try:
        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(lambda n: guarded(n, n % 3), range(2000))) == list(range(2000))
    finally:
        stop.set()
        registrar.join()
        sys.setswitchinterval(before)
    assert service.calls == {n: n % 3 + 1 for n in range(2000)}


def test_a_policy_that_changes_while_it_is_being_bound_is_looked_at_again(door: Door, clock: VirtualClock) -> None:
    name = f"changing-{door.name}"
    demanding = RetryPolicy(max_attempts=2, retry_on_result=lambda result: result == "bad")

    class Meddling(RetryPolicy):
        @property
        def watches_success(self) -> bool:
            register_retry_policy(name, demanding)
            return False

    guarded = with_retry(name, clock=clock)(door.function(Script("bad")))
    register_retry_policy(name, Meddling())
    for _ in range(2):
        with pytest.raises(RetryExhaustedError):
            door.run(guarded)


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Without the cycle collector, whatever is part of a cycle stays and is found."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def ways(clock: VirtualClock, script: Script) -> dict[str, Any]:
    """Every way of calling a plain function."""
    function = Door("sync").function(script)
    manager = RetryManager(POLICY, clock=clock)

    def block() -> None:
        for attempt in retrying(POLICY, clock=clock):
            with attempt:
                script.next()

    return {
        "decorated": with_retry(POLICY, clock=clock)(function),
        "decorated, timed": with_retry(POLICY, clock=clock, total_timeout=1e9)(function),
        "execute": lambda: manager.execute(function),
        "execute_or_raise": lambda: manager.execute_or_raise(function),
        "block": block,
    }


def ways_async(clock: VirtualClock, script: Script) -> dict[str, Any]:
    """Every way of calling an async function."""
    function = Door("async").function(script)
    manager = RetryManager(POLICY, clock=clock)

    async def block() -> None:
        async for attempt in retrying(POLICY, clock=clock, attempt_timeout=60):
            async with attempt:
                await function()

    return {
        "decorated": with_retry(POLICY, clock=clock)(function),
        "decorated, timed": with_retry(POLICY, clock=clock, attempt_timeout=60, total_timeout=1e9)(function),
        "returns an awaitable": with_retry(POLICY, clock=clock)(lambda: function()),
        "execute": lambda: manager.execute(function),
        "execute_or_raise": lambda: manager.execute_or_raise(function),
        "block": block,
    }


class LeakError(ConnectionError):
    """A failure whose objects can be told from others."""


def left_behind() -> list[object]:
    return [o for o in gc.get_objects() if type(o) is LeakError]


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("way", list(ways(VirtualClock(), Script())))
@pytest.mark.parametrize("outcomes", [(LeakError,), (LeakError, LeakError, "fine")])
def test_promise_4_failures_leave_no_objects_behind(clock: VirtualClock, way: str, outcomes: tuple[Any, ...]) -> None:
    script = Script(*outcomes)
    call = ways(clock, script)[way]
    for _ in range(200):
        script.calls = 0
        try:
            call()
        except LeakError:
            pass
    assert left_behind() == []


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("way", list(ways_async(VirtualClock(), Script())))
@pytest.mark.parametrize("outcomes", [(LeakError,), (LeakError, LeakError, "fine")])
def test_promise_4_async_failures_leave_no_objects_behind(
    clock: VirtualClock, way: str, outcomes: tuple[Any, ...]
) -> None:
    script = Script(*outcomes)
    call = ways_async(clock, script)[way]

    async def main() -> None:
        for _ in range(200):
            script.calls = 0
            try:
                await call()
            except LeakError:
                pass
        assert left_behind() == []

    asyncio.run(main())


def test_promise_4_10_000_failures_leave_no_objects_behind(clock: VirtualClock) -> None:
    guarded = with_retry(RetryPolicy(max_attempts=2), clock=clock)(Door("sync").function(Script(LeakError)))

    def fail() -> None:
        try:
            guarded()
        except LeakError:
            clock.sleeps.clear()

    fail()
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(10_000):
        fail()
    gc.collect()
    assert len(gc.get_objects()) - before < 50


@pytest.mark.usefixtures("no_collector")
def test_a_decorated_function_that_is_dropped_is_gone_without_the_collector(clock: VirtualClock) -> None:
    for fields in ({}, {"total_timeout": 5}, {"attempt_timeout": 5}):

        def plain() -> None: ...

        async def asynchronous() -> None: ...

        for function in (plain, asynchronous):
            guarded = with_retry("mcp", clock=clock, **fields)(function)  # type: ignore[call-overload]
            pending = guarded()
            if pending is not None:
                pending.close()
            dropped = weakref.ref(guarded)
            del guarded, pending
            assert dropped() is None
