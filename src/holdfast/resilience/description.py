"""A policy in words: one line for each guard, from the outermost to the innermost, and what a call may come to."""

from __future__ import annotations

from ..circuit_breaker.config import CircuitBreakerConfig
from ..fallback.answers import Choice
from ..fallback.manager import Fallback
from ..functions import name_of
from ..typed import TYPE_CHECKING
from .worst_case import worst_case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..circuit_breaker.bulkhead.config import BulkheadConfig
    from ..fallback.answers import Step
    from ..rate_limit.config import RateLimiterConfig
    from ..retry.policy import RetryPolicy
    from .parts import Parts

_USUAL = (CircuitBreakerConfig.failure_rate_threshold, CircuitBreakerConfig.minimum_requests)
_WIDTH = 17
_WAITS_SHOWN = 4
_WAITS_LOOKED_AT = 100  # they do not change much after that


def description(policy: Parts) -> str:
    """Return the whole of it; see `ResiliencePolicy.describe`."""
    lines = [f"{field:<{_WIDTH}}{told}" for field, told in _guards(policy)]
    return "\n".join([*lines, "the call", _at_worst(policy)])


def _guards(policy: Parts) -> Iterator[tuple[str, str]]:
    where = "runs in a worker thread" if policy.timeout_mode == "thread" else "is not stopped"
    if policy.fallback is not None:
        yield "fallback", _fallback(policy)
    if policy.total_timeout is not None:
        yield "total_timeout", f"{policy.total_timeout:g} s for the whole call; a plain function {where}"
    if policy.retry is not None:
        yield "retry", _retry(policy.retry, policy.retry_policy)
    if policy.circuit_breaker is not None:
        yield "circuit_breaker", _breaker(policy.circuit_breaker)
    if policy.rate_limit is not None:
        yield "rate_limit", _rate_limit(policy.rate_limit)
    if policy.bulkhead is not None:
        yield "bulkhead", f"{policy.bulkhead.max_concurrent:,} at once, {_queue(policy.bulkhead)}"
    if policy.timeout is not None:
        yield "timeout", f"{policy.timeout:g} s for each attempt; a plain function {where}"


def _fallback(policy: Parts) -> str:
    fallback = policy.fallback
    if fallback is None or isinstance(fallback, str):
        return f"the one that is registered as {fallback!r}"
    config = fallback.config if isinstance(fallback, Fallback) else fallback
    kinds = ", then ".join(_answer(step) for step in config.chain())
    return kinds if config.on is None else f"{kinds}; for some errors only"


def _answer(step: Step | Choice) -> str:
    if isinstance(step, Choice):
        return "one by the kind of error"
    known = {"value": "a value", "last_good": "the last good value"}
    return known.get(step.kind) or f"{name_of(step.thing)}()"


def _retry(given: RetryPolicy | str, policy: RetryPolicy | None) -> str:
    name = f"{given!r}: " if isinstance(given, str) else ""
    if policy is None:
        return f"{name}not registered yet"
    if policy.max_attempts == 1:
        return f"{name}1 attempt, so none"
    waits = _waits(policy)
    kinds = ", ".join(sorted(str(category) for category in policy.retryable_categories))
    what = f"that are {kinds}" if kinds else "by code only"
    if policy.retry_on is not None:
        what = "of the kinds in retry_on"
    limits = [
        f"{field} {seconds:g} s"
        for field in ("attempt_timeout", "total_timeout")
        if (seconds := getattr(policy, field)) is not None
    ]
    others = ["other waits for some errors"] if policy.backoff_for else []
    if policy.classify_results:
        others.append("results are judged like errors")
    told = f"{name}{policy.max_attempts:,} attempts, {waits} apart, after errors {what}"
    return "; ".join([told, *others, *limits])


def _waits(policy: RetryPolicy) -> str:
    """Return how long the waits are: the first ones, and the last."""
    backoff, count = policy.backoff, policy.max_attempts - 1
    if callable(backoff.type):
        return f"as long as {name_of(backoff.type)}() says, at most {_seconds(backoff.max_delay)},"
    waits = backoff.delays(min(count, _WAITS_LOOKED_AT))
    shown = [f"{low:g}" if low == high else f"{low:g}-{high:g}" for low, high in waits]
    if len(shown) > _WAITS_SHOWN:
        shown = [*shown[: _WAITS_SHOWN - 1], f"... {shown[-1]}"]
    return f"{', '.join(shown)} s"


def _seconds(duration: float) -> str:
    """Return a duration as people read it, also a long one."""
    return f"{duration:,.0f} s" if duration >= 10_000 else f"{duration:g} s"


def _breaker(config: CircuitBreakerConfig) -> str:
    window = (
        f"in {config.failure_window:g} s" if config.window_size is None else f"of the last {config.window_size} calls"
    )
    told = f"opens after {config.failure_threshold} failures {window}, for {config.reset_timeout:g} s"
    rate = config.failure_rate_threshold
    if rate is not None and (rate, config.minimum_requests) != _USUAL:
        told += f" (if {rate:.0%} fail, of {config.minimum_requests} calls or more)"
    if config.classify_results:
        told += "; results are judged like errors"
    if config.timeout is not None:
        told += f"; a call that takes {config.timeout:g} s has failed"
    return told if config.mode == "normal" else f"{told} (mode {config.mode})"


def _rate_limit(config: RateLimiterConfig) -> str:
    fields = config.limit.as_dict()
    if "rate" in fields:
        told = f"{fields['rate']:g} a second, {fields['capacity']:,} at once"
    else:
        told = f"{fields['limit']:,} in any {fields['period']:g} s"
    return f"{told}, {_queue(config)}"


def _queue(config: BulkheadConfig | RateLimiterConfig) -> str:
    if config.max_queue == 0 or config.queue_timeout == 0:
        return "none waiting"
    patience = "without end" if config.queue_timeout is None else f"{config.queue_timeout:g} s at most"
    return f"{config.max_queue:,} waiting, {patience}"


def _at_worst(policy: Parts) -> str:
    if policy.retry is not None and policy.retry_policy is None:
        return f"At worst: not known until {policy.retry!r} is registered."
    case = worst_case(policy)
    attempts = "1 attempt" if case.attempts == 1 else f"{case.attempts:,} attempts"
    if case.seconds is None:
        return f"At worst: {attempts}, and no limit on its time; give a timeout or a total_timeout."
    told = f"At worst: {attempts}, {_seconds(case.seconds)}"
    if case.seconds_if_told_to_wait is None:
        return f"{told}; without end if a server asks for longer waits."
    if case.seconds_if_told_to_wait > case.seconds:
        return f"{told}; {_seconds(case.seconds_if_told_to_wait)} if a server asks for longer waits."
    return f"{told}."
