"""What type checkers make of policies for the whole call in user code; `assert_type` fails under mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import assert_type

from holdfast import (
    ResilienceManager,
    ResiliencePolicy,
    RetryPolicy,
    TokenBucket,
    disabled,
    set_enabled,
    with_database_resilience,
    with_llm_resilience,
    with_mcp_resilience,
    with_resilience,
)
from holdfast.resilience import WorstCase

POLICY = ResiliencePolicy.api(
    retry={"max_attempts": 4},
    bulkhead={"max_concurrent": 5},
    rate_limit=TokenBucket(rate=1000, capacity=1000),
    timeout_mode="cooperative",
    fallback=lambda: None,
)


@with_resilience("types of policies", POLICY, timeout=5)
def plain(a: int, /, b: str = "", *, c: bool = False) -> float:
    return a / 2


@with_resilience("types of presets", "api", retry=RetryPolicy.network())
async def later(a: int) -> str:
    return str(a)


@with_llm_resilience("types of models")
async def complete(prompt: str) -> str:
    return prompt


@with_database_resilience(timeout_mode="cooperative")
def store(order: str) -> None:
    del order


class Client:
    @with_mcp_resilience("types of tools", timeout=3)
    async def call(self, tool: str) -> bytes:
        return tool.encode()

    @with_resilience("types of methods", "critical", timeout_mode="cooperative")
    @classmethod
    def of_class(cls) -> Client:
        return cls()


def test_decorated_functions_keep_their_types() -> None:
    assert_type(plain(3, b="", c=True), float)
    assert_type(Client.of_class(), Client)

    async def main() -> None:
        assert_type(await later(3), str)
        assert_type(await complete("a"), str)
        assert_type(await Client().call("a"), bytes)

    asyncio.run(main())
    store("x")


def _refused_by_type_checkers() -> None:
    plain("3")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    plain(a=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    with_resilience("x", timout=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def test_the_manager_gives_back_what_the_operation_gives() -> None:
    manager = ResilienceManager()
    assert_type(manager.execute("types of policies", lambda: 3, POLICY), int)
    assert_type(manager.register("types of policies", POLICY, timeout=3), ResiliencePolicy)

    async def main() -> None:
        assert_type(await manager.execute("types of policies", lambda: later(3)), str)
        assert_type(await manager.protect(later, "types of policies")(3), str)

    asyncio.run(main())


def test_policies_and_the_switch() -> None:
    assert_type(POLICY.worst_case, WorstCase)
    assert_type(POLICY.describe(), str)
    assert_type(POLICY.timeout, float | None)
    assert_type(POLICY.replace(timeout=3), ResiliencePolicy)
    set_enabled(True)
    with disabled() as nothing:
        assert_type(nothing, None)
