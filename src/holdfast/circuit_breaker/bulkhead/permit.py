"""The right to run one call, for those who do not hand the call over as a function; and the wait for it."""

from __future__ import annotations

from ...typed import TYPE_CHECKING
from .queue import GONE, HELD

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import TracebackType
    from typing import Any, Protocol, Self

    from ..._runtime.leftovers import Hold
    from ...clock import Clock
    from .queue import Line, Place

    class Issuer(Protocol):
        """What a permit asks of its bulkhead, and tells it."""

        clock: Clock
        line: Line

        async def wait_async(self, timeout: float | None) -> BulkheadPermit:  # noqa: ASYNC109
            """Return a permit, suspending this task."""
            ...

        def began(self, waited: float) -> None:
            """A call begins, after so many seconds in the queue."""
            ...

        def ended(self, started: float) -> None:
            """A call that began at that moment is over."""
            ...


class BulkheadPermit:
    """The right to run one call. A `with` block, or `release()`, gives it back; dropping it does so too.

    Giving it back twice does no harm. If calls in a `with` block time out and go on in their threads, the permit goes
    back when the last of them has ended.
    """

    __slots__ = ("_bulkhead", "_entered", "_hold", "_started", "place")

    def __init__(self, bulkhead: Issuer, place: Place) -> None:
        self._bulkhead = bulkhead
        self.place = place
        self._started: float | None = None
        self._entered = False
        self._hold: Hold | None = None

    def release(self) -> None:
        """Give the permit back: to the first one who waits, if anybody does."""
        if self._bulkhead.line.leave(self.place) and self._started is not None:
            self._bulkhead.ended(self._started)

    def begin(self, waited: float) -> None:
        """Tell those who listen that the call begins."""
        bulkhead = self._bulkhead
        if bulkhead.line.loud:
            self._started = bulkhead.clock.monotonic()
            bulkhead.began(waited)

    def __enter__(self) -> Self:
        if self._entered or self.place.state != HELD:
            raise RuntimeError(
                "this permit of a bulkhead was entered or given back already and would guard nothing; acquire another"
            )
        from ..._runtime.leftovers import Hold

        self._entered = True
        self._hold = Hold()
        self._hold.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._hold is None:
            self.release()
            return
        self._hold.hide()
        hold, self._hold = self._hold, None
        hold.let_go(self.release)

    def __del__(self) -> None:
        hold = getattr(self, "_hold", None)  # these are not there if making the permit was interrupted
        if hold is not None:
            hold.hide()
            hold.close()
        place = getattr(self, "place", None)
        if place is not None and place.state != GONE:
            self.release()


class Acquiring:
    """A permit that is being waited for: to be awaited, or entered with `async with`."""

    __slots__ = ("_bulkhead", "_entered", "_permit", "_timeout")

    def __init__(self, bulkhead: Issuer, timeout: float | None) -> None:
        self._bulkhead = bulkhead
        self._timeout = timeout
        self._entered = False
        self._permit: BulkheadPermit | None = None

    def __await__(self) -> Generator[Any, Any, BulkheadPermit]:
        return self._bulkhead.wait_async(self._timeout).__await__()

    async def __aenter__(self) -> BulkheadPermit:
        if self._entered:
            raise RuntimeError("acquire_async() is for one `async with` block; call it anew for each")
        self._entered = True
        self._permit = permit = await self
        return permit.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        permit, self._permit = self._permit, None
        if permit is not None:
            permit.__exit__(kind, error, traceback)
