"""Guards right on top of one another: only the innermost looks at results, and what is to be awaited is guarded by all."""

from __future__ import annotations

import asyncio
import functools
import gc
import weakref
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import run_virtual

from holdfast import (
    Bulkhead,
    BulkheadConfig,
    CircuitBreaker,
    CircuitBreakerConfig,
    RetryPolicy,
    with_retry,
)
from holdfast._runtime import tailor
from holdfast.testing import VirtualClock

if TYPE_CHECKING:
    from collections.abc import Callable


class Service:
    """A plain function that answers now, or gives something to await, as its script says."""

    def __init__(self, *script: Any) -> None:
        self.script = list(script)
        self.calls = 0
        self.inside = 0

    def __call__(self, *_: Any) -> Any:
        step = self.script[min(self.calls, len(self.script) - 1)]
        self.calls += 1
        if step == "fail":
            raise ConnectionResetError
        if step == "now":
            return self.calls
        return self._later(step)

    async def _later(self, step: str) -> int:
        self.inside += 1
        await asyncio.sleep(0)
        self.inside -= 1
        if step == "fail later":
            raise ConnectionResetError
        return self.calls


class Stack:
    """The three guards around a plain function, or some of them."""

    def __init__(self, service: Service, order: str, **policy: Any) -> None:
        self.clock = VirtualClock()
        self.bulkhead = Bulkhead(BulkheadConfig(max_concurrent=1, max_queue=10), clock=self.clock)
        self.breaker = CircuitBreaker(CircuitBreakerConfig(failure_threshold=100), clock=self.clock)

        def call(value: int = 0) -> Any:
            return service(value)

        guards: dict[str, Callable[[Any], Any]] = {
            "bulkhead": self.bulkhead.protect,
            "breaker": self.breaker.protect,
            "retry": with_retry(RetryPolicy(**policy), clock=self.clock),
        }
        self.layers: list[Any] = [call]
        for name in order.split()[::-1]:
            self.layers.append(guards[name](self.layers[-1]))
        self.call = self.layers[-1]


ORDERS = [
    "retry breaker bulkhead",
    "retry bulkhead breaker",
    "retry breaker",
    "retry bulkhead",
    "breaker bulkhead",
    "retry retry breaker",
]


@pytest.mark.parametrize("order", ORDERS)
def test_plain_results_and_awaitable_ones_come_out_as_what_they_are(order: str) -> None:
    service = Service("now", "later", "now", "later", "now")
    stack = Stack(service, order)
    assert stack.call() == 1

    async def main() -> None:
        pending = stack.call()
        assert await pending == 2
        assert stack.call() == 3
        assert await stack.call(7) == 4

    run_virtual(main())
    assert stack.call() == 5


@pytest.mark.parametrize("order", [order for order in ORDERS if "retry" in order])
def test_what_fails_while_it_is_awaited_is_tried_again(order: str) -> None:
    service = Service("fail later", "fail", "later")
    stack = Stack(service, order)

    async def main() -> None:
        assert await stack.call() == 3

    run_virtual(main())
    assert service.calls == 3
    if "breaker" in order:
        metrics = stack.breaker.metrics
        assert (metrics.failed_requests, metrics.successful_requests) == (2, 1)


@pytest.mark.parametrize("order", [order for order in ORDERS if "bulkhead" in order])
def test_a_permit_is_held_while_the_result_is_awaited(order: str) -> None:
    service = Service("later")
    stack = Stack(service, order)
    seen = []

    async def main() -> None:
        async def one() -> None:
            await stack.call()

        async def watch() -> None:
            for _ in range(10):
                seen.append(service.inside)
                await asyncio.sleep(0)

        await one()  # from now on the type of the result is no news
        await asyncio.gather(watch(), stack.call())

    run_virtual(main())
    assert max(seen) == 1
    assert stack.bulkhead.metrics.active == 0


def test_the_slow_ways_hand_on_what_is_to_be_awaited_too() -> None:
    """A full bulkhead and a half-open circuit take other paths than a quiet call does."""
    service = Service("later")
    stack = Stack(service, "retry breaker bulkhead")
    stack.breaker.force_open()
    stack.breaker.reset()
    stack.breaker.on("state_change", lambda _: None)

    async def main() -> None:
        assert await stack.call() == 1
        permit = stack.bulkhead.acquire()
        permit.release()
        assert await stack.call() == 2

    run_virtual(main())
    busy = Stack(Service("later"), "retry breaker bulkhead")
    busy.bulkhead.on("queued", lambda _: None)

    async def again() -> None:
        assert await busy.call() == 1
        assert await busy.call() == 2

    run_virtual(again())
    assert busy.bulkhead.metrics.active == 0


