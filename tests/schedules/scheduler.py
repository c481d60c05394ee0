"""Runs real threads one at a time. Each has a baton; whoever runs decides who goes on, and hands the run over.

What a thread waits for is a condition, looked at whenever somebody is to go on. Time stands still, and goes on to the
next moment for which somebody waits when it is its turn, as if it were a thread like the others.
"""

from __future__ import annotations

import sys
import threading
import zlib
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Literal, TypeAlias

from .choosing import TIME, Chooser

Grain: TypeAlias = Literal["points", "lines", "opcodes"]
"""Where threads are interrupted: at locks and the like only, or also before each line or bytecode that is watched."""

_MOST_STEPS = 100_000
_PATIENCE = 60.0
_SHOWN = 40


class Found(AssertionError):
    """What a schedule came to that no schedule may come to."""


class Deadlock(Found):
    """All that are left wait for one another."""


class Endless(Found):
    """It goes on and on."""


class Stopped(BaseException):
    """Ends a thread of a run that is over."""


class Strand:
    """One of the threads of a run."""

    def __init__(self, number: int, name: str, *, daemon: bool) -> None:
        self.number = number
        self.name = name
        self.daemon = daemon
        self.over = False
        self.baton = threading.Lock()
        self.baton.acquire()
        self.waits_for: Callable[[], bool] | None = None
        self.until: float | None = None
        self.is_late = False
        self.stops = 0

    def is_ready(self) -> bool:
        return not self.over and (self.waits_for is None or self.is_late or self.waits_for())


