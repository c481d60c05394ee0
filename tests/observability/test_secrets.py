"""Arguments, results and texts of errors are nobody's business: they are in no log, event, metric, report or health."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    RateLimiter,
    RetryManager,
    SlidingWindow,
    TimeoutManager,
    bulkhead,
    correlation_id,
    events,
    get_breaker_registry,
    get_bulkhead_registry,
    get_health_status,
    prometheus_text,
    retrying,
    set_trace_hook,
    with_circuit_breaker,
    with_fallback,
    with_retry,
    with_timeout,
)
from holdfast.circuit_breaker import herald
from holdfast.observability import MetricsRegistry
from holdfast.testing import VirtualClock

SECRET = "s3cret-t0ken"


class Leaky(ConnectionError):
    """An error that says all it knows, wherever it is asked."""

    def __init__(self) -> None:
        super().__init__(SECRET, {"password": SECRET})
        self.headers = {"Authorization": SECRET}
        self.add_note(SECRET)

    def __repr__(self) -> str:
        return f"Leaky({SECRET})"


class Result:
    def __repr__(self) -> str:
        return f"Result({SECRET})"


def broken(*_args: object, **_kwargs: object) -> Any:
    raise ValueError(SECRET)


def patterns(clock: VirtualClock) -> list[Callable[[Any], Any]]:
    """Every pattern, with every callback that there is, each of which raises."""
    return [
        with_retry(
            clock=clock,
            max_attempts=3,
            on_retry=broken,
            on_final_failure=broken,
            should_retry=broken,
            retry_on_result=lambda result: isinstance(result, Result),
        ),
        with_circuit_breaker(
            "secretive",
            failure_threshold=2,
            on_state_change=broken,
            on_open=broken,
            on_close=broken,
            ignore=broken,
            failure_on=broken,
        ),
        with_circuit_breaker("keyed", key=lambda *_args, **_kwargs: broken()),
        bulkhead("secretive", max_concurrent=1, max_queue=0, on_reject=broken),
        with_timeout(30, on_timeout=broken),
        RateLimiter(SlidingWindow(limit=2, period=60), name="secretive", clock=clock).protect,
        with_fallback(broken, on_fallback=broken),
    ]


@pytest.mark.parametrize("place", range(8))
def test_no_secret_of_a_guarded_call_is_told_anywhere(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture, place: int
) -> None:
    caplog.set_level(logging.DEBUG)
    heard: list[Any] = []
    ends = [events.subscribe(heard.append), events.watch(heard.append), herald.hear_calls(heard.append)]
    ends += [events.subscribe(broken), events.watch(broken), herald.hear_calls(broken)]
    traced: list[Any] = []
    set_trace_hook(traced.append)
    all_of_them = patterns(clock)
    try:
        with MetricsRegistry(durations=True) as metrics, correlation_id("request"):
            guarded = door.function(Script(Leaky, Result(), Leaky, Leaky, Result(), Leaky))
            for pattern in all_of_them if place == 7 else [all_of_them[place]]:
                guarded = pattern(guarded)
            for _ in range(8):
                try:
                    door.run(guarded, SECRET, password=SECRET)
                except (Exception, asyncio.CancelledError):
                    pass
            others = _told_by_others(clock)
            shown = [
                json.dumps(metrics.as_dict()),
                json.dumps([report.as_dict() for report in metrics.recent_errors("request")]),
                repr(metrics.recent_errors()),
                prometheus_text(metrics),
                json.dumps(get_health_status().as_dict()),
                repr(get_health_status()),
                repr(get_breaker_registry().get_health_summary()),
                repr([each.metrics for each in get_breaker_registry().get_all().values()]),
                repr([each.metrics for each in get_bulkhead_registry().get_all().values()]),
                *(repr(event) + json.dumps(event.as_dict()) for event in heard),
                *map(repr, traced),
                *others,
            ]
    finally:
        for end in ends:
            end()
        set_trace_hook(None)
    assert caplog.records
    formatter = logging.Formatter(
        "%(asctime)s %(name)s [%(correlation_id)s] %(message)s", defaults={"correlation_id": ""}
    )
    shown += [formatter.format(record) + repr(vars(record)) for record in caplog.records if "holdfast" in record.name]
    assert heard
    assert traced
    assert not [text for text in shown if SECRET in text]


def _told_by_others(clock: VirtualClock) -> list[str]:
    """The forms that are no decorators; what they tell is heard by the listeners as well."""
    breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=1), name="direct", clock=clock)
    full = Bulkhead(BulkheadConfig(name="direct", max_concurrent=1, max_queue=0))
    late = TimeoutManager(clock=clock)

    def slow() -> Any:
        clock.advance(2)
        return Result()

    def block() -> None:
        for attempt in retrying(clock=clock):
            with attempt:
                raise Leaky

    def permit() -> None:
        with breaker.acquire():
            raise Leaky

    calls: list[Callable[[], Any]] = [
        block,
        permit,
        lambda: breaker.execute(Script(Leaky).next),
        lambda: full.execute(lambda: full.execute(lambda: SECRET)),
        lambda: late.execute(slow, 1, fallback=lambda: broken(SECRET)),
        lambda: RetryManager(clock=clock).execute_or_raise(Script(Leaky).next),
    ]
    for call in calls:
        with pytest.raises(Exception):
            call()
    return [repr(breaker), repr(full), repr(breaker.metrics), repr(full.metrics), repr(late.metrics)]
