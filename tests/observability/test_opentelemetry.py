"""Metrics and span events, received by the real SDK of OpenTelemetry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from tests.support import Door, Script

from holdfast import CircuitBreaker, get_metrics_registry, with_retry
from holdfast.integrations.opentelemetry import export_metrics, put_on_spans
from holdfast.observability import CATALOGUE, MetricsRegistry
from holdfast.testing import VirtualClock


@pytest.fixture
def metrics() -> Iterator[MetricsRegistry]:
    registry = MetricsRegistry(durations=True)
    yield registry
    registry.stop()


@pytest.fixture
def seen(metrics: MetricsRegistry) -> Iterator[Callable[[], dict[str, dict[tuple[str, ...], float]]]]:
    """What a reader reads: for each metric its values by the values of its attributes."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    export_metrics(provider, metrics)

    def read() -> dict[str, dict[tuple[str, ...], float]]:
        data: Any = reader.get_metrics_data()
        found = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics if data is not None else ():
            found[metric.name] = {
                tuple(str(each) for each in point.attributes.values()): point.value for point in metric.data.data_points
            }
        return found

    yield read
    provider.shutdown()


def fails(clock: VirtualClock, breaker: CircuitBreaker) -> Callable[[], None]:
    @with_retry(max_attempts=2, backoff={"type": "fixed", "initial_delay": 1}, clock=clock)
    @breaker.protect
    def fail() -> None:
        raise ConnectionResetError

    return fail


def test_a_meter_observes_what_the_registry_shows(
    metrics: MetricsRegistry, clock: VirtualClock, seen: Callable[[], dict[str, dict[tuple[str, ...], float]]]
) -> None:
    breaker = CircuitBreaker(name="prices", clock=clock)
    breaker.execute(lambda: clock.advance(0.25))
    with pytest.raises(ConnectionResetError):
        fails(clock, breaker)()
    found = seen()
    for family in metrics.collect():
        if family.kind != "histogram":
            shown = found.get(family.name.removesuffix("_total"), {})
            assert shown == dict(family.samples), family.name
    assert found["circuit_breaker_calls"]["prices", "success"] == 1
    assert found["circuit_breaker_call_duration_seconds_sum"] == {("prices",): 0.25}
    assert found["circuit_breaker_call_duration_seconds_count"] == {("prices",): 3}


def test_each_reading_is_new(seen: Callable[[], dict[str, dict[tuple[str, ...], float]]]) -> None:
    breaker = CircuitBreaker(name="prices")
    for calls in (1, 2, 3):
        breaker.execute(lambda: 42)
        found = seen()
        assert found["circuit_breaker_calls"]["prices", "success"] == calls


def test_for_all_instruments_the_metrics_are_read_once(
    metrics: MetricsRegistry,
    seen: Callable[[], dict[str, dict[tuple[str, ...], float]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = Mock(wraps=metrics.collect)
    monkeypatch.setattr(metrics, "collect", read)
    CircuitBreaker(name="prices").execute(lambda: 42)
    seen()
    seen()
    assert read.call_count == 2


def test_all_there_is_has_an_instrument_with_a_unit_and_words() -> None:
    made: dict[str, tuple[str, str]] = {}

    class Meter:
        def create_observable_gauge(self, name: str, callbacks: Any, unit: str, description: str) -> None:
            made[name] = (unit, description)

        create_observable_counter = create_observable_gauge

    class Provider:
        def get_meter(self, *_: Any, **__: Any) -> Meter:
            return Meter()

    metrics = MetricsRegistry()
    try:
        export_metrics(Provider(), metrics)  # type: ignore[arg-type]
    finally:
        metrics.stop()
    assert len(made) == len(CATALOGUE) + 1
    for name, (unit, description) in made.items():
        assert unit == ("s" if name.endswith("_sum") else "1")
        assert description.endswith(".")


def test_unless_told_otherwise_the_metrics_of_the_process_are_started() -> None:
    try:
        export_metrics(MeterProvider([]))
        assert get_metrics_registry().is_started
    finally:
        get_metrics_registry().stop()


@pytest.fixture
def spans() -> Iterator[tuple[Any, InMemorySpanExporter]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield provider.get_tracer("tests"), exporter
    provider.shutdown()


def test_a_span_shows_each_attempt_that_failed(
    spans: tuple[Any, InMemorySpanExporter], clock: VirtualClock, door: Door
) -> None:
    tracer, exporter = spans
    guarded = with_retry(max_attempts=3, clock=clock)(door.function(Script(ConnectionResetError)))
    end = put_on_spans()
    try:
        with tracer.start_as_current_span("call", record_exception=False), pytest.raises(ConnectionResetError):
            door.run(guarded)
    finally:
        end()
    with tracer.start_as_current_span("afterwards", record_exception=False), pytest.raises(ConnectionResetError):
        door.run(guarded)
    call, afterwards = exporter.get_finished_spans()
    attempts = [event.attributes.get("retry.attempt") for event in call.events if event.attributes is not None]
    assert [number for number in attempts if number is not None] == [1, 2, 3]
    assert {event.name for event in call.events} == {"resilience"}
    assert not afterwards.events


def test_or_the_last_of_it_as_attributes(spans: tuple[Any, InMemorySpanExporter]) -> None:
    tracer, exporter = spans
    clock = VirtualClock()
    end = put_on_spans(as_events=False)
    try:
        with tracer.start_as_current_span("call"):
            CircuitBreaker(name="prices", clock=clock).force_open()
    finally:
        end()
    (call,) = exporter.get_finished_spans()
    assert dict(call.attributes or {}) == {"resilience.operation": "prices", "circuit.state": "open"}
    assert not call.events
