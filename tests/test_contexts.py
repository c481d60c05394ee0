"""Context variables where the collector ends what nobody has finished: nothing is set there, and nothing lasts."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from contextvars import Context, ContextVar, copy_context
from types import coroutine
from typing import Any

import pytest
from tests.support import run_virtual

from holdfast import (
    Bulkhead,
    CircuitBreaker,
    RetryPolicy,
    correlation_id,
    current_deadline,
    deadline,
    disabled,
    get_correlation_id,
    retrying,
    with_circuit_breaker,
    with_timeout,
)
from holdfast._runtime.leftovers import holding
from holdfast._runtime.queueing import Stopwatch, queued
from holdfast.contexts import Span, apart, innermost, restore
from holdfast.events import subscribe
from holdfast.switch import is_enabled
from holdfast.timeout.marks import current

LONG = 60.0
told: ContextVar[str] = ContextVar("told", default="nothing")
variable: ContextVar[Span | None] = ContextVar("variable", default=None)


@coroutine
def suspended() -> Generator[None, None, None]:
    yield


def entered(block: Any) -> Any:
    block.__enter__()
    return block


def in_generator(make: Callable[[], AbstractContextManager[Any]]) -> Generator[None, None, None]:
    def generator() -> Generator[None, None, None]:
        with make():
            yield

    begun = generator()
    next(begun)
    return begun


def attempts_in_generator() -> Generator[None, None, None]:
    def generator() -> Generator[None, None, None]:
        for attempt in retrying(RetryPolicy(attempt_timeout=LONG)):
            with attempt:
                yield

    begun = generator()
    next(begun)
    return begun


def first_attempt() -> Any:
    return entered(next(iter(retrying(RetryPolicy(attempt_timeout=LONG)))))


def listened_to() -> CircuitBreaker:
    breaker = CircuitBreaker()
    breaker.on("call", lambda event: told.set(str(event)))
    return breaker


def guarded_coroutine(guard: Callable[[Any], Any]) -> Any:
    async def call() -> None:
        await suspended()

    begun = guard(call)()
    begun.send(None)
    return begun


UNFINISHED: dict[str, Callable[[], Any]] = {
    "a breaker's permit": lambda: listened_to().acquire(),
    "a breaker's permit in a block": lambda: entered(listened_to().acquire()),
    "a breaker's permit in a generator": lambda: in_generator(listened_to().acquire),
    "a breaker's coroutine": lambda: guarded_coroutine(with_circuit_breaker(slow_call_duration_threshold=LONG)),
    "a bulkhead's permit in a block": lambda: entered(Bulkhead().acquire()),
    "a bulkhead's permit in a generator": lambda: in_generator(lambda: Bulkhead().acquire()),
    "a deadline": lambda: entered(deadline(LONG)),
    "a deadline in a generator": lambda: in_generator(lambda: deadline(LONG)),
    "an attempt": first_attempt,
    "an attempt in a generator": attempts_in_generator,
    "an id in a generator": lambda: in_generator(correlation_id),
    "switched off": lambda: entered(disabled()),
    "switched off in a generator": lambda: in_generator(disabled),
}


class Knot:
    """Keeps something until the collector comes."""

    def __init__(self, kept: object) -> None:
        self.kept = kept
        self.me = self


@pytest.mark.parametrize("what", UNFINISHED)
def test_what_the_collector_ends_is_over_and_sets_no_variable(what: str) -> None:
    def main() -> None:
        Knot(UNFINISHED[what]())
        before = dict(copy_context().items())
        gc.collect()
        assert dict(copy_context().items()) == before
        assert told.get() == "nothing"
        assert current_deadline() is None
        assert get_correlation_id() is None
        assert is_enabled()
        assert innermost(holding.get()) is None

    copy_context().run(main)


def collect_while_a_variable_is_set() -> None:
    """Have the collector come in at each allocation of `ContextVar.set`, if this is a Python where it does that."""
    setting: ContextVar[int] = ContextVar("setting")
    others: list[ContextVar[int]] = [ContextVar(f"other {number}") for number in range(20)]
    for other in others:  # so many are kept in a tree with inner nodes
        other.set(0)
    for what, make in UNFINISHED.items():
        print(what, flush=True)
        make()
        gc.collect()
        gc.disable()
        for number in range(48):
            Knot(make())
            gc.set_threshold(gc.get_count()[0] + number % 12, 1000, 1000)
            gc.enable()
            token = setting.set(number)
            gc.disable()
            gc.collect()
            setting.reset(token)


def test_whenever_the_collector_comes_python_does_not_crash() -> None:
    """What it frees is overwritten here, so that whoever still reads it is seen to."""
    code = "from tests.test_contexts import *; collect_while_a_variable_is_set()"
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONMALLOC": "debug", "PYTHONPATH": os.pathsep.join([".", "src"])},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, f"{ended.stderr}\nwith {ended.stdout.splitlines()[-1:]}"
    assert ended.stdout.splitlines() == list(UNFINISHED)


def test_who_listens_changes_no_variable_of_the_call() -> None:
    with_listener = listened_to()
    end = subscribe(lambda event: told.set(event.name))
    try:
        with_listener.execute(lambda: None)
        with_listener.force_open()
    finally:
        end()
    assert told.get() == "nothing"


# Coroutines that are dropped while others run.


def test_a_coroutine_that_is_dropped_leaves_the_stopwatch_of_who_runs_alone() -> None:
    dropped = copy_context().run(guarded_coroutine, with_circuit_breaker(slow_call_duration_threshold=LONG))
    watch = Stopwatch(0.0)
    with watch:
        dropped.close()
        queued(1.0, 3.0)
    assert watch.elapsed(10.0) == 8.0


def test_a_stopwatch_that_is_over_is_told_no_more_but_the_one_around_it_is() -> None:
    outer, inner = Stopwatch(0.0), Stopwatch(0.0)
    with outer:
        with inner:
            begun_in_it = copy_context()
        begun_in_it.run(queued, 1.0, 3.0)
    assert inner.elapsed(10.0) == 10.0
    assert outer.elapsed(10.0) == 8.0


# Attempts and blocks that are dropped.


def test_an_attempt_that_is_dropped_cuts_nobody() -> None:
    async def main() -> None:
        async for attempt in retrying(RetryPolicy(attempt_timeout=LONG)):
            await attempt.__aenter__()
            assert current_deadline() is not None
            break
        del attempt
        gc.collect()
        assert current_deadline() is None
        await asyncio.sleep(2 * LONG)

    run_virtual(main())


def test_blocks_that_are_dropped_one_after_the_other_make_no_chain() -> None:
    def main() -> None:
        for _ in range(10):
            Knot(in_generator(lambda: deadline(LONG)))
            gc.collect()
        mark = current.get()
        assert mark is not None
        assert mark[5] is not None
        assert mark[5].outer is None

    copy_context().run(main)


async def test_a_call_in_a_block_has_no_further_mark_if_the_block_is_nearer() -> None:
    @with_timeout(2 * LONG)
    async def call() -> Any:
        return current.get()

    async with deadline(LONG):
        assert await call() is current.get()


async def test_what_was_begun_in_a_call_keeps_its_limit_and_no_more() -> None:
    begun: list[asyncio.Task[Any]] = []

    async def look() -> Any:
        return current.get()

    @with_timeout(1.0)
    async def call() -> None:
        begun.append(asyncio.create_task(look()))

    with deadline(LONG):
        await call()
    mark = await begun[0]
    assert mark is not None
    assert mark[3].seconds == 1.0
    assert mark[5] is None or (mark[5].is_open and mark[5].outer is None)


# The parts.


def test_a_span_is_seen_until_it_is_left_and_in_what_was_begun_in_it_nobody_sees_it_then() -> None:
    outer, inner = Span(), Span()
    outer.enter(variable)
    inner.enter(variable)
    begun_in_it = copy_context()
    assert innermost(variable.get()) is inner
    inner.leave(variable, None)
    assert variable.get() is outer
    assert begun_in_it.run(lambda: innermost(variable.get())) is outer
    outer.leave(variable, None)
    assert variable.get() is None
    assert begun_in_it.run(lambda: innermost(variable.get())) is None


def test_a_span_that_is_left_elsewhere_is_over_here_and_changes_nothing_there() -> None:
    here, there = Span(), Span()
    elsewhere = Context()
    elsewhere.run(there.enter, variable)
    here.enter(variable)
    elsewhere.run(here.leave, variable, None)
    assert elsewhere.run(variable.get) is there
    assert variable.get() is here
    assert innermost(variable.get()) is None
    restore(variable, here, None, None)


def test_spans_that_overlap_for_ever_make_no_chain() -> None:
    def main() -> None:
        before = Span()
        before.enter(variable)
        for _ in range(100):
            span = Span()
            span.enter(variable)
            before.leave(variable, None)
            before = span
        length, span_or_none = 0, variable.get()
        while span_or_none is not None:
            length, span_or_none = length + 1, span_or_none.outer
        assert length <= 3

    copy_context().run(main)


@pytest.mark.parametrize(("error", "expected"), [(None, "before"), (KeyError(), "before"), (GeneratorExit(), "here")])
def test_a_variable_is_restored_unless_the_collector_may_be_at_work(error: object, expected: str) -> None:
    def main() -> None:
        told.set("here")
        restore(told, told.get(), "before", error)
        assert told.get() == expected
        restore(told, "elsewhere", "before", None)
        assert told.get() == expected

    copy_context().run(main)


def test_what_is_called_apart_sets_nothing_here() -> None:
    assert apart(lambda word: (told.set(word), told.get())[1], "there") == "there"
    assert told.get() == "nothing"
