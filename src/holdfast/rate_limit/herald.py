"""Who is told what happens at a rate limiter, and how a refusal comes out. Never under the limiter's lock."""

from __future__ import annotations

from types import MappingProxyType

from .. import events
from ..errors import RateLimitExceededError
from ..listening import Told
from ..typed import TYPE_CHECKING
from .events import RateLimitAdjusted, RateLimitAdmitted, RateLimitQueued, RateLimitRejected
from .places import NEVER

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Literal, NoReturn, TypeAlias

    from ..clock import Clock
    from .config import RateLimiterConfig
    from .line import Line

    EventName: TypeAlias = Literal["admitted", "queued", "rejected", "adjusted"]


class Herald(Told):
    """The part of a rate limiter that tells and refuses."""

    __slots__ = ("clock", "line", "name", "settings")

    kinds = MappingProxyType(
        {
            "admitted": RateLimitAdmitted,
            "queued": RateLimitQueued,
            "rejected": RateLimitRejected,
            "adjusted": RateLimitAdjusted,
        }
    )
    told_everywhere = ("queued", "rejected", "adjusted")
    room = "rate_limit"

    clock: Clock
    line: Line
    name: str
    settings: RateLimiterConfig
    """The config, which other limiters may share, whatever its name."""

    def _refuse(
        self, reason: Literal["rate", "full", "timeout"], cost: int, waited: float, delay: float, why: str
    ) -> NoReturn:
        self._reject(reason, cost, waited, delay)
        turn = "its turn would never come" if delay == NEVER else f"its turn would come in {delay:.3g} s"
        error = RateLimitExceededError(
            f"rate limiter {self.name!r} refused a call: {turn}, {why}",
            name=self.name,
            retry_after=None if delay == NEVER else delay,
        )
        try:
            if events.watchers:
                from ..failures import note

                note("rate limiter", self.name, error)
            raise error
        finally:
            del error

    @property
    def hears_of_rejections(self) -> bool:
        """Whether anybody would be told."""
        return self.settings.on_reject is not None or bool(self._listeners) or bool(events.listeners)

    def _reject(self, reason: str, cost: int, waited: float, delay: float) -> None:
        on_reject = self.settings.on_reject
        fields: dict[str, Any] = {"cost": cost, "reason": reason, "waited": waited, "retry_after": delay}
        if on_reject is not None:
            self._call(on_reject, RateLimitRejected(name=self.name, **fields))
        self.tell("rejected", **fields)

    def on(self, event: EventName, listener: Callable[[Any], object]) -> Callable[[], None]:
        """Call `listener` with a frozen record of each such event; return a function that ends it.

        "admitted" gives `RateLimitAdmitted`, "queued" `RateLimitQueued`, "rejected" `RateLimitRejected`, "adjusted"
        `RateLimitAdjusted`. Listeners run after the fact and may use the limiter, but one of "queued" must not wait for
        it, as it would wait behind the caller that it keeps; one that raises is logged.

        Raises `ConfigurationError` for another event, and for what cannot be called.
        """
        return self._on(event, listener, self.line.lock)

    def _hear(self, listeners: tuple[tuple[str, Callable[[Any], object]], ...]) -> None:
        super()._hear(listeners)
        self.line.loud = bool(listeners)
        self.line.mark()
