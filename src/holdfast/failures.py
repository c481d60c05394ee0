"""Failures of guarded calls, each told once, however many guards it passes on its way out.

Nested guards see the same exception one after the other. The first one that sees it tells of it, and leaves a mark on
the exception, so that the others keep quiet. But an exception may also be an old acquaintance that is raised anew, as
by code that keeps one and raises it each time. So the mark says where it was seen:

* in the same task or thread, and with fewer calls on the stack: it is on its way out;
* as deep as before or deeper: it has been raised anew, unless it is another guard that sees it at the same depth, as
  two `with` blocks of one function do;
* in another task or thread: it was handed over, as by a future, unless it is a guard that has seen it before.

Only calls of others are counted for the depth, and the wrappers of guards: how deep holdfast's own functions call one
another says nothing.
"""

from __future__ import annotations

import sys
import threading

from .errors.classification import Classification
from .errors.classifier import get_error_classifier
from .events import Event
from .journal import report_broken
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import Any


class CallFailed(Event):
    """A guarded call, or an attempt at one, failed. `guard` says which kind of guard saw it first, `name` which one."""

    guard: str
    error_type: str
    category: str
    code: str


watchers: tuple[Callable[[CallFailed], object], ...] = ()
"""Who wants to be told. Guards look here before they call `note`."""

_changing = threading.RLock()  # re-entrant: a finaliser that runs in here may end its watch
_MARK = "__holdfast_seen__"
_HOME = __file__.rpartition("failures.py")[0]


class _Seen:
    """Where an exception was seen last, and by which guards on this way out. It stays behind when that is copied."""

    __slots__ = ("depth", "guards", "place")

    def __init__(self, place: object = None, depth: int = 0, guards: tuple[str, ...] = ()) -> None:
        self.place = place
        self.depth = depth
        self.guards = guards

    def passes(self, guard: str, place: object, depth: int) -> bool:
        """Whether what was seen here is on its way out as `guard` sees it now, and has not been raised anew."""
        if self.place == place:
            return depth < self.depth or (depth == self.depth and guard not in self.guards)
        return self.place is not None and guard not in self.guards

    def __reduce__(self) -> tuple[type[_Seen], tuple[()]]:
        return _Seen, ()


def watch(watcher: Callable[[CallFailed], object]) -> Callable[[], None]:
    """Call `watcher` with each failure, where it happens; return a function that ends it. One that raises is logged."""
    global watchers  # noqa: PLW0603  replaced whole, so that readers need no lock

    def told(event: CallFailed) -> None:
        try:
            watcher(event)
        except Exception:
            report_broken("events", "watcher", watcher)

    def end() -> None:
        global watchers  # noqa: PLW0603
        with _changing:
            watchers = tuple(one for one in watchers if one is not told)

    with _changing:
        watchers = (*watchers, told)
    return end


def note(guard: str, name: str, error: BaseException, judge: Any = None) -> None:
    """Tell of a failure that a guard sees, unless one inside has done so. `judge` is the verdict, or who can give it.

    What is no `Exception`, as a cancellation, is not told.
    """
    if not isinstance(error, Exception) or not _is_first(f"{guard} {name}", error):
        return
    verdict = _verdict(error, judge)
    event = CallFailed(
        name=name,
        guard=guard,
        error_type=type(error).__qualname__,
        category=str(verdict.category),
        code=str(verdict.code),
    )
    for watcher in watchers:
        watcher(event)


def _verdict(error: Exception, judge: Any) -> Classification:
    seen = judge
    if judge is not None and not isinstance(judge, Classification):
        try:
            seen = judge.classify(error)
        except Exception:
            seen = None  # whose guard has reported that
    return seen if isinstance(seen, Classification) else get_error_classifier().classify(error)


def _is_first(guard: str, error: Exception) -> bool:
    """Whether no guard inside has seen this; marks the exception."""
    fields: dict[str, Any] = object.__getattribute__(error, "__dict__")  # a class may refuse what is set on its objects
    place, depth = _here()
    last = fields.get(_MARK)
    if isinstance(last, _Seen) and last.passes(guard, place, depth):
        fields[_MARK] = _Seen(place, depth, (*last.guards, guard))
        return False
    fields[_MARK] = _Seen(place, depth, (guard,))
    return True


def _here() -> tuple[object, int]:
    """Return the running thread and task, and how many calls that are not ours are on the stack."""
    task = None
    asyncio = sys.modules.get("asyncio")
    if asyncio is not None:
        loop = asyncio._get_running_loop()  # noqa: SLF001  documented; `get_running_loop` raises where there is none
        task = None if loop is None else asyncio.current_task(loop)
    depth = 0
    frame: FrameType | None = sys._getframe()  # noqa: SLF001
    while frame is not None:
        depth += not frame.f_code.co_filename.startswith(_HOME)
        frame = frame.f_back
    return (threading.get_ident(), None if task is None else id(task)), depth
