"""How many calls a second several threads make together through one guarded function.

Threads that wait for one lock by turns wake each other across the processors, call after call, and how long that takes
depends on what else the processors do: those figures vary with the machine's load, and the middle half shows it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

from . import breakers, bulkheads
from .contenders import Contender, Situation, measure, plain
from .report import Result

THREADS = (1, 4, 16, 32)

ROUNDS_IN_ONE = 5
"""A turn with several threads is long, so there is one round for each five that were asked for."""


def _measure(contenders: Sequence[Contender], situation: Situation, *, rounds: int, seed: int) -> Result:
    return measure(contenders, situation, rounds=max(2, rounds // ROUNDS_IN_ONE), seed=seed)


def _benchmarks(guard: str, contenders: Sequence[Contender], state: str) -> dict[str, Callable[..., Result]]:
    situations = [
        Situation(
            f"{guard}-threads-{threads}",
            f"a plain function that succeeds, {state}, called by {threads} thread{'s' if threads > 1 else ''}",
            plain,
            threads=threads,
        )
        for threads in THREADS
    ]
    return {situation.name: functools.partial(_measure, contenders, situation) for situation in situations}


BENCHMARKS: dict[str, Callable[..., Result]] = {
    **_benchmarks("breaker", breakers.THREADED, "its circuit closed"),
    # With more permits than threads, so that none is refused; some libraries let nobody wait.
    **_benchmarks("bulkhead", bulkheads.contenders(2 * max(THREADS)), "a permit free"),
}
