"""What type checkers make of user code; `assert_type` fails under mypy and pyright, not at run time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, assert_type

from holdfast import (
    RetryManager,
    RetryPolicy,
    RetryResult,
    execute_with_retry,
    get_retry_policy,
    retrying,
    with_retry,
)


@with_retry
def bare(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@with_retry("mcp", max_attempts=2)
async def named(a: int) -> str:
    return "x"


@with_retry(RetryPolicy(max_attempts=2))
def with_policy(*args: int, **kwargs: str) -> list[int]:
    return []


class Service:
    @with_retry()
    def method(self, a: int) -> str:
        return str(a)

    @staticmethod
    @with_retry(max_attempts=2)
    async def static(a: int) -> str:
        return str(a)

    @classmethod
    @with_retry("none")
    def make(cls) -> Service:
        return cls()


async def fetch() -> bytes:
    return b""


def test_a_decorated_function_keeps_its_exact_type() -> None:
    assert_type(bare(1, "x", c=True), float)
    assert_type(with_policy(1, 2, key="x"), list[int])
    assert_type(Service().method(1), str)
    assert_type(Service.make(), Service)
    coroutine = named(1)
    assert assert_type(asyncio.run(coroutine), str) == "x"
    checked: Callable[[int], Coroutine[Any, Any, str]] = named
    assert asyncio.run(checked(1)) == "x"
    assert asyncio.run(Service.static(1)) == "1"


def test_wrong_arguments_are_seen_through_the_guard() -> None:
    def never_called() -> None:
        bare("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        bare(1, d=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        with_retry(max_attempts="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

    assert callable(never_called)


def test_execute_tells_sync_from_async() -> None:
    manager = RetryManager()
    assert_type(manager.execute(lambda: 1), RetryResult[int])
    assert_type(manager.execute_or_raise(lambda: 1), int)
    assert_type(execute_with_retry(lambda: "x", "network"), str)

    async def main() -> None:
        assert_type(await manager.execute(fetch), RetryResult[bytes])
        assert_type(await manager.execute_or_raise(fetch), bytes)
        assert_type(await execute_with_retry(fetch, max_attempts=2), bytes)
        assert_type((await manager.execute(fetch)).value, bytes | None)
        async for attempt in retrying("agent"):
            with attempt:
                assert_type(attempt.number, int)

    asyncio.run(main())


def test_a_policys_fields_have_their_normal_form() -> None:
    policy = get_retry_policy("mcp").replace(attempt_timeout=5)
    assert_type(policy, RetryPolicy)
    assert_type(policy.attempt_timeout, float | None)
    assert_type(policy.max_attempts, int)
