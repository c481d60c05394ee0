"""`with_retry`, `with_circuit_breaker`, `bulkhead` and `with_timeout`."""

from __future__ import annotations

from ..circuit_breaker import breaker, guard as breaker_guard
from ..circuit_breaker.bulkhead import guard as bulkhead_guard, manager
from ..circuit_breaker.bulkhead.registry import get_bulkhead_registry
from ..circuit_breaker.registry import get_breaker_registry
from ..errors import ConfigurationError
from ..retry.manager import RetryManager
from ..retry.policy import RetryPolicy
from ..retry.source import as_retry_on
from ..settings import shown
from ..timeout.config import limit_in_seconds
from ..timeout.manager import get_timeout_manager
from ..typed import TYPE_CHECKING, overload
from .sharing import Pattern, shared

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta
    from typing import Any, ParamSpec, TypeVar, Unpack

    from ..circuit_breaker.breaker import CircuitBreaker
    from ..circuit_breaker.bulkhead import Bulkhead, BulkheadConfig
    from ..circuit_breaker.bulkhead.config import NamelessBulkheadFields
    from ..circuit_breaker.config import CircuitBreakerConfig, NamelessFields
    from ..clock import Clock
    from ..errors import ErrorClassifier, OperationTimeoutError
    from ..retry.policy import RetryFields
    from ..timeout.config import Mode, TimeoutConfig
    from ..timeout.manager import TimeoutManager
    from .sharing import Guard

    P = ParamSpec("P")
    R = TypeVar("R")


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
    if on := as_retry_on(policy):
        raise TypeError(
            f"with_retry takes the name of a policy, a RetryPolicy or a function, not {shown(policy)}; "
            f"write with_retry({on})"
        )
    if not callable(policy) and not hasattr(type(policy), "__get__"):
        attempts = policy if isinstance(policy, int) and not isinstance(policy, bool) else 5
        raise TypeError(
            f"with_retry takes the name of a policy, a RetryPolicy or a function, not {shown(policy)}; "
            f"settings are given by keyword, such as max_attempts={attempts}"
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
    return shared(_BREAKERS, name, config, overrides, key)


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
    return shared(_BULKHEADS, name, config, overrides, key)


@overload
def with_timeout(
    timeout: float | timedelta | str | TimeoutConfig,
    fallback: Any = None,
    on_timeout: Callable[[OperationTimeoutError], object] | None = None,
    *,
    mode: Mode | None = None,
    manager: TimeoutManager | None = None,
) -> Guard: ...
@overload
def with_timeout(
    *,
    seconds: float | timedelta,
    fallback: Any = None,
    on_timeout: Callable[[OperationTimeoutError], object] | None = None,
    mode: Mode | None = None,
    manager: TimeoutManager | None = None,
) -> Guard: ...
def with_timeout(
    timeout: float | timedelta | str | TimeoutConfig | None = None,
    fallback: Any = None,
    on_timeout: Callable[[OperationTimeoutError], object] | None = None,
    *,
    seconds: float | timedelta | None = None,
    mode: Mode | None = None,
    manager: TimeoutManager | None = None,
) -> Guard:
    """Give the calls of a function a time limit.

    * `timeout`: seconds, a `timedelta`, a name that is registered with the manager, or a `TimeoutConfig`. Seconds and
      a `timedelta` may be given as `seconds` as well.
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
    if timeout is not None and seconds is not None:
        raise ConfigurationError(
            f"with_timeout: give one limit, not two: {shown(timeout)}, or seconds={shown(seconds)}"
        )
    given: Any = timeout if seconds is None else limit_in_seconds("with_timeout", seconds)
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


_BREAKERS = Pattern(
    "with_circuit_breaker",
    breaker.CircuitBreaker,
    get_breaker_registry(),
    breaker_guard.wrap,
    breaker_guard.wrap_each,
    number="failure_threshold",
)
_BULKHEADS = Pattern(
    "bulkhead",
    manager.Bulkhead,
    get_bulkhead_registry(),
    bulkhead_guard.wrap,
    bulkhead_guard.wrap_each,
    number="max_concurrent",
)
