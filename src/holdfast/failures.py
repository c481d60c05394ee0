"""Failures of guarded calls, each told once, however many guards it passes on its way out.

Nested guards see the same exception one after the other. The first one that sees it tells of it, and leaves a mark on
the exception, so that the others keep quiet. But an exception may also be an old acquaintance that is raised anew, as
by code that keeps one and raises it each time. So the mark says where it was seen:

* in the same task or thread, and with fewer calls on the stack: it is on its way out;
* with more: it has been raised anew;
* with as many: on its way, if it is another guard that sees it now, as two `with` blocks of one function do, or the
  same one further out;
* in another task or thread: it was handed over, as by a future, unless it is a guard that has seen it before.

Only calls of others are counted, and the wrappers of guards. How deep holdfast's own functions call one another says
something only where the same guard sees it twice.

Guards import this when somebody watches, by `events.watch`.
"""

from __future__ import annotations

import sys
import threading

from . import events
from .errors.classification import Classification
from .errors.classifier import get_error_classifier
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import FrameType
    from typing import Any


_NONE: Mapping[str, int] = {}
_MARK = "__holdfast_seen__"
_HOME = __file__.rpartition("failures.py")[0]


class _Seen:
    """Where an exception was seen last, and how deep by which guards on this way out.

    It is of no use to a copy, which may be raised by itself.
    """

    __slots__ = ("depth", "guards", "of", "place")

    def __init__(self, of: int = 0, place: object = None, depth: float = 0, guards: Mapping[str, int] = _NONE) -> None:
        self.of = of
        self.place = place
        self.depth = depth
        self.guards = guards

    def passes(self, guard: str, place: object, depth: int, inner: int) -> bool:
        """Whether what was seen here is on its way out as `guard` sees it now, and has not been raised anew."""
        before = self.guards.get(guard)
        if self.place != place:
            return before is None
        return depth < self.depth or (depth == self.depth and (before is None or inner < before))

    def __reduce__(self) -> tuple[type[_Seen], tuple[()]]:
        return _Seen, ()


def note(guard: str, name: str, error: BaseException, judge: Any = None) -> None:
    """Tell of a failure that a guard sees, unless one inside has done so. `judge` is the verdict, or who can give it.

    What is no `Exception`, as a cancellation, is not told. Never raises.
    """
    try:
        if isinstance(error, Exception) and _is_first(f"{guard} {name}", error):
            _tell(guard, name, error, _verdict(error, judge))
    except Exception:  # noqa: S110  no room left on the stack; the failure itself matters more
        pass


def _tell(guard: str, name: str, error: Exception, verdict: Classification) -> None:
    event = events.CallFailed(
        name=name,
        guard=guard,
        error_type=type(error).__qualname__,
        category=str(verdict.category),
        code=str(verdict.code),
    )
    for watcher in events.watchers:
        watcher(event)


def _verdict(error: Exception, judge: Any) -> Classification:
    seen = judge
    if judge is not None and not isinstance(judge, Classification):
        try:
            seen = judge.classify(error)
        except Exception:
            seen = None  # whose guard has reported that
    return seen if isinstance(seen, Classification) else get_error_classifier().classify(error)


def hand_over(error: BaseException) -> None:
    """An exception that came out in a worker thread goes on in this one, where its caller waited for it."""
    seen = _seen(error)
    if seen is not None:
        seen.place, seen.depth = _here()[0], float("inf")


def _is_first(guard: str, error: Exception) -> bool:
    """Whether no guard inside has seen this; marks the exception."""
    place, depth, inner = _here()
    last = _seen(error)
    on_its_way = last is not None and last.passes(guard, place, depth, inner)
    guards = {**last.guards, guard: inner} if last is not None and on_its_way else {guard: inner}
    _fields(error)[_MARK] = _Seen(id(error), place, depth, guards)
    return not on_its_way


def _seen(error: BaseException) -> _Seen | None:
    seen = _fields(error).get(_MARK)
    return seen if isinstance(seen, _Seen) and seen.of == id(error) else None


def _fields(error: BaseException) -> dict[str, Any]:
    fields: dict[str, Any] = object.__getattribute__(error, "__dict__")  # a class may refuse what is set on its objects
    return fields


def _here() -> tuple[object, int, int]:
    """Return the running thread and task, how many calls that are not ours are on the stack, and how many in all."""
    task = None
    # Nothing while another thread is just importing asyncio.
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    loop = None if running is None else running()
    if loop is not None:
        task = sys.modules["asyncio"].current_task(loop)
    depth = inner = 0
    frame: FrameType | None = sys._getframe()  # noqa: SLF001
    while frame is not None:
        inner += 1
        depth += not frame.f_code.co_filename.startswith(_HOME)
        frame = frame.f_back
    return (threading.get_ident(), None if task is None else id(task)), depth, inner
