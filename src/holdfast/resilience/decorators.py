"""`with_resilience`, and the same with a policy that fits calls of a language model, a database or an MCP server."""

from __future__ import annotations

from ..settings import shown
from ..typed import TYPE_CHECKING
from .manager import ResilienceManager, resilience_manager
from .policy import ResiliencePolicy
from .presets import SERVICES

if TYPE_CHECKING:
    from typing import Any, ParamSpec, TypeVar, Unpack

    from ..decorators.sharing import Guard
    from .policy import ResilienceFields

    P = ParamSpec("P")
    R = TypeVar("R")


def with_resilience(
    name: str | None = None,
    policy: ResiliencePolicy | str | None = None,
    *,
    manager: ResilienceManager | None = None,
    **changes: Unpack[ResilienceFields],
) -> Guard:
    """Guard the calls of a function by one policy: fallback, deadline, retry, breaker, rate limit, bulkhead, timeout.

    * `name`: what its policy is registered or configured under, and by which it shares breaker, limiter and bulkhead
      with others. Default: the function's own, which shares them with nobody.
    * `policy`: a `ResiliencePolicy`, or the name of one. What is registered or configured under `name` counts instead
      of it, so that a file can say otherwise than the code.
    * `manager`: default the one of this process.
    * `changes` are made to the policy as by its `replace`; without a policy they are the policy.

    >>> @with_resilience("payments", ResiliencePolicy.api(), timeout=5)
    ... async def pay(amount: int) -> str: ...
    >>> @with_resilience("search", retry={"max_attempts": 4}, bulkhead={"max_concurrent": 8})
    ... def search(query: str) -> str:
    ...     return query.upper()
    >>> search("kelp")
    'KELP'

    With a name alone, the policy is looked up at the first call, so it may be configured later than the function is
    decorated; "api", "ai", "database", "external" and "critical" are there from the start.

    Raises `ConfigurationError` at once for a policy that cannot work, and if a breaker, limiter or bulkhead of the name
    is set otherwise already; `TypeError`, when decorating, for what cannot be guarded. A call raises
    `UnknownPolicyError` if there is no policy of the name.
    """
    return _decorator(manager, name, policy, changes)


def _decorator(manager: ResilienceManager | None, name: Any, policy: Any, changes: Any) -> Guard:
    if name is not None and not isinstance(name, str):
        fix = "policy=..." if isinstance(name, ResiliencePolicy) else '"a name", ...'
        raise TypeError(
            f"with_resilience takes a name first, not {shown(name)}; write @with_resilience({fix}) above the function"
        )
    given: Any = manager
    if not isinstance(given, (ResilienceManager, type(None))):
        raise TypeError(f"with_resilience: manager must be a ResilienceManager, not {shown(given)}")
    keeper = resilience_manager if manager is None else manager
    decorator: Any = keeper.decorator(name, policy, changes)
    return decorator  # type: ignore[no-any-return]


def with_llm_resilience(
    name: str | None = None, *, manager: ResilienceManager | None = None, **changes: Unpack[ResilienceFields]
) -> Guard:
    """Guard calls of a language model: `with_resilience` with a policy that fits them.

    Three attempts of up to 120 s, ten at once; a rate limit is waited for as long as the service asks, up to 300 s, and
    a quota that is used up is not tried again. After three failures in a row the circuit opens for 120 s.

    >>> @with_llm_resilience("openai", total_timeout=300)
    ... async def complete(prompt: str) -> str: ...

    `name` and `changes` are those of `with_resilience`. Raises as it does.
    """
    return _decorator(manager, name, _service("llm"), changes)


def with_database_resilience(
    name: str | None = None, *, manager: ResilienceManager | None = None, **changes: Unpack[ResilienceFields]
) -> Guard:
    """Guard calls of a database: `with_resilience` with a policy that fits them.

    Four attempts within 30 s in all: deadlocks, serialisation failures and fail-overs are tried again after a moment.
    100 at once, 200 waiting. After ten failures in a row the circuit opens for 30 s. Put it around the whole
    transaction, as what was done in one that failed is gone. A plain function stays in its thread, as connections and
    sessions do; give `time_left()` to the driver as its own timeout.

    >>> @with_database_resilience("orders")
    ... async def store(order: str) -> None: ...

    `name` and `changes` are those of `with_resilience`. Raises as it does.
    """
    return _decorator(manager, name, _service("database"), changes)


def with_mcp_resilience(
    name: str | None = None, *, manager: ResilienceManager | None = None, **changes: Unpack[ResilienceFields]
) -> Guard:
    """Guard calls of the tools of an MCP server: `with_resilience` with a policy that fits them.

    Four attempts of up to 60 s, ten at once, when the connection failed or the server did not answer; never for a tool
    that is not there, or arguments that are wrong. After five failures in a row the circuit opens for 60 s. If running
    a tool twice does harm, add ``retry={"idempotent": False}``.

    >>> @with_mcp_resilience("search-server")
    ... async def call_tool(name: str, query: str) -> str: ...

    `name` and `changes` are those of `with_resilience`. Raises as it does.
    """
    return _decorator(manager, name, _service("mcp"), changes)


def _service(kind: str) -> ResiliencePolicy:
    return ResiliencePolicy(**SERVICES[kind])