def test_an_open_circuit_that_tries_again_hands_on_what_is_to_be_awaited() -> None:
    service = Service("fail", "later")
    stack = Stack(service, "retry breaker bulkhead", max_attempts=1)
    stack.breaker.adjust(
        CircuitBreakerConfig(failure_threshold=1, minimum_requests=1, success_threshold=1, reset_timeout=5)
    )
    with pytest.raises(ConnectionResetError):
        stack.call()
    stack.clock.advance(6)

    async def main() -> None:
        assert await stack.call() == 2

    run_virtual(main())
    assert stack.breaker.state == "CLOSED"


@pytest.mark.parametrize(
    "fields",
    [
        {"attempt_timeout": 30},
        {"total_timeout": 30},
        {"classify_results": True},
        {"retry_on_result": lambda value: value == 1},
    ],
)
def test_policies_that_watch_more_than_failures_see_all_of_it(fields: dict[str, Any]) -> None:
    service = Service("fail later", "later")
    stack = Stack(service, "retry breaker bulkhead", **fields)

    async def main() -> None:
        assert await stack.call() == 2

    run_virtual(main())
    quick = Stack(Service("fail", "now", "now"), "retry breaker bulkhead", **fields)
    assert quick.call() == 2


def test_each_layer_called_by_itself_returns_what_is_to_be_awaited() -> None:
    stack = Stack(Service("later"), "retry breaker bulkhead")

    async def main() -> None:
        for number, layer in enumerate(stack.layers, start=1):
            assert await layer() == number

    run_virtual(main())


def test_a_decorator_of_the_users_own_in_between_is_not_passed_by() -> None:
    seen = []
    stack = Stack(Service("later", "now"), "breaker bulkhead")

    @functools.wraps(stack.call)
    def between(*args: Any) -> Any:
        seen.append(args)
        return stack.call(*args)

    call = with_retry(RetryPolicy(), clock=stack.clock)(between)

    async def main() -> None:
        assert await call(1) == 1

    run_virtual(main())
    assert call(2) == 2
    assert seen == [(1,), (2,)]


def test_interruptions_pass_as_they_are() -> None:
    class Interrupting(Service):
        def __call__(self, *_: Any) -> Any:
            raise KeyboardInterrupt

    stack = Stack(Interrupting("now"), "retry breaker bulkhead")
    with pytest.raises(KeyboardInterrupt):
        stack.call()
    assert stack.bulkhead.metrics.active == 0


def test_what_was_handed_on_leaves_nothing_behind() -> None:
    """Neither the exception that carried it nor the awaitable stays alive, and no rubbish waits for the collector."""
    stack = Stack(Service("later"), "retry breaker bulkhead")

    async def main() -> None:
        await stack.call()
        gc.collect()
        gc.disable()
        try:
            pending = stack.call()
            left = weakref.ref(pending)
            await pending
            del pending
            assert left() is None
            assert [each for each in gc.get_objects() if type(each) is tailor.Handed] == []
        finally:
            gc.enable()

    run_virtual(main())


def test_a_guard_of_a_function_that_calls_itself_by_name_goes_with_it() -> None:
    """The function holds its wrapper then, and the wrapper the function: nothing else may hold either."""

    def made() -> list[weakref.ref[Any]]:
        breaker = CircuitBreaker()

        @breaker.protect
        def count(left: int) -> int:
            return count(left - 1) if left else 0

        outer = with_retry(RetryPolicy())(count)
        assert outer(3) == 0
        return [weakref.ref(breaker), weakref.ref(count), weakref.ref(outer)]

    gone = made()
    gc.collect()
    assert [each() for each in gone] == [None, None, None]


def test_attributes_that_another_decorator_copied_do_not_make_it_ours() -> None:
    stack = Stack(Service("now"), "breaker bulkhead")

    def other() -> Any:
        return "the other one"

    functools.update_wrapper(other, stack.call)
    assert tailor.beneath(other) is other
    assert with_retry(RetryPolicy())(other)() == "the other one"
