"""All circuit breakers that there are, in a registry or not, and who listens to every call of every one of them."""

from __future__ import annotations

import threading

from ..roll import Roll
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol

    from ..roll import Counts

    class Breaker(Protocol):
        """What a breaker lets others see."""

        name: str
        counts: Counts

        def settle(self) -> None:
            """Look anew at who listens."""
            ...


def _counts(breaker: Breaker) -> Counts:
    return breaker.counts


breakers: Roll[Any] = Roll(_counts)
"""All circuit breakers."""

call_listeners: tuple[Callable[[Any], object], ...] = ()
"""Who is told of each call that has ended, whichever breaker let it in."""

_changing = threading.RLock()  # re-entrant: a finaliser that runs in here may end its listening


def hear_calls(listener: Callable[[Any], object]) -> Callable[[], None]:
    """Call `listener` with a `CircuitCallEnded` for each call; return a function that ends it.

    While anybody listens, calls are timed, and no call takes the quiet path.
    """
    mark = (listener,)  # the same listener may come twice

    def change(*added: tuple[Callable[[Any], object]]) -> None:
        global call_listeners  # noqa: PLW0603  replaced whole, so that readers need no lock
        with _changing:
            _marks[:] = [*(one for one in _marks if one is not mark), *added]
            call_listeners = tuple(each for (each,) in _marks)
        for breaker in breakers.alive():
            breaker.settle()

    change(mark)
    return change


_marks: list[tuple[Callable[[Any], object]]] = []
