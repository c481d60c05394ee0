"""Attributes for traces: told where something fails, and never in the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, Script

from holdfast import (
    CircuitBreaker,
    ConfigurationError,
    OperationTimeoutError,
    TimeoutManager,
    create_bulkhead,
    events,
    set_trace_hook,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)
from holdfast.testing import VirtualClock


@pytest.fixture
def told() -> Iterator[list[Mapping[str, Any]]]:
    seen: list[Mapping[str, Any]] = []
    set_trace_hook(seen.append)
    yield seen
    set_trace_hook(None)
    assert events.listeners == events.watchers == ()


def test_retries_tell_the_attempt_that_failed(door: Door, clock: VirtualClock, told: list[Mapping[str, Any]]) -> None:
    guarded = with_retry(clock=clock, max_attempts=2)(door.function(Script(ConnectionResetError)))
    with pytest.raises(ConnectionResetError):
        door.run(guarded)
    name = guarded.__qualname__
    assert told == [
        {"resilience.operation": name, "error.type": "ConnectionResetError"},
        {"resilience.operation": name, "retry.attempt": 1},
        {"resilience.operation": name, "error.type": "ConnectionResetError"},
        {"resilience.operation": name, "retry.attempt": 2},
    ]


def test_circuits_tell_their_state(clock: VirtualClock, told: list[Mapping[str, Any]]) -> None:
    breaker = CircuitBreaker(name="prices", clock=clock)
    breaker.force_open()
    with pytest.raises(Exception, match="is OPEN"):
        breaker.execute(lambda: 1)
    clock.advance(30)
    breaker.execute(lambda: 1)
    assert told == [
        {"resilience.operation": "prices", "circuit.state": "open"},
        {"resilience.operation": "prices", "circuit.state": "open"},
        {"resilience.operation": "prices", "error.type": "CircuitOpenError"},
        {"resilience.operation": "prices", "circuit.state": "half_open"},
    ]


def test_timeouts_say_that_they_were_exceeded(clock: VirtualClock, told: list[Mapping[str, Any]]) -> None:
    late = with_timeout(1, manager=TimeoutManager(clock=clock))(lambda: clock.advance(2))
    with pytest.raises(OperationTimeoutError):
        late()
    assert {"resilience.operation": late.__qualname__, "timeout.exceeded": True} in told


def test_bulkheads_tell_the_position_in_their_queue(told: list[Mapping[str, Any]]) -> None:
    full = create_bulkhead("search", 1, 5)
    waits = threading.Event()

    def hook(attributes: Mapping[str, Any]) -> None:
        told.append(attributes)
        waits.set()

    set_trace_hook(hook)
    with full.acquire():
        thread = threading.Thread(target=full.execute, args=(lambda: 1,))
        thread.start()
        waits.wait()
    thread.join()
    assert told == [{"resilience.operation": "search", "bulkhead.queue_position": 1}]


def test_a_hook_that_raises_is_logged_once_and_changes_nothing(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_attributes: object) -> None:
        raise ValueError("s3cret")

    for _ in range(2):
        set_trace_hook(broken)
        try:
            guarded = with_retry(clock=clock, max_attempts=3)(
                with_circuit_breaker("hooked")(door.function(Script(ConnectionResetError, ConnectionResetError, 42)))
            )
            assert door.run(guarded) == 42
        finally:
            set_trace_hook(None)
    assert caplog.text.count("trace hook") == 2  # once for each time that it was set
    assert "s3cret" not in caplog.text


def test_a_new_hook_takes_the_place_of_the_old_one(told: list[Mapping[str, Any]]) -> None:
    seen: list[object] = []
    set_trace_hook(seen.append)
    CircuitBreaker(name="prices").force_open()
    assert len(seen) == 1
    assert told == []


@pytest.mark.parametrize("wrong", [42, "print"])
def test_what_is_no_hook_is_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="hook must be a function"):
        set_trace_hook(wrong)

    async def hook(_attributes: object) -> None: ...

    with pytest.raises(ConfigurationError, match="must be a plain function"):
        set_trace_hook(hook)


def test_a_hook_whose_setting_was_interrupted_anywhere_can_be_set_again_or_taken_back() -> None:
    interrupted = True
    number = 0
    while interrupted:
        seen: list[object] = []
        try:
            with interrupt_at(number):
                set_trace_hook(seen.append)
                set_trace_hook(None)
            interrupted = False
        except Interrupted:
            number += 1
        set_trace_hook(seen.append)
        CircuitBreaker(name="prices").force_open()
        set_trace_hook(None)
        assert len(seen) == 1
        assert events.listeners == events.watchers == ()
    assert number > 5
