"""The breaker through its doors: what passes, what is refused, what counts, and who is told."""

from __future__ import annotations

import abc
import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script, run_virtual

from holdfast import (
    BulkheadFullError,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitOpenError,
    CircuitState,
    ConfigurationError,
    RetryPolicy,
    create_circuit_breaker,
    with_circuit_breaker,
    with_retry,
)
from holdfast.circuit_breaker import CircuitCallEnded, CircuitCallRejected, CircuitStateChanged
from holdfast.circuit_breaker.state import Circuit
from holdfast.testing import VirtualClock

CLOSED, OPEN, HALF_OPEN = CircuitState
EVENTS: tuple[Any, ...] = ("state_change", "call", "rejected")


def breaker_of(clock: VirtualClock, **fields: Any) -> CircuitBreaker:
    return CircuitBreaker(CircuitBreakerConfig(**{"name": "db", "failure_threshold": 2, **fields}), clock=clock)


def fail(door: Door, breaker: CircuitBreaker, error: Any = ConnectionResetError, times: int = 2) -> None:
    guarded = breaker.protect(door.function(Script(error)))
    for _ in range(times):
        with pytest.raises(error if isinstance(error, type) else type(error)):
            door.run(guarded)


def succeed(door: Door, breaker: CircuitBreaker, times: int = 1) -> None:
    guarded = breaker.protect(door.function(Script("fine")))
    for _ in range(times):
        assert door.run(guarded) == "fine"


