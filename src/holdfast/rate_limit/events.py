"""What listeners of a rate limiter are told: what kind of thing happened, never arguments, results or texts."""

from __future__ import annotations

from ..events import Event


class RateLimitEvent(Event):
    """Base of the events of rate limiters."""


class RateLimitAdmitted(RateLimitEvent):
    """A call that costs `cost` may begin, after `waited` seconds in the queue."""

    cost: int
    waited: float


class RateLimitQueued(RateLimitEvent):
    """A call waits, for `delay` seconds as things stand; `position` is its place in the queue, from 1."""

    cost: int
    position: int
    delay: float


class RateLimitRejected(RateLimitEvent):
    """A call was refused.

    `reason` is "rate" if it would have to wait longer than it may, "full" if too many wait, "timeout" if it had to
    leave the queue after `waited` seconds. `retry_after`: seconds until it would have been admitted, infinite if never.
    """

    cost: int
    reason: str
    waited: float
    retry_after: float


class RateLimitAdjusted(RateLimitEvent):
    """The limit was changed, or the server asked to be left alone for `pause` seconds (else 0)."""

    pause: float
