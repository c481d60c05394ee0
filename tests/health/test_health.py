"""Health: what a health endpoint says of all guards, by rules that are written down."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support import Script

import holdfast.health
from holdfast import (
    CircuitBreaker,
    CircuitBreakerConfig,
    OperationTimeoutError,
    TimeoutManager,
    bulkhead,
    create_bulkhead,
    create_circuit_breaker,
    get_breaker_registry,
    get_health_status,
    with_circuit_breaker,
    with_timeout,
)
from holdfast.circuit_breaker import breaker as breaker_module, herald
from holdfast.circuit_breaker.bulkhead import manager as bulkhead_module
from holdfast.health import BulkheadUse, HealthStatus, status
from holdfast.roll import Roll
from holdfast.testing import VirtualClock


@pytest.fixture(autouse=True)
def _guards_of_this_test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    breakers: Roll[Any] = Roll(lambda breaker: breaker.counts)
    for module in (breaker_module, herald, status):
        monkeypatch.setattr(module, "breakers", breakers)
    bulkheads: Roll[Any] = Roll(lambda bulkhead: bulkhead.counts)
    for module in (bulkhead_module, status):
        monkeypatch.setattr(module, "bulkheads", bulkheads)


@pytest.fixture
def hanging() -> Iterator[TimeoutManager]:
    """A manager of which one call has timed out and is still running."""
    go_on = threading.Event()
    ended = threading.Event()
    manager = TimeoutManager(max_left_behind=2)

    def hangs() -> None:
        go_on.wait()
        ended.set()

    with pytest.raises(OperationTimeoutError):
        with_timeout(0.001, manager=manager)(hangs)()
    yield manager
    go_on.set()
    ended.wait()


def test_without_guards_all_is_well() -> None:
    report = get_health_status()
    assert (report.status, report.issues) == ("healthy", ())
    assert report.summary.as_dict() == {
        "total": 0,
        "closed": 0,
        "open": 0,
        "half_open": 0,
        "healthy": [],
        "unhealthy": [],
    }
    assert report.breakers == {"closed": (), "open": (), "half_open": ()}
    assert report.time.utcoffset() is not None


def test_an_open_circuit_among_others_is_a_degraded_service(clock: VirtualClock) -> None:
    registry = get_breaker_registry()
    registry.get_or_create("prices")
    registry.get_or_create("orders")
    payments = CircuitBreaker(CircuitBreakerConfig(reset_timeout=12), name="payments", clock=clock)
    payments.force_open()
    report = get_health_status()
    assert report.status == "degraded"
    assert report.issues == ("circuit 'payments' is open; the next probe may be made in 12 s",)
    assert report.breakers == {"closed": ("prices", "orders"), "open": ("payments",), "half_open": ()}
    assert report.summary == registry.get_health_summary()
    assert report.summary.total == 2  # one is in no registry

    clock.advance(12)
    report = get_health_status()
    assert report.status == "degraded"
    assert report.issues == ("circuit 'payments' is half-open; probes find out whether it may close",)
    assert report.breakers["half_open"] == ("payments",)

    payments.force_close()
    assert get_health_status().status == "healthy"


def test_the_summary_counts_the_registrys_breakers_by_state_and_not_those_that_were_replaced() -> None:
    registry = get_breaker_registry()
    registry.get_or_create("closed")
    registry.get_or_create("open").force_open()
    half_open = registry.get_or_create("half-open", reset_timeout=1e-9)
    half_open.force_open()
    replaced = registry.get_or_create("replaced")
    registry.get_or_create("replaced", replace=True)
    replaced.force_open(hold=True)
    while half_open.state.value != "HALF_OPEN":
        pass
    summary = get_health_status().summary
    assert summary == registry.get_health_summary()
    assert (summary.total, summary.closed, summary.open, summary.half_open) == (4, 2, 1, 1)
    assert get_health_status().breakers["open"] == ("open", "replaced")


def test_an_open_circuit_degrades_the_service_however_many_others_there_are() -> None:
    one = create_circuit_breaker("one")
    one.force_open(hold=True)
    alone = get_health_status()
    other = create_circuit_breaker("other")
    among_others = get_health_status()
    assert alone.status == among_others.status == "degraded"
    assert alone.issues == among_others.issues == ("circuit 'one' is open; it is held open",)
    other.force_open(hold=True)
    assert get_health_status().status == "degraded"


@pytest.mark.parametrize(("mode", "words"), [("shadow", "in shadow mode"), ("disabled", "disabled")])
def test_a_circuit_that_lets_calls_pass_is_told_of_and_degrades_nothing(
    mode: Any, words: str, clock: VirtualClock
) -> None:
    shadow = CircuitBreaker(CircuitBreakerConfig(mode=mode), name="shadow", clock=clock)
    shadow.force_open()
    report = get_health_status()
    assert report.status == "healthy"
    assert report.issues == (
        f"circuit 'shadow' is open, but {words}, so calls pass; the next probe may be made in 30 s",
    )
    clock.advance(30)
    report = get_health_status()
    assert report.status == "healthy"
    assert report.issues == (
        f"circuit 'shadow' is half-open, but {words}, so calls pass; probes find out whether it may close",
    )
    assert report.breakers["half_open"] == ("shadow",)


def test_the_own_breakers_and_bulkheads_of_functions_are_seen() -> None:
    @with_circuit_breaker
    @bulkhead
    def service() -> HealthStatus:
        return get_health_status()

    report = service()
    name = service.__qualname__
    assert report.breakers["closed"] == (name,)
    assert report.bulkheads[name] == BulkheadUse(active=1, queued=0, available=9, max_concurrent=10, max_queue=50)


def test_a_bulkhead_that_refuses_calls_degrades_the_service_and_those_of_one_name_are_added_up() -> None:
    full, other = create_bulkhead("search", 1, 0), create_bulkhead("search", 3, 5)
    with full.acquire():
        report = get_health_status()
    assert report.status == "degraded"
    assert report.issues == ("bulkhead 'search' is full: 1 run, 0 wait, none may join",)
    assert report.bulkheads["search"].as_dict() == {
        "active": 1,
        "queued": 0,
        "available": 3,
        "max_concurrent": 4,
        "max_queue": 5,
    }
    assert get_health_status().status == "healthy"
    assert other.stats.available == 3


def test_calls_that_timed_out_and_still_run_degrade_the_service_and_stop_it_when_there_are_too_many(
    hanging: TimeoutManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "get_timeout_manager", lambda: hanging)
    report = get_health_status()
    (name,) = hanging.metrics.left_behind
    assert report.status == "degraded"
    assert report.timeouts.as_dict() == {"left_behind": {name: 1}, "max_left_behind": 2}
    assert report.issues == (f"calls that timed out still run in their threads: {name} (1)",)
    hanging.max_left_behind = 1
    report = get_health_status()
    assert report.status == "unhealthy"
    assert report.issues == (
        f"calls that timed out still run in their threads: {name} (1); no further one is begun in a thread",
    )


def test_a_clock_that_raises_is_an_issue_and_no_error(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(name="broken", clock=clock)
    listens = breaker.on("call", print)  # so that it takes no quiet path
    breaker.force_open()

    def broken() -> float:
        raise ValueError("s3cret")

    breaker.monotonic = broken
    report = get_health_status()
    assert report.breakers["open"] == ("broken",)
    assert report.issues == ("circuit 'broken' cannot be looked at: its clock raises ValueError",)
    breaker.monotonic = clock.monotonic
    breaker.force_close()
    listens()


def test_a_closed_breaker_to_which_somebody_listens_is_closed(clock: VirtualClock) -> None:
    breaker = CircuitBreaker(name="loud", clock=clock)
    breaker.on("call", lambda _event: None)
    assert get_health_status().breakers["closed"] == ("loud",)


def test_the_list_of_issues_is_bounded() -> None:
    breakers = [create_circuit_breaker(f"host-{number}") for number in range(150)]
    for breaker in breakers[1:]:
        breaker.force_open(hold=True)
    report = get_health_status()
    assert len(report.issues) == 101
    assert report.issues[-1] == "and 49 more"
    assert len(report.breakers["open"]) == 149


def test_the_report_is_ready_for_json_and_holds_no_texts_of_errors() -> None:
    breaker = create_circuit_breaker("payments", failure_threshold=1)
    with pytest.raises(ConnectionResetError):
        breaker.execute(Script(ConnectionResetError("s3cret")).next)
    report = get_health_status()
    dump = json.dumps(report.as_dict())
    assert "s3cret" not in dump + repr(report)
    assert json.loads(dump)["breakers"]["open"] == ["payments"]
    assert json.loads(dump)["time"].endswith("+00:00")


def test_breakers_that_are_well_are_neither_locked_nor_asked_for_the_time(clock: VirtualClock) -> None:
    reads = 0

    class Counting(VirtualClock):
        def monotonic(self) -> float:
            nonlocal reads
            reads += 1
            return super().monotonic()

    breakers = [CircuitBreaker(name=f"host-{number}", clock=Counting()) for number in range(100)]
    reads = 0
    assert len(get_health_status().breakers["closed"]) == len(breakers)
    assert reads == 0


def test_names_that_are_not_there_are_refused_as_of_any_module() -> None:
    with pytest.raises(AttributeError, match=r"module 'holdfast\.health' has no attribute 'nonsense'"):
        _ = holdfast.health.nonsense
