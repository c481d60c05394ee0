"""How many attempts a call may make under a policy, and how many seconds it may take, in the worst case."""

from __future__ import annotations

from ..records import Record
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from ..retry.policy import RetryPolicy
    from .parts import Parts

_ENDLESS = float("inf")


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
    each = _attempt(policy)
    total = _least(policy.total_timeout, None if retry is None else retry.total_timeout)
    waits = [] if retry is None else longest_waits(retry)
    told = 0.0 if retry is None else _ENDLESS if retry.max_retry_after is None else retry.max_retry_after
    return WorstCase(
        attempts=attempts,
        seconds=_finite(min(total, attempts * each + sum(waits))),
        seconds_if_told_to_wait=_finite(min(total, attempts * each + sum(max(wait, told) for wait in waits))),
    )


def longest_waits(retry: RetryPolicy) -> list[float]:
    """Return the longest that each wait between attempts may last, of all back-offs that the policy has."""
    backoffs = [retry.backoff, *(retry.backoff_for or {}).values()]
    waits = retry.max_attempts - 1
    return [max(each) for each in zip(*([high for _, high in one.delays(waits)] for one in backoffs), strict=True)]


def shortest_wait(retry: RetryPolicy) -> float:
    """Return the least that the first wait may last, of all back-offs that the policy has."""
    backoffs = [retry.backoff, *(retry.backoff_for or {}).values()]
    return min(one.delays(1)[0][0] for one in backoffs)


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
