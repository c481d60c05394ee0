"""A breaker that is set to something else while it is used: it stays in its state, and nothing that was counted is lost."""

from __future__ import annotations

import threading

import pytest
from tests.support import Door, Script

from holdfast import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    CircuitState,
    ConfigurationError,
    OperationTimeoutError,
)
from holdfast.testing import VirtualClock


def state_of(breaker: CircuitBreaker) -> CircuitState:
    return breaker.state


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(ConnectionError):
            breaker.execute(Script(ConnectionError).next)


def breaker_of(clock: VirtualClock, **fields: object) -> CircuitBreaker:
    return CircuitBreaker(CircuitBreakerConfig(name="search", **fields), clock=clock)  # type: ignore[arg-type]


def test_an_open_circuit_stays_open_for_as_long_as_it_was_to(clock: VirtualClock, door: Door) -> None:
    breaker = breaker_of(clock, failure_threshold=2, reset_timeout=60)
    function = breaker.protect(door.function(Script(ConnectionError, ConnectionError, "well")))
    for _ in range(2):
        with pytest.raises(ConnectionError):
            door.run(function)
    clock.advance(20)
    breaker.adjust(CircuitBreakerConfig(failure_threshold=9, reset_timeout=5, success_threshold=1))
    assert breaker.retry_after == 40
    with pytest.raises(CircuitOpenError):
        door.run(function)
    clock.advance(40)
    assert door.run(function) == "well"
    assert state_of(breaker) is CircuitState.CLOSED


def test_what_was_counted_still_counts(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=5)
    breaker.execute(lambda: None)
    fail(breaker, 2)
    breaker.adjust(CircuitBreakerConfig(failure_threshold=3))
    assert breaker.metrics.failed_requests == 2
    assert breaker.metrics.successful_requests == 1
    assert state_of(breaker) is CircuitState.CLOSED
    fail(breaker, 1)
    assert state_of(breaker) is CircuitState.OPEN


def test_a_lower_threshold_opens_nothing_by_itself(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=5)
    fail(breaker, 4)
    breaker.adjust(CircuitBreakerConfig(failure_threshold=2))
    assert breaker.execute(lambda: "well") == "well"


@pytest.mark.parametrize("window", [{"failure_window": 30}, {"window_size": 5}])
def test_another_window_begins_empty_and_the_totals_stay(clock: VirtualClock, window: dict[str, int]) -> None:
    breaker = breaker_of(clock, failure_threshold=3)
    fail(breaker, 2)
    breaker.adjust(CircuitBreakerConfig(failure_threshold=3, **window))  # type: ignore[arg-type]
    assert breaker.metrics.failure_rate is None
    assert breaker.metrics.failed_requests == 2
    fail(breaker, 2)
    assert state_of(breaker) is CircuitState.CLOSED
    fail(breaker, 1)
    assert state_of(breaker) is CircuitState.OPEN


def test_probes_under_way_go_on_and_a_lower_success_threshold_holds_at_once(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, success_threshold=3, reset_timeout=10)
    breaker.force_open()
    clock.advance(10)
    permit = breaker.acquire()
    breaker.adjust(CircuitBreakerConfig(success_threshold=1, reset_timeout=10))
    assert state_of(breaker) is CircuitState.HALF_OPEN
    permit.succeed()
    assert state_of(breaker) is CircuitState.CLOSED


def test_a_reset_timeout_that_has_grown_stays_so_unless_it_is_set_anew_or_too_long_now(clock: VirtualClock) -> None:
    def grown(**fields: float) -> object:
        breaker = breaker_of(clock, reset_timeout=10, reset_timeout_multiplier=2)
        breaker.force_open()
        clock.advance(10)
        fail(breaker, 1)
        assert breaker.get_stats()["reset_timeout"] == 20
        breaker.adjust(CircuitBreakerConfig(reset_timeout_multiplier=2, **fields))  # type: ignore[arg-type]
        return breaker.get_stats()["reset_timeout"]

    assert grown(reset_timeout=10) == 20
    assert grown(reset_timeout=7) == 7
    assert grown(reset_timeout=10, max_reset_timeout=15) == 15


def test_the_callbacks_are_those_of_the_new_config_and_listeners_stay(clock: VirtualClock) -> None:
    told: list[str] = []
    breaker = CircuitBreaker(CircuitBreakerConfig(on_open=lambda _: told.append("old")), clock=clock)
    breaker.on("state_change", lambda _: told.append("listener"))
    breaker.adjust(CircuitBreakerConfig(on_open=lambda _: told.append("new")))
    breaker.force_open()
    assert told == ["new", "listener"]


@pytest.mark.parametrize(("size", "kept"), [(1, 1), (0, 0), (5, 3)])
def test_as_many_failures_are_kept_as_text_as_is_said_now(clock: VirtualClock, size: int, kept: int) -> None:
    breaker = breaker_of(clock, history_size=3)
    fail(breaker, 3)
    breaker.adjust(CircuitBreakerConfig(history_size=size))
    assert len(breaker.get_stats()["recent_failures"]) == kept


def test_a_time_limit_can_be_given_changed_and_taken_away(clock: VirtualClock, door: Door) -> None:
    breaker = breaker_of(clock)
    function = breaker.protect(door.function(Script("answer")))

    @breaker.protect
    def slow() -> str:
        clock.advance(8)
        return "late"

    assert slow() == "late"
    for limit in (5, 6):
        breaker.adjust(CircuitBreakerConfig(timeout=limit))
        with pytest.raises(OperationTimeoutError, match=f"{limit} s"):
            slow()
    if door.name == "sync":  # the others would be timed by the loop's clock
        assert door.run(function) == "answer"
    breaker.adjust(CircuitBreakerConfig())
    assert slow() == "late"
    assert door.run(function) == "answer"


def test_a_breaker_keeps_its_name(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    breaker.adjust(CircuitBreakerConfig(name="other", failure_threshold=7))
    assert breaker.name == "search"
    assert breaker.config == CircuitBreakerConfig(name="search", failure_threshold=7)


def test_no_other_thing_is_taken_for_a_config(clock: VirtualClock) -> None:
    with pytest.raises(ConfigurationError, match="config must be a CircuitBreakerConfig, not 3"):
        breaker_of(clock).adjust(3)  # type: ignore[arg-type]


def test_no_call_is_lost_from_the_counts_while_other_threads_adjust() -> None:
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=10_000))
    function = breaker.protect(lambda: None)
    configs = [
        CircuitBreakerConfig(failure_threshold=10_000, failure_window=window, slow_call_duration_threshold=slow)
        for window in (10, 20)
        for slow in (None, 60)
    ]
    over = threading.Event()

    def adjust() -> None:
        while not over.is_set():
            for config in configs:
                breaker.adjust(config)

    def call() -> None:
        for _ in range(3000):
            function()

    adjuster = threading.Thread(target=adjust)
    callers = [threading.Thread(target=call) for _ in range(4)]
    for thread in (adjuster, *callers):
        thread.start()
    for thread in callers:
        thread.join()
    over.set()
    adjuster.join()
    assert breaker.metrics.successful_requests == 12_000
    assert breaker.metrics.total_requests == 12_000
