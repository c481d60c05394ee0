"""Rate limiters by name: one for each service, shared by all who call it, and one for each key if that is asked for."""

from __future__ import annotations

from collections import deque
from itertools import islice
from weakref import ref

from .._runtime.system import as_clock
from ..errors import UnknownPolicyError
from ..records import did_you_mean
from ..registry import GuardRegistry
from ..settings import whole_number
from ..typed import TYPE_CHECKING
from .config import RateLimiterConfig, as_limit
from .manager import RateLimiter
from .memory import Memory

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypedDict, Unpack

    from ..clock import Clock
    from .config import Limit, NamelessLimiterFields, RateLimiterMetrics
    from .line import Line

    class FieldsBesideLimit(TypedDict, total=False):
        """All that may be said of a limiter but its name and its limit; `RateLimiterConfig` tells what each means."""

        queue_timeout: float | None
        max_queue: int
        on_reject: Any


_REMEMBERED = 10
"""For each limiter that there may be, so many names are remembered whose limiters had to make room."""

_REMEMBERED_AT_LEAST = 10_000

_LOOKED_AT = 64


class _Retired(ref[RateLimiter]):
    """A limiter that had to make room, for as long as somebody else holds it; and what it counts, for when it goes."""

    __slots__ = ("line", "name")

    line: Line
    name: str


class RateLimiterRegistry(GuardRegistry[RateLimiter]):
    """Rate limiters by name, made at their first use; thread-safe.

    `max_limiters` bounds how many there are (default 10,000), so that there may be one for each host, user or tenant:
    beyond it the one goes that was asked for least recently, unless a decorated function is bound to it by its name,
    or its limit was changed by `update`. What it has admitted is not forgotten: while anybody still uses it, as those
    do who wait, it comes back when its name is asked for; and when nobody does, what it counted is remembered for as
    long as it counts, and it begins with that when it is made again. So a name gets its limit, no more and no less,
    whatever others do; only a window with more than 16 admissions is remembered in 16 parts, each of which leaves it
    when its last one does. Up to ten times `max_limiters` names are remembered, 10,000 at least, with some 500 bytes
    each. If more than that have used up something within their window, those are forgotten that went first, and may
    have their limit once more.

    >>> registry = RateLimiterRegistry()
    >>> search = registry.get_or_create("search", limit={"rate": 10, "capacity": 20})
    >>> search is registry.get_or_create("search")
    True

    Raises `ConfigurationError` if `max_limiters` is no whole number of at least 1.
    """

    kind = "rate limiter"
    config_type = RateLimiterConfig

    def __init__(self, *, max_limiters: int = 10_000, clock: Clock | None = None) -> None:
        super().__init__(whole_number("RateLimiterRegistry", "max_limiters", max_limiters))
        self._clock = as_clock(clock)
        self._retired: dict[str, _Retired] = {}
        self._gone: deque[Any] = deque()
        self._memory = Memory(max(_REMEMBERED_AT_LEAST, _REMEMBERED * max_limiters))

    def get_or_create(
        self,
        name: str,
        config: RateLimiterConfig | Limit | Mapping[str, Any] | None = None,
        *,
        replace: bool = False,
        **overrides: Unpack[NamelessLimiterFields],
    ) -> RateLimiter:
        """Return the limiter of that name, made now if there is none.

        Raises `ConfigurationError` if there is one with another config than the one given here, unless `replace` is
        true, which puts a new one in its place, with nothing counted (`update` of the limiter goes on counting);
        `UnknownPolicyError` if there is none and no limit is given.
        """
        wanted = self.wanted(config, overrides)
        if replace:
            with self._lock:
                self._collect()
                self._retired.pop(name, None)
                self._memory.forget(name)
        return self.obtain(name, wanted, checked=True, replace=replace)

    def wanted(self, config: Any, overrides: Mapping[str, Any]) -> Any:
        """Return what was given as one config, or None if nothing was; a limit will do for a config."""
        if config is not None and not isinstance(config, RateLimiterConfig):
            config = RateLimiterConfig(limit=as_limit("RateLimiterRegistry", config))
        return super().wanted(config, overrides)

    def _make(self, name: str, config: RateLimiterConfig | None) -> RateLimiter:
        self._collect()
        is_new = name not in self._guards.view
        retired = self._retired.pop(name, None) if is_new else None
        if retired is not None:
            limiter = retired()
            if limiter is None:
                self._keep(retired)
            elif config is None or config.replace(name=name) == limiter.config:
                return limiter
        if config is None:
            config = self._config_of_keyed(name)
        limiter = RateLimiter(config, name=name, clock=self._clock)
        allowance = None
        if is_new and self._memory:
            allowance = self._memory.recall(name, config.limit, self._clock.monotonic())
        if allowance is not None:
            limiter.line.allowance = allowance
        return limiter

    def _config_of_keyed(self, name: str) -> RateLimiterConfig:
        """Return the config of the limiter without a key, as whose kind `name` with one is to be made."""
        base = self._guards.view.get(name.partition("[")[0])
        if base is not None:
            return base.settings
        known = did_you_mean(name, tuple(self._guards.view))
        raise UnknownPolicyError(f"there is no rate limiter named {name!r} and no limit is given to make one; {known}")

    # Making room.

    def _may_go(self, guard: RateLimiter) -> bool:
        return not guard.was_updated

    def _make_room(self, newest: str) -> None:
        for name in list(islice(self._asked, _LOOKED_AT)):
            limiter = self._guards.view[name]
            if name != newest and self._may_go(limiter) and not self._guards.followed(name):
                retired = _Retired(limiter, self._gone.append)
                retired.line, retired.name = limiter.line, name
                self._retired[name] = retired
                self.remove(name)
                return
            self._asked.move_to_end(name)

    def _collect(self) -> None:
        """Keep what those have counted that nobody holds any more."""
        while self._gone:
            retired = self._gone.popleft()
            last = self._retired.get(retired.name)
            if last is not None and last is retired:
                del self._retired[last.name]
                self._keep(last)

    def _keep(self, retired: _Retired) -> None:
        now = self._clock.monotonic()
        self._memory.keep(retired.name, retired.line.closed(now), now)

    def get_all_metrics(self) -> dict[str, RateLimiterMetrics]:
        """Return the metrics of all limiters by name."""
        return {name: limiter.metrics for name, limiter in self.get_all().items()}


_process_wide = RateLimiterRegistry()


def get_rate_limiter_registry() -> RateLimiterRegistry:
    """Return the registry of this process, in which the decorator `with_rate_limit` finds its limiters."""
    return _process_wide


def create_rate_limiter(
    name: str, limit: Limit | Mapping[str, Any], **fields: Unpack[FieldsBesideLimit]
) -> RateLimiter:
    """Return a rate limiter that is in no registry.

    >>> create_rate_limiter("search", {"limit": 100, "period": 60}, max_queue=0).stats
    RateLimiterStats(available=100, queued=0)

    Raises `ConfigurationError` as `RateLimiterConfig` does.
    """
    return RateLimiter(RateLimiterConfig(name=name, limit=as_limit("create_rate_limiter", limit), **fields))