def test_it_opens_refuses_recovers_and_closes(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    succeed(door, breaker)
    fail(door, breaker)
    assert breaker.state is OPEN
    script = Script("fine")
    guarded = breaker.protect(door.function(script))
    clock.advance(10)
    with pytest.raises(CircuitOpenError) as caught:
        door.run(guarded)
    assert script.calls == 0
    assert (caught.value.name, caught.value.circuit_name, caught.value.state) == ("db", "db", OPEN)
    assert caught.value.retry_after == 20
    assert str(caught.value) == (
        "circuit 'db' is OPEN; a call may be tried in 20 s; last failure: ConnectionResetError: failure 2"
    )
    clock.advance(20)
    assert breaker.state is HALF_OPEN
    succeed(door, breaker, 3)
    assert breaker.state is CLOSED
    assert breaker.metrics.rejected_requests == 1


def test_promise_4_the_users_own_exception_comes_out_with_its_own_traceback(door: Door, clock: VirtualClock) -> None:
    error = ConnectionResetError("mine")
    with pytest.raises(ConnectionResetError) as caught:
        door.run(breaker_of(clock).protect(door.function(Script(error))))
    assert caught.value is error
    assert error.__context__ is None


def test_promise_24_a_dead_dependency_gets_one_probe_a_round(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, reset_timeout_multiplier=2, max_reset_timeout=70)
    fail(door, breaker)
    for wait in (30, 60, 70, 70):
        assert breaker.get_stats()["reset_timeout"] == wait
        clock.advance(wait)
        fail(door, breaker, times=1)
        assert breaker.state is OPEN
    clock.advance(70)
    succeed(door, breaker, 3)
    assert breaker.get_stats()["reset_timeout"] == 30, "a recovery makes it short again"


def test_a_server_that_asks_for_longer_is_heard(door: Door, clock: VirtualClock) -> None:
    class DownError(Exception):
        status_code = 503

        def __init__(self) -> None:
            self.headers = {"Retry-After": "90"}

    breaker = breaker_of(clock)
    fail(door, breaker, DownError())
    clock.advance(89)
    assert breaker.state is OPEN
    clock.advance(1)
    assert breaker.state is HALF_OPEN


def test_promise_21_old_failures_fall_out_and_old_successes_do_not_shield(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=5)
    fail(door, breaker, times=4)
    clock.advance(61)
    succeed(door, breaker)
    fail(door, breaker, times=4)
    assert breaker.state is CLOSED
    breaker.reset()
    succeed(door, breaker, 500)
    clock.advance(61)
    fail(door, breaker, times=5)
    assert breaker.state is OPEN


def test_a_row_of_failures_opens_it_whatever_the_share(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=3, failure_rate_threshold=0.9, minimum_requests=5)
    succeed(door, breaker, 20)
    for _ in range(3):
        fail(door, breaker, times=2)
        assert breaker.state is CLOSED
        succeed(door, breaker)
    fail(door, breaker, times=3)
    assert breaker.state is OPEN


def test_a_share_of_failures_opens_it_without_a_row(door: Door, clock: VirtualClock) -> None:
    for rate, opens in ((0.5, True), (0.6, False), (None, True)):
        breaker = breaker_of(clock, failure_threshold=4, failure_rate_threshold=rate, minimum_requests=8)
        for _ in range(4):
            succeed(door, breaker)
            fail(door, breaker, times=1)
        assert (breaker.state is OPEN) is opens


def test_promise_22_an_answer_is_a_success_and_what_is_ignored_moves_nothing(door: Door, clock: VirtualClock) -> None:
    class NotFoundError(Exception):
        status_code = 404

    class Mine(Exception): ...

    breaker = breaker_of(clock, ignore=Mine, success_threshold=2)
    fail(door, breaker, times=1)
    fail(door, breaker, Mine, times=3)
    assert breaker.metrics.consecutive_failures == 1
    assert breaker.metrics.failure_rate == 1
    fail(door, breaker, times=1)
    clock.advance(30)
    fail(door, breaker, Mine, times=5)
    assert breaker.state is HALF_OPEN, "neither closed nor opened, and their places were given back"
    fail(door, breaker, NotFoundError, times=2)
    assert breaker.state is CLOSED


def test_promise_23_a_rejection_further_in_does_not_open_the_circuit(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    fail(door, breaker, BulkheadFullError("full"), times=10)
    assert breaker.state is CLOSED
    assert breaker.metrics.abandoned_requests == 10


class Meta(type):
    pass


class Abstract(abc.ABC):  # noqa: B024
    pass


@Abstract.register
class Registered(Exception):
    pass


class WithMeta(Exception, metaclass=Meta):
    pass


class Below(WithMeta):
    pass


@pytest.mark.parametrize(
    ("ignore", "error"),
    [
        (Abstract, Registered),
        (WithMeta, Below),
        ((KeyError, WithMeta), WithMeta),
        ([LookupError], KeyError),
        (lambda error: isinstance(error, KeyError), KeyError),
    ],
)
def test_promise_25_any_class_can_be_excluded(
    door: Door, clock: VirtualClock, ignore: Any, error: type[Exception]
) -> None:
    breaker = breaker_of(clock, ignore=ignore)
    fail(door, breaker, error, times=5)
    assert breaker.state is CLOSED


def test_failure_on_counts_what_the_classifier_would_not(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_on=PermissionError)
    fail(door, breaker, PermissionError(13, "no"))
    assert breaker.state is OPEN


@pytest.mark.parametrize("signal", [asyncio.CancelledError, GeneratorExit, KeyboardInterrupt])
def test_promise_3_and_19_whatever_ends_a_call_gives_its_place_back(
    clock: VirtualClock, signal: type[BaseException]
) -> None:
    breaker = breaker_of(clock, success_threshold=1)
    fail(Door("sync"), breaker)
    clock.advance(30)

    async def cancelled() -> None:
        raise signal

    for _ in range(10):
        with pytest.raises(signal):
            breaker.protect(Door("sync").function(Script(signal)))()
        with pytest.raises(signal):
            breaker.protect(cancelled)().send(None)
    assert breaker.state is HALF_OPEN
    assert breaker.get_stats()["probes"] == 0
    assert breaker.metrics.abandoned_requests == 20
    succeed(Door("sync"), breaker)
    assert breaker.state is CLOSED


def test_promise_19_a_probe_that_hangs_loses_its_place(clock: VirtualClock) -> None:
    breaker = breaker_of(clock, half_open_max_calls=1, success_threshold=1, probe_timeout=5)
    fail(Door("sync"), breaker)
    clock.advance(30)
    hung = breaker.acquire()
    with pytest.raises(CircuitOpenError, match="its probes are under way") as caught:
        breaker.acquire()
    assert caught.value.state is HALF_OPEN
    assert caught.value.retry_after is None
    clock.advance(5)
    with breaker.acquire():
        pass
    assert breaker.state is CLOSED
    hung.fail(ConnectionResetError())
    assert breaker.state is CLOSED


@pytest.mark.parametrize(("error", "ends"), [(None, CLOSED), (ConnectionResetError(), OPEN)])
def test_what_a_probe_found_out_counts_though_its_lease_was_over(
    clock: VirtualClock, error: Exception | None, ends: CircuitState
) -> None:
    breaker = breaker_of(clock, half_open_max_calls=1, success_threshold=1, probe_timeout=5)
    breaker.force_open()
    clock.advance(30)
    late = breaker.acquire()
    clock.advance(6)
    other = breaker.acquire()
    late.succeed() if error is None else late.fail(error)
    assert breaker.state is ends
    other.abandon()


def test_calls_that_always_take_longer_than_the_lease_close_the_circuit_all_the_same(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(clock=clock)
    breaker.force_open()
    clock.advance(30)
    running: list[tuple[float, Any]] = []
    while breaker.state is HALF_OPEN and clock.monotonic() < 600:
        clock.advance(1)
        while running and clock.monotonic() - running[0][0] >= 35:
            running.pop(0)[1].succeed()
        try:
            running.append((clock.monotonic(), breaker.acquire()))
        except CircuitOpenError:
            pass
    assert breaker.state is CLOSED
    for _, permit in running:
        permit.abandon()


def test_promise_20_a_result_from_before_a_transition_changes_nothing_after_it(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, success_threshold=1)
    early, earlier = breaker.acquire(), breaker.acquire()
    fail(door, breaker)
    early.succeed()
    earlier.fail(ConnectionResetError())
    assert breaker.state is OPEN
    clock.advance(30)
    assert breaker.state is HALF_OPEN
    third = breaker.acquire()
    breaker.force_close()
    third.fail(ConnectionResetError())
    metrics = breaker.metrics
    assert breaker.state is CLOSED
    assert metrics.consecutive_failures == 2, "late results move no row"
    assert (metrics.total_requests, metrics.failed_requests, metrics.successful_requests) == (5, 4, 1)


def test_promise_20_a_success_tallied_while_the_circuit_opens_counts_in_the_totals_only(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)

    def opens_meanwhile() -> str:
        breaker.force_open()
        return "fine"

    async def opens_meanwhile_async() -> str:
        breaker.force_open()
        return "fine"

    plain, asynchronous = breaker.protect(opens_meanwhile), breaker.protect(opens_meanwhile_async)
    for calls in range(1, 4):
        assert plain() == "fine"
        breaker.force_close()
        assert asyncio.run(asynchronous()) == "fine"
        breaker.force_close()
        metrics = breaker.metrics
        assert metrics.successful_requests == metrics.total_requests == 2 * calls
        assert metrics.failure_rate is None


def test_promise_26_reset_forgets_and_the_state_can_be_read_in_a_callback(door: Door, clock: VirtualClock) -> None:
    seen: list[Any] = []
    breaker: CircuitBreaker = breaker_of(
        clock,
        on_state_change=lambda old, new, metrics: seen.append((old, new, breaker.state, metrics.failed_requests)),
        on_open=lambda metrics: seen.append(metrics.state),
        on_close=lambda metrics: seen.append(metrics.state),
    )
    fail(door, breaker, times=1)
    breaker.reset()
    assert breaker.metrics.total_requests == 0
    fail(door, breaker, times=1)
    assert breaker.state is CLOSED
    fail(door, breaker, times=1)
    breaker.reset()
    assert seen == [(CLOSED, OPEN, OPEN, 2), OPEN, (OPEN, CLOSED, CLOSED, 0), CLOSED]
    assert breaker.get_stats()["recent_failures"] == []


def test_a_callback_may_move_the_circuit_and_all_are_told_in_order(clock: VirtualClock) -> None:
    told: list[tuple[CircuitState, CircuitState]] = []
    breaker: CircuitBreaker = breaker_of(clock, on_open=lambda _metrics: breaker.force_close())
    leave = breaker.on("state_change", lambda event: told.append((event.old, event.new)))
    fail(Door("sync"), breaker)
    assert told == [(CLOSED, OPEN), (OPEN, CLOSED)]
    leave()
    fail(Door("sync"), breaker)
    assert len(told) == 2


def test_promise_6_what_raises_among_those_told_and_asked_changes_nothing(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> Any:
        raise RuntimeError

    class BrokenClassifier:
        classify = broken

    for ask in ("ignore", "failure_on"):
        breaker = breaker_of(clock, on_state_change=broken, on_open=broken, on_close=broken, **{ask: broken})
        for event in EVENTS:
            breaker.on(event, broken)
        fail(door, breaker)
        with pytest.raises(CircuitOpenError):
            door.run(breaker.protect(door.function(Script("fine"))))
        breaker.force_close()
        assert ask in caplog.text
    classifier: Any = BrokenClassifier()
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=2), clock=clock, classifier=classifier)
    fail(door, breaker)
    assert breaker.state is OPEN
    assert "on_open" in caplog.text


def test_listeners_get_frozen_events_without_arguments_results_or_texts(door: Door, clock: VirtualClock) -> None:
    heard: list[Any] = []
    breaker = breaker_of(clock)
    leave = [breaker.on(event, heard.append) for event in EVENTS]
    guarded = breaker.protect(door.function(Script("s3cret", ConnectionResetError("s3cret"))))
    door.run(guarded, "s3cret")
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            door.run(guarded)
    with pytest.raises(CircuitOpenError):
        door.run(guarded)
    assert [type(event) for event in heard] == [
        CircuitCallEnded,
        CircuitCallEnded,
        CircuitStateChanged,
        CircuitCallEnded,
        CircuitCallRejected,
    ]
    assert [event.outcome for event in heard if isinstance(event, CircuitCallEnded)] == [
        "success",
        "failure",
        "failure",
    ]
    assert heard[-1].retry_after == 30
    assert "s3cret" not in repr(heard)
    json.dumps([event.as_dict() for event in heard])
    for each in leave:
        each()
    assert breaker.quiet is None
    breaker.force_close()
    assert breaker.quiet is not None


def test_slow_calls_open_it_too(door: Door) -> None:
    clock = VirtualClock()
    breaker = breaker_of(clock, slow_call_duration_threshold=2, minimum_requests=4, slow_call_rate_threshold=0.5)

    class Slow(Script):
        def next(self) -> Any:
            clock.advance(3 if self.calls % 2 else 0)
            return super().next()

    guarded = breaker.protect(door.function(Slow("fine")))
    for _ in range(4):
        assert breaker.state is CLOSED
        door.run(guarded)
    assert breaker.state is OPEN


def test_shadow_mode_evaluates_and_reports_but_never_refuses(door: Door, clock: VirtualClock) -> None:
    heard: list[Any] = []
    breaker = breaker_of(clock, mode="shadow")
    breaker.on("rejected", heard.append)
    fail(door, breaker, times=2)
    assert breaker.state is OPEN
    succeed(door, breaker, 3)
    assert [event.shadow for event in heard] == [True] * 3
    assert breaker.metrics.rejected_requests == 0
    assert breaker.metrics.total_requests == 5


def test_disabled_mode_lets_everything_pass_uncounted(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, mode="disabled")
    fail(door, breaker, times=10)
    succeed(door, breaker)
    assert breaker.state is CLOSED
    assert breaker.metrics.total_requests == 0


def test_a_call_that_finds_the_circuit_opened_just_before_it_took_the_lock_is_refused() -> None:
    circuit = Circuit(CircuitBreakerConfig(), now=0.0)
    circuit.trip(0.0, None)
    assert circuit.admit(1.0) is None
    assert circuit.admit(30.0) is not None


def test_held_open_it_stays_open_until_told(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    breaker.force_open(hold=True)
    clock.advance(1e6)
    with pytest.raises(CircuitOpenError, match="it is held open") as caught:
        door.run(breaker.protect(door.function(Script("fine"))))
    assert caught.value.retry_after is None
    breaker.force_close()
    succeed(door, breaker)
    breaker.force_open()
    clock.advance(30)
    assert breaker.state is HALF_OPEN


def test_a_fallback_answers_in_place_of_a_refusal(door: Door, clock: VirtualClock) -> None:
    async def later() -> str:
        return "stand-in"

    fallbacks: list[Callable[[], Any]] = [lambda: "stand-in"] if door.name == "sync" else [lambda: "stand-in", later]
    for fallback in fallbacks:
        breaker = breaker_of(clock, fallback=fallback)
        breaker.force_open()
        guarded = breaker.protect(door.function(Script("fine")))
        if door.name == "async" or fallback is later:
            assert door.run(guarded) == "stand-in"
        else:
            assert guarded() == "stand-in"


def test_execute_takes_every_kind_of_operation(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    function = door.function(Script("fine", ConnectionResetError))
    assert door.run(lambda: breaker.execute(function)) == "fine"
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            door.run(lambda: breaker.execute(function))
    with pytest.raises(CircuitOpenError):
        door.run(lambda: breaker.execute(function)) if door.name == "async" else breaker.execute(function)
    with pytest.raises(TypeError, match="circuit breaker cannot guard"):
        breaker.execute(dict)


def test_a_permit_ends_once(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    with breaker.acquire() as permit:
        permit.abandon()
        permit.succeed()
    with pytest.raises(KeyError), breaker.acquire():
        raise KeyError
    metrics = breaker.metrics
    assert (metrics.abandoned_requests, metrics.failed_requests, metrics.total_requests) == (1, 1, 2)


def test_the_window_turns_while_calls_succeed(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock, failure_threshold=5)
    fail(door, breaker, times=1)
    guarded = breaker.protect(door.function(Script("fine")))
    for _ in range(12):
        clock.advance(6)
        door.run(guarded)
        door.run(guarded)
    assert breaker.metrics.failure_rate == 0
    assert breaker.metrics.successful_requests == 24


def test_results_of_many_types_pass_as_they_are(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    results: list[Any] = [1, "x", None, (n for n in range(3)), 1.5]
    guarded = breaker.protect(lambda index: results[index])
    for _ in range(2):
        for index, result in enumerate(results):
            assert guarded(index) is result
    assert guarded(index=0) == 1
    assert breaker.metrics.successful_requests == 11


def test_promise_7_setting_the_wall_clock_changes_nothing(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    fail(door, breaker)
    clock.set_wall_clock(clock.time() + 86_400)
    assert breaker.state is OPEN
    clock.set_wall_clock(clock.time() - 2 * 86_400)
    clock.advance(30)
    assert breaker.state is HALF_OPEN


def test_it_tells_of_itself(clock: VirtualClock) -> None:
    class Unshowable(ConnectionError):
        def __str__(self) -> str:
            raise RuntimeError

    breaker = breaker_of(clock, failure_threshold=9, history_size=2)
    for error in (ConnectionResetError("x" * 500), Unshowable()):
        fail(Door("sync"), breaker, error, times=1)
    stats = breaker.get_stats()
    json.dumps(stats)
    assert [len(text) for text in stats["recent_failures"]] == [201, len("test_it_tells_of_itself.<locals>.Unshowable")]
    assert stats["last_failure_time"] == "2000-01-01T00:00:00+00:00"
    assert repr(breaker) == "CircuitBreaker('db', CLOSED)"
    assert CircuitBreaker(name="other").name == "other"
    assert create_circuit_breaker("third", failure_threshold=3).config.name == "third"


def test_promise_39_retries_pass_the_breaker_each_time_in_any_order(door: Door, clock: VirtualClock) -> None:
    policy = RetryPolicy(max_attempts=5)
    for number, outside in enumerate(("retry", "breaker")):
        script = Script(ConnectionResetError)
        breaker = with_circuit_breaker(f"composed-{door.name}-{number}", failure_threshold=3)
        retry = with_retry(policy, clock=clock)
        function = door.function(script)
        guarded = retry(breaker(function)) if outside == "retry" else breaker(retry(function))
        with pytest.raises(CircuitOpenError if outside == "retry" else ConnectionResetError):
            door.run(guarded)
        assert script.calls == (3 if outside == "retry" else 5), (
            "an open circuit is not hammered by the retry around it"
        )


def test_promise_1_a_guarded_function_keeps_its_looks() -> None:
    def service(a: int, *, b: str = "x") -> str:
        """What it does."""
        return b * a

    guarded: Any = with_circuit_breaker("looks")(service)
    assert (guarded.__name__, guarded.__doc__, guarded.__wrapped__) == ("service", "What it does.", service)
    assert guarded(2, b="y") == "yy"
    own = CircuitBreaker()
    assert with_circuit_breaker(own)(service)(1) == "x"
    with pytest.raises(ConfigurationError, match="has its config"):
        with_circuit_breaker(own, failure_threshold=3)
    with pytest.raises(TypeError, match="takes a name, a CircuitBreakerConfig, a CircuitBreaker or a function, not 3"):
        with_circuit_breaker(3)  # type: ignore[call-overload]


def test_a_probe_that_is_called_with_wrong_arguments_gives_its_place_back(clock: VirtualClock) -> None:
    class Service:
        async def __call__(self, number: int) -> int:
            return number

    breaker = breaker_of(clock, half_open_max_calls=1, success_threshold=1)
    guarded: Any = breaker.protect(Service())
    for _ in range(2):
        breaker.force_open()
        clock.advance(30)
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            asyncio.run(guarded())
        assert breaker.state is OPEN
    clock.advance(30)
    assert asyncio.run(guarded(1)) == 1
    assert breaker.state is CLOSED


def test_a_call_that_ends_after_somebody_began_to_listen_is_counted_once(door: Door, clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    heard: list[Any] = []

    class Listening(Script):
        def next(self) -> str:
            breaker.on("call", heard.append)
            return "fine"

    guarded = breaker.protect(door.function(Listening()))
    assert [door.run(guarded), door.run(guarded)] == ["fine", "fine"]
    assert breaker.metrics.successful_requests == 2


def test_promise_5_several_event_loops_one_after_another(clock: VirtualClock) -> None:
    breaker = breaker_of(clock)
    guarded = breaker.protect(Door("async").function(Script("fine")))
    assert [asyncio.run(guarded()), run_virtual(guarded())] == ["fine", "fine"]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"failure_threshold": 0}, "failure_threshold must be a whole number of at least 1, not 0"),
        ({"success_threshold": True}, "success_threshold must be a whole number"),
        ({"half_open_max_calls": 1.5}, "half_open_max_calls must be a whole number"),
        ({"failure_window": 0}, "failure_window must be finite and more than zero"),
        ({"reset_timeout": -1}, "reset_timeout must be finite and more than zero"),
        ({"failure_rate_threshold": 1.5}, "failure_rate_threshold must be a number from 0 to 1"),
        ({"failure_rate_threshold": 0}, "failure_rate_threshold must be above 0"),
        ({"failure_rate_threshold": 50}, "a percentage is written as a fraction: 0.5"),
        ({"window_size": 3}, "window_size must be at least failure_threshold (5)"),
        ({"slow_call_rate_threshold": 0.5}, "needs slow_call_duration_threshold"),
        ({"reset_timeout_multiplier": 0.5}, "reset_timeout_multiplier must be a finite number of at least 1"),
        ({"max_reset_timeout": 5}, "max_reset_timeout must be at least reset_timeout (30 s), not 5 s"),
        ({"ignore": "ValueError"}, "ignore must be types or a function"),
        ({"mode": "shadwo"}, "did you mean 'shadow'"),
        ({"fallback": 3}, "fallback must be a function () -> value or None, not 3"),
        ({"on_open": 3}, "on_open must be a function"),
        ({"failure_treshold": 3}, "did you mean 'failure_threshold'"),
        ({"name": ""}, "name must be a text"),
        ({"history_size": -1}, "history_size must be a whole number of at least 0"),
    ],
)
def test_promise_11_bad_settings_are_refused_with_the_fix(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CircuitBreakerConfig(**fields)
    assert says in str(caught.value)


def test_other_mistakes_are_refused_at_once() -> None:
    with pytest.raises(ConfigurationError, match="config must be a CircuitBreakerConfig"):
        CircuitBreaker("search")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="did you mean 'call'"):
        CircuitBreaker().on("calls", print)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="listener must be a function"):
        CircuitBreaker().on("call", None)  # type: ignore[arg-type]
    assert CircuitBreakerConfig().replace(failure_threshold=9).failure_threshold == 9


def test_moves_are_logged_an_opening_as_a_warning(clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    config = CircuitBreakerConfig(name="prices", failure_threshold=2, reset_timeout=30, success_threshold=1)
    breaker = CircuitBreaker(config, clock=clock)
    with caplog.at_level("INFO", "holdfast.circuit_breaker"):
        breaker.execute(lambda: "kelp")
        for _ in range(2):
            with pytest.raises(ConnectionResetError):
                breaker.execute(Script(ConnectionResetError("of customer 4711")).next)
        clock.advance(30)
        with pytest.raises(ConnectionResetError):
            breaker.execute(Script(ConnectionResetError).next)
        clock.advance(30)
        breaker.execute(lambda: "kelp")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("WARNING", "circuit breaker 'prices': CLOSED -> OPEN (failures in a row: 2; in all: 2 of 3 calls)"),
        ("INFO", "circuit breaker 'prices': OPEN -> HALF_OPEN (failures in a row: 2; in all: 2 of 3 calls)"),
        ("INFO", "circuit breaker 'prices': HALF_OPEN -> OPEN (failures in a row: 3; in all: 3 of 4 calls)"),
        ("INFO", "circuit breaker 'prices': OPEN -> HALF_OPEN (failures in a row: 3; in all: 3 of 4 calls)"),
        ("INFO", "circuit breaker 'prices': HALF_OPEN -> CLOSED (failures in a row: 0; in all: 3 of 5 calls)"),
    ]


def test_a_log_that_raises_changes_nothing(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(record: object) -> bool:
        raise RuntimeError

    logger = logging.getLogger("holdfast.circuit_breaker")
    monkeypatch.setattr(logger, "filters", [refuse])
    breaker = CircuitBreaker()
    breaker.force_open()
    assert breaker.state is CircuitState.OPEN
