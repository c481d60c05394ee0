"""`with_rate_limit`."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..rate_limit import guard as limiter_guard
from ..rate_limit.config import RateLimiterConfig, SlidingWindow, TokenBucket, as_limit
from ..rate_limit.manager import RateLimiter
from ..rate_limit.registry import get_rate_limiter_registry
from ..settings import shown
from ..typed import TYPE_CHECKING
from .sharing import Pattern, shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Unpack

    from ..rate_limit.config import NamelessLimiterFields
    from .sharing import Guard


def with_rate_limit(
    name: str | RateLimiterConfig | TokenBucket | SlidingWindow | Mapping[str, Any] | RateLimiter | None = None,
    config: RateLimiterConfig | TokenBucket | SlidingWindow | Mapping[str, Any] | None = None,
    *,
    key: Callable[..., object] | None = None,
    cost: int | Callable[..., int] = 1,
    **overrides: Unpack[NamelessLimiterFields],
) -> Guard:
    """Let the calls of a function begin only so fast; the others wait for their turn, or are refused at once.

    * `name`: of the service; all functions with it share one limiter of the process-wide registry. A limit, a config
      or a `RateLimiter` may stand here too. With a limit and no name, each function has its own limiter.
    * `config`: a `TokenBucket`, a `SlidingWindow`, a mapping of the fields of one or a `RateLimiterConfig`, or fields
      of any of these as keywords, as in ``rate=10, capacity=20`` or ``limit=100, period=60``: how the limiter is made
      if there is none of that name yet.
    * `key(*args, **kwargs)`: gives each call its own limiter by what it returns, such as a user or a tenant; these are
      called `name[key]`.
    * `cost`: what a call costs, or a plain function of its arguments that tells, at least 1. One that raises is logged,
      and the call costs 1; one that returns what is no cost fails the call with a `ConfigurationError`.

    >>> @with_rate_limit("search-tool", TokenBucket(rate=10, capacity=20))
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'
    >>> @with_rate_limit("llm", SlidingWindow(limit=90_000, period=60, buckets=60), cost=lambda prompt: 1 + len(prompt))
    ... async def ask(prompt: str) -> str: ...

    A call waits for up to `queue_timeout` seconds (30), and not at all if that would not do. Without a config, the name
    is looked up at the first call, so the limiter may be configured later than the function is decorated.

    Raises `ConfigurationError` at once if the name is in use with another config, or `cost` is none; `TypeError`, when
    decorating, for what cannot be guarded. A call that is refused raises `RateLimitExceededError`; one for whose name
    no limit was ever given, `UnknownPolicyError`.
    """
    given: Any = name
    fields: dict[str, Any] = dict(overrides)
    if isinstance(given, (TokenBucket, SlidingWindow)) or hasattr(given, "keys"):
        given, fields["limit"] = None, _only(given, config, fields)
    elif config is not None and not isinstance(config, RateLimiterConfig):
        config, fields["limit"] = None, _only(as_limit("with_rate_limit", config), None, fields)
    if callable(given) and not isinstance(given, RateLimiter):
        raise TypeError(
            f"with_rate_limit needs a limit: write @with_rate_limit(TokenBucket(rate=10, capacity=20)) above the "
            f"function, not {shown(given)} in its place"
        )
    decorator: Guard = shared(_Limiters(limiter_guard.checked("with_rate_limit", cost)), given, config, fields, key)
    return decorator


def _only(limit: Any, config: object, fields: Mapping[str, Any]) -> Any:
    if config is not None or not fields.keys().isdisjoint(("limit", "period", "buckets", "rate", "capacity")):
        raise ConfigurationError("with_rate_limit: give one limit, not two")
    return limit


class _Limiters(Pattern):
    """Rate limiters, for calls of some cost."""

    def __init__(self, cost: int | Callable[..., int]) -> None:
        self._cost = cost
        super().__init__(
            "with_rate_limit",
            RateLimiter,
            get_rate_limiter_registry(),
            lambda binding, function: limiter_guard.wrap(binding, function, cost),
            lambda find, function: limiter_guard.wrap_each(find, function, cost),
        )

    def protect(self, guard: Any, function: Any) -> Any:
        return guard.protect(function, self._cost)
