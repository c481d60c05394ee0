"""What type checkers make of fallbacks in user code; `assert_type` fails under mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import assert_type

from holdfast import (
    Fallback,
    FallbackConfig,
    FallbackMetrics,
    Instead,
    LastGood,
    Value,
    get_fallback,
    register_fallback,
    with_fallback,
)


@with_fallback(value=0.0, on=(ValueError, "EXTERNAL"))
def number(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@with_fallback(value=None)
def perhaps(a: int) -> float:
    return 1.5


@with_fallback(list, last_good=LastGood(max_age=60))
async def search(query: str) -> list[str]:
    return [query]


@with_fallback(value=None)
async def perhaps_later(query: str) -> list[str]:
    return [query]


@with_fallback({TimeoutError: [Instead(number), Value(1.0)]}, on=lambda error: True)
def chained(a: int) -> float:
    return 1.5


class Service:
    @with_fallback("types")
    def method(self, a: int) -> str:
        return str(a)

    @staticmethod
    @with_fallback(FallbackConfig(value=""))
    def static(a: int) -> str:
        return str(a)


async def fetch() -> bytes:
    return b""


def test_a_decorated_function_keeps_its_exact_type() -> None:
    assert_type(register_fallback("types", value="none"), Fallback)
    assert_type(number(1, "x", c=True), float)
    assert_type(chained(1), float)
    assert_type(Service().method(1), str)
    assert_type(Service.static(1), str)
    assert assert_type(asyncio.run(search("kelp")), list[str]) == ["kelp"]


def test_none_in_place_of_a_result_is_seen_by_the_type_checker() -> None:
    assert_type(perhaps(1), float | None)
    assert assert_type(asyncio.run(perhaps_later("kelp")), list[str] | None) == ["kelp"]


def test_wrong_arguments_are_seen_through_the_guard() -> None:
    def never_called() -> None:
        number("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with_fallback(valeu=1)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
        LastGood(max_age="x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]

    assert callable(never_called)


def test_execute_tells_sync_from_async() -> None:
    fallback = register_fallback("types", value=b"")
    assert_type(get_fallback("types").metrics, FallbackMetrics)
    assert_type(fallback.execute(lambda: 1), int)

    async def main() -> None:
        assert_type(await fallback.execute(fetch), bytes)
        assert_type(await fallback.protect(fetch)(), bytes)

    asyncio.run(main())
