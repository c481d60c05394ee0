"""How many attempts a call may make under a policy, and how many seconds it may take, in the worst case."""

from __future__ import annotations

from ..errors import RejectedError
from ..records import Record
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from ..retry.backoff import BackoffConfig
    from ..retry.policy import RetryPolicy
    from .parts import Parts

_ENDLESS = float("inf")
_COUNTED = 1000  # waits; those after them are taken to be as long as the cap


class WorstCase(Record):
    """What a call may come to: `attempts` in all, and `seconds` until its caller goes on, or None if nothing limits it.

    `seconds_if_told_to_wait` counts each wait as long as a server may ask for by `Retry-After`. A fallback's own time
    is in none of them. A plain function that is not moved to a worker thread is not ended by any limit, so for it they
    hold as far as what it calls keeps to `current_deadline()`.
    """

    attempts: int
    seconds: float | None
    seconds_if_told_to_wait: float | None


def worst_case(policy: Parts) -> WorstCase:
    """Return what a call under the policy may come to."""
    retry = policy.retry_policy
    attempts = 1 if retry is None else retry.max_attempts
    each = attempts * _attempt(policy)
    total = _least(policy.total_timeout, None if retry is None else retry.total_timeout)
    own, told = (0.0, 0.0) if retry is None else (longest_waits(retry), longest_waits(retry, told=True))
    if retry is not None and _waits_for_rejections(retry):
        own = told  # our own guards say how long to wait as well
    return WorstCase(
        attempts=attempts,
        seconds=_finite(min(total, each + own)),
        seconds_if_told_to_wait=_finite(min(total, each + told)),
    )


def longest_waits(retry: RetryPolicy, *, told: bool = False) -> float:
    """Return the longest that all waits between attempts may last together; `told`: as long as a server may ask for."""
    longest = 0.0 if not told else _ENDLESS if retry.max_retry_after is None else retry.max_retry_after
    backoffs = _backoffs(retry)
    waits = retry.max_attempts - 1
    total, highest = 0.0, 0.0
    counted = min(waits, _COUNTED)
    for highs in zip(*(_highs(backoff, counted) for backoff in backoffs), strict=True):
        # Each kind of error has its own count, so any back-off may be at any of its waits so far.
        highest = max(highest, *highs)
        total += max(longest, highest)
    return total + (waits - counted) * max(longest, *(backoff.max_delay for backoff in backoffs)) if waits else 0.0


def shortest_wait(retry: RetryPolicy) -> float:
    """Return the least that the first wait may last, of all back-offs that the policy has."""
    return min(0.0 if callable(one.type) else one.delays(1)[0][0] for one in _backoffs(retry))


def _backoffs(retry: RetryPolicy) -> list[BackoffConfig]:
    return [retry.backoff, *(retry.backoff_for or {}).values()]


def _highs(backoff: BackoffConfig, waits: int) -> list[float]:
    """Return the longest that each wait may last; of a function it is only known that there is a cap."""
    return [backoff.max_delay] * waits if callable(backoff.type) else [high for _, high in backoff.delays(waits)]


def _waits_for_rejections(retry: RetryPolicy) -> bool:
    """Whether what our own guards refuse is tried again."""
    kinds = retry.retry_on if isinstance(retry.retry_on, tuple) else ()
    return any(issubclass(kind, RejectedError) for kind in kinds)


def _attempt(policy: Parts) -> float:
    """Return the longest that one attempt may last, its waits for limiter and bulkhead included."""
    seconds = _least(policy.timeout)
    for queue in (policy.bulkhead, policy.rate_limit):
        if queue is not None and queue.max_queue > 0:
            seconds += _least(queue.queue_timeout)
    breaker, retry = policy.circuit_breaker, policy.retry_policy
    return min(
        seconds,
        _least(None if breaker is None or breaker.mode != "normal" else breaker.timeout),
        _least(None if retry is None else retry.attempt_timeout),
    )


def _least(*seconds: float | None) -> float:
    return min((each for each in seconds if each is not None), default=_ENDLESS)


def _finite(seconds: float) -> float | None:
    return None if seconds == _ENDLESS else seconds
