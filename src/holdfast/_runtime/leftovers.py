"""What is still running although nobody waits for it any more: how much of it there is, and who has to know."""

from __future__ import annotations

import os
import threading
from contextvars import ContextVar
from weakref import WeakSet

from ..contexts import Span
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    class Leftover(Protocol):
        """What goes on although nobody waits for it."""

        name: str

        def end(self) -> None:
            """It is over."""
            ...


class Ledger:
    """The jobs that were left behind and go on, of one owner, who begins no further one while there are `most`."""

    __slots__ = ("__weakref__", "jobs", "lock", "most")

    def __init__(self, most: int) -> None:
        self.most = most
        self.jobs: dict[Leftover, None] = {}  # single operations on it are atomic
        self.lock = threading.RLock()  # for the owner's counts; re-entrant: a signal handler may come in
        _ledgers.add(self)

    def is_full(self) -> bool:
        """Whether no further job must be begun."""
        return len(self.jobs) >= self.most


_ledgers: WeakSet[Ledger] = WeakSet()


def _forget() -> None:
    for ledger in _ledgers:
        ledger.lock = threading.RLock()
        for job in list(ledger.jobs):
            job.end()


# Threads stay with the parent, where there is such a thing as a fork.
getattr(os, "register_at_fork", dict)(after_in_child=_forget)


class Hold(Span):
    """Something that is held around calls until all of them are over, what they left behind included.

    It holds nothing by itself: `let_go` is told how to release what is held. Whoever ends last does that, once. Until
    then what runs in it sees it, also what was left behind and calls on.
    """

    __slots__ = ("_count", "_lock", "_release")

    def __init__(self) -> None:
        super().__init__()
        self._release: Callable[[], object] | None = None
        self._count = 1
        self._lock = threading.RLock()  # re-entrant: a finaliser or a signal handler may come in

    def open(self) -> None:
        """Let what is called from here on be able to see it."""
        self.enter(holding)

    def hide(self) -> None:
        """Let what is called from here on not see it any more."""
        self.give_way(holding)

    def let_go(self, release: Callable[[], object]) -> None:
        """Call `release`, now or when the last that was added has ended."""
        self._release = release
        self.end()

    def add(self) -> None:
        """Something more has to end before the release."""
        with self._lock:
            self._count += 1

    def end(self) -> None:
        """Something has ended."""
        with self._lock:
            self._count -= 1
            last = self._count == 0
        if last and self._release is not None:
            self.close()
            release, self._release = self._release, None
            release()


holding: ContextVar[Hold | None] = ContextVar("holdfast.holding", default=None)
"""What is held around the running code."""
