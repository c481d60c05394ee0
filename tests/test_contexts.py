"""Context variables where the collector ends what nobody has finished: nothing is set there, and nothing lasts."""

from __future__ import annotations

import asyncio
import gc
import os
import subprocess
import sys
import weakref
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import Context, ContextVar, copy_context
from types import coroutine
from typing import Any

import pytest
from tests.support import run_virtual

from holdfast import (
    Bulkhead,
    CircuitBreaker,
    RetryPolicy,
    contexts,
    correlation_id,
    current_deadline,
    deadline,
    disabled,
    get_correlation_id,
    retrying,
    with_circuit_breaker,
    with_retry,
    with_timeout,
)
from holdfast._runtime.leftovers import holding
from holdfast._runtime.queueing import Stopwatch, queued
from holdfast.contexts import Span, aside, collecting, innermost
from holdfast.events import subscribe
from holdfast.retry.call import _under
from holdfast.switch import is_enabled
from holdfast.testing import VirtualClock
from holdfast.timeout.marks import Limit, current

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


def swallowing(make: Callable[[], AbstractContextManager[Any]]) -> Generator[None, None, None]:
    """What ends it is not seen by the block."""

    def generator() -> Generator[None, None, None]:
        with make(), suppress(GeneratorExit):
            yield

    begun = generator()
    next(begun)
    return begun


def cleaning_up(guard: Callable[[Any], Any]) -> Generator[None, None, None]:
    """Makes a guarded call when it is ended."""
    clean_up = guard(lambda: None)
    clean_up()

    def generator() -> Generator[None, None, None]:
        try:
            yield
        finally:
            clean_up()

    begun = generator()
    next(begun)
    return begun


def quick_coroutine() -> Any:
    begun = QUICK()
    begun.send(None)
    return begun


ASKING_BEFORE_3_12 = {"a call in place that is made at the end", "a call of what leaves work behind at the end"}
IN_PLACE = with_timeout(LONG, mode="cooperative")
"""From 3.12 on it does not ask whether the collector is at work, as it need not."""


@with_timeout(LONG)
async def QUICK() -> None:  # noqa: N802
    await suspended()


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
    "a deadline in a generator that swallows its end": lambda: swallowing(lambda: deadline(LONG)),
    "an id in a generator that swallows its end": lambda: swallowing(correlation_id),
    "a permit in a generator that swallows its end": lambda: swallowing(lambda: Bulkhead().acquire()),
    "a call in place that is made at the end": lambda: cleaning_up(with_timeout(LONG, mode="cooperative")),
    "a timed attempt that is made at the end": lambda: cleaning_up(with_retry(RetryPolicy(attempt_timeout=LONG))),
    "a timed attempt on the long way at the end": lambda: cleaning_up(
        with_retry(RetryPolicy(attempt_timeout=LONG, retry_on_result=lambda result: result == "bad"))
    ),
    "a call of what leaves work behind at the end": lambda: cleaning_up(
        lambda function: Bulkhead().protect(with_timeout(LONG, mode="cooperative")(with_timeout(LONG)(function)))
    ),
    "a call that is timed by a breaker at the end": lambda: cleaning_up(
        with_circuit_breaker(slow_call_duration_threshold=LONG)
    ),
    "a call in a bulkhead at the end": lambda: cleaning_up(Bulkhead().protect),
    "blocks at the end": lambda: cleaning_up(lambda _: with_blocks),
}


def with_blocks() -> None:
    with deadline(LONG), correlation_id(), disabled():
        pass


@contextmanager
def as_in_the_collector() -> Iterator[None]:
    """For this thread all is as it is while the collector is at work, before 3.12."""
    callbacks = gc.callbacks[:]
    gc.callbacks.clear()
    told = object()
    contexts._told_here.start = contexts._told["start"] = told
    contexts.phases.move_to_end("start")
    try:
        yield
    finally:
        contexts.phases.move_to_end("stop")
        gc.callbacks[:] = callbacks


class Knot:
    """Keeps something until the collector comes."""

    def __init__(self, kept: object) -> None:
        self.kept = kept
        self.me = self


@pytest.mark.parametrize("what", UNFINISHED)
@pytest.mark.parametrize("within", [False, True])
def test_what_the_collector_ends_is_over_and_before_3_12_sets_no_variable(what: str, within: bool) -> None:
    def main() -> None:
        Knot(UNFINISHED[what]())
        before = dict(copy_context().items())
        gc.collect()
        assert current_deadline() is None
        assert get_correlation_id() is None
        assert is_enabled()
        assert innermost(holding.get()) is None
        if within and (sys.version_info < (3, 12) or what not in ASKING_BEFORE_3_12):
            assert dict(copy_context().items()) == before
            assert told.get() == "nothing"

    with as_in_the_collector() if within else nullcontext():  # as before 3.12
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


