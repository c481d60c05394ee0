"""What calls return counts as the classifier judges it, if the breaker is told so."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    Classification,
    ConfigurationError,
    ErrorClassifier,
    disabled,
    events,
    with_circuit_breaker,
)
from holdfast.circuit_breaker import CircuitCallEnded
from holdfast.testing import VirtualClock


class Response:
    """As an HTTP client has it."""

    def __init__(self, status_code: int, **headers: str) -> None:
        self.status_code = status_code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


# The ways that a call takes, by what is wanted of the breaker besides; the first one is the calm one.
WAYS: list[dict[str, Any]] = [
    {},
    {"slow_call_duration_threshold": 60},
    {"timeout": 60, "timeout_mode": "cooperative"},
    {"fallback": lambda: "instead"},
]


def breaker_of(clock: VirtualClock, **fields: Any) -> CircuitBreaker:
    usual: dict[str, Any] = {"name": "db", "failure_threshold": 2, "classify_results": True}
    return CircuitBreaker(CircuitBreakerConfig(**{**usual, **fields}), clock=clock)


def call(door: Door, breaker: CircuitBreaker, *outcomes: Any) -> None:
    guarded = breaker.protect(door.function(Script(*outcomes)))
    for outcome in outcomes:
        assert door.run(guarded) is outcome


def counts(breaker: CircuitBreaker) -> tuple[int, int, int]:
    metrics = breaker.metrics
    return metrics.successful_requests, metrics.failed_requests, metrics.abandoned_requests


@pytest.mark.parametrize("fields", WAYS, ids=["calm", "slow calls", "timeout", "fallback"])
@pytest.mark.parametrize(
    ("status", "counted"), [(200, (1, 0, 0)), (503, (0, 1, 0)), (500, (0, 1, 0)), (404, (1, 0, 0)), (429, (0, 0, 1))]
)
def test_a_response_counts_by_its_status(
    door: Door, clock: VirtualClock, fields: Any, status: int, counted: tuple[int, int, int]
) -> None:
    breaker = breaker_of(clock, **fields)
    call(door, breaker, Response(status))
    assert counts(breaker) == counted


@pytest.mark.parametrize("fields", WAYS[:3], ids=["calm", "slow calls", "timeout"])
def test_returned_failures_open_the_circuit_and_are_told_as_text(door: Door, clock: VirtualClock, fields: Any) -> None:
    breaker = breaker_of(clock, **fields)
    call(door, breaker, Response(200), Response(503), Response(502))
    assert breaker.state == "OPEN"
    assert breaker.get_stats()["recent_failures"] == [
        "returned Response: TRANSIENT EXTERNAL_UNAVAILABLE",
        "returned Response: TRANSIENT BAD_GATEWAY",
    ]
    with pytest.raises(CircuitOpenError, match="BAD_GATEWAY"):
        call(door, breaker, Response(200))
    clock.advance(31)
    call(door, breaker, Response(200), Response(404), Response(200))
    assert breaker.state == "CLOSED"
    call(door, breaker, Response(200))
    assert counts(breaker) == (5, 2, 0)


def test_a_probe_that_returns_a_failure_opens_it_again(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    call(door, breaker, Response(503), Response(503))
    clock.advance(31)
    call(door, breaker, Response(500))
    assert breaker.state == "OPEN"


def test_the_servers_waiting_time_makes_it_open_longer(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    call(door, breaker, Response(503), Response(503, retry_after="90"))
    assert breaker.retry_after == 90.0


def test_without_the_field_results_are_not_looked_at(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, classify_results=False)
    call(door, breaker, *[Response(503)] * 4)
    assert counts(breaker) == (4, 0, 0)
    assert breaker.quiet is not None


def test_errors_count_as_ever(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    guarded = breaker.protect(door.function(Script(ConnectionResetError)))
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            door.run(guarded)
    assert breaker.state == "OPEN"


def test_a_shadow_reports_and_a_disabled_breaker_counts_nothing(door: Door, clock: VirtualClock) -> None:
    shadow = breaker_of(clock, mode="shadow")
    call(door, shadow, *[Response(503)] * 3)
    assert shadow.state == "OPEN"
    off = breaker_of(clock, mode="disabled")
    call(door, off, *[Response(503)] * 3)
    assert counts(off) == (0, 0, 0)


def test_while_holdfast_is_off_nothing_counts(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    with disabled():
        call(door, breaker, *[Response(503)] * 3)
    assert counts(breaker) == (0, 0, 0)


def test_execute_and_keyed_breakers_judge_results_too(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    for _ in range(2):
        door.run(lambda: breaker.execute(door.function(Script(Response(503)))))
    assert breaker.state == "OPEN"
    script = Script(Response(503))
    guarded = with_circuit_breaker(
        "host", key=lambda host: host, failure_threshold=1, minimum_requests=1, classify_results=True
    )(door.function(script))
    door.run(guarded, "a")
    with pytest.raises(CircuitOpenError):
        door.run(guarded, "a")
    door.run(guarded, "b")
    assert script.calls == 2


def test_a_breaker_may_be_told_so_later_and_told_otherwise(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, classify_results=False, failure_threshold=9)
    guarded = breaker.protect(door.function(Script(Response(503))))
    door.run(guarded)
    breaker.adjust(breaker.config.replace(classify_results=True))
    door.run(guarded)
    breaker.adjust(breaker.config.replace(classify_results=False))
    door.run(guarded)
    assert counts(breaker) == (2, 1, 0)


def test_a_success_that_comes_in_after_the_phase_is_over_counts_in_the_total_only(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)

    def slow() -> Response:
        breaker.force_open()
        return Response(200)

    assert breaker.protect(slow)().status_code == 200
    assert (breaker.state, breaker.metrics.successful_requests) == ("OPEN", 1)


def test_the_window_turns_on_the_calm_path_too(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_window=10)
    call(Door("sync"), breaker, Response(503))
    clock.advance(11)
    call(Door("sync"), breaker, Response(200), Response(503))
    assert breaker.state == "CLOSED", "the first failure is too long ago"


def test_listeners_hear_of_it_and_those_who_watch_failures_do_not(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    heard: list[CircuitCallEnded] = []
    watched: list[Any] = []
    stop = events.watch(watched.append)
    breaker.on("call", heard.append)
    call(door, breaker, Response(503), Response(404), Response(200))
    stop()
    assert [(each.outcome, each.error_type) for each in heard] == [
        ("failure", "ReturnedFailure"),
        ("success", "ReturnedFailure"),
        ("success", None),
    ]
    assert watched == []


class Broken:
    def classify(self, error: BaseException) -> Classification:
        return Classification(category="TRANSIENT")

    def classify_result(self, value: object) -> Classification | None:
        raise RuntimeError


def test_a_classifier_that_raises_is_logged_and_the_result_a_success(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    classifier: Any = Broken()
    breaker = CircuitBreaker(CircuitBreakerConfig(classify_results=True), clock=clock, classifier=classifier)
    call(door, breaker, Response(503))
    assert counts(breaker) == (1, 0, 0)
    assert "classifier" in caplog.text


@pytest.mark.parametrize("fields", WAYS[:3], ids=["calm", "slow calls", "timeout"])
def test_an_interrupt_in_a_rule_passes_and_gives_the_place_back(clock: VirtualClock, fields: Any) -> None:
    classifier = ErrorClassifier()

    def interrupted(_value: object) -> bool:
        raise KeyboardInterrupt

    classifier.register_result(interrupted, failure=False)
    config = CircuitBreakerConfig(name="db", classify_results=True, **fields)
    for kind in ("sync", "async"):
        breaker = CircuitBreaker(config, clock=clock, classifier=classifier)
        door = Door(kind)
        with pytest.raises(KeyboardInterrupt):
            door.run(breaker.protect(door.function(Script(Response(503)))))
        assert counts(breaker) == (0, 0, 1)


def test_a_cancelled_call_is_abandoned(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)

    @breaker.protect
    async def hang() -> None:
        await asyncio.sleep(100)

    async def main() -> None:
        task = asyncio.create_task(hang())
        await asyncio.sleep(1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run_virtual(main())
    assert counts(breaker) == (0, 0, 1)


def test_no_success_is_lost_between_threads(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=10_000)
    guarded = breaker.protect(lambda status: Response(status))

    def work() -> None:
        for number in range(500):
            guarded(503 if number % 5 == 0 else 200)
            if number % 50 == 0:
                breaker.reset() if number == 250 else breaker.metrics  # noqa: B018

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(breaker.counts[:3]) == 2000


def test_the_field_is_true_or_false() -> None:
    with pytest.raises(ConfigurationError, match="classify_results must be True or False"):
        CircuitBreakerConfig(classify_results=1)  # type: ignore[arg-type]
