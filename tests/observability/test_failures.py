"""Failures are told once each: however many guards one passes, and however often one exception is raised."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    BulkheadFullError,
    CircuitOpenError,
    Classification,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    RetryExhaustedError,
    RetryManager,
    TimeoutManager,
    bulkhead,
    create_bulkhead,
    create_circuit_breaker,
    events,
    failures,
    retrying,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)
from holdfast.events import CallFailed
from holdfast.testing import VirtualClock


@pytest.fixture
def told() -> Iterator[list[CallFailed]]:
    seen: list[CallFailed] = []
    end = events.watch(seen.append)
    yield seen
    end()
    assert events.watchers == ()


def summary(told: list[CallFailed]) -> list[tuple[str, str]]:
    return [(event.guard, event.code) for event in told]


def test_a_failure_tells_what_kind_it_is_and_who_saw_it_first(door: Door, told: list[CallFailed]) -> None:
    guarded = with_circuit_breaker("payments")(door.function(Script(ConnectionResetError)))
    with pytest.raises(ConnectionResetError):
        door.run(guarded)
    assert told == [
        CallFailed(
            name="payments",
            guard="circuit breaker",
            error_type="ConnectionResetError",
            category="TRANSIENT",
            code="CONNECTION_RESET",
        )
    ]


def test_a_failure_that_passes_many_guards_is_told_once(door: Door, told: list[CallFailed]) -> None:
    guarded = door.function(Script(ConnectionResetError))
    for _ in range(3):
        guarded = with_circuit_breaker("inner")(guarded)
        guarded = bulkhead("middle")(guarded)
        guarded = with_timeout(30)(guarded)
        guarded = with_retry(max_attempts=1)(guarded)
        guarded = with_circuit_breaker("outer")(guarded)
    with pytest.raises(ConnectionResetError):
        door.run(guarded)
    assert summary(told) == [("circuit breaker", "CONNECTION_RESET")]
    assert told[0].name == "inner"


def test_each_attempt_that_fails_is_a_failure(door: Door, told: list[CallFailed], clock: VirtualClock) -> None:
    script = Script(ConnectionResetError, ConnectionResetError, 42)
    guarded = with_retry(max_attempts=3, clock=clock)(with_circuit_breaker("inner")(door.function(script)))
    assert door.run(guarded) == 42
    assert summary(told) == [("circuit breaker", "CONNECTION_RESET")] * 2


@pytest.mark.parametrize("inside", [True, False])
def test_an_exception_that_is_kept_and_raised_again_is_told_each_time(
    door: Door, told: list[CallFailed], clock: VirtualClock, inside: bool
) -> None:
    guarded = door.function(Script(ConnectionResetError("always the same")))
    if inside:
        guarded = with_circuit_breaker("inner", failure_threshold=100)(guarded)
    guarded = with_retry(max_attempts=3, clock=clock)(guarded)
    guarded = with_circuit_breaker("outer", failure_threshold=100)(guarded)
    for calls in range(1, 4):
        with pytest.raises(ConnectionResetError):
            door.run(guarded)
        assert len(told) == 3 * calls


def test_recursion_through_one_guard_is_one_failure(told: list[CallFailed]) -> None:
    @with_circuit_breaker("deep", failure_threshold=100)
    def dig(depth: int) -> None:
        if not depth:
            raise ConnectionResetError
        dig(depth - 1)

    for calls in range(1, 3):
        with pytest.raises(ConnectionResetError):
            dig(10)
        assert len(told) == calls


def test_blocks_see_what_comes_out_of_calls_and_of_one_another_as_one_failure(
    told: list[CallFailed], clock: VirtualClock
) -> None:
    outer, inner = (create_circuit_breaker(name, failure_threshold=100) for name in ("outer", "inner"))
    same = ConnectionResetError("always the same")
    fails = with_circuit_breaker("call", failure_threshold=100)(Script(same).next)
    for calls in range(1, 4):
        with pytest.raises(ConnectionResetError), outer.acquire(), inner.acquire():
            fails()
        assert len(told) == calls

    told.clear()
    with pytest.raises(ConnectionResetError):
        for attempt in retrying(max_attempts=3, clock=clock):
            with attempt, inner.acquire():
                raise same
    assert [event.name for event in told] == ["inner"] * 3


def test_calls_made_directly_one_in_another_are_one_failure(told: list[CallFailed]) -> None:
    breaker = create_circuit_breaker("direct")
    fails = Script(ConnectionResetError).next
    with pytest.raises(ConnectionResetError):
        RetryManager(max_attempts=1).execute_or_raise(lambda: breaker.execute(fails))
    with pytest.raises(ConnectionResetError):
        RetryManager(max_attempts=1).execute_or_raise(lambda: breaker.execute(lambda: breaker.execute(fails)))
    assert len(told) == 2


def test_a_failure_that_comes_from_another_thread_or_task_is_told_there(told: list[CallFailed]) -> None:
    inner = with_circuit_breaker("inner")(Script(ConnectionResetError).next)

    @with_circuit_breaker("outer")
    async def hands_over(how: Callable[[Any], Any]) -> None:
        await how(inner)

    async def in_a_task(function: Callable[[], Any]) -> None:
        async def run() -> None:
            function()

        await asyncio.create_task(run())

    for how in (asyncio.to_thread, in_a_task):
        with pytest.raises(ConnectionResetError):
            asyncio.run(hands_over(how))
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("outer")(with_timeout(30)(inner))()
    assert [event.name for event in told] == ["inner"] * 3


def test_tasks_that_get_the_same_exception_fail_each(told: list[CallFailed]) -> None:
    async def main() -> None:
        shared = asyncio.get_running_loop().create_future()

        @with_circuit_breaker("shared", failure_threshold=1000)
        async def wait() -> None:
            await shared

        waiting = [asyncio.ensure_future(wait()) for _ in range(20)]
        await asyncio.sleep(0)
        shared.set_exception(ConnectionResetError())
        await asyncio.gather(*waiting, return_exceptions=True)

    run_virtual(main())
    assert len(told) == 20


def test_threads_side_by_side_are_told_exactly(told: list[CallFailed]) -> None:
    @with_retry(max_attempts=1)
    @with_circuit_breaker("side by side", failure_threshold=10**6)
    def fails() -> None:
        raise ConnectionResetError

    def work() -> None:
        for _ in range(100):
            with pytest.raises(ConnectionResetError):
                fails()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 800


def test_refusals_and_timeouts_are_failures_too(told: list[CallFailed], clock: VirtualClock) -> None:
    breaker = create_circuit_breaker("held")
    breaker.force_open(hold=True)
    with pytest.raises(CircuitOpenError):
        with_retry(max_attempts=1)(breaker.protect(len))("")
    full = create_bulkhead("full", 1, 0)
    with full.acquire(), pytest.raises(BulkheadFullError):
        with_circuit_breaker("around")(full.protect(len))("")
    manager_clock = VirtualClock()
    late = with_timeout(1, manager=TimeoutManager(clock=manager_clock))(lambda: manager_clock.advance(2))
    with pytest.raises(OperationTimeoutError):
        with_circuit_breaker("around")(late)()
    assert summary(told) == [
        ("circuit breaker", "CIRCUIT_OPEN"),
        ("bulkhead", "BULKHEAD_QUEUE_FULL"),
        ("timeout", "TIMEOUT"),
    ]


def test_bad_results_and_calls_that_could_not_begin_are_failures_of_the_retry(
    told: list[CallFailed], clock: VirtualClock
) -> None:
    with pytest.raises(RetryExhaustedError):
        with_retry(max_attempts=1, clock=clock, retry_on_result=lambda result: result < 0)(lambda: -1)()
    with pytest.raises(DeadlineExceededError):
        guarded = with_retry(max_attempts=1, clock=clock)(Script(1).next)
        with DeadlineTracker(clock=clock).track(1):
            clock.advance(2)
            guarded()
    assert summary(told) == [("retry", "RETRY_EXHAUSTED"), ("retry", "DEADLINE_EXCEEDED")]


def test_cancellation_and_interrupts_are_no_failures(told: list[CallFailed]) -> None:
    for error in (asyncio.CancelledError, KeyboardInterrupt, SystemExit):
        with pytest.raises(error):
            with_circuit_breaker("interrupted")(Script(error).next)()
    assert told == []


def test_a_verdict_of_the_guards_own_classifier_is_told_if_it_gives_one(told: list[CallFailed]) -> None:
    class Own:
        def __init__(self, answer: Any) -> None:
            self.answer = answer

        def classify(self, error: BaseException) -> Any:
            if self.answer is ValueError:
                raise ValueError
            return self.answer

    for answer in (Classification(category="RESOURCE", code="OURS"), ValueError, "nonsense"):
        failures.note("circuit breaker", "own", ConnectionResetError(), Own(answer))
    assert [event.code for event in told] == ["OURS", "CONNECTION_RESET", "CONNECTION_RESET"]


def test_copies_of_an_exception_are_new_ones(told: list[CallFailed]) -> None:
    error = ConnectionResetError("text")
    fails = with_circuit_breaker("copied", failure_threshold=100)(Script(error).next)
    with pytest.raises(ConnectionResetError):
        fails()
    for again in (copy.copy(error), copy.deepcopy(error), pickle.loads(pickle.dumps(error))):
        with pytest.raises(ConnectionResetError), create_circuit_breaker("elsewhere").acquire():
            raise again
    assert len(told) == 4


def test_an_exception_that_takes_no_attributes_is_told_once_as_well(told: list[CallFailed]) -> None:
    class Frozen(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

        def __getattribute__(self, name: str) -> Any:
            if name == "__dict__":
                raise AttributeError(name)
            return super().__getattribute__(name)

    guarded = with_circuit_breaker("outer")(with_circuit_breaker("inner")(Script(Frozen).next))
    with pytest.raises(Frozen):
        guarded()
    assert [event.name for event in told] == ["inner"]


def test_nothing_is_left_on_an_exception_while_nobody_watches() -> None:
    error = ConnectionResetError()
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("unwatched")(Script(error).next)()
    assert vars(error) == {}


def test_a_watcher_that_raises_changes_nothing_and_is_logged(
    told: list[CallFailed], caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_event: CallFailed) -> None:
        raise ValueError("s3cret")

    end = events.watch(broken)
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("watched")(Script(ConnectionResetError).next)()
    end()
    end()
    assert len(told) == 1
    assert "watcher" in caplog.text
    assert "s3cret" not in caplog.text


def test_where_there_is_no_room_left_on_the_stack_the_failure_itself_comes_out(
    told: list[CallFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room() -> None:
        raise RecursionError

    monkeypatch.setattr(failures, "_Here", no_room)
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("deep down")(Script(ConnectionResetError).next)()
    assert told == []


def test_failures_are_told_once_also_where_asyncio_was_never_imported(
    told: list[CallFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "asyncio")
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("outer")(with_circuit_breaker("inner")(Script(ConnectionResetError).next))()
    assert [event.name for event in told] == ["inner"]


def test_an_exception_that_is_kept_is_told_wherever_it_is_raised_anew(told: list[CallFailed]) -> None:
    kept = ConnectionResetError("kept")

    @with_retry(max_attempts=1)
    def inner() -> None:
        raise kept

    def deep(number: int) -> None:
        if number:
            deep(number - 1)
        inner()

    @with_circuit_breaker("again", failure_threshold=100)
    def again() -> None:
        raise kept

    expected = 0
    functions: list[Callable[[], None]] = [partial(deep, 10), again, inner, again, partial(deep, 5), inner]
    for function in functions:
        expected += 1
        with pytest.raises(ConnectionResetError):
            function()
        assert len(told) == expected


def test_what_keeps_its_own_failure_fails_each_time_and_the_first_time_once(door: Door, told: list[CallFailed]) -> None:
    load = with_retry(max_attempts=1)(door.function(Script(ConnectionResetError)))
    failed: list[Exception] = []

    def get_now() -> Any:
        if failed:
            raise failed[0]
        try:
            return load()
        except Exception as error:
            failed.append(error)
            raise

    async def get_later() -> Any:
        if failed:
            raise failed[0]
        try:
            return await load()
        except Exception as error:
            failed.append(error)
            raise

    get: Any = with_circuit_breaker("lazy", failure_threshold=100)(get_now if door.name == "sync" else get_later)

    async def in_one_task() -> None:
        for _ in range(4):
            with pytest.raises(ConnectionResetError):
                await get()

    def in_one_thread() -> None:
        for _ in range(4):
            with pytest.raises(ConnectionResetError):
                get()

    if door.name == "sync":
        in_one_thread()
    else:
        asyncio.run(in_one_task())
    assert [event.guard for event in told] == ["retry", *["circuit breaker"] * 3]


def test_a_guard_in_itself_by_a_partial_sees_one_failure(told: list[CallFailed]) -> None:
    breaker = create_circuit_breaker("partial", failure_threshold=100)
    fails = Script(ConnectionResetError("kept")).next
    for calls in range(1, 4):
        with pytest.raises(ConnectionResetError):
            _ = breaker.execute(partial(breaker.execute, fails))
        assert len(told) == calls


def test_a_marked_exception_is_pickled_as_one_that_anybody_can_read(told: list[CallFailed]) -> None:
    error = ConnectionResetError("text")
    with pytest.raises(ConnectionResetError):
        with_circuit_breaker("pickled")(Script(error).next)()
    assert vars(error)
    assert b"holdfast." not in pickle.dumps(error)
    assert len(told) == 1


def test_where_nothing_but_holdfast_runs_there_is_a_call_as_well(
    told: list[CallFailed], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failures, "_HOME", "")
    error = ConnectionResetError()
    failures.note("retry", "f", error)
    assert len(told) == 1