def test_it_is_known_in_which_thread_the_collector_is_at_work() -> None:
    assert not collecting()
    with ThreadPoolExecutor(1) as other:
        assert not other.submit(collecting).result()
        with as_in_the_collector():
            assert collecting()
            assert not other.submit(collecting).result()
            contexts._told_here.start = object()
            assert not collecting()
    assert not collecting()


def test_what_a_finaliser_finds() -> None:
    found: list[bool] = []

    class Finalised(Knot):
        def __del__(self) -> None:
            found.append(collecting())

    Finalised(None)
    gc.collect()
    assert found == [sys.version_info < (3, 12)]


def test_nothing_of_ours_that_the_collector_calls_handles_signals() -> None:
    """What is raised by a handler in a function of Python that the collector calls would be lost."""
    code = "import gc; before = gc.callbacks[:]; import holdfast; print(*(type(each) for each in gc.callbacks[len(before):]))"
    called = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout
    kinds = ["<class 'functools.partial'>", "<class 'method-wrapper'>", "<class 'builtin_function_or_method'>"]
    assert called.strip() == ("" if sys.version_info >= (3, 12) else " ".join(kinds))


def test_within_the_collector_who_listens_changes_no_variable() -> None:
    breaker = listened_to()
    end = subscribe(lambda event: told.set(event.name))
    try:
        with as_in_the_collector():
            breaker.execute(lambda: None)
            breaker.force_open()
        assert told.get() == "nothing"
        assert copy_context().run(lambda: [breaker.reset(), told.get()][1]) != "nothing"  # type: ignore[func-returns-value]
    finally:
        end()


def test_within_the_collector_a_carried_function_is_called_as_it_is() -> None:
    with deadline(LONG) as limit:
        carried = limit.carry(lambda *args, **kwargs: (args, kwargs, current.get()))
    assert carried(1, key=2)[:2] == ((1,), {"key": 2})
    assert carried()[2] is not None
    with as_in_the_collector():
        assert carried(1, key=2) == ((1,), {"key": 2}, None)


@pytest.mark.parametrize("within", [False, True])
def test_an_attempt_in_place_that_took_too_long_is_told_so_within_the_collector_too(within: bool) -> None:
    class Over:
        def open(self) -> None:
            current.set((0.0, float, None, Limit(1.0, "timeout"), 0, None))

        def close(self, error: BaseException) -> Exception:
            return TimeoutError("it took too long")

    def main() -> None:
        with as_in_the_collector() if within else nullcontext(), pytest.raises(TimeoutError, match="it took too long"):
            _under(Over(), lambda: 1 / 0)  # type: ignore[arg-type]
        assert (current.get() is None) is not within

    copy_context().run(main)


@pytest.mark.parametrize(
    "guard",
    [
        with_retry(RetryPolicy(attempt_timeout=LONG)),
        with_retry(RetryPolicy(attempt_timeout=LONG, retry_on_result=lambda result: result == "bad")),
        IN_PLACE,
        with_circuit_breaker(timeout=LONG, timeout_mode="cooperative"),
    ],
)
def test_within_the_collector_a_call_in_place_has_no_mark(guard: Callable[[Any], Any]) -> None:
    look = guard(lambda: current.get())
    for _ in range(2):
        assert look() is not None
    with as_in_the_collector():
        if sys.version_info < (3, 12) or guard is not IN_PLACE:
            assert look() is None


# Blocks of generators that are left early: by `break`, they end then and there.


def leaving_early(make: Callable[[], AbstractContextManager[Any]]) -> Generator[int, None, None]:
    with make():
        yield from range(5)


async def test_a_limit_is_gone_with_its_call_though_a_generator_in_it_was_left_early(clock: VirtualClock) -> None:
    @with_retry(RetryPolicy(attempt_timeout=LONG, max_attempts=1))
    async def first() -> None:
        for _ in leaving_early(lambda: deadline(LONG / 2)):
            break

    await first()
    assert current_deadline() is None


async def test_a_limit_is_gone_with_its_call_though_a_generator_in_it_goes_on() -> None:
    @with_retry(RetryPolicy(attempt_timeout=LONG, max_attempts=1))
    async def first() -> Generator[int, None, None]:
        begun = leaving_early(lambda: deadline(LONG / 2))
        next(begun)
        return begun

    begun = await first()
    assert current_deadline() is not None
    begun.close()
    assert current_deadline() is None


