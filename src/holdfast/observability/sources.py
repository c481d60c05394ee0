"""What is known anyway: counts that guards keep exactly and without a lock, and how things stand now."""

from __future__ import annotations

from ..circuit_breaker.bulkhead.manager import bulkheads
from ..circuit_breaker.config import CircuitState
from ..circuit_breaker.herald import breakers
from ..circuit_breaker.state import TRANSITIONS
from ..rate_limit.manager import limiters
from ..roll import as_label
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..circuit_breaker.breaker import CircuitBreaker
    from .families import Labels

CALL_RESULTS = ("success", "failure", "abandoned", "rejected")
EXECUTION_STATES = ("completed", "rejected", "timed_out", "abandoned")
REQUEST_RESULTS = ("admitted", "rejected", "timed_out", "abandoned")
STATES = tuple(state.value.lower() for state in CircuitState)
MOVES = tuple((old.value.lower(), new.value.lower()) for old, new, _when in TRANSITIONS)


def known_anyway() -> Iterator[tuple[str, Labels, int]]:
    """Yield metric, labels and value, the name being the first label; the same may come several times, to be added."""
    yield from _of_breakers()
    yield from _of_bulkheads()
    yield from _of_limiters()
    yield from _of_timeouts()


def _of_breakers() -> Iterator[tuple[str, Labels, int]]:
    for breaker in breakers.alive():
        name, state = as_label(breaker.name), _state(breaker)
        for each in STATES:
            yield "circuit_breaker_state", (name, each), int(each == state)
    for name, counts in breakers.totals().items():
        for result, number in zip(CALL_RESULTS, counts, strict=False):
            yield "circuit_breaker_calls_total", (name, result), number
        for move, number in zip(MOVES, counts[len(CALL_RESULTS) :], strict=True):
            if number:
                yield "circuit_breaker_state_changes_total", (name, *move), number


def _state(breaker: CircuitBreaker) -> str:
    """Return its state; without a lock where it can be: a breaker that lets calls pass quickly is closed."""
    try:
        return "closed" if breaker.quiet is not None else breaker.state.value.lower()
    except Exception:  # somebody else's clock
        return "closed" if breaker.is_at_rest else "open"


def _of_bulkheads() -> Iterator[tuple[str, Labels, int]]:
    for bulkhead in bulkheads.alive():
        name, stats = as_label(bulkhead.name), bulkhead.stats
        yield "bulkhead_active", (name,), stats.active
        yield "bulkhead_queued", (name,), stats.queued
        yield "bulkhead_available", (name,), stats.available
    for name, counts in bulkheads.totals().items():
        for state, number in zip(EXECUTION_STATES, counts, strict=True):
            yield "bulkhead_executions_total", (name, state), number


def _of_limiters() -> Iterator[tuple[str, Labels, int]]:
    for limiter in limiters.alive():
        name = as_label(limiter.name)
        try:
            stats = limiter.stats
        except Exception:  # noqa: S112  somebody else's clock
            continue
        yield "rate_limit_available", (name,), stats.available
        yield "rate_limit_queued", (name,), stats.queued
    for name, counts in limiters.totals().items():
        for result, number in zip(REQUEST_RESULTS, counts, strict=True):
            yield "rate_limit_requests_total", (name, result), number


def _of_timeouts() -> Iterator[tuple[str, Labels, int]]:
    metrics = get_timeout_manager().metrics
    yield "timeout_refusals_total", (), metrics.refused
    for name, number in metrics.left_behind.items():
        yield "timeout_left_behind", (as_label(name),), number
