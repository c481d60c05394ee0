"""The switch: off, a guarded call is a plain call; on again, it is guarded as before; in between nothing is lost."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, Script, run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    BulkheadFullError,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    ConfigurationError,
    DeadlineExceededError,
    RetryManager,
    TimeoutManager,
    bulkhead,
    current_deadline,
    deadline,
    disabled,
    retrying,
    set_enabled,
    switch,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)
from holdfast.registry import Binding
from holdfast.switch import all_on, is_enabled, is_off
from holdfast.testing import VirtualClock


@pytest.fixture(autouse=True)
def _on_again() -> Any:
    yield
    set_enabled(True)
    assert all_on(), "a block was left open"


def _retried(function: Callable[..., Any]) -> Callable[..., Any]:
    return with_retry("network", clock=VirtualClock())(function)


def _refused(function: Callable[..., Any]) -> Callable[..., Any]:
    breaker = CircuitBreaker(CircuitBreakerConfig(name="down"))
    breaker.force_open(hold=True)
    return breaker.protect(function)


def _crowded_out(function: Callable[..., Any]) -> Callable[..., Any]:
    full = Bulkhead(BulkheadConfig(name="full", max_concurrent=1, max_queue=0))
    protected: Any = full.protect(function)
    protected.permit = full.acquire()  # one that is dropped would go back
    return protected  # type: ignore[no-any-return]


def _too_late(function: Callable[..., Any]) -> Callable[..., Any]:
    manager = TimeoutManager(clock=VirtualClock())
    return manager.protect(function, 1e-9)


@pytest.mark.parametrize("guard", [_refused, _crowded_out])
def test_a_call_that_would_be_refused_passes_while_holdfast_is_off_and_is_refused_again_afterwards(
    door: Door, guard: Callable[..., Any]
) -> None:
    script = Script("answer")
    function = guard(door.function(script))
    for _ in range(2):
        with pytest.raises((CircuitOpenError, BulkheadFullError)):
            door.run(function)
        with disabled():
            assert door.run(function) == "answer"
    set_enabled(False)
    assert door.run(function) == "answer"
    set_enabled(True)
    with pytest.raises((CircuitOpenError, BulkheadFullError)):
        door.run(function)
    assert script.calls == 3


def test_off_a_retry_makes_one_attempt_and_its_error_comes_out_as_it_is(door: Door) -> None:
    script = Script(ConnectionError)
    function = _retried(door.function(script))
    with disabled(), pytest.raises(ConnectionError) as caught:
        door.run(function)
    assert script.calls == 1
    assert not hasattr(caught.value, "__notes__")
    with pytest.raises(ConnectionError):
        door.run(function)
    assert script.calls == 6


def test_off_the_manager_and_the_block_make_one_attempt() -> None:
    script = Script(ConnectionError)
    manager = RetryManager("network", clock=VirtualClock())
    with disabled():
        result = manager.execute(script.next)
        assert (result.success, script.calls) == (False, 1)
        assert isinstance(run_virtual(manager.execute(Door("async").function(script))).error, ConnectionError)
        with pytest.raises(ConnectionError):
            for attempt in retrying("network", clock=VirtualClock()):
                with attempt:
                    script.next()
    assert script.calls == 3


def test_off_nothing_is_counted(door: Door) -> None:
    breaker = CircuitBreaker()
    room = Bulkhead()
    function = room.protect(breaker.protect(door.function(Script(ValueError))))
    with disabled():
        with pytest.raises(ValueError, match="failure 1"):
            door.run(function)
        with pytest.raises(ZeroDivisionError), breaker.acquire():
            raise ZeroDivisionError
        with room.acquire(), room.acquire():
            assert room.stats.active == 0
    assert breaker.metrics.total_requests == 0
    assert room.metrics.admitted == room.metrics.completed == 0


def test_off_a_permit_of_a_full_bulkhead_is_to_be_had_in_tasks_too() -> None:
    full = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=0))

    async def main() -> None:
        async with full.acquire_async():
            with disabled():
                async with full.acquire_async():
                    assert full.stats.active == 1
            with pytest.raises(BulkheadFullError):
                await full.acquire_async()

    asyncio.run(main())
    assert full.stats.active == 0


def test_off_no_time_is_limited(door: Door) -> None:
    clock = VirtualClock()
    manager = TimeoutManager(clock=clock)

    def slow() -> str:
        clock.advance(10)
        return "late"

    async def slow_async() -> str:
        clock.advance(10)
        return "late"

    function = manager.protect(slow if door.name == "sync" else slow_async, 1)
    with disabled():
        assert door.run(function) == "late"
    with pytest.raises(TimeoutError):
        door.run(function)


def test_off_the_quick_timeout_of_the_real_clock_is_off_too() -> None:
    @with_timeout(0.001)
    async def hang() -> str:
        for _ in range(20):
            await asyncio.sleep(0.001)
        return "late"

    async def main() -> None:
        with pytest.raises(TimeoutError):
            await hang()
        with disabled():
            assert await hang() == "late"
        with pytest.raises(TimeoutError):
            await hang()

    run_virtual(main())


def test_off_a_deadline_limits_nothing() -> None:
    @with_retry("network", max_attempts=2, clock=VirtualClock())
    def call() -> str:
        return "fine"

    async def main() -> None:
        with disabled():
            async with deadline(1):
                await asyncio.sleep(5)
                assert current_deadline() is None
                assert call() == "fine"

    run_virtual(main())
    with disabled(), deadline(1, header="0"):
        assert call() == "fine"
    with pytest.raises(DeadlineExceededError), deadline(1, header="0"):
        pass


def test_only_the_code_in_the_block_is_off_other_threads_and_tasks_are_guarded() -> None:
    function = _refused(lambda: "answer")
    inside, over = threading.Event(), threading.Event()

    def other() -> None:
        with disabled():
            assert function() == "answer"
            inside.set()
            over.wait(10)

    thread = threading.Thread(target=other)
    thread.start()
    assert inside.wait(10)
    with pytest.raises(CircuitOpenError):
        function()
    assert is_enabled()
    over.set()
    thread.join(10)

    async def main() -> None:
        async def switched_off() -> object:
            with disabled():
                await asyncio.sleep(1)
                return function()

        async def guarded() -> object:
            await asyncio.sleep(0.5)
            return function()

        off, on = await asyncio.gather(switched_off(), guarded(), return_exceptions=True)
        assert off == "answer"
        assert isinstance(on, CircuitOpenError)

    run_virtual(main())


def test_a_task_begun_in_a_block_is_guarded_once_the_block_is_over() -> None:
    function = _refused(lambda: "answer")

    async def main() -> None:
        gate = asyncio.Event()

        async def later() -> None:
            assert function() == "answer"
            gate.set()
            await asyncio.sleep(1)
            elsewhere = disabled()
            contextvars.copy_context().run(elsewhere.__enter__)
            try:
                function()
            finally:
                elsewhere.__exit__(None, None, None)

        with disabled():
            task = asyncio.create_task(later())
            await gate.wait()
        with pytest.raises(CircuitOpenError):
            await task

    run_virtual(main())


def test_blocks_nest_and_each_is_entered_once() -> None:
    outer = disabled()
    with outer:
        with disabled():
            assert is_off()
        assert is_off()
        with pytest.raises(RuntimeError, match="entered once"):
            outer.__enter__()
    assert not is_off()
    disabled().__exit__(None, None, None)  # as an exit stack may do with one that was never entered
    assert all_on()


def test_a_block_that_is_left_in_another_context_or_dropped_leaves_nothing_switched_off() -> None:
    block = disabled()
    contextvars.copy_context().run(block.__enter__)
    assert not all_on()
    assert not is_off()
    for _ in range(2):  # the second time there is nothing to close
        block.__exit__(None, None, None)
        assert all_on()
    dropped = disabled()
    contextvars.copy_context().run(dropped.__enter__)
    assert not all_on()
    del dropped
    gc.collect()
    assert all_on()


class Watched(Binding[str]):
    """A binding that remembers all that it ever held."""

    __slots__ = ("_held", "held")

    def __init__(self) -> None:
        self.held: list[str | None] = []
        super().__init__(lambda: "found")

    @property
    def now(self) -> str | None:  # pyright: ignore[reportIncompatibleVariableOverride]
        return self._held

    @now.setter
    def now(self, value: str | None) -> None:
        self._held = value
        self.held.append(value)


def test_while_off_a_binding_holds_nothing_not_even_for_a_moment() -> None:
    with disabled():
        binding = Watched()
        assert binding.bind() == "found"
        assert set(binding.held) == {None}
    assert binding.bind() == binding.now == "found"


def test_the_quick_path_is_back_after_the_block() -> None:
    breaker = CircuitBreaker()
    binding = Binding.to(breaker)
    held: list[object] = [binding.now]
    with disabled():
        held.append(binding.now)
        assert binding.bind() is breaker
        held.append(binding.now)
    binding.bind()
    held.append(binding.now)
    assert held == [breaker, None, None, breaker]


def test_calls_go_on_while_the_switch_is_thrown_and_no_permit_is_lost() -> None:
    room = Bulkhead(BulkheadConfig(max_concurrent=64))
    breaker = CircuitBreaker()
    seen: list[None] = []

    @room.protect
    @breaker.protect
    def work() -> None:
        seen.append(None)

    def busily() -> None:
        for _ in range(500):
            work()

    threads = [threading.Thread(target=busily) for _ in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        set_enabled(False)
        with disabled():
            pass
        set_enabled(True)
    for thread in threads:
        thread.join()
    assert len(seen) == 4000
    assert room.stats.active == 0
    metrics = breaker.metrics
    assert metrics.total_requests == metrics.successful_requests <= 4000


@pytest.mark.parametrize("value", [1, 0, None, "off"])
def test_only_true_and_false_throw_the_switch(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="set_enabled: value must be True or False"):
        set_enabled(value)


@pytest.mark.parametrize(
    ("value", "told"),
    [("0", "True"), ("Off", "True"), (" no ", "True"), ("", "False"), ("1", "False"), ("TRUE", "False")],
)
def test_the_environment_throws_it_from_the_start(value: str, told: str) -> None:
    program = "import holdfast.switch as s; print(s.is_off())"
    env = {**os.environ, "HOLDFAST_ENABLED": value}
    done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == told


def test_an_environment_that_says_neither_is_refused_with_what_is_allowed() -> None:
    from holdfast.switch import from_environment

    with pytest.raises(ConfigurationError, match="HOLDFAST_ENABLED must be one of 1, true, yes, on, 0, .*not 'maybe'"):
        from_environment("maybe")


def test_decorating_while_off_guards_later() -> None:
    with disabled():

        @with_circuit_breaker("later")
        @bulkhead("later")
        @_too_late
        def function() -> str:
            return "answer"

        assert function() == "answer"
    assert function() == "answer"


def test_an_interrupt_anywhere_in_a_block_leaves_nothing_switched_off() -> None:
    function = _refused(lambda: "answer")
    number, places = 0, ["the first"]
    while places:
        with interrupt_at(number) as places:
            try:
                with disabled():
                    pass
            except Interrupted:
                pass
        assert all_on(), places
        assert is_enabled(), places
        with pytest.raises(CircuitOpenError):
            function()
        number += 1
    assert number > 5


def test_calls_made_while_off_are_not_counted_whatever_others_do_meanwhile() -> None:
    breaker, room = CircuitBreaker(), Bulkhead()

    @room.protect
    @breaker.protect
    def fail() -> None:
        raise ConnectionError

    def call() -> None:
        for _ in range(300):
            with pytest.raises(ConnectionError):
                fail()

    set_enabled(False)
    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breaker.metrics.total_requests == 0
    assert room.metrics.admitted == 0


def test_a_forked_child_has_a_lock_that_nobody_holds() -> None:
    lock = switch._lock
    switch._renew_lock()
    assert switch._lock is not lock
    with disabled():
        assert is_off()
