"""Breakers by name."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from holdfast import (
    BreakerRegistry,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    ConfigurationError,
    get_breaker_registry,
    with_circuit_breaker,
)
from holdfast.testing import VirtualClock

CLOSED, OPEN, HALF_OPEN = CircuitState


def test_a_name_is_one_breaker_for_sync_and_async_functions() -> None:
    @with_circuit_breaker("shared", failure_threshold=2)
    def plain() -> None:
        raise ConnectionResetError

    @with_circuit_breaker("shared")
    async def asynchronous() -> str:
        return "fine"

    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            plain()
    assert get_breaker_registry().get("shared").state is OPEN
    coroutine: Any = asynchronous()
    with pytest.raises(Exception, match="circuit 'shared' is OPEN"):
        coroutine.send(None)


def test_creation_is_atomic() -> None:
    registry = BreakerRegistry()
    together = threading.Barrier(32)

    def ask(_number: int) -> CircuitBreaker:
        together.wait()
        return registry.get_or_create("one", failure_threshold=3)

    with ThreadPoolExecutor(32) as threads:
        assert len(set(map(id, threads.map(ask, range(32))))) == 1


def test_the_same_name_with_another_config_is_an_error_unless_it_replaces() -> None:
    registry = BreakerRegistry()
    config = CircuitBreakerConfig(failure_threshold=3)
    first = registry.get_or_create("db", config)
    assert registry.get_or_create("db") is first
    assert registry.get_or_create("db", failure_threshold=3) is first
    with pytest.raises(ConfigurationError, match="there is a circuit breaker 'db' already"):
        registry.get_or_create("db", config, reset_timeout=9)
    second = registry.get_or_create("db", reset_timeout=9, replace=True)
    assert second is not first
    assert registry.get("db") is second
    with pytest.raises(ConfigurationError, match="must be a CircuitBreakerConfig"):
        registry.get_or_create("db", 3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="name must be a text"):
        registry.get_or_create("")


def test_a_config_given_after_the_breaker_was_made_without_one_is_an_error_too() -> None:
    registry = BreakerRegistry()
    first = registry.get_or_create("db")
    with pytest.raises(ConfigurationError, match="there is a circuit breaker 'db' already"):
        registry.get_or_create("db", failure_threshold=2)
    assert registry.get_or_create("db", CircuitBreakerConfig()) is first


def test_what_is_there_can_be_asked_for(clock: VirtualClock) -> None:
    registry = BreakerRegistry(clock=clock)
    names = ["closed", "opened", "probing"]
    for name in names:
        registry.get_or_create(name)
    assert list(registry.get_all()) == names
    registry.get("probing").force_open()
    clock.advance(30)
    registry.get("opened").force_open()
    assert [list(registry.get_by_state(state)) for state in (CLOSED, OPEN, HALF_OPEN)] == [[name] for name in names]
    summary = registry.get_health_summary()
    assert json.loads(json.dumps(summary.as_dict())) == {
        "total": 3,
        "closed": 1,
        "open": 1,
        "half_open": 1,
        "healthy": ["closed"],
        "unhealthy": ["opened", "probing"],
    }
    assert {name: metrics.state for name, metrics in registry.get_all_metrics().items()} == dict(
        zip(names, (CLOSED, OPEN, HALF_OPEN), strict=True)
    )
    registry.reset_all()
    assert registry.get_health_summary().closed == 3
    assert registry.has("closed")
    assert registry.remove("closed")
    assert not registry.remove("closed")
    assert not registry.has("closed")
    with pytest.raises(LookupError, match="no circuit breaker named 'opend'; did you mean 'opened'"):
        registry.get("opend")


def test_changes_of_all_breakers_are_told_in_one_place() -> None:
    registry = BreakerRegistry()
    early = registry.get_or_create("early")
    heard: list[tuple[str, CircuitState]] = []
    leave = registry.on("state_change", lambda event: heard.append((event.name, event.new)))
    early.force_open()
    registry.get_or_create("late").force_open()
    leave()
    early.force_close()
    assert heard == [("early", OPEN), ("late", OPEN)]
    with pytest.raises(ConfigurationError, match="only tells of 'state_change'"):
        registry.on("call", print)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="there is no event"):
        registry.on("nonsense", print)  # type: ignore[arg-type]


def test_there_are_never_more_than_the_bound_and_an_open_one_never_goes(clock: VirtualClock) -> None:
    registry = BreakerRegistry(max_breakers=3, clock=clock)
    registry.get_or_create("tenant-open").force_open(hold=True)
    for number in range(100):
        registry.get_or_create(f"tenant-{number}")
        assert len(registry.get_all()) <= 3
    assert list(registry.get_all()) == ["tenant-open", "tenant-98", "tenant-99"]
    registry.get_or_create("tenant-98")
    registry.get_or_create("tenant-100")
    assert list(registry.get_all()) == ["tenant-open", "tenant-98", "tenant-100"], "the one asked for least recently"
    for breaker in registry.get_all().values():
        breaker.force_open(hold=True)
    registry.get_or_create("one-more")
    assert len(registry.get_all()) == 4, "rather one too many than an open circuit forgotten"
    with pytest.raises(ConfigurationError, match="max_breakers must be a whole number of at least 1"):
        BreakerRegistry(max_breakers=0)
