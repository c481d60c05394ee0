"""The scenarios of `python -m tests.conformance` are sharp: a library that guards nothing, or guards naively, fails them."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest
from tests.conformance import labs
from tests.conformance.adapters.base import ASYNC, Adapter, Breaker, Bulkhead, Function, Lab, Limiter
from tests.conformance.playing import play
from tests.conformance.scenarios import SCENARIOS, Scenario

PATTERNS = ("retry", "circuit breaker", "bulkhead", "timeout", "rate limit", "fallback")


class NaiveLimiter(Limiter):
    def __init__(self) -> None:
        self.most = lambda window: window * 20

    def guard(self, function: Function, cost: int = 1) -> Function:
        return function


class NoGuard(Adapter):
    """Whatever it is asked for, it gives the function back as it is."""

    name = "no guard"
    package = "asyncio"
    patterns = dict.fromkeys(PATTERNS, ASYNC)

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        return function

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        return Breaker(lambda function: function)

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        return Bulkhead(lambda function: function)

    def timeout(self, lab: Lab, function: Function, seconds: float) -> Function:
        return function

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        return NaiveLimiter()

    def fallback(self, lab: Lab, function: Function, answer: Function) -> Function:
        return function

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        return function, function

    def fallback_around_breaker(self, lab: Lab, function: Function, value: str) -> Any:
        return function, lambda: None


class Naive(NoGuard):
    """A retry and a breaker as one writes them in five minutes: everything is a failure, and all state is simple."""

    name = "naive"

    def retry(self, lab: Lab, function: Function, *, attempts: int = 3, delay: float = 0.0, **options: Any) -> Function:
        async def retried(*arguments: Any, **keywords: Any) -> Any:
            for _ in range(attempts):
                try:
                    return await function(*arguments, **keywords)
                except BaseException:
                    with contextlib.suppress(BaseException):
                        await asyncio.sleep(delay or 1.0)
            raise ValueError("all attempts failed")

        return retried

    def breaker(self, lab: Lab, *, failures: int = 3, reset: float = 0.1, **options: Any) -> Breaker:
        failed = 0

        def guard(function: Function) -> Function:
            async def guarded(*arguments: Any) -> Any:
                nonlocal failed
                if failed >= failures:
                    raise RuntimeError("open")
                try:
                    return await function(*arguments)
                except BaseException:
                    failed += 1
                    raise

            return guarded

        breaker = Breaker(guard)
        breaker.refusals = (RuntimeError,)
        return breaker

    def bulkhead(self, lab: Lab, *, permits: int, queue: int = 0, patience: float = 5.0) -> Bulkhead:
        free = permits

        def guard(function: Function) -> Function:
            async def guarded(*arguments: Any) -> Any:
                nonlocal free
                while not free:
                    await asyncio.sleep(0.001)
                free -= 1
                answer = await function(*arguments)
                free += 1  # not if it fails
                return answer

            return guarded

        return Bulkhead(guard)

    def limiter(self, lab: Lab, *, limit: int, period: float, patience: float | None = None) -> Limiter:
        free_at = 0.0

        def guard(function: Function, cost: int = 1) -> Function:
            async def guarded() -> Any:
                nonlocal free_at
                now = asyncio.get_running_loop().time()
                free_at, turn = max(now, free_at) + cost * period / limit, free_at
                await asyncio.sleep(max(0.0, turn - now))  # the turn is lost if this is cancelled
                return await function()

            return guarded

        limiter = NaiveLimiter()
        limiter.guard = guard  # type: ignore[method-assign]
        return limiter

    def breaker_around_bulkhead(self, lab: Lab, function: Function, *, failures: int) -> tuple[Function, Function]:
        guard, busy = self.breaker(lab, failures=failures).guard, False

        async def one_at_a_time() -> Any:
            nonlocal busy
            if busy:
                raise ValueError("full")
            busy = True
            try:
                return await function()
            finally:
                busy = False

        return guard(one_at_a_time), guard(function)


# Nothing is in the way of a call there; that others fail all but the last of these is seen in the matrix.
EASY = {
    "failure-freed",
    "side-by-side",
    "failures-come-out",
    "bulkhead-two-loops",
    "large-not-starved",
    "limiter-two-loops",
}
SHARP = [
    scenario
    for scenario in SCENARIOS.values()
    if "async" in scenario.doors and not scenario.real_time and scenario.name not in EASY
]


@pytest.mark.parametrize("scenario", SHARP, ids=[scenario.name for scenario in SHARP])
def test_who_guards_nothing_or_naively_fails(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labs, "PATIENCE", 0.05)  # what is waited for in vain is given up sooner
    played = [play(scenario, library, "async", virtual=True) for library in (NoGuard(), Naive())]
    assert "failed" in {outcome.verdict for outcome in played}
