"""The decorators: each guards a plain or an async function and keeps its name, signature and type."""

from __future__ import annotations

from ._runtime.callables import guarded
from .circuit_breaker import breaker, guard as breaker_guard
from .circuit_breaker.bulkhead import guard as bulkhead_guard, manager
from .circuit_breaker.bulkhead.registry import get_bulkhead_registry
from .circuit_breaker.registry import get_breaker_registry
from .errors import ConfigurationError
from .fallback.answers import NOTHING
from .fallback.config import FallbackConfig
from .fallback.guard import wrap as wrap_fallback
from .fallback.manager import Fallback
from .fallback.registry import bind_fallback
from .functions import name_of
from .journal import report_broken
from .rate_limit import guard as limiter_guard
from .rate_limit.config import SlidingWindow, TokenBucket
from .rate_limit.manager import RateLimiter
from .rate_limit.registry import get_rate_limiter_registry
from .retry.manager import RetryManager
from .retry.policy import RetryPolicy
from .settings import optional_callable, shown, text
from .timeout.manager import get_timeout_manager
from .typed import TYPE_CHECKING, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import timedelta
    from typing import Any, ParamSpec, TypeVar, Unpack

    from .circuit_breaker.breaker import CircuitBreaker
    from .circuit_breaker.bulkhead import Bulkhead, BulkheadConfig
    from .circuit_breaker.bulkhead.config import NamelessBulkheadFields
    from .circuit_breaker.config import CircuitBreakerConfig, NamelessFields
    from .clock import Clock
    from .errors import ErrorClassifier, OperationTimeoutError
    from .fallback.answers import LastGood
    from .fallback.kinds import On
    from .rate_limit.config import NamelessLimiterFields, RateLimiterConfig
    from .registry import GuardRegistry
    from .retry.policy import RetryFields
    from .timeout.config import Mode, TimeoutConfig
    from .timeout.manager import TimeoutManager

    P = ParamSpec("P")
    R = TypeVar("R")


class Guard(Protocol):
    """A decorator that keeps the exact type of what it decorates."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function`, guarded."""
        ...


