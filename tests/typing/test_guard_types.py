"""What type checkers make of breakers, bulkheads and timeouts in user code; `assert_type` fails under mypy and pyright."""

from __future__ import annotations

import asyncio
from typing import assert_type

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    CircuitState,
    Deadline,
    TimeoutConfig,
    TimeoutManager,
    bulkhead,
    create_bulkhead,
    create_circuit_breaker,
    current_deadline,
    deadline,
    get_breaker_registry,
    get_bulkhead_registry,
    get_timeout_manager,
    time_left,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)


@with_circuit_breaker
def bare_breaker(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@bulkhead
def bare_bulkhead(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@with_circuit_breaker("types", failure_threshold=3, key=lambda host: host)
def keyed(host: str) -> bytes:
    return host.encode()


@with_timeout(10, fallback="none", mode="thread")
def limited(a: int, /, b: str = "", *, c: bool = False) -> float:
    return 1.5


@with_retry("network")
@with_circuit_breaker(CircuitBreakerConfig(reset_timeout=5))
@bulkhead("types", max_concurrent=2)
@with_timeout(TimeoutConfig(seconds=10))
async def all_four(a: int) -> str:
    return str(a)


class Service:
    @bulkhead(BulkheadConfig(max_concurrent=3))
    def method(self, a: int) -> str:
        return str(a)

    @staticmethod
    @with_circuit_breaker()
    def static(a: int) -> str:
        return str(a)


async def fetch() -> bytes:
    return b""


def test_a_decorated_function_keeps_its_exact_type() -> None:
    assert_type(bare_breaker(1, "x", c=True), float)
    assert_type(bare_bulkhead(1, "x", c=True), float)
    assert_type(limited(1, "x", c=True), float)
    assert_type(keyed("a"), bytes)
    assert_type(Service().method(1), str)
    assert_type(Service.static(1), str)
    assert assert_type(asyncio.run(all_four(1)), str) == "1"


def test_wrong_arguments_are_seen_through_the_guards() -> None:
    def never_called() -> None:
        bare_breaker("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        bare_bulkhead(1, d=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
        limited("x")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        with_timeout()  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
        bulkhead("x", max_concurrent="3")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]

    assert callable(never_called)


def test_execute_tells_sync_from_async() -> None:
    breaker, guard = create_circuit_breaker("types"), create_bulkhead("types", 1, 0)
    assert_type(breaker, CircuitBreaker)
    assert_type(guard, Bulkhead)
    assert_type(breaker.execute(lambda: 1), int)
    assert_type(guard.execute(lambda: "x"), str)

    async def main() -> None:
        assert_type(await breaker.execute(fetch), bytes)
        assert_type(await guard.execute(fetch), bytes)
        assert_type(await breaker.protect(fetch)(), bytes)

    asyncio.run(main())


def test_registries_give_what_they_hold() -> None:
    assert_type(get_breaker_registry().get_or_create("types"), CircuitBreaker)
    assert_type(get_breaker_registry().get_by_state(CircuitState.OPEN), dict[str, CircuitBreaker])
    assert_type(get_breaker_registry().get("types"), CircuitBreaker)
    assert_type(get_bulkhead_registry().get_or_create("types"), Bulkhead)
    assert_type(get_bulkhead_registry().get_all(), dict[str, Bulkhead])


def test_timeouts_and_deadlines() -> None:
    manager = TimeoutManager()
    assert_type(get_timeout_manager(), TimeoutManager)
    assert_type(manager.register("types", 10), TimeoutConfig)
    assert_type(manager.execute(lambda: 1, 10), int)
    assert_type(current_deadline(), Deadline | None)
    assert_type(time_left(), float | None)
    assert_type(time_left(10), float)
    with deadline(5) as block:
        assert_type(block, Deadline)
        assert_type(block.carry(bare_breaker)(1, "x"), float)

    async def main() -> None:
        assert_type(await manager.execute(fetch, 10), bytes)
        assert_type(await manager.protect(fetch, timeout="types")(), bytes)
        async with deadline(5) as inner:
            assert_type(inner, Deadline)

    asyncio.run(main())
