"""Cases in which a breaker is easily wrong: odd errors, odd answers, interruptions, misuse."""

from __future__ import annotations

import asyncio
import copy
import gc
import logging
import pickle
import threading
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    BreakerRegistry,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    CircuitState,
    Classification,
    ConfigurationError,
    ErrorClassifier,
)
from holdfast.circuit_breaker import breaker as room
from holdfast.circuit_breaker.herald import Herald
from holdfast.testing import VirtualClock

CLOSED, OPEN, HALF_OPEN = CircuitState


def half_open(clock: VirtualClock, **fields: Any) -> CircuitBreaker:
    """A breaker that lets one probe in, and closes if that goes well."""
    breaker = CircuitBreaker(CircuitBreakerConfig(half_open_max_calls=1, success_threshold=1, **fields), clock=clock)
    breaker.force_open()
    clock.advance(30)
    return breaker


# Calls that return something to await, which is then never awaited.


async def inner() -> str:
    await asyncio.sleep(0)
    return "fine"


@pytest.mark.parametrize("way", ["protect", "execute"])
@pytest.mark.parametrize("phase", [CLOSED, HALF_OPEN])
def test_promise_3_an_awaitable_that_is_cancelled_before_its_first_step_is_abandoned(
    clock: VirtualClock, way: str, phase: CircuitState
) -> None:
    breaker = half_open(clock)
    if phase is CLOSED:
        breaker.force_close()
    guarded = breaker.protect(lambda: inner())
    call: Callable[[], Any] = guarded if way == "protect" else lambda: breaker.execute(lambda: inner())

    async def main() -> None:
        task = asyncio.ensure_future(call())
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        del task
        gc.collect()

    with pytest.warns(RuntimeWarning, match="never awaited"):
        asyncio.run(main())
    assert (breaker.metrics.abandoned_requests, breaker.get_stats()["probes"]) == (1, 0)
    assert breaker.state is phase


def test_a_permit_that_is_dropped_is_abandoned(clock: VirtualClock) -> None:
    breaker = half_open(clock)
    breaker.acquire()
    gc.collect()
    with breaker.acquire():
        pass
    assert breaker.state is CLOSED
    assert breaker.metrics.abandoned_requests == 1


# Errors that do something when they are looked at.


def test_promise_5_an_error_whose_text_asks_the_breaker_from_another_thread_does_not_hang(door: Door) -> None:
    breaker = CircuitBreaker()

    class AskingError(ConnectionError):
        def __str__(self) -> str:
            thread = threading.Thread(target=lambda: seen.append(breaker.metrics))
            thread.start()
            thread.join(30)
            return f"asked {len(seen)}"

    seen: list[Any] = []
    with pytest.raises(AskingError):
        door.run(breaker.protect(door.function(Script(AskingError()))))
    assert breaker.get_stats()["recent_failures"] == [f"{AskingError.__qualname__}: asked 1"]


def test_promise_19_a_base_exception_from_a_predicate_or_a_text_leaks_no_probe(door: Door, clock: VirtualClock) -> None:
    class LeavingError(ConnectionError):
        def __str__(self) -> str:
            raise SystemExit

    def leave(error: Exception) -> bool:
        raise SystemExit

    for fields, error in (({"ignore": leave}, ConnectionResetError), ({}, LeavingError)):
        breaker = half_open(clock, **fields)
        with pytest.raises(SystemExit):
            door.run(breaker.protect(door.function(Script(error))))
        assert (breaker.get_stats()["probes"], breaker.metrics.abandoned_requests) == (0, 1)


def test_promise_19_ctrl_c_in_a_callback_of_the_move_to_half_open_leaks_no_probe(clock: VirtualClock) -> None:
    interrupts = [KeyboardInterrupt]

    def interrupt(*_: object) -> None:
        if interrupts:
            raise interrupts.pop()

    breaker = CircuitBreaker(CircuitBreakerConfig(half_open_max_calls=1, success_threshold=1), clock=clock)
    breaker.force_open()
    breaker.on("state_change", interrupt)
    clock.advance(30)
    with pytest.raises(KeyboardInterrupt):
        breaker.acquire()
    with breaker.acquire():
        pass
    assert breaker.state is CLOSED