async def test_a_limit_is_gone_with_its_call_though_generators_in_one_another_go_on() -> None:
    @with_retry(RetryPolicy(attempt_timeout=LONG, max_attempts=1))
    async def first() -> list[Generator[int, None, None]]:
        begun = [leaving_early(lambda: deadline(LONG / 2)), leaving_early(lambda: deadline(LONG / 3))]
        for each in begun:
            next(each)
        return begun

    outer, inner = await first()
    inner.close()
    assert current_deadline() is not None
    outer.close()
    assert current_deadline() is None


def test_an_id_is_gone_with_its_block_though_a_generator_in_it_was_left_early() -> None:
    with correlation_id("request"):
        for _ in leaving_early(lambda: correlation_id("rows")):
            break
        assert get_correlation_id() == "request"
    assert get_correlation_id() is None


@pytest.mark.parametrize("leaves", [correlation_id, lambda: deadline(LONG), disabled, lambda: Bulkhead().acquire()])
def test_what_a_block_ends_is_over_though_the_collector_has_ended_a_block_in_it(
    leaves: Callable[[], AbstractContextManager[Any]],
) -> None:
    def main() -> None:
        with leaves():
            begun = leaving_early(leaves)
            next(begun)
            with as_in_the_collector():
                begun.close()
        assert get_correlation_id() is None
        assert current_deadline() is None
        assert is_enabled()
        assert innermost(holding.get()) is None

    copy_context().run(main)


def test_a_task_begun_in_a_generators_block_keeps_its_id_when_that_is_left_early() -> None:
    async def look() -> str | None:
        await asyncio.sleep(0)
        return get_correlation_id()

    def begins() -> Generator[asyncio.Task[str | None], None, None]:
        with correlation_id("order"):
            yield asyncio.get_running_loop().create_task(look())

    async def main() -> str | None:
        beginner = begins()
        task = next(beginner)
        beginner.close()
        return await task

    assert run_virtual(main()) == "order"


def test_a_task_that_outlives_the_block_it_was_begun_in_has_its_id_again_after_a_block_of_its_own() -> None:
    async def late() -> list[str | None]:
        await asyncio.sleep(0.1)
        seen = [get_correlation_id()]
        with correlation_id("part"):
            seen.append(get_correlation_id())
        return [*seen, get_correlation_id()]

    async def main() -> list[str | None]:
        with correlation_id("order"):
            task = asyncio.create_task(late())
            await asyncio.sleep(0)
        return await task

    assert run_virtual(main()) == ["order", "part", "order"]


async def test_a_quick_coroutine_that_is_closed_leaves_the_block_it_is_closed_in_alone() -> None:
    quick_coroutine().close()  # the first one in a loop takes the long way
    begun = quick_coroutine()
    with deadline(LONG / 2, name="mine"):
        begun.close()
        limit = current_deadline()
        assert limit is not None
        assert "mine" in limit.limit
    current.set(None)


async def test_a_quick_coroutine_is_closed_in_whatever_context_that_happens() -> None:
    quick_coroutine().close()  # the first one in a loop takes the long way
    begun = quick_coroutine()
    copy_context().run(begun.close)
    assert current_deadline() is not None, "there is nobody else to take it back"
    current.set(None)
    begun = quick_coroutine()
    with as_in_the_collector():
        begun.close()
    assert current_deadline() is not None
    current.set(None)


def test_an_id_whose_block_was_interrupted_as_it_was_left_is_seen_no_more() -> None:
    block = correlation_id("order")
    block.__enter__()
    assert get_correlation_id() == "order"
    del block
    assert get_correlation_id() is None


@pytest.mark.parametrize("within", [False, True])
def test_a_bulkhead_is_not_kept_by_a_context_in_which_a_generator_with_a_permit_was_left_early(within: bool) -> None:
    def main() -> None:
        bulkhead = Bulkhead()
        begun = leaving_early(bulkhead.acquire)
        next(begun)
        with as_in_the_collector() if within else nullcontext():
            begun.close()
        gone = weakref.ref(bulkhead)
        del bulkhead, begun
        gc.collect()
        assert gone() is None

    copy_context().run(main)


# Blocks and calls in tasks that outlive what is around them.


def test_a_block_has_a_limit_also_when_a_nearer_one_around_it_has_ended() -> None:
    seen: list[Any] = []

    async def background() -> None:
        with deadline(LONG, name="background"):
            await asyncio.sleep(2)
            seen.append(current_deadline())

    async def main() -> None:
        with deadline(1, name="request"):
            task = asyncio.create_task(background())
            await asyncio.sleep(0.5)
        await task

    run_virtual(main())
    assert seen[0] is not None