class Scheduler:
    """One run: `start` threads, then `run` them; what they wait for is `wait`ed for here."""

    def __init__(self, chooser: Chooser, watched: tuple[str, ...] = (), grain: Grain = "points") -> None:
        self.now = 0.0
        self.strands: list[Strand] = []
        self.running: Strand | None = None
        self.trail: list[tuple[str, str]] = []
        self.digest = 0
        self._chooser = chooser
        self._watched = watched
        self._grain = grain
        self._steps = 0
        self._gap = chooser.gap()
        self._is_watched: dict[CodeType, bool] = {}
        self._done = threading.Lock()
        self._done.acquire()
        self._failure: BaseException | None = None
        self._by_thread: dict[int, Strand] = {}

    # Making and running.

    def start(self, function: Callable[..., Any], *args: Any, name: str = "", daemon: bool = False) -> Strand:
        """Add a thread; it begins when it is its turn."""
        strand = Strand(len(self.strands), name or f"{function.__name__} {len(self.strands)}", daemon=daemon)
        self.strands.append(strand)

        def body() -> None:
            strand.baton.acquire()
            self._by_thread[threading.get_ident()] = strand
            try:
                if self._failure is None:
                    if self._grain != "points":
                        sys.settrace(self._enter)
                    function(*args)
            except Stopped:
                pass
            except BaseException as error:
                self._failure = self._failure or error
            finally:
                sys.settrace(None)
                strand.over = True
                del self._by_thread[threading.get_ident()]
                self._go_on(strand, interrupted=False)

        threading.Thread(target=body, name=strand.name, daemon=True).start()
        return strand

    def run(self) -> None:
        """Run them all to their end, and raise what one of them raised."""
        if any(not strand.over for strand in self.strands):
            self._go_on(None, interrupted=False)
            if not self._done.acquire(timeout=_PATIENCE):
                raise Found(f"{self.running and self.running.name} waits for something that is not ours\n{self.told()}")
        self.running = None
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End those that are left and would wait for ever."""
        self._failure = self._failure or Stopped()
        if any(not strand.over for strand in self.strands):
            self._go_on(None, interrupted=False)
            self._done.acquire(timeout=_PATIENCE)

    @property
    def here(self) -> Strand | None:
        """The strand of this thread, None for any other thread."""
        return self._by_thread.get(threading.get_ident())

    # For what threads wait at.

    def point(self, where: str) -> None:
        """Somebody else may go on here."""
        me = self.here
        if me is not None and self._failure is None:
            self._count()
            self._go_on(me, interrupted=False, where=where)

    def wait(self, condition: Callable[[], bool], timeout: float | None, where: str) -> bool:
        """Let others go on until `condition()` holds; False if the time is up first."""
        me = self.here
        if me is None:
            if not condition():
                raise Deadlock(f"{where}: nobody is there who could change that")
            return True
        if self._failure is not None:
            if condition():
                return True
            self._stop(me)
        me.waits_for, me.until, me.is_late = condition, None if timeout is None else self.now + timeout, False
        try:
            self._count()
            self._go_on(me, interrupted=False, where=where)
            return condition()
        finally:
            me.waits_for, me.until, me.is_late = None, None, False

    def sleep(self, duration: float) -> None:
        self.wait(lambda: False, max(duration, 0.0), "sleep")

    # Interrupting.

    def _enter(self, frame: FrameType, event: str, arg: Any) -> Any:
        code = frame.f_code
        watched = self._is_watched.get(code)
        if watched is None:
            watched = self._is_watched[code] = code.co_filename.startswith(self._watched)
        if not watched:
            return None
        if self._grain == "opcodes":
            frame.f_trace_opcodes = True
            frame.f_trace_lines = False
        return self._step

    def _step(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "opcode" or event == "line":
            self._gap -= 1
            if self._gap <= 0:
                self._interrupt(frame)
        return self._step

    def _interrupt(self, frame: FrameType) -> None:
        self._gap = self._chooser.gap()
        self._steps += self._gap
        me = self.here
        if me is None or self._failure is not None:
            return
        self._check_length()
        self._go_on(me, interrupted=True, where=f"{frame.f_code.co_qualname}:{frame.f_lineno}")

    def _count(self) -> None:
        self._steps += 1
        self._check_length()

    def _check_length(self) -> None:
        if self._steps > _MOST_STEPS:
            self._failure = self._failure or Endless(f"more than {_MOST_STEPS} steps\n{self.told()}")
            self._stop(self.here)

    # Handing over.

    def _go_on(self, me: Strand | None, *, interrupted: bool, where: str = "") -> None:
        """Let the next one go on; come back when it is the turn of `me` again, if it is not over."""
        to = self._next(me, interrupted=interrupted)
        if to is me and me is not None:
            if self._failure is not None:
                self._stop(me)
            return
        if to is None:
            self._done.release()
        else:
            self.trail.append((to.name, f"{me.name} stops at {where or 'its end'}" if me is not None else ""))
            self.digest = zlib.crc32(f"{to.number} {where}".encode(), self.digest)
            self.running = to
            to.baton.release()
        if me is None or me.over:
            return
        me.baton.acquire()
        if self._failure is not None:
            self._stop(me)

    def _stop(self, me: Strand | None) -> None:
        """End a thread of a run that has failed; one that will not end is left where it is."""
        if me is None:
            return
        me.stops += 1
        if me.stops > 3:
            me.over = True
            self._go_on(me, interrupted=False)
            threading.Event().wait()
        raise Stopped

    def _next(self, me: Strand | None, *, interrupted: bool) -> Strand | None:
        left = [strand for strand in self.strands if not strand.over]
        if self._failure is not None:
            return me if me in left else next(iter(left), None)
        while any(not strand.daemon for strand in left):
            ready = [strand.number for strand in left if strand.is_ready()]
            waiting = [strand.until for strand in left if strand.until is not None and not strand.is_late]
            moment = min(waiting, default=None)
            options = [*ready, TIME] if moment is not None else ready
            if not options:
                told = "\n".join(f"  {strand.name} waits" for strand in left)
                self._failure = Deadlock(f"nobody can go on:\n{told}\n{self.told()}")
                return me if me in left else left[0]
            running = me.number if me is not None and me.number in ready else None
            chosen = self._chooser.next(options, running, interrupted=interrupted)
            if chosen != TIME:
                return self.strands[chosen]
            assert moment is not None
            self._pass_to(moment)
        return None

    def _pass_to(self, moment: float) -> None:
        self.now = max(self.now, moment)
        self.digest = zlib.crc32(f"{moment!r}".encode(), self.digest)
        for strand in self.strands:
            if strand.until is not None and strand.until <= self.now:
                strand.is_late = True

    def told(self) -> str:
        """The last part of the schedule, in words."""
        lines = [
            f"  {before}; {name} goes on" if before else f"  {name} begins" for name, before in self.trail[-_SHOWN:]
        ]
        return "\n".join([f"the last of {len(self.trail)} changes:", *lines])
