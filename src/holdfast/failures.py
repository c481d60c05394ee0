"""Failures of guarded calls, each told once, however many guards it passes on its way out.

Nested guards see the same exception one after the other. The first one that sees it tells of it, and leaves a mark on
the exception, so that the others keep quiet. But an exception may also be an old acquaintance that is raised anew, as
by code that keeps one and raises it each time. So the mark says which calls were under way when it was told:

* a guard whose call was one of these sees it on its way out, unless it has seen it in that very call before;
* a guard whose call began later sees it raised anew;
* in another task or thread it was handed over, as by a future, unless it is a guard that has seen it before.

Guards import this when somebody watches, by `events.watch`.
"""

from __future__ import annotations

import sys
import threading
from weakref import ref

from . import events
from .errors.classification import Classification
from .errors.classifier import get_error_classifier
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType
    from typing import Any


_MARK = "__holdfast_seen__"
_HOME = __file__.rpartition("failures.py")[0]


class _Here:
    """The running code: its thread and task, and the calls that are under way.

    Calls are known by the identity of their frames and of their code. `call` is the guard's own, that of its wrapper or
    of the function that uses it. What holdfast calls in between is left out, as some of that is over before the
    exception is out; but its `depth` tells who of two guards in one call is further out.
    """

    __slots__ = ("call", "calls", "depth", "place")

    def __init__(self) -> None:
        self.place = _place()
        calls: list[tuple[int, int]] = []
        self.depth = 0
        frame: FrameType | None = sys._getframe()  # noqa: SLF001
        while frame is not None:
            self.depth += 1
            if not frame.f_code.co_filename.startswith(_HOME):
                calls.append((id(frame), id(frame.f_code)))
            frame = frame.f_back
        self.call = calls[0] if calls else (0, 0)
        self.calls = frozenset(calls)


class _Seen:
    """Where an exception was told, and how deep by which guards, in which of their calls, it has been seen since.

    It holds on to nothing. As long as nobody takes away the exception's traceback, that keeps the frames, so that no
    later call is taken for one of these.
    """

    __slots__ = ("depths", "of", "there")

    def __init__(self, error: BaseException, there: _Here) -> None:
        self.of = id(error)
        self.there = there
        self.depths: dict[tuple[str, tuple[int, int]], int] = {}

    def passes(self, guard: str, here: _Here) -> bool:
        """Whether it is on its way out as `guard` sees it now, and has not been raised anew."""
        if self.there.place != here.place:
            return all(guard != before for before, _ in self.depths)
        before = self.depths.get((guard, here.call))
        return here.call in self.there.calls and (before is None or here.depth < before)

    def note(self, guard: str, here: _Here) -> None:
        """It was seen here by `guard`."""
        if self.there.place != here.place:
            self.there = here
        self.depths[guard, here.call] = here.depth

    def __reduce__(self) -> tuple[type[int], tuple[()]]:
        return int, ()  # of no use to a copy, which may be raised by itself, also where there is no holdfast


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
        seen.there = _Here()


def _is_first(guard: str, error: Exception) -> bool:
    """Whether no guard inside has seen this; marks the exception."""
    here = _Here()
    seen = _seen(error)
    on_its_way = seen is not None and seen.passes(guard, here)
    if seen is None or not on_its_way:
        seen = _fields(error)[_MARK] = _Seen(error, here)
    seen.note(guard, here)
    return not on_its_way


def _seen(error: BaseException) -> _Seen | None:
    seen = _fields(error).get(_MARK)
    return seen if isinstance(seen, _Seen) and seen.of == id(error) else None


def _fields(error: BaseException) -> dict[str, Any]:
    fields: dict[str, Any] = object.__getattribute__(error, "__dict__")  # a class may refuse what is set on its objects
    return fields


def _place() -> tuple[int, ref[Any] | None]:
    """Return the running thread and task; a task that is gone is never taken for another one."""
    task = None
    # Nothing while another thread is just importing asyncio.
    running = getattr(sys.modules.get("asyncio"), "_get_running_loop", None)
    loop = None if running is None else running()
    if loop is not None:
        task = sys.modules["asyncio"].current_task(loop)
    return threading.get_ident(), None if task is None else ref(task)