class OptionalGuard(Protocol):
    """A decorator of functions that then may return None as well."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R | None]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R | None]: ...


@overload
def with_retry(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def with_retry(
    policy: str | RetryPolicy | None = None,
    /,
    *,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
    **overrides: Unpack[RetryFields],
) -> Guard: ...
def with_retry(
    policy: Any = None,
    /,
    *,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
    **overrides: Unpack[RetryFields],
) -> Any:
    """Retry a function when it fails in a way that a retry can help.

    Use it bare, with the name of a policy, with a `RetryPolicy`, or with fields of one that override the rest:

    >>> @with_retry
    ... def read() -> str: ...
    >>> @with_retry("mcp", max_attempts=6)
    ... async def call_tool(query: str) -> str: ...

    What comes out in the end is the function's own result or its own last exception, with a note on what was tried.
    A name is looked up at the first call, so it may be registered later than the function is decorated.

    `clock` and `classifier` replace the real time and the process-wide classifier, for this function.

    Raises `TypeError`, when decorating, for what cannot be guarded (a class, a generator function, what cannot be
    called); `ConfigurationError` for settings that cannot work. A call raises `UnknownPolicyError` if nothing is
    registered under the name.
    """
    if policy is None or isinstance(policy, (str, RetryPolicy)):
        return RetryManager(policy, clock=clock, classifier=classifier, **overrides).protect
    if not callable(policy) and not hasattr(type(policy), "__get__"):
        raise TypeError(
            f"with_retry takes the name of a policy, a RetryPolicy or a function, not {shown(policy)}; "
            "settings are given by keyword, such as max_attempts=5"
        )
    function: Any = policy
    return RetryManager(clock=clock, classifier=classifier, **overrides).protect(function)


@overload
def with_circuit_breaker(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def with_circuit_breaker(
    name: str | CircuitBreakerConfig | CircuitBreaker | None = None,
    config: CircuitBreakerConfig | None = None,
    *,
    key: Callable[..., object] | None = None,
    **overrides: Unpack[NamelessFields],
) -> Guard: ...
def with_circuit_breaker(
    name: Any = None,
    config: CircuitBreakerConfig | None = None,
    *,
    key: Callable[..., object] | None = None,
    **overrides: Unpack[NamelessFields],
) -> Any:
    """Refuse the calls of a function while what it depends on is down.

    * `name`: of the dependency; all functions with it share one breaker of the process-wide registry. A config with a
      name of its own, or a `CircuitBreaker`, may stand here too. Without a name, each function has its own breaker.
    * `config`, or fields of one as keywords: how the breaker is made if there is none of that name yet.
    * `key(*args, **kwargs)`: gives each call its own breaker by what it returns, such as a host or a tenant; these are
      called `name[key]`.

    >>> @with_circuit_breaker("search-tool", failure_threshold=5)
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'

    Without a config, the name is looked up at the first call, so the breaker may be configured later than the function
    is decorated. A breaker that is replaced in the registry is followed.

    Raises `ConfigurationError` at once if the name is in use with another config; `TypeError`, when decorating, for
    what cannot be guarded. A call that is refused raises `CircuitOpenError`.
    """
    return _shared(_BREAKERS, name, config, overrides, key)


@overload
def bulkhead(function: Callable[P, R], /) -> Callable[P, R]: ...
@overload
def bulkhead(
    name: str | BulkheadConfig | Bulkhead | None = None,
    config: BulkheadConfig | None = None,
    *,
    key: Callable[..., object] | None = None,
    **overrides: Unpack[NamelessBulkheadFields],
) -> Guard: ...
def bulkhead(
    name: Any = None,
    config: BulkheadConfig | None = None,
    *,
    key: Callable[..., object] | None = None,
    **overrides: Unpack[NamelessBulkheadFields],
) -> Any:
    """Let only so many calls of a function run at once, and so many wait; the rest is refused.

    * `name`: of the dependency; all functions with it share one bulkhead of the process-wide registry. A config with a
      name of its own, or a `Bulkhead`, may stand here too. Without a name, each function has its own bulkhead.
    * `config`, or fields of one as keywords: how the bulkhead is made if there is none of that name yet.
    * `key(*args, **kwargs)`: gives each call its own bulkhead by what it returns, such as a host or a tenant; these are
      called `name[key]`.

    >>> @bulkhead("search-tool", max_concurrent=10, max_queue=50)
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'

    Without a config, the name is looked up at the first call, so the bulkhead may be configured later than the function
    is decorated. A bulkhead that is replaced in the registry is followed.

    Raises `ConfigurationError` at once if the name is in use with another config; `TypeError`, when decorating, for
    what cannot be guarded. A call that gets no permit raises `BulkheadFullError` or `BulkheadTimeoutError`.
    """
    return _shared(_BULKHEADS, name, config, overrides, key)


def with_timeout(
    timeout: float | timedelta | str | TimeoutConfig,
    fallback: Any = None,
    on_timeout: Callable[[OperationTimeoutError], object] | None = None,
    *,
    mode: Mode | None = None,
    manager: TimeoutManager | None = None,
) -> Guard:
    """Give the calls of a function a time limit.

    * `timeout`: seconds, a `timedelta`, a name that is registered with the manager, or a `TimeoutConfig`.
    * `fallback`: what the caller gets in place of the error: a value, or a function that is called without arguments
      (for an async function it may be async).
    * `on_timeout(error)`: told of each call that took too long. One that raises is logged.
    * `mode`: for plain functions, "thread" (the default) or "cooperative"; see `TimeoutConfig`.
    * `manager`: default the one of this process.

    An async function is cancelled, and has cleaned up before its caller goes on. A plain one runs in a worker thread:
    its caller goes on in time, while the function, which nothing can end from outside, runs on until it ends by itself.

    >>> @with_timeout(10)
    ... async def fetch(url: str) -> bytes: ...
    >>> @with_timeout(0.5, fallback="unknown")
    ... def look_up(word: str) -> str:
    ...     return word.upper()
    >>> look_up("kelp")
    'KELP'

    A `TimeoutError` that the function raises itself comes out as it is. A name is looked up at the first call, so it
    may be registered later than the function is decorated.

    Raises `ConfigurationError` at once for what is no limit; `TypeError`, when decorating, for what cannot be guarded.
    A call raises `OperationTimeoutError` when it takes too long, `DeadlineExceededError` if that is because of a limit
    around it, `WorkerLimitError` if too many calls have timed out and are still running, and `UnknownPolicyError` if
    nothing is registered under the name.
    """
    given: Any = timeout
    if given is None or callable(given) or hasattr(type(given), "__get__"):
        raise TypeError(
            f"with_timeout takes seconds or a registered name, not {shown(given)}; write @with_timeout(10) above the "
            "function"
        )
    overrides: dict[str, Any] = {
        name: value
        for name, value in (("fallback", fallback), ("on_timeout", on_timeout), ("mode", mode))
        if value is not None
    }
    keeper = get_timeout_manager() if manager is None else manager
    return keeper.decorator(given, overrides)


@overload
def with_fallback(  # pyright: ignore[reportOverlappingOverload]  # None is the one value that changes the type
    answer: Any = None,
    /,
    *,
    value: None,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> OptionalGuard: ...
@overload
def with_fallback(
    answer: Any = None,
    /,
    *,
    value: Any = ...,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> Guard: ...
def with_fallback(
    answer: Any = None,
    /,
    *,
    value: Any = NOTHING,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> Any:
    """Answer for the calls of a function that fail, whatever they fail with: its own errors, rejections, timeouts.

    * `answer`: a function, which is called with the error if it needs an argument, else with nothing, and may be async
      if the guarded one is; an `Instead(function)`, which is called with the arguments of the call that failed; a
      mapping of answers by exception type, category or code; or a list of answers, tried in order. Or the name of a
      registered fallback, a `FallbackConfig` or a `Fallback`.
    * `value`: what is returned if nothing else answers; the very same object each time.
    * `last_good`: a `LastGood`: the value of the last such call that succeeded, which is tried first.
    * `on`: exception types, categories, codes, or a function of the error: answer only for these.
    * `on_fallback(error)`: told of each failure that was answered for. One that raises is logged.
    * `name`: for events, metrics and logs; default the function's.
    * `clock` and `classifier` replace the real time and the process-wide classifier.

    >>> @with_fallback(value="no weather today", on={ConnectionError, "EXTERNAL"})
    ... def weather(city: str) -> str:
    ...     raise ConnectionResetError
    >>> weather("Bergen")
    'no weather today'
    >>> @with_fallback(list)
    ... async def search(query: str) -> list[str]: ...

    Put it above the other guards, so that it answers for what they raise. Cancellation, KeyboardInterrupt and
    SystemExit always pass. If nothing answers, the error comes out as it is; if a fallback raises, its error comes out,
    with the function's as its context. A name is looked up at the first call, so it may be registered later than the
    function is decorated.

    Raises `ConfigurationError` at once for what cannot answer; `TypeError`, when decorating, for what cannot be
    guarded, and for a plain function with an async answer. A call raises `UnknownPolicyError` if nothing is registered
    under the name.
    """
    fields: dict[str, Any] = {
        field: given
        for field, given in (("last_good", last_good), ("on", on), ("on_fallback", on_fallback), ("name", name))
        if given is not None
    }
    if value is not NOTHING:
        fields["value"] = value
    if isinstance(answer, (str, Fallback)):
        if fields or clock is not None or classifier is not None:
            what = f"the fallback {shown(answer)}" if isinstance(answer, str) else "a Fallback"
            raise ConfigurationError(f"with_fallback: {what} has its settings where it is made; give no others here")
        given: Any = answer if isinstance(answer, Fallback) else text("with_fallback", "name", answer)
    elif isinstance(answer, FallbackConfig):
        given = answer.replace(**fields)
    else:
        given = FallbackConfig(answer=answer, **fields)

    def protect(function: Any) -> Any:
        if isinstance(given, FallbackConfig):
            own = name_of(function) if given.own_name is None else None
            fallback = Fallback(given, name=own, clock=clock, classifier=classifier)
            return wrap_fallback(bind_fallback(fallback, function), function)
        return wrap_fallback(bind_fallback(given, function), function)

    return lambda function: guarded(function, "fallback", protect)


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
      of that as keywords: how the limiter is made if there is none of that name yet.
    * `key(*args, **kwargs)`: gives each call its own limiter by what it returns, such as a user or a tenant; these are
      called `name[key]`.
    * `cost`: what a call costs, or a function of its arguments that tells. One that raises is logged, and the call
      costs 1.

    >>> @with_rate_limit("search-tool", TokenBucket(rate=10, capacity=20))
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'
    >>> @with_rate_limit("llm", SlidingWindow(limit=90_000, period=60, buckets=60), cost=lambda prompt: 1 + len(prompt))
    ... async def ask(prompt: str) -> str: ...

    A call waits for up to `queue_timeout` seconds (30), and not at all if that would not do. Without a config, the name
    is looked up at the first call, so the limiter may be configured later than the function is decorated.

    Raises `ConfigurationError` at once if the name is in use with another config; `TypeError`, when decorating, for
    what cannot be guarded. A call that is refused raises `RateLimitExceededError`; one for whose name no limit was ever
    given, `UnknownPolicyError`.
    """
    given: Any = name
    fields: dict[str, Any] = dict(overrides)
    if isinstance(given, (TokenBucket, SlidingWindow)) or hasattr(given, "keys"):
        if config is not None or "limit" in fields:
            raise ConfigurationError("with_rate_limit: give one limit, not two")
        given, fields["limit"] = None, given
    elif isinstance(config, (TokenBucket, SlidingWindow)) or hasattr(config, "keys"):
        config, fields["limit"] = None, fields.get("limit", config)
    if callable(given) and not isinstance(given, RateLimiter):
        raise TypeError(
            f"with_rate_limit needs a limit: write @with_rate_limit(TokenBucket(rate=10, capacity=20)) above the "
            f"function, not {shown(given)} in its place"
        )
    decorator: Guard = _shared(_Limiters(cost), given, config, fields, key)
    return decorator


