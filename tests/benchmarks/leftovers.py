"""How many threads are left after a great many plain calls with a time limit, most of which were made at once.

Each library makes its calls in a process of its own, so that nobody finds the threads of another one.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from .contenders import AbsentError, Contender, Function
from .report import Result, Row
from .timeouts import PLAIN, UNLIMITED

LEFT_PROMISE = 32
"""Threads that are kept for the next calls, at most, however many calls were made at once."""

CALLERS = 100
CALLS_OF_EACH = 100


def measure_threads_left(*, rounds: int, seed: int) -> Result:
    """Count the threads of each contender once."""
    return Result(
        name="timeout-threads-left",
        title=f"{CALLERS * CALLS_OF_EACH:,} plain calls in time, {CALLERS} at once",
        what="threads left",
        shown_as="count",
        rows=tuple(_row(contender) for contender in PLAIN if contender is not UNLIMITED),
    )


def _row(contender: Contender) -> Row:
    promised = LEFT_PROMISE if contender.distributions == "holdfast" and contender.promising else None
    try:
        contender.take(asynchronous=False)
    except AbsentError as reason:
        return Row(library=contender.name, version=contender.version, absent=str(reason), promised=promised)
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        left = process.submit(threads_left, contender.name).result()
    return Row(library=contender.name, version=contender.version, size=left, promised=promised)


def threads_left(name: str) -> int:
    """Make the calls in this process through the contender of that name, and count the threads that there are then."""
    contender = next(each for each in PLAIN if each.name == name)
    before = threading.active_count()
    guarded = contender.take(asynchronous=False)(_brief())
    together = threading.Barrier(CALLERS)

    def call() -> None:
        together.wait()
        for _ in range(CALLS_OF_EACH):
            guarded(1)

    callers = [threading.Thread(target=call) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    time.sleep(0.5)  # for those to end that do
    return threading.active_count() - before


def _brief() -> Function:
    def answer(value: int, unit: int = 1) -> int:
        time.sleep(0.001)
        return value

    return answer


BENCHMARKS: dict[str, Callable[..., Result]] = {"timeout-threads-left": measure_threads_left}
