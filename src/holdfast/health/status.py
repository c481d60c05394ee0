"""Looks at all guards, quickly and without moving those that are well, and says how they are doing."""

from __future__ import annotations

from ..circuit_breaker.bulkhead.manager import bulkheads
from ..circuit_breaker.herald import breakers
from ..circuit_breaker.registry import CircuitHealth, get_breaker_registry
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING
from .report import BulkheadUse, HealthStatus, TimeoutUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..circuit_breaker.breaker import CircuitBreaker
    from .report import Status

_MOST_ISSUES = 100


def look() -> HealthStatus:
    """Return the report; see `get_health_status`."""
    from datetime import UTC, datetime

    issues: list[str] = []
    remarks: list[str] = []  # on what lets calls pass all the same
    every: list[CircuitBreaker] = breakers.alive()
    # One that lets calls pass quickly is closed; that much can be seen without a lock or a look at the clock.
    states = [
        (
            each,
            "closed" if each.quiet is not None else _state(each, issues if each.settings.mode == "normal" else remarks),
        )
        for each in every
    ]
    by_state = {state: tuple(each.name for each, its in states if its == state) for state in _STATES}
    use = _bulkheads(issues)
    timeouts = _timeouts(issues)
    status: Status = "degraded" if issues else "healthy"
    if sum(timeouts.left_behind.values()) >= timeouts.max_left_behind:
        status = "unhealthy"
    issues += remarks
    if len(issues) > _MOST_ISSUES:
        issues[_MOST_ISSUES:] = [f"and {len(issues) - _MOST_ISSUES} more"]
    return HealthStatus(
        status=status,
        time=datetime.now(UTC),
        summary=_summary(states),
        breakers=by_state,
        bulkheads=use,
        timeouts=timeouts,
        issues=tuple(issues),
    )


_STATES = ("closed", "open", "half_open")


def _state(breaker: CircuitBreaker, issues: list[str]) -> str:
    """Return the state of a breaker, and say what is wrong with it if it is not closed."""
    try:
        state = breaker.state.value.lower()
        wait = breaker.retry_after
    except Exception as error:  # somebody else's clock
        issues.append(f"circuit {breaker.name!r} cannot be looked at: its clock raises {type(error).__qualname__}")
        return "closed" if breaker.is_at_rest else "open"
    if state == "open":
        when = "it is held open" if wait is None else f"the next probe may be made in {wait:.3g} s"
        issues.append(f"circuit {breaker.name!r} is open{_passing(breaker)}; {when}")
    elif state == "half_open":
        issues.append(f"circuit {breaker.name!r} is half-open{_passing(breaker)}; probes find out whether it may close")
    return state


def _passing(breaker: CircuitBreaker) -> str:
    mode = breaker.settings.mode
    return "" if mode == "normal" else f", but {'in shadow mode' if mode == 'shadow' else mode}, so calls pass"


def _summary(states: Iterable[tuple[CircuitBreaker, str]]) -> CircuitHealth:
    registered = get_breaker_registry().get_all()
    listed = {each.name: state for each, state in states if registered.get(each.name) is each}
    healthy = tuple(name for name, state in listed.items() if state == "closed")
    unhealthy = {name: state for name, state in listed.items() if state != "closed"}
    half_open = sum(state == "half_open" for state in unhealthy.values())
    return CircuitHealth(
        total=len(listed),
        closed=len(healthy),
        open=len(unhealthy) - half_open,
        half_open=half_open,
        healthy=healthy,
        unhealthy=tuple(unhealthy),
    )


def _bulkheads(issues: list[str]) -> dict[str, BulkheadUse]:
    """Return how full all bulkheads are; those of the same name are added up."""
    use: dict[str, BulkheadUse] = {}
    for bulkhead in bulkheads.alive():
        stats, settings = bulkhead.stats, bulkhead.settings
        if not stats.available and stats.queued >= settings.max_queue:
            issues.append(f"bulkhead {bulkhead.name!r} is full: {stats.active} run, {stats.queued} wait, none may join")
        before = use.get(bulkhead.name, _NO_USE)
        use[bulkhead.name] = BulkheadUse(
            active=before.active + stats.active,
            queued=before.queued + stats.queued,
            available=before.available + stats.available,
            max_concurrent=before.max_concurrent + settings.max_concurrent,
            max_queue=before.max_queue + settings.max_queue,
        )
    return use


_NO_USE = BulkheadUse(active=0, queued=0, available=0, max_concurrent=0, max_queue=0)


def _timeouts(issues: list[str]) -> TimeoutUse:
    metrics = get_timeout_manager().metrics
    number = sum(metrics.left_behind.values())
    if number:
        by_function = ", ".join(f"{name} ({each})" for name, each in metrics.left_behind.items())
        full = "; no further one is begun in a thread" if number >= metrics.max_left_behind else ""
        issues.append(f"calls that timed out still run in their threads: {by_function}{full}")
    return TimeoutUse(left_behind=metrics.left_behind, max_left_behind=metrics.max_left_behind)
