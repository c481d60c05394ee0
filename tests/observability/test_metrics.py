"""Metrics: exact, never going back, and free of charge for calls that go well."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.interrupts import Interrupted, interrupt_at
from tests.support import Door, Script

from holdfast import (
    BreakerRegistry,
    Bulkhead,
    BulkheadFullError,
    CircuitBreaker,
    ConfigurationError,
    DeadlineExceededError,
    DeadlineTracker,
    OperationTimeoutError,
    RateLimiter,
    RateLimitExceededError,
    RetryBudget,
    SlidingWindow,
    TimeoutManager,
    bulkhead,
    correlation_id,
    create_bulkhead,
    create_circuit_breaker,
    events,
    get_breaker_registry,
    get_bulkhead_registry,
    get_metrics_registry,
    with_circuit_breaker,
    with_fallback,
    with_retry,
    with_timeout,
)
from holdfast.circuit_breaker import herald
from holdfast.observability import CATALOGUE, HistogramValue, MetricsRegistry, metrics as metrics_module
from holdfast.observability.sources import known_anyway
from holdfast.testing import VirtualClock


@pytest.fixture
def metrics() -> Iterator[MetricsRegistry]:
    with MetricsRegistry() as registry:
        yield registry
    assert events.listeners == events.watchers == herald.call_listeners == ()


def samples(registry: MetricsRegistry, metric: str, name: str) -> dict[tuple[str, ...], Any]:
    (family,) = (each for each in registry.collect() if each.name == metric)
    return {labels[1:]: value for labels, value in family.samples.items() if labels[:1] == (name,)}


# What guards count anyway.


def test_the_metrics_of_the_design_are_there_under_their_names_with_a_name_label() -> None:
    families = {family.name: family for family in MetricsRegistry().collect()}
    for name, kind, labels in (
        ("circuit_breaker_state_changes_total", "counter", set()),
        ("circuit_breaker_calls_total", "counter", {"result"}),
        ("retry_attempts_total", "counter", set()),
        ("timeout_operations_total", "counter", set()),
        ("bulkhead_executions_total", "counter", {"state"}),
        ("errors_total", "counter", {"category", "code"}),
        ("circuit_breaker_call_duration_seconds", "histogram", set()),
    ):
        assert families[name].kind == kind
        assert {"name", *labels} <= set(families[name].labels)
    assert families.keys() == CATALOGUE.keys()


def test_calls_through_a_breaker_are_counted_by_their_result_started_or_not(door: Door) -> None:
    registry = MetricsRegistry()
    script = Script(1, ConnectionResetError, asyncio.CancelledError, 1)
    guarded = with_circuit_breaker("results")(door.function(script))
    for _ in range(4):
        try:
            door.run(guarded)
        except (ConnectionResetError, asyncio.CancelledError):
            pass
    get_breaker_registry().get("results").force_open()
    with pytest.raises(Exception, match="is OPEN"):
        door.run(guarded)
    assert samples(registry, "circuit_breaker_calls_total", "results") == {
        ("success",): 2,
        ("failure",): 1,
        ("abandoned",): 1,
        ("rejected",): 1,
    }
    assert not registry.is_started


def test_moves_and_the_state_of_a_circuit_are_shown(clock: VirtualClock) -> None:
    registry = MetricsRegistry()
    breaker = CircuitBreaker(name="moves", clock=clock)
    assert samples(registry, "circuit_breaker_state", "moves") == {("closed",): 1, ("open",): 0, ("half_open",): 0}
    assert samples(registry, "circuit_breaker_state_changes_total", "moves") == {}
    breaker.force_open()
    assert samples(registry, "circuit_breaker_state", "moves") == {("closed",): 0, ("open",): 1, ("half_open",): 0}
    clock.advance(30)
    assert samples(registry, "circuit_breaker_state", "moves") == {("closed",): 0, ("open",): 0, ("half_open",): 1}
    breaker.force_open()
    breaker.force_close()
    assert samples(registry, "circuit_breaker_state_changes_total", "moves") == {
        ("closed", "open"): 1,
        ("open", "half_open"): 1,
        ("half_open", "open"): 1,
        ("open", "closed"): 1,
    }
    assert registry.value("circuit_breaker_state_changes_total", name="moves") == 4
    assert registry.value("circuit_breaker_state_changes_total", name="moves", to_state="open") == 2


def test_bulkheads_show_how_full_they_are_and_how_calls_ended() -> None:
    registry = MetricsRegistry()
    full = create_bulkhead("fullness", 2, 0)
    with full.acquire():
        with full.acquire(), pytest.raises(BulkheadFullError):
            full.execute(lambda: 1)
        assert registry.value("bulkhead_active", name="fullness") == 1
        assert registry.value("bulkhead_queued", name="fullness") == 0
        assert registry.value("bulkhead_available", name="fullness") == 1
    assert samples(registry, "bulkhead_executions_total", "fullness") == {
        ("completed",): 2,
        ("rejected",): 1,
        ("timed_out",): 0,
        ("abandoned",): 0,
    }


def test_the_own_guards_of_functions_are_seen(door: Door) -> None:
    registry = MetricsRegistry()

    @bulkhead
    def own_bulkhead() -> None: ...

    guarded = with_circuit_breaker(door.function(Script(1)))
    name = guarded.__qualname__
    door.run(guarded)
    own_bulkhead()
    assert registry.value("circuit_breaker_calls_total", name=name, result="success") == 1
    assert registry.value("bulkhead_executions_total", name=own_bulkhead.__qualname__, state="completed") == 1


def test_counters_never_go_back_whether_guards_are_reset_replaced_removed_evicted_or_dropped() -> None:
    registry = MetricsRegistry()

    def seen() -> tuple[int, int]:
        return (
            registry.value("circuit_breaker_calls_total", name="kept", result="success"),
            registry.value("bulkhead_executions_total", name="kept", state="completed"),
        )

    guarded = [with_circuit_breaker("kept")(bulkhead("kept")(lambda: 1))]
    expected = 0

    def call() -> None:
        nonlocal expected
        guarded[0]()
        expected += 1
        assert seen() == (expected, expected)

    call()
    get_breaker_registry().get("kept").reset()
    call()
    get_breaker_registry().get_or_create("kept", failure_threshold=7, replace=True)
    get_bulkhead_registry().get_or_create("kept", max_concurrent=7, replace=True)
    call()
    get_breaker_registry().remove("kept")
    get_bulkhead_registry().remove("kept")
    call()
    guarded.clear()
    for guards in (get_breaker_registry(), get_bulkhead_registry()):
        guards.remove("kept")
    gc.collect()
    assert seen() == (expected, expected)


def test_evicted_guards_of_keys_stay_counted() -> None:
    registry = MetricsRegistry()
    breakers = BreakerRegistry(max_breakers=10)
    for number in range(50):
        breakers.get_or_create(f"evicted[{number}]").execute(lambda: 1)
    assert len(breakers.get_all()) == 10
    assert registry.value("circuit_breaker_calls_total", result="success") == 50


def test_counts_are_exact_over_threads_and_tasks_while_somebody_looks(metrics: MetricsRegistry) -> None:
    calls = 400

    @with_circuit_breaker("exact", failure_threshold=10**9)
    @bulkhead("exact", max_concurrent=1000)
    def service(number: int) -> int:
        if number % 4 == 0:
            raise ConnectionResetError
        return number

    @with_circuit_breaker("exact", failure_threshold=10**9)
    @bulkhead("exact", max_concurrent=1000)
    async def async_service(number: int) -> int:
        await asyncio.sleep(0)
        return service.__wrapped__(number)  # type: ignore[attr-defined,no-any-return]

    def work() -> None:
        for number in range(calls):
            try:
                service(number)
            except ConnectionResetError:
                pass

    async def tasks() -> None:
        await asyncio.gather(*(async_service(number) for number in range(calls)), return_exceptions=True)

    over = threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not over.is_set():
            seen.append(metrics.value("circuit_breaker_calls_total", name="exact"))

    threads = [threading.Thread(target=work) for _ in range(8)]
    threads.append(threading.Thread(target=asyncio.run, args=(tasks(),)))
    looker = threading.Thread(target=look)
    for thread in [*threads, looker]:
        thread.start()
    for thread in threads:
        thread.join()
    over.set()
    looker.join()
    assert seen == sorted(seen)
    # The plain function inside the async one is the guarded one without its breaker: its bulkhead counts twice.
    assert samples(metrics, "circuit_breaker_calls_total", "exact") == {
        ("success",): 9 * calls * 3 // 4,
        ("failure",): 9 * calls // 4,
        ("abandoned",): 0,
        ("rejected",): 0,
    }
    assert metrics.value("bulkhead_executions_total", name="exact", state="completed") == 10 * calls
    assert metrics.value("errors_total", name="exact", category="TRANSIENT", code="CONNECTION_RESET") == 9 * calls // 4


# What is counted when it fails.


def test_retries_are_counted_by_what_followed(door: Door, clock: VirtualClock, metrics: MetricsRegistry) -> None:
    script = Script(ConnectionResetError, ConnectionResetError, 1, ConnectionResetError)
    guarded = with_retry(clock=clock, max_attempts=3)(door.function(script))
    name = guarded.__qualname__
    door.run(guarded)
    with pytest.raises(ConnectionResetError):
        door.run(guarded)
    assert samples(metrics, "retry_attempts_total", name) == {("retried",): 4, ("gave_up",): 1}
    assert metrics.value("errors_total", name=name) == 5


def test_retries_that_a_budget_refuses_are_counted(clock: VirtualClock, metrics: MetricsRegistry) -> None:
    guarded = with_retry(clock=clock, budget=RetryBudget(ratio=0, min_per_second=0))(Script(ConnectionResetError).next)
    with pytest.raises(ConnectionResetError):
        guarded()
    assert metrics.value("retry_budget_refusals_total", name="Script.next") == 1


def test_timeouts_are_counted(clock: VirtualClock, metrics: MetricsRegistry) -> None:
    late = with_timeout(1, manager=TimeoutManager(clock=clock))(lambda: clock.advance(2))
    for _ in range(2):
        with pytest.raises(OperationTimeoutError):
            late()
    name = late.__qualname__
    assert samples(metrics, "timeout_operations_total", name) == {("timed_out",): 2}
    assert metrics.value("errors_total", name=name, code="TIMEOUT") == 2


def test_calls_that_were_not_begun_and_those_left_behind_are_shown() -> None:
    registry = MetricsRegistry()
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()

    def hangs() -> None:
        begun.set()
        go_on.wait()
        ended.set()

    while not begun.is_set():  # on a busy machine the time may be over before it begins
        with pytest.raises(OperationTimeoutError):
            with_timeout(0.01)(hangs)()
    assert registry.value("timeout_left_behind", name=hangs.__qualname__) == 1
    go_on.set()
    ended.wait()
    clock = VirtualClock()
    guarded = with_timeout(1)(lambda: 1)
    with DeadlineTracker(clock=clock).track(1):
        clock.advance(2)
        with pytest.raises(DeadlineExceededError):
            guarded()
    assert registry.value("timeout_refusals_total") == 1


def test_errors_are_counted_once_by_category_and_code_and_can_be_traced_by_their_id(
    door: Door, clock: VirtualClock
) -> None:
    class Theirs(Exception):
        __resilience__ = None

    with MetricsRegistry(clock=clock, max_errors=3) as registry:
        guarded = with_retry(max_attempts=1)(
            with_circuit_breaker("traced", failure_threshold=100)(
                door.function(Script(ConnectionResetError, TimeoutError, Theirs, Theirs))
            )
        )
        for error in (ConnectionResetError, TimeoutError, Theirs, Theirs):
            clock.advance(1)
            with correlation_id(f"request-{error.__name__}"), pytest.raises(error):
                door.run(guarded)
    assert samples(registry, "errors_total", "traced") == {
        ("TRANSIENT", "CONNECTION_RESET"): 1,
        ("TRANSIENT", "TIMEOUT"): 1,
        ("UNKNOWN", "UNKNOWN"): 2,
    }
    assert [report.code for report in registry.recent_errors()] == ["TIMEOUT", "UNKNOWN", "UNKNOWN"]
    (report,) = registry.recent_errors("request-TimeoutError")
    assert report.as_dict() == {
        "time": "2000-01-01T00:00:02+00:00",
        "name": "traced",
        "guard": "circuit breaker",
        "category": "TRANSIENT",
        "code": "TIMEOUT",
        "error_type": "TimeoutError",
        "correlation_id": "request-TimeoutError",
    }
    assert report.time.utcoffset() is not None


def test_nothing_is_counted_before_the_start_and_after_the_stop_and_both_may_come_twice(clock: VirtualClock) -> None:
    registry = MetricsRegistry()
    guarded = with_retry(clock=clock, max_attempts=1)(Script(ConnectionResetError).next)

    def fail() -> int:
        with pytest.raises(ConnectionResetError):
            guarded()
        return int(registry.value("errors_total", name="Script.next"))

    assert fail() == 0
    assert registry.start() is registry.start()
    started = [registry.is_started]
    assert fail() == 1
    registry.stop()
    registry.stop()
    assert [*started, registry.is_started] == [True, False]
    assert fail() == 1
    with registry:
        assert fail() == 2
    assert fail() == 2


def test_registries_count_independently_and_each_failure_in_each(clock: VirtualClock) -> None:
    guarded = with_retry(clock=clock, max_attempts=1)(Script(ConnectionResetError).next)
    with MetricsRegistry() as one:
        with pytest.raises(ConnectionResetError):
            guarded()
        with MetricsRegistry() as other, pytest.raises(ConnectionResetError):
            guarded()
    assert one.value("errors_total") == 2
    assert other.value("errors_total") == 1
    assert one.value("circuit_breaker_calls_total") == other.value("circuit_breaker_calls_total")


def test_there_is_one_registry_of_the_process_and_it_tells_of_what_was_before_it_was_asked_for() -> None:
    create_circuit_breaker("early").execute(lambda: 1)
    ours = get_metrics_registry()
    assert ours is get_metrics_registry()
    assert not ours.is_started
    assert ours.value("circuit_breaker_calls_total", name="early", result="success") == 1


def test_other_registries_count_from_when_they_are_made_or_reset(clock: VirtualClock) -> None:
    gone = create_circuit_breaker("gone before")
    gone.execute(lambda: 1)
    there = create_circuit_breaker("there before")
    there.execute(lambda: 1)
    del gone
    with MetricsRegistry() as registry:
        assert samples(registry, "circuit_breaker_calls_total", "gone before") == {}
        assert registry.value("circuit_breaker_calls_total") == 0
        assert samples(registry, "circuit_breaker_calls_total", "there before")["success",] == 0
        with pytest.raises(ConnectionResetError):
            there.execute(Script(ConnectionResetError).next)
        assert registry.value("circuit_breaker_calls_total") == registry.value("errors_total") == 1
        registry.reset()
        assert registry.value("circuit_breaker_calls_total") == registry.value("errors_total") == 0
        assert registry.recent_errors() == ()
        there.execute(lambda: 1)
        assert registry.value("circuit_breaker_calls_total") == 1


# Durations.


def test_durations_are_measured_only_while_a_registry_wants_them(door: Door, clock: VirtualClock) -> None:
    old = CircuitBreaker(name="timed", clock=clock)

    def service() -> Any:
        clock.advance(0.3)
        return script.next()

    script = Script(1, ConnectionResetError, 1)
    with MetricsRegistry(durations=True, buckets=(0.1, 1)) as registry:
        assert old.timed
        new = CircuitBreaker(name="timed", clock=clock)
        for breaker in (old, new):
            follower = Script(*script.outcomes)
            inner = door.function(follower)

            def slow(inner: Any = inner) -> Any:
                clock.advance(0.3)
                return inner()

            guarded = breaker.protect(slow)
            for _ in range(3):
                try:
                    door.run(guarded)
                except ConnectionResetError:
                    pass
    assert [breaker.quiet is None for breaker in (old, new)] == [False, False]
    door.run(old.protect(door.function(Script(1))))
    (value,) = samples(registry, "circuit_breaker_call_duration_seconds", "timed").values()
    assert isinstance(value, HistogramValue)
    assert value.buckets == ((0.1, 0), (1.0, 6), (float("inf"), 6))
    assert value.sum == pytest.approx(1.8)
    assert registry.value("circuit_breaker_call_duration_seconds", name="timed") == value.count == 6


def test_a_call_that_began_before_anybody_wanted_durations_has_none(clock: VirtualClock) -> None:
    registry = MetricsRegistry(durations=True)
    breaker = CircuitBreaker(name="midway", clock=clock)

    def service() -> None:
        registry.start()

    breaker.protect(service)()
    breaker.protect(service)()
    registry.stop()
    assert registry.value("circuit_breaker_call_duration_seconds", name="midway") == 1


def test_two_registries_may_want_durations(clock: VirtualClock) -> None:
    one, other = MetricsRegistry(durations=True), MetricsRegistry(durations=True)
    breaker = CircuitBreaker(name="both", clock=clock)
    with one:
        with other:
            breaker.execute(lambda: 1)
        breaker.execute(lambda: 1)
    assert [each.value("circuit_breaker_call_duration_seconds", name="both") for each in (one, other)] == [2, 1]


# Bounds.


def test_names_and_codes_are_bounded_and_the_rest_is_other(clock: VirtualClock) -> None:
    kept: list[Any] = []
    gc.collect()  # guards of other tests have names too
    with MetricsRegistry(max_names=3) as registry:
        for number in range(10):
            guard = Bulkhead(name=f"bounded-{number}")
            guard.execute(lambda: 1)
            kept.append(guard)
        before = {metric: registry.value(metric) for metric in ("bulkhead_executions_total", "bulkhead_available")}
        names = {labels[0] for family in registry.collect() if family.labels for labels in family.samples if labels}
        assert len(names - {"other"}) == 3
        assert "other" in names
        kept.clear()
        gc.collect()
        assert registry.value("bulkhead_executions_total") == before["bulkhead_executions_total"]
    with MetricsRegistry() as registry:
        for number in range(300):
            event = events.CallFailed(name="f", guard="retry", error_type="E", category="UNKNOWN", code=f"C{number}")
            for watcher in events.watchers:
                watcher(event)
        codes = samples(registry, "errors_total", "f")
        assert len(codes) == 201
        assert codes["UNKNOWN", "other"] == 100
        assert sum(codes.values()) == 300


def test_what_cannot_work_is_refused() -> None:
    for wrong in ({"durations": 1}, {"max_names": 0}, {"max_errors": -1}, {"clock": 42}):
        with pytest.raises(ConfigurationError):
            MetricsRegistry(**wrong)  # type: ignore[arg-type]
    for buckets in ((), (2, 1), (1, 1), ("x",), 5, (float("nan"),)):
        with pytest.raises(ConfigurationError, match="buckets must be rising numbers"):
            MetricsRegistry(buckets=buckets)  # type: ignore[arg-type]
    assert MetricsRegistry(buckets=(1, float("inf")))._bounds == (1.0, float("inf"))
    registry = MetricsRegistry()
    with pytest.raises(ConfigurationError, match="did you mean 'errors_total'"):
        registry.value("error_total")
    with pytest.raises(ConfigurationError, match="has no label 'codes'; did you mean 'code'"):
        registry.value("errors_total", codes="x")


def test_everything_is_ready_for_json(clock: VirtualClock) -> None:
    with MetricsRegistry(durations=True) as registry:
        breaker = CircuitBreaker(name="json", clock=clock)
        breaker.execute(lambda: 1)
        with pytest.raises(ConnectionResetError):
            breaker.execute(Script(ConnectionResetError).next)
    dump = json.loads(json.dumps(registry.as_dict(), allow_nan=False))
    by_name = {family["name"]: family for family in dump["metrics"]}
    assert {"labels": {"name": "json", "result": "success"}, "value": 1} in by_name["circuit_breaker_calls_total"][
        "samples"
    ]
    assert by_name["circuit_breaker_call_duration_seconds"]["samples"][0]["value"]["count"] == 2
    assert by_name["circuit_breaker_call_duration_seconds"]["samples"][0]["value"]["buckets"][-1] == ["+Inf", 2]
    assert dump["recent_errors"][-1]["code"] == "CONNECTION_RESET"


def test_a_listener_that_raises_changes_neither_the_call_nor_the_metrics(
    door: Door, clock: VirtualClock, metrics: MetricsRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_event: object) -> None:
        raise ValueError("s3cret")

    ends = [events.subscribe(broken), events.watch(broken), herald.hear_calls(broken)]
    try:
        guarded = with_retry(clock=clock, max_attempts=2)(
            with_circuit_breaker("listened")(door.function(Script(ConnectionResetError, 1)))
        )
        assert door.run(guarded) == 1
    finally:
        for end in ends:
            end()
    assert metrics.value("errors_total", name="listened") == 1
    assert caplog.text.count("raised ValueError") == 4  # the retry's event, the failure, and two ends of calls
    assert "s3cret" not in caplog.text


def test_a_quiet_call_does_nothing_for_metrics_that_are_started(metrics: MetricsRegistry) -> None:
    guarded = with_retry(with_circuit_breaker("quiet")(bulkhead("quiet")(lambda: 1)))
    guarded()
    breaker, limited = get_breaker_registry().get("quiet"), get_bulkhead_registry().get("quiet")
    for _ in range(100):
        guarded()
    assert breaker.quiet is not None
    assert not limited.line.busy
    assert metrics.value("circuit_breaker_calls_total", name="quiet", result="success") == 101


def test_a_breaker_tells_the_whole_process_of_its_moves_and_refusals(clock: VirtualClock) -> None:
    heard: list[str] = []
    end = events.subscribe(lambda event: heard.append(type(event).__name__))
    breaker = create_circuit_breaker("told")
    breaker.force_open(hold=True)
    with pytest.raises(Exception, match="is OPEN"):
        breaker.execute(lambda: 1)
    full = create_bulkhead("told", 1, 0)
    with full.acquire(), pytest.raises(BulkheadFullError):
        full.execute(lambda: 1)
    end()
    breaker.reset()
    assert heard == ["CircuitStateChanged", "CircuitCallRejected", "BulkheadRejected"]


# Rate limits and fallbacks.


def test_rate_limiters_are_counted_also_when_they_are_gone(metrics: MetricsRegistry) -> None:
    limiter = RateLimiter(SlidingWindow(limit=2, period=60), name="limited")
    assert [limiter.try_acquire() for _ in range(3)] == [True, True, False]
    with pytest.raises(RateLimitExceededError):
        limiter.acquire(timeout=0)
    assert metrics.value("rate_limit_available", name="limited") == 0
    assert metrics.value("rate_limit_queued", name="limited") == 0
    for _ in range(2):
        assert samples(metrics, "rate_limit_requests_total", "limited") == {
            ("admitted",): 2,
            ("rejected",): 2,
            ("timed_out",): 0,
            ("abandoned",): 0,
        }
        limiter = None  # type: ignore[assignment]
        gc.collect()
    # What `try_acquire` says no to is no failure.
    assert metrics.value("errors_total", name="limited", code="RATE_LIMIT_EXCEEDED") == 1


def test_answers_of_fallbacks_are_counted_and_the_failure_behind_each_once(
    door: Door, metrics: MetricsRegistry
) -> None:
    guarded = with_fallback(value=42)(door.function(Script(ConnectionResetError)))
    behind = with_fallback(value=42)(with_circuit_breaker("behind")(door.function(Script(ConnectionResetError))))
    name = guarded.__qualname__
    assert door.run(guarded) == door.run(behind) == 42
    assert samples(metrics, "fallback_answers_total", name) == {("value",): 2}
    assert metrics.value("errors_total", name=name) == 1
    assert metrics.value("errors_total", name="behind") == 1


# Beginning and ending.


@pytest.mark.parametrize("which", ["start", "stop"])
def test_starting_or_stopping_that_was_interrupted_anywhere_can_be_done_again(which: str, clock: VirtualClock) -> None:
    breaker = CircuitBreaker(name="interrupted", clock=clock)
    guarded = with_retry(clock=clock, max_attempts=1)(breaker.protect(Script(ConnectionResetError).next))
    interrupted = True
    number = 0
    while interrupted:
        registry = MetricsRegistry(durations=True)
        if which == "stop":
            registry.start()
        try:
            with interrupt_at(number):
                getattr(registry, which)()
            interrupted = False
        except Interrupted:
            number += 1
        with registry:
            breaker.force_close()
            with pytest.raises(ConnectionResetError):
                guarded()
            assert registry.value("errors_total") == registry.value("retry_attempts_total") == 1
            assert registry.value("circuit_breaker_call_duration_seconds") == 1
        assert events.listeners == events.watchers == herald.call_listeners == ()
        assert breaker.quiet is not None
    assert number > 10


def test_a_start_that_was_interrupted_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_listener: Any) -> None:
        raise Interrupted

    monkeypatch.setattr(metrics_module, "hear_calls", interrupted)
    registry = MetricsRegistry(durations=True)
    with pytest.raises(Interrupted):
        registry.start()
    assert not registry.is_started
    assert events.listeners == events.watchers == ()


def test_a_registry_that_is_dropped_listens_no_more(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(name="dropped", clock=clock)
    registry = MetricsRegistry(durations=True).start()
    del registry
    gc.collect()
    with pytest.raises(ConnectionResetError):
        breaker.execute(Script(ConnectionResetError).next)
    assert events.watchers == events.listeners == herald.call_listeners == ()
    assert breaker.quiet is not None


# What others may do.


class Failing(VirtualClock):
    """A clock that raises from some moment on, as one of a test that is over."""

    over = False

    def monotonic(self) -> float:
        if self.over:
            raise RuntimeError
        return super().monotonic()


def test_a_guard_whose_clock_raises_takes_away_the_figures_of_no_other_and_keeps_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unraisable: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", unraisable.append)
    registry = MetricsRegistry()
    clock = Failing()
    closed, opened = (CircuitBreaker(name=name, clock=clock) for name in ("closed", "opened"))
    closed.execute(lambda: 1)
    opened.force_open()
    limiter = RateLimiter(SlidingWindow(limit=5, period=60), name="limiter", clock=clock)
    limiter.acquire()
    well = create_circuit_breaker("well")
    well.execute(lambda: 1)
    closed.on("call", lambda _event: None)  # so that it takes no quiet path
    clock.over = True
    assert samples(registry, "circuit_breaker_state", "closed")["closed",] == 1
    assert samples(registry, "circuit_breaker_state", "opened")["open",] == 1
    for _ in range(2):
        assert registry.value("circuit_breaker_calls_total", name="closed", result="success") == 1
        assert registry.value("circuit_breaker_calls_total", name="well", result="success") == 1
        assert registry.value("circuit_breaker_state_changes_total", name="opened") == 1
        assert registry.value("rate_limit_requests_total", name="limiter", result="admitted") == 1
        assert samples(registry, "rate_limit_available", "limiter") == {}
        closed = opened = limiter = None  # type: ignore[assignment]
        gc.collect()
    assert unraisable == []


@pytest.mark.parametrize("far", [1e18, -1e18, float("inf"), float("nan")])
def test_a_wall_clock_that_shows_what_no_calendar_has_breaks_no_report(far: float) -> None:
    class Far(VirtualClock):
        def time(self) -> float:
            return far

    with MetricsRegistry(clock=Far()) as registry, pytest.raises(ConnectionResetError):
        with_retry(max_attempts=1)(Script(ConnectionResetError).next)()
    (report,) = registry.recent_errors()
    assert report.time.year == 1970


def test_a_reset_while_somebody_collects_gives_no_counter_below_zero(
    metrics: MetricsRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    breaker = create_circuit_breaker("raced")
    breaker.execute(lambda: 1)
    read = known_anyway

    def raced() -> Any:
        known = list(read())
        monkeypatch.undo()
        breaker.execute(lambda: 1)
        metrics.reset()
        return known

    monkeypatch.setattr(metrics_module, "known_anyway", raced)
    assert samples(metrics, "circuit_breaker_calls_total", "raced")["success",] == 1
    assert samples(metrics, "circuit_breaker_calls_total", "raced")["success",] == 0


def test_names_that_no_reader_would_take_are_told_in_printable_characters_and_cut(
    clock: VirtualClock, metrics: MetricsRegistry
) -> None:
    names = ["\ud800", "\udfff", 'q"\\\n', "x\r\ny", "a\u2028b", "n" * 10**6]
    breakers = [create_circuit_breaker(name) for name in names]
    kept: list[Any] = [guard for name in names for guard in (create_bulkhead(name), RateLimiter(LIMIT, name=name))]
    for breaker in breakers:
        breaker.force_open()
        with pytest.raises(ConnectionResetError):
            with_circuit_breaker(breaker.name)(Script(ConnectionResetError).next)()
        assert metrics.value("circuit_breaker_state_changes_total", name=breaker.name, to_state="open") == 1
        assert metrics.value("errors_total", name=breaker.name) == 1
    text = metrics.to_prometheus()
    assert "\r" not in text
    assert "\u2028" not in text
    assert 'name="\\\\ud800"' in text
    series = [line.rpartition(" ")[0] for line in text.split("\n") if line and not line.startswith("#")]
    assert len(series) == len(set(series))
    assert max(map(len, series)) < 400
    assert len(kept) == 2 * len(names)


LIMIT = SlidingWindow(limit=5, period=60)
