"""The decorators: each guards a plain or an async function and keeps its name, signature and type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, overload

from .circuit_breaker.breaker import CircuitBreaker
from .circuit_breaker.bulkhead.registry import protector
from .circuit_breaker.registry import get_breaker_registry
from .errors import ConfigurationError
from .retry.manager import RetryManager
from .retry.policy import RetryPolicy
from .settings import shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import ParamSpec, TypeVar, Unpack

    from .circuit_breaker.bulkhead import Bulkhead, BulkheadConfig
    from .circuit_breaker.bulkhead.config import NamelessBulkheadFields
    from .circuit_breaker.config import CircuitBreakerConfig, NamelessFields
    from .clock import Clock
    from .errors import ErrorClassifier
    from .retry.policy import RetryFields

    P = ParamSpec("P")
    R = TypeVar("R")


class Guard(Protocol):
    """A decorator that keeps the exact type of what it decorates."""

    def __call__(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function`, guarded."""
        ...


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


def with_circuit_breaker(
    name: str | CircuitBreaker, config: CircuitBreakerConfig | None = None, /, **overrides: Unpack[NamelessFields]
) -> Guard:
    """Guard a function by the circuit breaker of that name, which all functions with the name share.

    `name` is that of the dependency, or a `CircuitBreaker` of your own. `config`, or fields of one as keywords, is how
    the breaker is made if there is none of that name yet.

    >>> @with_circuit_breaker("search-tool", failure_threshold=5)
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'

    Raises `ConfigurationError` at once if the name is in use with another config; `TypeError`, when decorating, for
    what cannot be guarded. A call that is refused raises `CircuitOpenError`.
    """
    if isinstance(name, CircuitBreaker):
        if config is not None or overrides:
            raise ConfigurationError("with_circuit_breaker: a CircuitBreaker has its config; give no other")
        return name.protect
    if not isinstance(name, str):
        raise TypeError(f"with_circuit_breaker takes the name of the dependency, not {shown(name)}")
    return get_breaker_registry().get_or_create(name, config, **overrides).protect


def bulkhead(
    name: str | BulkheadConfig | Bulkhead | None = None,
    config: BulkheadConfig | None = None,
    /,
    **overrides: Unpack[NamelessBulkheadFields],
) -> Guard:
    """Let only so many calls of a function run at once, and so many wait; the rest is refused.

    `name` is that of the dependency: all functions with it share one bulkhead. `config`, or fields of one as keywords,
    is how it is made if there is none of that name yet. Without a name, the function has a bulkhead of its own.

    >>> @bulkhead("search-tool", max_concurrent=10, max_queue=50)
    ... def search(query: str) -> str:
    ...     return f"pages about {query}"
    >>> search("kelp")
    'pages about kelp'

    Raises `ConfigurationError` at once if the name is in use with another config; `TypeError`, when decorating, for
    what cannot be guarded. A call that gets no permit raises `BulkheadFullError` or `BulkheadTimeoutError`.
    """
    return protector(name, config, overrides)
