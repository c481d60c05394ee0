"""What a rate limiter is set to, and what it tells of itself."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..records import Record, did_you_mean
from ..settings import Settings, number, optional_callable, optional_seconds, seconds, shown, text, whole_number
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import timedelta
    from typing import Any, TypeAlias, TypedDict, Unpack

    class NamelessLimiterFields(TypedDict, total=False):
        """All that may be said of a limiter but its name; `RateLimiterConfig` tells what each means."""

        limit: Limit | Mapping[str, Any] | int
        period: float | timedelta
        buckets: int | None
        rate: float
        capacity: int
        queue_timeout: float | timedelta | None
        max_queue: int
        on_reject: Callable[[Any], object] | None

    class LimiterFields(NamelessLimiterFields, total=False):
        """All that may be said of a limiter."""

        name: str


class TokenBucket(Settings):
    """So many calls per second in the long run, and `capacity` at once after a pause. Frozen.

    * `rate`: tokens per second that come in, more than 0; 0.5 is one every two seconds.
    * `capacity`: tokens that there are at most, at least 1: how many calls may come in a burst.

    In any window there are never more than `capacity` + `rate` * its length.

    >>> TokenBucket(rate=10, capacity=20)
    TokenBucket(rate=10.0, capacity=20)

    Raises `ConfigurationError` for whatever cannot work.
    """

    rate: float
    capacity: int

    if TYPE_CHECKING:

        def __init__(self, *, rate: float, capacity: int) -> None: ...

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "TokenBucket"
        mine["rate"] = rate = number(owner, "rate", self.rate, hint="tokens per second")
        if not rate:
            raise ConfigurationError(
                "TokenBucket: rate must be more than 0 tokens per second, not 0 (for one a minute write 1 / 60)"
            )
        mine["capacity"] = whole_number(
            owner, "capacity", self.capacity, hint="how many may come at once; 1 means: no bursts"
        )

    @property
    def most(self) -> int:
        """What a single call may cost at most."""
        return self.capacity


class SlidingWindow(Settings):
    """At most `limit` calls in any `period` seconds, wherever these begin. Frozen.

    * `limit`: at least 1.
    * `period`: seconds, or a `timedelta`.
    * `buckets`: None keeps the moment of each call, which is exact, and takes memory for `limit` of them. A number, 10
      or 60 say, keeps that many counts instead, whatever the limit; calls are never too many then, but each counts for
      up to `period` / `buckets` longer, so that somewhat fewer pass.

    >>> SlidingWindow(limit=100, period=60)
    SlidingWindow(limit=100, period=60.0)

    Raises `ConfigurationError` for whatever cannot work.
    """

    limit: int
    period: float
    buckets: int | None = None

    if TYPE_CHECKING:

        def __init__(self, *, limit: int, period: float | timedelta, buckets: int | None = None) -> None: ...

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "SlidingWindow"
        mine["limit"] = whole_number(owner, "limit", self.limit, hint="how many may come in each period")
        mine["period"] = seconds(owner, "period", self.period, zero=False)
        if self.buckets is not None:
            mine["buckets"] = whole_number(owner, "buckets", self.buckets, hint="None keeps each call and is exact")

    @property
    def most(self) -> int:
        """What a single call may cost at most."""
        return self.limit


if TYPE_CHECKING:
    Limit: TypeAlias = TokenBucket | SlidingWindow


def as_limit(owner: str, value: Any) -> Limit:
    """Return what was given as a limit; a mapping of the fields of one will do."""
    if isinstance(value, (TokenBucket, SlidingWindow)):
        return value
    if hasattr(value, "keys") and not isinstance(value, type):
        fields = dict(value)
        kinds: dict[str, Any] = dict.fromkeys(SlidingWindow._fields, SlidingWindow)
        kinds.update(dict.fromkeys(TokenBucket._fields, TokenBucket))
        for name in fields:
            if name in kinds:
                limit: Limit = kinds[name](**fields)
                return limit
        what = next(iter(fields), "")
        raise ConfigurationError(
            f"{owner}: limit has no field {what!r}; {did_you_mean(what, kinds)}"
            if fields
            else f'{owner}: limit is empty; write {{"rate": 10, "capacity": 20}} or {{"limit": 100, "period": 60}}'
        )
    raise ConfigurationError(
        f"{owner}: limit must be a TokenBucket, a SlidingWindow or a mapping such as "
        f'{{"rate": 10, "capacity": 20}} or {{"limit": 100, "period": 60}}, not {shown(value)}'
    )


class RateLimiterConfig(Settings):
    """How many calls may begin in which time, how many may wait, and for how long. Frozen; `replace()` copies.

    * `name`: for errors, events and metrics. Default "rate-limiter".
    * `limit`: a `TokenBucket`, a `SlidingWindow`, or a mapping of the fields of one. Must be given. These fields may be
      given right here as well: `rate` and `capacity`, or `limit` as a number, `period` and perhaps `buckets`.
    * `queue_timeout`: seconds, or a `timedelta`, that a guarded call may wait. Default 30; None: without end; 0: not at
      all. A call that would have to wait longer is refused at once.
    * `max_queue`: calls that may wait at the same time. Default 1,000; 0: none.
    * `on_reject(event)`: told of each call that was refused, as a `RateLimitRejected`. One that raises is logged.

    >>> RateLimiterConfig(name="search", limit={"limit": 100, "period": 60}).limit
    SlidingWindow(limit=100, period=60.0)
    >>> RateLimiterConfig(rate=10, capacity=20).limit
    TokenBucket(rate=10.0, capacity=20)

    Raises `ConfigurationError` for whatever cannot work.
    """

    name: str = "rate-limiter"
    limit: Limit
    queue_timeout: float | None = 30.0
    max_queue: int = 1000
    on_reject: Callable[[Any], object] | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[LimiterFields]) -> None: ...

    else:

        def __init__(self, *places: Any, **fields: Any) -> None:
            super().__init__(*places, **_with_limit(fields))

    def replace(self, **changes: Unpack[LimiterFields]) -> RateLimiterConfig:  # type: ignore[override]
        """Return a copy with these fields changed, checked as a new one would be.

        >>> RateLimiterConfig(rate=10, capacity=20).replace(rate=5).limit
        TokenBucket(rate=5.0, capacity=20)
        """
        return super().replace(**_with_limit(changes, self.limit))

    def _validate(self) -> None:
        mine = self.__dict__
        owner = "RateLimiterConfig"
        mine["name"] = text(owner, "name", self.name)
        mine["limit"] = as_limit(owner, self.limit)
        mine["queue_timeout"] = optional_seconds(owner, "queue_timeout", self.queue_timeout, zero=True)
        mine["max_queue"] = whole_number(
            owner, "max_queue", self.max_queue, least=0, hint="0 means: refuse at once when the limit is reached"
        )
        optional_callable(owner, "on_reject", self.on_reject, "(event)")


def _with_limit(given: Mapping[str, Any], before: Limit | None = None) -> dict[str, Any]:
    """Return the fields of a config with those of a bucket or a window among them made into its `limit`.

    If they fit the limit that was there `before`, they change that.
    """
    own, owner = RateLimiterConfig._fields, "RateLimiterConfig"
    known = dict.fromkeys((*own, *TokenBucket._fields, *SlidingWindow._fields))
    for name in given:
        if name not in known:
            raise ConfigurationError(f"{owner} has no field {name!r}; {did_you_mean(name, known)}")
    fields = {name: value for name, value in given.items() if name in own}
    flat = {name: value for name, value in given.items() if name not in own}
    if "limit" in fields and (flat or isinstance(before, SlidingWindow)):
        limit = fields["limit"]
        if not isinstance(limit, (TokenBucket, SlidingWindow)) and not hasattr(limit, "keys"):
            flat["limit"] = fields.pop("limit")  # it is the number of a window
        elif flat:
            raise ConfigurationError(f"{owner}: give one limit, not two: limit={shown(limit)}, or {', '.join(flat)}")
    if flat:
        fits = before is not None and flat.keys() <= set(before._fields)
        fields["limit"] = before.replace(**flat) if before is not None and fits else as_limit(owner, flat)
    return fields


class RateLimiterStats(Record):
    """How things stand now: how much may pass at once, and how many calls wait."""

    available: int
    queued: int


class RateLimiterMetrics(Record):
    """What a limiter has seen so far, in calls, whatever each costs.

    `admitted` calls began. The others: `rejected` were refused at once, `timed_out` had to leave the queue because the
    limit became stricter while they waited or their deadline would be missed, `abandoned` were cancelled or interrupted
    while they waited, `queued` still wait. All together they are the calls that asked.
    """

    name: str
    admitted: int
    rejected: int
    timed_out: int
    abandoned: int
    queued: int
    available: int

    @property
    def asked(self) -> int:
        """How many calls asked to pass."""
        return self.admitted + self.rejected + self.timed_out + self.abandoned + self.queued
