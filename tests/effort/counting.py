"""The effort of a call in things that can be counted: bytecodes of Python that run, and calls of C functions.

Time varies with the machine and with its mood; these do not. So they tell at once, in an ordinary test, if a change gave
the quiet path of a guard more to do. They are counted beyond those of a bare wrapper around the same function.

    python -m tests.effort.counting             prints them for this version of Python
    python -m tests.effort.counting --write     keeps them, when a change is meant
"""

from __future__ import annotations

import asyncio
import functools
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.benchmarks.contenders import bare_wrapper

import holdfast
from holdfast import ResiliencePolicy, TokenBucket

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

KEPT = Path(__file__).with_name("kept.json")
VERSION = f"{sys.version_info.major}.{sys.version_info.minor}"
_WARM = 20


def _plain(value: int) -> int:
    return value


async def _later(value: int) -> int:
    return value


def _breaker(function: Any) -> Any:
    return holdfast.CircuitBreaker().protect(function)


def _bulkhead(function: Any) -> Any:
    return holdfast.Bulkhead(holdfast.BulkheadConfig(max_concurrent=10)).protect(function)


def _limiter(function: Any) -> Any:
    bucket = TokenBucket(rate=1e6, capacity=10**6)
    return holdfast.with_rate_limit("effort", bucket)(function)


def _stack(function: Any) -> Any:
    return holdfast.with_retry()(_breaker(_bulkhead(function)))


def _limited_stack(function: Any) -> Any:
    return _stack(holdfast.with_timeout(30)(function))


def _policy(function: Any) -> Any:
    return holdfast.with_resilience("effort", ResiliencePolicy.database())(function)


GUARDS: dict[str, Callable[[Any], Any]] = {
    "retry": holdfast.with_retry(),
    "circuit breaker": _breaker,
    "bulkhead": _bulkhead,
    "rate limit": _limiter,
    "fallback": holdfast.with_fallback(value=None),
    "timeout": holdfast.with_timeout(30, mode="cooperative"),
    "retry, breaker, bulkhead": _stack,
    "retry, breaker, bulkhead, timeout (async)": _limited_stack,
    "one policy": _policy,
}


def effort(call: Callable[[], Any]) -> tuple[int, int]:
    """Return how many bytecodes and how many C calls one call takes; its result is awaited if it can be."""
    _counted(call, _Bytecodes)  # the interpreter may take a first time to begin counting
    return _counted(call, _Bytecodes), _counted(call, _CCalls)


class _Bytecodes:
    """Counts through the tracing of opcodes."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self) -> None:
        sys.settrace(self._trace)

    def end(self) -> None:
        sys.settrace(None)

    def _trace(self, frame: FrameType, event: str, _: Any) -> Any:
        frame.f_trace_opcodes = True
        self.count += event == "opcode"
        return self._trace


class _CCalls:
    """Counts through the profiling of calls."""

    def __init__(self) -> None:
        self.count = 0

    def begin(self) -> None:
        sys.setprofile(self._profile)

    def end(self) -> None:
        sys.setprofile(None)
        self.count -= 1  # the call of `setprofile` itself

    def _profile(self, _frame: FrameType, event: str, _: Any) -> None:
        self.count += event == "c_call"


def _counted(call: Callable[[], Any], kind: type[_Bytecodes | _CCalls]) -> int:
    counter = kind()

    async def main() -> None:
        for _ in range(_WARM):
            pending = call()
            if hasattr(pending, "__await__"):
                await pending
        counter.begin()
        pending = call()
        if hasattr(pending, "__await__"):
            await pending
        counter.end()

    before = sys.gettrace(), sys.getprofile()
    try:
        asyncio.run(main())
    finally:
        sys.settrace(before[0])
        sys.setprofile(before[1])
    return counter.count


def measure(guard: Callable[[Any], Any]) -> dict[str, list[int]]:
    """Return what the guard adds to a bare wrapper: bytecodes and C calls, for a plain and an async function."""
    found = {}
    for door, function in (("plain", _plain), ("async", _later)):
        guarded, bare = guard(function), bare_wrapper(function)
        mine, least = effort(functools.partial(guarded, 1)), effort(functools.partial(bare, 1))
        found[door] = [one - other for one, other in zip(mine, least, strict=True)]
    return found


def all_efforts() -> dict[str, dict[str, list[int]]]:
    """Measure all guards."""
    found = {name: measure(guard) for name, guard in GUARDS.items()}
    for name in [name for name in found if "(async)" in name]:
        del found[name]["plain"]  # in a worker thread, whose effort is not that of this one
    return found


if __name__ == "__main__":
    figures = all_efforts()
    if "--write" in sys.argv:
        kept = json.loads(KEPT.read_text(encoding="utf-8")) if KEPT.exists() else {}
        kept[VERSION] = figures
        lines = (f'"{version}": {json.dumps(kept[version])}' for version in sorted(kept))
        KEPT.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    for name, doors in figures.items():
        print(
            f"{name:42}",
            *(f"{door}: {codes:+d} bytecodes, {calls:+d} C calls;" for door, (codes, calls) in doors.items()),
        )