class _Pattern:
    """A kind of guard that functions share by name."""

    def __init__(
        self,
        decorator: str,
        guard: Any,
        registry: GuardRegistry[Any],
        wrap: Callable[[Any, Any], Any],
        wrap_each: Callable[[Any, Any], Any],
    ) -> None:
        self.decorator = decorator
        self.guard = guard
        self.registry = registry
        self.wrap = wrap
        self.wrap_each = wrap_each

    def protect(self, guard: Any, function: Any) -> Any:
        """Return `function` guarded by `guard`."""
        return guard.protect(function)


_BREAKERS = _Pattern(
    "with_circuit_breaker",
    breaker.CircuitBreaker,
    get_breaker_registry(),
    breaker_guard.wrap,
    breaker_guard.wrap_each,
)
_BULKHEADS = _Pattern(
    "bulkhead", manager.Bulkhead, get_bulkhead_registry(), bulkhead_guard.wrap, bulkhead_guard.wrap_each
)


class _Limiters(_Pattern):
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


def _shared(
    pattern: _Pattern, given: Any, config: Any, overrides: Mapping[str, Any], key: Callable[..., object] | None
) -> Any:
    """Return the decorator, or, for a function, the function decorated."""
    registry, kind = pattern.registry, pattern.registry.kind
    if isinstance(given, pattern.guard):
        if config is not None or overrides or key is not None:
            raise ConfigurationError(f"{pattern.decorator}: a {pattern.guard.__name__} has its config; give no other")
        return lambda function: pattern.protect(given, function)
    if isinstance(given, registry.config_type):
        if config is not None:
            raise ConfigurationError(f"{pattern.decorator}: give one config, not two")
        given, config = given.own_name, given
    wanted = registry.wanted(config, overrides)
    if isinstance(given, str):
        return _by_name(pattern, text(pattern.decorator, "name", given), wanted, key)
    if key is not None:
        raise ConfigurationError(
            f"{pattern.decorator}: with a key, give a name too, under which each key has its {kind}: "
            f'{pattern.decorator}("api", key=...)'
        )
    if given is None:
        return lambda function: _own(pattern, wanted, function)
    if callable(given) or hasattr(type(given), "__get__"):
        return _own(pattern, wanted, given)
    raise TypeError(
        f"{pattern.decorator} takes a name, a {registry.config_type.__name__}, a {pattern.guard.__name__} or a "
        f"function, not {shown(given)}; settings are given by keyword"
    )


def _own(pattern: _Pattern, config: Any, function: Any) -> Any:
    """Guard a function by one that no other function has, and that goes by the function's name."""
    name = name_of(getattr(function, "__func__", function))
    return pattern.protect(pattern.guard(config, name=name), function)


def _by_name(pattern: _Pattern, name: str, config: Any, key: Callable[..., object] | None) -> Callable[[Any], Any]:
    registry = pattern.registry
    optional_callable(pattern.decorator, "key", key, "(*args, **kwargs) of the guarded function")
    if config is not None:
        registry.obtain(name, config, checked=True)

    def each(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        assert key is not None  # noqa: S101  else the calls are all alike
        try:
            return registry.obtain(f"{name}[{key(*args, **kwargs)}]", config)
        except Exception:
            report_broken(pattern.decorator, f"{name!r} itself guards the call: its key", key)
            return registry.obtain(name, config)

    def protect(function: Any) -> Any:
        if key is not None:
            return guarded(function, registry.kind, lambda inner: pattern.wrap_each(each, inner))
        binding = registry.binding(name, config)
        return guarded(function, registry.kind, lambda inner: pattern.wrap(binding, inner))

    return protect
