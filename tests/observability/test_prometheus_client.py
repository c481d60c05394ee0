"""Metrics in a registry of the real `prometheus_client`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from holdfast import CircuitBreaker, get_metrics_registry, prometheus_text, with_retry
from holdfast.integrations.prometheus import HoldfastCollector
from holdfast.observability import MetricsRegistry
from holdfast.testing import VirtualClock


@pytest.fixture
def metrics() -> Iterator[MetricsRegistry]:
    registry = MetricsRegistry(durations=True, buckets=(0.1, 1))
    yield registry
    registry.stop()


def samples(text: str) -> set[tuple[str, tuple[tuple[str, str], ...], float]]:
    return {
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_it_shows_what_the_text_without_any_package_shows(metrics: MetricsRegistry, clock: VirtualClock) -> None:
    registry = CollectorRegistry()
    registry.register(HoldfastCollector(metrics))
    breaker = CircuitBreaker(name='of "kelp"\\', clock=clock)
    breaker.execute(lambda: clock.advance(0.25))

    @with_retry(max_attempts=2, backoff={"type": "fixed", "initial_delay": 1}, clock=clock)
    @breaker.protect
    def fail() -> None:
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        fail()
    shown = samples(generate_latest(registry).decode())
    assert shown == samples(prometheus_text(metrics))
    assert {name for name, _, _ in shown} >= {
        "circuit_breaker_calls_total",
        "circuit_breaker_call_duration_seconds_bucket",
        "retry_attempts_total",
        "errors_total",
    }


def test_it_stands_beside_metrics_of_ones_own_and_two_of_it_are_found_out(metrics: MetricsRegistry) -> None:
    registry = CollectorRegistry()
    Counter("orders", "Orders taken.", registry=registry).inc()
    registry.register(HoldfastCollector(metrics))
    assert b"orders_total 1.0" in generate_latest(registry)
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(HoldfastCollector(metrics))


def test_unless_told_otherwise_it_shows_and_starts_the_metrics_of_the_process() -> None:
    registry = CollectorRegistry()
    try:
        registry.register(HoldfastCollector())
        assert get_metrics_registry().is_started
        CircuitBreaker(name="of the process").execute(lambda: 42)
        assert b'circuit_breaker_calls_total{name="of the process",result="success"} 1.0' in generate_latest(registry)
    finally:
        get_metrics_registry().stop()