def test_ctrl_c_while_a_refused_call_tells_of_anothers_move_counts_no_call(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_herald: object) -> None:
        raise KeyboardInterrupt

    breaker = half_open(clock)
    probe = breaker.acquire()
    with monkeypatch.context() as patched:
        patched.setattr(Herald, "tell_moves", interrupt)
        with pytest.raises(KeyboardInterrupt):
            breaker.acquire()  # there is no place for it
    assert breaker.metrics.total_requests == 0
    probe.succeed()
    assert breaker.state is CLOSED


def test_a_text_is_not_made_where_none_is_kept(clock: VirtualClock) -> None:
    class SecretError(ConnectionError):
        def __str__(self) -> str:
            raise AssertionError

    breaker = CircuitBreaker(CircuitBreakerConfig(history_size=0), clock=clock)
    with pytest.raises(SecretError):
        breaker.execute(Script(SecretError).next)
    assert breaker.metrics.failed_requests == 1


# Answers of servers and clocks.


@pytest.mark.parametrize(("asked", "waits"), [(50.0, 50.0), (1e12, 300.0), (1.0, 30.0)])
def test_a_server_is_listened_to_within_bounds(clock: VirtualClock, asked: float, waits: float) -> None:
    class BusyError(Exception):
        __resilience__ = Classification(category="EXTERNAL", retry_after=asked)

    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1), clock=clock, classifier=ErrorClassifier())
    with pytest.raises(BusyError):
        breaker.execute(Script(BusyError).next)
    with pytest.raises(CircuitOpenError) as caught:
        breaker.acquire()
    assert caught.value.retry_after == waits


def test_a_wall_clock_beyond_all_calendars_breaks_no_call(clock: VirtualClock) -> None:
    clock.set_wall_clock(1e18)
    told: list[Any] = []
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1, on_open=told.append), clock=clock)
    error = OSError("mine")
    with pytest.raises(OSError, match="mine") as caught:
        breaker.execute(Script(error).next)
    assert caught.value is error
    assert told[0].last_failure_time.year == 1970


