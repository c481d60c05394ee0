"""What a breaker has seen, counted step by step."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from holdfast import CircuitBreakerConfig
from holdfast.circuit_breaker.config import CircuitState
from holdfast.circuit_breaker.ledger import UNMOVED, Ledger, as_text, with_one_more
from holdfast.circuit_breaker.state import TRANSITIONS, Closed, HalfOpen, Open


def closed(now: float = 0.0) -> Closed:
    return Closed(CircuitBreakerConfig(name="c"), now)


def told(ledger: Ledger, phase: Any, now: float = 0.0, wall: float = 0.0) -> dict[str, Any]:
    record = ledger.metrics("c", phase, now, wall)
    return {name: getattr(record, name) for name in record.as_dict()}


def test_one_more_move_is_counted_where_it_belongs() -> None:
    assert UNMOVED == (0,) * len(TRANSITIONS)
    for number, (before, after, _when) in enumerate(TRANSITIONS):
        moves = with_one_more(with_one_more(UNMOVED, before, after), before, after)
        assert moves == tuple(2 * (place == number) for place in range(len(TRANSITIONS)))
    assert with_one_more(UNMOVED, CircuitState.OPEN, CircuitState.OPEN) == UNMOVED


def test_failures_are_told_in_a_row_in_all_and_of_how_many() -> None:
    ledger = Ledger(0)
    ledger.failure(0.0, "", counts=True)
    ledger.success(0.0, counts=True)
    ledger.failure(0.0, "", counts=True)
    ledger.abandoned += 1
    assert ledger.failures() == (1, 2, 4)


def test_successes_and_failures_are_counted_in_rows() -> None:
    ledger = Ledger(2)
    ledger.success(1.0, counts=True)
    ledger.success(2.0, counts=True)
    for now, text in ((3.0, "one"), (4.0, "two"), (5.0, "three")):
        ledger.failure(now, text, counts=True)
    assert ledger.history == ("two", "three")
    seen = told(ledger, closed())
    assert (seen["successful_requests"], seen["failed_requests"], seen["total_requests"]) == (2, 3, 5)
    assert (seen["consecutive_failures"], seen["consecutive_successes"]) == (3, 0)
    ledger.success(6.0, counts=True)
    seen = told(ledger, closed())
    assert (seen["consecutive_failures"], seen["consecutive_successes"]) == (0, 1)
    assert (ledger.last_success, ledger.last_failure) == (6.0, 5.0)


def test_what_comes_too_late_moves_the_totals_only() -> None:
    ledger = Ledger(2)
    ledger.success(1.0, counts=True)
    ledger.failure(2.0, "late", counts=False)
    ledger.success(3.0, counts=False)
    seen = told(ledger, closed())
    assert (seen["successful_requests"], seen["failed_requests"]) == (2, 1)
    assert (seen["consecutive_failures"], seen["consecutive_successes"]) == (0, 1)
    assert (ledger.last_success, ledger.last_failure) == (1.0, None)
    assert ledger.history == ("late",)


def test_successes_of_a_closed_phase_are_absorbed() -> None:
    ledger, phase = Ledger(2), closed()
    ledger.failure(1.0, "x", counts=True)
    phase.last_success = 3.0
    ledger.absorb(phase, 0)
    assert (ledger.succeeded, ledger.failures_in_row, ledger.last_success) == (0, 1, None)
    ledger.absorb(phase, 4)
    assert (ledger.succeeded, ledger.failures_in_row, ledger.last_success) == (4, 0, 3.0)
    phase.last_success = None
    ledger.absorb(phase, 1)
    assert (ledger.succeeded, ledger.last_success) == (5, 3.0)


@pytest.mark.parametrize(("size", "kept"), [(3, ("b", "c", "d")), (2, ("c", "d")), (1, ("d",)), (0, ())])
def test_the_text_of_so_many_failures_is_kept_from_now_on(size: int, kept: tuple[str, ...]) -> None:
    ledger = Ledger(3)
    for text in "abcd":
        ledger.failure(0.0, text, counts=True)
    ledger.keep(size)
    assert ledger.history == kept
    ledger.failure(0.0, "e", counts=True)
    assert ledger.history == (*kept, "e")[-size:] if size else ledger.history == ()
    assert len(ledger.history) == size


def test_rejections_are_drawn_and_looking_at_them_draws_none() -> None:
    ledger = Ledger(0)
    for number in range(3):
        assert ledger.rejections() == ledger.rejections() == number
        next(ledger.rejected)
    assert told(ledger, closed())["rejected_requests"] == 3


def test_a_lifetime_goes_over_all_ledgers_of_a_breaker() -> None:
    first = Ledger(1)
    first.success(1.0, counts=True)
    first.failure(1.0, "x", counts=True)
    first.failure(1.0, "x", counts=True)
    first.abandoned = 3
    for _ in range(4):
        next(first.rejected)
    second = first.successor()
    assert second.rejections() == 0
    assert second.lifetime() == (0, 0, 0, 4)
    next(first.rejected)  # somebody was about to draw
    second.inherit(first)
    assert (second.history, second.lifetime()) == ((), (1, 2, 3, 5))
    assert second.rejections() == 1
    second.success(2.0, counts=True)
    second.failure(2.0, "kept", counts=True)
    assert second.history == ("kept",)
    third = second.successor()
    third.inherit(second)
    assert third.lifetime() == (2, 3, 3, 5)
    assert third.rejections() == 0
    next(third.rejected)
    third.abandoned = 1
    assert third.lifetime() == (2, 3, 4, 6)


def test_moments_are_told_by_the_wall_clock() -> None:
    ledger = Ledger(1)
    ledger.success(8.0, counts=True)
    ledger.failure(9.0, "x", counts=True)
    seen = told(ledger, Open(7.0, 5.0), now=10.0, wall=1_000_010.0)
    assert seen["last_success_time"] == datetime.fromtimestamp(1_000_008, UTC)
    assert seen["last_failure_time"] == datetime.fromtimestamp(1_000_009, UTC)
    assert seen["last_state_change"] == datetime.fromtimestamp(1_000_007, UTC)
    seen = told(Ledger(1), HalfOpen(7.0), now=10.0, wall=1e300)
    assert (seen["last_success_time"], seen["last_failure_time"]) == (None, None)
    assert seen["last_state_change"] == datetime.fromtimestamp(0, UTC)


def test_the_rate_of_failures_is_that_of_the_window_and_none_without_one() -> None:
    phase = closed()
    assert told(Ledger(1), phase)["failure_rate"] is None
    phase.window.add(3, 1, 0)
    seen = told(Ledger(1), phase)
    assert (seen["failure_rate"], seen["state"], seen["name"]) == (0.25, CircuitState.CLOSED, "c")
    assert told(Ledger(1), HalfOpen(0.0))["failure_rate"] is None


class Unshown(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("told"), "ValueError: told"),
        (ValueError(), "ValueError"),
        (Unshown(), "Unshown"),
        (ValueError("x" * 188), "ValueError: " + "x" * 188),
        (ValueError("x" * 189), "ValueError: " + "x" * 188 + "…"),
    ],
)
def test_an_error_is_one_line_of_bounded_length(error: Exception, text: str) -> None:
    assert as_text(error) == text