def test_a_task_begun_in_a_call_in_place_keeps_its_limit_in_the_first_call_and_in_the_next() -> None:
    async def look() -> Any:
        await asyncio.sleep(0)
        return current_deadline()

    async def main(guard: Callable[[Any], Any]) -> list[Any]:
        tasks: list[asyncio.Task[Any]] = []
        begin = guard(lambda: tasks.append(asyncio.create_task(look())))
        begin()
        begin()
        return [await task for task in tasks]

    for guard in (
        with_timeout(LONG, mode="cooperative"),
        with_retry(RetryPolicy(attempt_timeout=LONG)),
        with_circuit_breaker(timeout=LONG, timeout_mode="cooperative"),
    ):
        assert all(asyncio.run(main(guard)))


def test_deadlines_in_tasks_that_begin_one_another_make_no_chain() -> None:
    async def relay(left: int) -> int:
        with deadline(LONG + left / 1000):
            task = asyncio.create_task(relay(left - 1)) if left else None
            await asyncio.sleep(0)
            length, mark = 0, current.get()
            while mark is not None:
                length, mark = length + 1, mark[5].outer if mark[5] is not None else None
        return length if task is None else await task

    assert 1 <= asyncio.run(relay(100)) <= 3


def test_a_permit_is_kept_by_what_a_call_that_was_left_behind_leaves_behind_itself() -> None:
    bulkhead = Bulkhead()
    with bulkhead.acquire():
        hold = holding.get()
        assert hold is not None
        hold.add()  # a call that is left behind
        left_behind = copy_context()
    assert holding.get() is None
    assert bulkhead.stats.active == 1
    left_behind.run(lambda: innermost(holding.get())).add()  # type: ignore[union-attr]
    hold.end()
    assert bulkhead.stats.active == 1
    hold.end()
    assert bulkhead.stats.active == 0
    assert left_behind.run(lambda: innermost(holding.get())) is None


def test_a_stopwatch_may_run_again_inside_one_that_was_left_running_in_it() -> None:
    outer, inner = Stopwatch(0.0), Stopwatch(0.0)
    with outer:
        inner.__enter__()
    with outer:
        queued(1.0, 3.0)
    inner.__exit__(None, None, None)
    assert outer.elapsed(10.0) == 8.0
    never = Stopwatch(0.0)
    never.__exit__(None, None, None)
    assert never.elapsed(10.0) == 10.0


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


def test_blocks_that_the_collector_ends_one_after_the_other_make_no_chain() -> None:
    def main() -> None:
        for _ in range(10):
            begun = in_generator(lambda: deadline(LONG))
            with as_in_the_collector():
                begun.close()
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
    assert mark[5] is None


# The parts.


def test_a_span_is_seen_until_it_is_left_and_in_what_was_begun_in_it_nobody_sees_it_then() -> None:
    outer, inner = Span(), Span()
    outer.enter(variable)
    inner.enter(variable)
    begun_in_it = copy_context()
    assert innermost(variable.get()) is inner
    inner.leave(variable)
    assert variable.get() is outer
    assert begun_in_it.run(lambda: innermost(variable.get())) is outer
    outer.leave(variable)
    assert variable.get() is None
    assert begun_in_it.run(lambda: innermost(variable.get())) is None


def test_a_span_that_is_left_elsewhere_is_over_here_and_changes_nothing_there() -> None:
    here, there = Span(), Span()
    elsewhere = Context()
    elsewhere.run(there.enter, variable)
    here.enter(variable)
    elsewhere.run(here.leave, variable)
    assert elsewhere.run(variable.get) is there
    assert variable.get() is here
    assert innermost(variable.get()) is None
    variable.set(None)


def test_spans_that_overlap_for_ever_make_no_chain() -> None:
    def main() -> None:
        before = Span()
        before.enter(variable)
        for _ in range(100):
            span = Span()
            span.enter(variable)
            before.leave(variable)
            before = span
        length, span_or_none = 0, variable.get()
        while span_or_none is not None:
            length, span_or_none = length + 1, span_or_none.outer
        assert length <= 3

    copy_context().run(main)


def test_within_the_collector_a_span_sets_nothing() -> None:
    span = Span()
    with as_in_the_collector():
        span.enter(variable)
        assert variable.get() is None
        span.leave(variable)
    assert not span.is_open


def test_what_is_called_aside_sets_nothing_here_within_the_collector() -> None:
    def main() -> None:
        assert aside(lambda word: (told.set(word), told.get())[1], "here") == "here"
        assert told.get() == "here"
        with as_in_the_collector():
            assert aside(lambda word: (told.set(word), told.get())[1], "there") == "there"
        assert told.get() == "here"

    copy_context().run(main)