def test_a_tally_without_its_time_keeps_the_time_before(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    breaker.execute(lambda: 1)
    seen = breaker.metrics.last_success_time
    assert breaker.quiet is not None
    next(breaker.quiet.tally)  # as another thread does that is a step behind
    assert breaker.metrics.last_success_time == seen
    assert seen is not None


# Windows smaller than what is asked of them.


def test_a_full_window_says_something_however_small_it_is(clock: VirtualClock) -> None:
    config = CircuitBreakerConfig(window_size=8, minimum_requests=10, slow_call_duration_threshold=1)
    breaker = CircuitBreaker(config, clock=clock)
    with pytest.raises(CircuitOpenError):
        for _ in range(9):
            breaker.execute(lambda: clock.advance(5))


def test_the_rule_on_slow_calls_is_kept_by_whichever_call_fills_the_window(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(slow_call_duration_threshold=1), clock=clock)
    for _ in range(9):
        breaker.execute(lambda: clock.advance(1))
    assert breaker.state is CLOSED
    breaker.execute(lambda: None)
    assert breaker.state is OPEN


# Moves and listeners.


def test_a_circuit_that_is_held_open_stays_so(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    breaker.force_open(hold=True)
    breaker.force_open()
    clock.advance(1e6)
    assert breaker.state is breaker.metrics.state is OPEN
    breaker.force_close()
    assert breaker.state is CLOSED


def test_the_metrics_look_at_the_state_too(clock: VirtualClock) -> None:
    assert half_open(clock).metrics.state is HALF_OPEN
    assert half_open(clock).get_stats()["state"] == "HALF_OPEN"


def test_promise_6_a_listener_of_the_registry_that_raises_does_not_silence_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_event: object) -> None:
        raise RuntimeError

    heard: list[Any] = []
    registry = BreakerRegistry()
    registry.on("state_change", broken)
    registry.on("state_change", heard.append)
    with caplog.at_level(logging.ERROR):
        registry.get_or_create("db").force_open()
    assert len(heard) == len(caplog.records) == 1
    assert "broken" in caplog.text


@pytest.mark.parametrize("source", [CircuitBreaker(), BreakerRegistry()])
def test_a_listener_that_was_added_twice_is_taken_away_once(source: CircuitBreaker | BreakerRegistry) -> None:
    heard: list[Any] = []
    leave, leave_too = source.on("state_change", heard.append), source.on("state_change", heard.append)
    breaker = source if isinstance(source, CircuitBreaker) else source.get_or_create("db")
    for left, stop in ((2, leave), (1, leave_too), (0, leave)):
        heard.clear()
        breaker.force_open()
        assert len(heard) == left
        breaker.reset()
        stop()


def test_a_listener_leaves_alone_and_not_the_one_before_it() -> None:
    first: list[Any] = []
    second: list[Any] = []
    breaker = CircuitBreaker()
    breaker.on("state_change", first.append)
    leave = breaker.on("state_change", second.append)
    leave()
    breaker.force_open()
    assert (len(first), len(second)) == (1, 0)


def test_a_registry_makes_room_without_moving_a_circuit_or_calling_back(clock: VirtualClock) -> None:
    told: list[Any] = []
    registry = BreakerRegistry(max_breakers=1, clock=clock)
    first = registry.get_or_create("a", on_state_change=lambda *move: told.append(move))
    first.force_open()
    clock.advance(31)
    told.clear()
    registry.get_or_create("b")
    assert told == []
    assert registry.has("a")


# Misuse.


@pytest.mark.parametrize("error", [None, ValueError, "timeout"])
def test_only_an_exception_can_be_what_a_call_failed_with(clock: VirtualClock, error: Any) -> None:
    breaker = half_open(clock)
    permit = breaker.acquire()
    with pytest.raises(TypeError, match="the exception that the call ended with"):
        permit.fail(error)
    permit.fail(asyncio.CancelledError())
    assert breaker.metrics.abandoned_requests == 1


def test_a_permit_is_entered_once() -> None:
    permit = CircuitBreaker().acquire()
    with permit, pytest.raises(RuntimeError, match="entered already"), permit:
        pass


@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_breaker_cannot_be_copied(how: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="cannot be copied or pickled"):
        how(CircuitBreaker())


@pytest.mark.parametrize("fields", [{"name": 5}, {"name": ""}, {"clock": 5}, {"clock": VirtualClock}])
def test_what_cannot_be_a_name_or_a_clock_is_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(fields))):
        CircuitBreaker(**fields)


def test_without_atomic_steps_every_call_takes_the_lock(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "LOCK_FREE", False)
    breaker = CircuitBreaker(clock=clock)
    assert breaker.quiet is None
    assert breaker.protect(lambda: 1)() == 1
    assert breaker.metrics.successful_requests == 1


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (CircuitOpenError("mine"), "mine"),
        (CircuitOpenError(message="mine"), "mine"),
        (CircuitOpenError(name="db"), "circuit 'db' refused the call"),
        (CircuitOpenError(name="db", state=OPEN, retry_after=3600), "in 3,600 s"),
        (CircuitOpenError(name="db", state=OPEN, retry_after=0.25), "in 0.25 s"),
        (CircuitOpenError(name="db", state=HALF_OPEN), "its probes are under way"),
        (CircuitOpenError(name="db", state=OPEN, last_failure="OSError: x"), "held open; last failure: OSError: x"),
    ],
)
def test_a_refusal_says_what_it_knows(error: CircuitOpenError, says: str) -> None:
    assert says in str(error)
    assert says in repr(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.state, again.retry_after) == (str(error), error.state, error.retry_after)
