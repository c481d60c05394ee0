"""Timing in interleaved rounds, and the medians that come out of it."""

from __future__ import annotations

import gc
import itertools
import random
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

#: Measures once: the number of passes to make goes in, the nanoseconds of all of them come out.
Timer = Callable[[int], int]

CALLS_PER_PASS = 10
"""The timing loops call this often per pass, so that looping itself hardly counts."""

TURN = 3_000_000
"""Nanoseconds that one contender's turn in a round should last: long beside the clock's resolution, short beside
the moments in which a machine is busy with something else."""

THREADED_TURN = 100_000_000
"""The same with several threads: long beside the 5 ms after which CPython lets another thread go on, so that all of
them get in each other's way several times."""


@dataclass(frozen=True, slots=True)
class Timing:
    """What the rounds say of one contender."""

    nanoseconds: float
    """One call, the median over the rounds."""
    ratio: float
    """To the yardstick of the same round, the median over the rounds."""
    quartiles: tuple[float, float]
    """Between these lies the middle half of the ratios."""


def interleave(
    timers: Mapping[str, Timer],
    yardstick: str | Mapping[str, str],
    *,
    rounds: int,
    seed: int,
    passes: Mapping[str, int],
    calls: int,
    beyond: str = "",
) -> dict[str, Timing]:
    """Time each contender once per round and compare it with the yardstick of that round.

    The yardstick is one for all, or each contender's own. A pass of a contender makes `calls` calls; `passes` says how
    many passes one turn has. If a contender `beyond` which the others go is named, what is compared and reported is what
    each takes longer than that one, in the same round; that one itself is not reported.
    """
    yardsticks = dict.fromkeys(timers, yardstick) if isinstance(yardstick, str) else yardstick
    order = list(timers)
    shuffle = random.Random(seed).shuffle
    seen: dict[str, list[float]] = {name: [] for name in order}
    for _ in range(rounds):
        shuffle(order)
        with _without_garbage_collection():
            for name in order:
                seen[name].append(timers[name](passes[name]) / (passes[name] * calls))
    if beyond:
        least = seen.pop(beyond)
        seen = {name: [taken - bare for taken, bare in zip(seen[name], least, strict=True)] for name in seen}
    return {name: _summary(seen[name], seen[yardsticks[name]]) for name in timers if name in seen}


def turns(timers: Mapping[str, Timer], *, length: int = TURN) -> dict[str, int]:
    """Return how many passes of each contender fill one turn; finding out warms each of them up as well."""
    return {name: _passes_for(timer, length) for name, timer in timers.items()}


def sync_timer(call: Callable[..., object], arguments: str, *, catching: bool = False) -> Timer:
    """Return a timer of a plain function that is called with `arguments`, a piece of source code.

    With `catching`, each call is expected to raise, and what it raises is caught.
    """
    loop = _loop("def", f"call({arguments})", catching=catching)

    def timer(passes: int) -> int:
        began, ended = loop(call, passes)
        return int(ended - began)

    return timer


def async_timer(
    call: Callable[..., Any], arguments: str, run: Callable[[Any], Any], *, catching: bool = False
) -> Timer:
    """Return a timer of an async function; `run` drives a coroutine in an event loop that stays the same."""
    loop = _loop("async def", f"await call({arguments})", catching=catching)

    def timer(passes: int) -> int:
        began, ended = run(loop(call, passes))
        return int(ended - began)

    return timer


def threaded_timer(call: Callable[..., object], arguments: str, threads: int) -> Timer:
    """Return a timer of a plain function that so many threads call at once.

    Each thread makes all the passes; the time is that from the first one's start to the last one's end.
    """
    loop = _loop("def", f"call({arguments})")

    def timer(passes: int) -> int:
        barrier = threading.Barrier(threads)
        spans: list[tuple[int, int]] = []

        def work() -> None:
            barrier.wait()
            spans.append(loop(call, passes))

        workers = [threading.Thread(target=work) for _ in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if len(spans) != threads:
            raise RuntimeError("a thread failed, so that its calls were not made")
        return max(ended for _, ended in spans) - min(began for began, _ in spans)

    return timer


def _loop(kind: str, statement: str, *, catching: bool = False) -> Callable[..., Any]:
    """Compile a timing loop of its own for each contender; it returns when it began and when it ended.

    CPython keeps what it learned of a call site in the code object. With one loop for all, a contender would find the
    site prepared for the one before it.
    """
    once = ["try:", f"    {statement}", "except Exception:", "    pass"] if catching else [statement]
    body = "\n".join(f"        {line}" for line in once * CALLS_PER_PASS)
    source = f"""
{kind} loop(call, passes):
    turns = repeat(None, passes)
    began = perf_counter_ns()
    for _ in turns:
{body}
    return began, perf_counter_ns()
"""
    names: dict[str, Any] = {"repeat": itertools.repeat, "perf_counter_ns": time.perf_counter_ns}
    exec(source, names)
    loop: Callable[..., Any] = names["loop"]
    return loop


@contextmanager
def _without_garbage_collection() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _passes_for(timer: Timer, length: int) -> int:
    passes = 1
    while True:
        taken = timer(passes)
        if taken >= length // 4:
            # It may have been the machine that was slow, and turns that are too short would tell of little else.
            taken = min(taken, timer(passes), timer(passes))
            if taken >= length // 4:
                return max(1, round(passes * length / taken))
        passes *= 2


def _summary(seen: list[float], yardstick: list[float]) -> Timing:
    ratios = [mine / bare for mine, bare in zip(seen, yardstick, strict=True)]
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    return Timing(nanoseconds=statistics.median(seen), ratio=ratio, quartiles=(low, high))
