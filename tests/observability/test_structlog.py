"""What happens, as entries of the real structlog."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import structlog
from structlog.contextvars import bound_contextvars
from structlog.testing import CapturingLogger, capture_logs

from holdfast import (
    CircuitBreaker,
    CircuitOpenError,
    ConfigurationError,
    correlation_id,
    events,
    with_circuit_breaker,
    with_retry,
)
from holdfast.circuit_breaker import CircuitCallEnded, CircuitStateChanged
from holdfast.events import CallFailed, Event
from holdfast.integrations.structlog import add_correlation_id, log_events
from holdfast.testing import VirtualClock


@with_circuit_breaker("prices", failure_threshold=1)
def price() -> float:
    raise ConnectionResetError("of customer 4711")


def test_retries_moves_and_refusals_are_entries(clock: VirtualClock) -> None:
    guarded = with_retry(max_attempts=2, backoff={"type": "fixed", "initial_delay": 1}, clock=clock)(price)
    end = log_events()
    with capture_logs() as entries:
        with pytest.raises(CircuitOpenError):
            guarded()
        end()
        with pytest.raises(CircuitOpenError):
            price()
    assert [(entry["event"], entry["operation"], entry["log_level"]) for entry in entries] == [
        ("circuit state changed", "prices", "warning"),
        ("retry scheduled", "price", "info"),
        ("circuit call rejected", "prices", "info"),
        ("retry stopped", "price", "warning"),
    ]
    assert entries[1]["attempt"] == 1
    assert entries[1]["error_type"] == "ConnectionResetError"
    assert "4711" not in repr(entries)


def test_an_entry_has_what_is_bound_in_the_context_of_the_call() -> None:
    logger = CapturingLogger()
    bound = structlog.wrap_logger(logger, processors=[structlog.contextvars.merge_contextvars, add_correlation_id])
    end = log_events(bound)
    try:
        with bound_contextvars(order=42), correlation_id("request-7"):
            CircuitBreaker(name="prices").force_open()
        CircuitBreaker(name="stock").force_open()
    finally:
        end()
    first, second = [call.kwargs for call in logger.calls]
    assert (first["order"], first["correlation_id"], first["operation"]) == (42, "request-7", "prices")
    assert "order" not in second
    assert "correlation_id" not in second


def test_an_entry_keeps_an_id_that_it_has() -> None:
    with correlation_id("request-7"):
        assert add_correlation_id(None, "info", {"correlation_id": "own"}) == {"correlation_id": "own"}


def test_failures_are_entries_if_they_are_asked_for() -> None:
    end = log_events(None, CallFailed, CircuitStateChanged)
    try:
        with capture_logs() as entries:
            with pytest.raises(ConnectionResetError):
                price()
            with pytest.raises(CircuitOpenError):
                price()
    finally:
        end()
    assert [entry["event"] for entry in entries] == ["circuit state changed", "call failed", "call failed"]
    assert entries[1] == {
        "event": "call failed",
        "log_level": "warning",
        "operation": "prices",
        "guard": "circuit breaker",
        "error_type": "ConnectionResetError",
        "category": entries[1]["category"],
        "code": entries[1]["code"],
    }


def test_entries_fit_into_records_of_logging(caplog: pytest.LogCaptureFixture) -> None:
    """Their fields become attributes of the record, which has names of its own."""
    bound = structlog.wrap_logger(
        logging.getLogger("shop"),
        processors=[structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.BoundLogger,
    )
    end = log_events(bound)
    try:
        with caplog.at_level(logging.INFO, "shop"):
            CircuitBreaker(name="prices").force_open()
    finally:
        end()
    (record,) = [each for each in caplog.records if each.name == "shop"]
    told: Any = record
    assert (told.getMessage(), told.operation, told.new) == ("circuit state changed", "prices", "OPEN")


def subclasses(kind: type[Event]) -> set[type[Event]]:
    found = set(kind.__subclasses__())
    return found.union(*map(subclasses, found))


def test_no_field_of_any_event_has_a_name_that_records_of_logging_have() -> None:
    taken = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "event", "operation"}
    kinds = subclasses(Event)
    assert CircuitCallEnded in kinds
    for kind in kinds:
        assert not set(kind.__match_args__ if hasattr(kind, "__match_args__") else kind.__annotations__) & taken, kind


def test_a_kind_that_is_no_event_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="kinds must be classes of events"):
        log_events(None, int)  # type: ignore[arg-type]
    assert not events.listeners
