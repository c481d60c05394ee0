"""Contenders side by side: ways to decorate a function, a function to decorate, and the times its calls take.

A contender that cannot take part is reported with the reason, and nothing else fails because of it.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Literal, TypeVar

from .report import Result, Row, versions_of
from .timing import (
    CALLS_PER_PASS,
    THREADED_TURN,
    TURN,
    Timer,
    async_timer,
    interleave,
    sync_timer,
    threaded_timer,
    turns,
)

Function = Callable[..., Any]
Decorator = Callable[[Function], Function]
Made = TypeVar("Made")


class AbsentError(Exception):
    """A contender cannot take part, for the reason given."""


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to decorate a function."""

    name: str
    decorator: Callable[[], Decorator]
    """Imports what it needs, and so raises ImportError where that is missing."""
    distributions: str = ""
    """The names of what it is made of, with spaces between them, as they are installed."""
    only: Literal["sync", "async"] | None = None
    promising: bool = True
    """Whether what a situation promises of holdfast is promised of this, if it is made of holdfast alone."""

    @property
    def version(self) -> str:
        """What is installed of it, or nothing."""
        return versions_of(self.distributions)

    def take(self, *, asynchronous: bool) -> Decorator:
        """Return the decorator; raises `AbsentError` if there is none for such functions."""
        if self.only is not None and asynchronous != (self.only == "async"):
            raise AbsentError(f"{self.only} only")
        return obtain(self.decorator, self.version)


def obtain(make: Callable[[], Made], version: str) -> Made:
    """Return what `make` does of a library; raises `AbsentError` if the library cannot be imported or set up."""
    try:
        return make()
    except ImportError as error:
        raise AbsentError(f"import fails: {error}" if version else "not installed") from error
    except Exception as error:
        raise AbsentError(f"cannot be set up: {error!r}") from error


def answers(contender: Contender, call: Callable[[], object]) -> None:
    """Check that a guarded call gives back what the function does."""
    answer = call()
    if answer != 1:
        raise AssertionError(f"{contender.name} gave {answer!r} back instead of the function's own value")


@dataclass(frozen=True, slots=True)
class Situation:
    """What is decorated, and how it is called."""

    name: str
    title: str
    make_function: Callable[[], Function]
    """Makes a function that gives its argument back in the end, unless its calls are to raise."""
    arguments: str = "1"
    """The source code between the parentheses of the call."""
    asynchronous: bool = False
    raising: bool = False
    """Whether each call ends in an exception, which the caller catches."""
    threads: int | None = None
    """How many threads call at once; None: this one, without any other."""
    check: Callable[[Contender, Callable[[], object]], None] = answers
    """Looks, before the timing and, if calls are to raise, after it, whether they do what they are to do."""
    promised: float | None = None
    """What holdfast may cost here at most, as a multiple of the yardstick."""
    turn: int = TURN
    """Nanoseconds that one contender's turn should last, if only this thread calls."""
    beyond: str = ""
    """The contender that does nothing, to compare only what the others add to it; else whole calls are compared."""
    added: str = ""
    """What it is that they add."""


def measure(contenders: Sequence[Contender], situation: Situation, *, rounds: int, seed: int) -> Result:
    """Time the contenders' calls; the first contender is the yardstick of them all."""
    yardstick = contenders[0].name
    timers: dict[str, Timer] = {}
    absent: dict[str, str] = {}
    checks: list[Callable[[], None]] = []
    with asyncio.Runner() as runner:
        for contender in contenders:
            try:
                decorate = contender.take(asynchronous=situation.asynchronous)
            except AbsentError as reason:
                absent[contender.name] = str(reason)
                continue
            guarded = decorate(situation.make_function())
            checks.append(functools.partial(situation.check, contender, _once(guarded, situation, runner)))
            checks[-1]()
            timers[contender.name] = _timer(guarded, situation, runner)
        timings = interleave(
            timers,
            yardstick,
            rounds=rounds,
            seed=seed,
            passes=turns(timers, length=THREADED_TURN if situation.threads else situation.turn),
            calls=CALLS_PER_PASS * (situation.threads or 1),
            beyond=situation.beyond,
        )
        if situation.raising:
            for check in checks:
                check()
    return Result(
        name=situation.name,
        title=situation.title,
        what=situation.added or "call",
        yardstick=_yardstick(yardstick, situation),
        rounds=rounds,
        shown_as="time" if situation.threads is None else "rate",
        rows=tuple(
            Row(
                library=contender.name,
                version=contender.version,
                timing=timings.get(contender.name),
                absent=absent.get(contender.name, ""),
                promised=situation.promised if contender.distributions == "holdfast" and contender.promising else None,
            )
            for contender in contenders
            if contender.name != situation.beyond
        ),
    )


def _yardstick(name: str, situation: Situation) -> str:
    if situation.beyond:
        return f"what {name} adds"
    return name if situation.threads is None else f"{name} with as many threads"


def _once(guarded: Function, situation: Situation, runner: asyncio.Runner) -> Callable[[], object]:
    if situation.asynchronous:
        return lambda: runner.run(guarded(1))
    return lambda: guarded(1)


def _timer(guarded: Function, situation: Situation, runner: asyncio.Runner) -> Timer:
    if situation.threads is not None:
        return threaded_timer(guarded, situation.arguments, situation.threads)
    if situation.asynchronous:
        return async_timer(guarded, situation.arguments, runner.run, catching=situation.raising)
    return sync_timer(guarded, situation.arguments, catching=situation.raising)


def plain() -> Function:
    """Make a plain function that succeeds."""

    def answer(value: int, unit: int = 1) -> int:
        return value

    return answer


def plain_async() -> Function:
    """Make an async function that succeeds."""

    async def answer(value: int, unit: int = 1) -> int:
        return value

    return answer


def bare_wrapper(function: Function) -> Function:
    """Pass a call through: the least that a decorator does which takes any function, whatever its arguments."""
    if iscoroutinefunction(function):

        @functools.wraps(function)
        async def async_wrapper(*args: Any, **kwargs: Any) -> Any:
            try:
                return await function(*args, **kwargs)
            except Exception:
                raise

        return async_wrapper

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            raise

    return wrapper


BARE = Contender("bare wrapper", lambda: bare_wrapper)
