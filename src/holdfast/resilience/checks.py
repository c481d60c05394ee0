"""What is wrong with a policy although each part of it is right by itself: parts that keep others from ever acting."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..typed import TYPE_CHECKING
from .nesting import NESTED, OWNER
from .worst_case import shortest_wait

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .parts import Parts

GUARDS = ("fallback", "total_timeout", *NESTED, "timeout")
"""The fields of a policy that are guards."""


def check(policy: Parts) -> None:
    """Raise `ConfigurationError` for the first thing that is wrong, with the field and the fix."""
    for problem in _problems(policy):
        raise ConfigurationError(f"{OWNER}: {problem}")


def _problems(policy: Parts) -> Iterator[str]:
    if all(getattr(policy, name) is None for name in GUARDS):
        yield f"it guards nothing; give at least one of {', '.join(GUARDS)}, or begin with ResiliencePolicy.api()"
    yield from _times(policy)
    retry = policy.retry_policy
    if retry is None or retry.max_attempts == 1:
        return
    total = _shortest(policy.total_timeout, retry.total_timeout)
    wait = shortest_wait(retry)
    if total is not None and wait >= total:
        yield (
            f"retry waits {wait:g} s at least before its second attempt, so with a total timeout of {total:g} s there "
            "is never one; shorten the back-off, or leave retry out"
        )


def _times(policy: Parts) -> Iterator[str]:
    """Each limit around another one must leave it room."""
    retry, breaker = policy.retry_policy, policy.circuit_breaker
    if breaker is not None and breaker.mode != "normal":
        breaker = None  # it ends nothing
    around = [("total_timeout", policy.total_timeout, "ends the whole call")]
    if retry is not None:
        around += [
            ("retry.total_timeout", retry.total_timeout, "ends the whole call"),
            ("retry.attempt_timeout", retry.attempt_timeout, "ends each attempt"),
        ]
    if breaker is not None:
        around.append(("circuit_breaker.timeout", breaker.timeout, "ends each attempt"))
    if policy.timeout is not None:
        for field, seconds, what in around:
            if seconds is not None and seconds < policy.timeout:
                yield (
                    f"timeout ({policy.timeout:g} s, for one attempt) can never be reached, as {field} ({seconds:g} s) "
                    f"{what} before; give a shorter timeout or a longer {field}, or leave one out"
                )
    if policy.total_timeout is not None:
        for field, seconds, what in around[1:]:
            if seconds is None:
                continue
            if what == "ends the whole call" and seconds < policy.total_timeout:
                yield (
                    f"total_timeout ({policy.total_timeout:g} s) can never be reached, as {field} ({seconds:g} s) ends "
                    "all attempts before; leave one of them out"
                )
            if what == "ends each attempt" and seconds > policy.total_timeout:
                yield (
                    f"{field} ({seconds:g} s) can never be reached, as total_timeout ({policy.total_timeout:g} s) ends "
                    "the whole call before; leave one of them out"
                )
    slow = None if breaker is None else breaker.slow_call_duration_threshold
    if slow is not None and policy.timeout is not None and slow >= policy.timeout:
        yield (
            f"circuit_breaker.slow_call_duration_threshold ({slow:g} s) can never be reached, as timeout "
            f"({policy.timeout:g} s) ends each attempt before; give a shorter one"
        )


def _shortest(*seconds: float | None) -> float | None:
    return min((each for each in seconds if each is not None), default=None)
