"""What changes a rate limiter while it works: another limit, a pause, and what the server says of its own."""

from __future__ import annotations

from ..settings import seconds
from ..typed import TYPE_CHECKING
from .config import RateLimiterConfig, as_limit
from .herald import Herald

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta
    from typing import Any

    from .allowance import Allowance
    from .config import Limit


class Steered(Herald):
    """The part of a rate limiter that is changed, and listens to the server."""

    __slots__ = ("was_updated",)

    was_updated: bool
    """Whether the limit is another one than that of the config with which the limiter was made."""

    def update(self, limit: RateLimiterConfig | Limit | Mapping[str, Any]) -> None:
        """Follow another limit from now on; what was counted still counts. A config is taken over with all it says.

        Those who wait keep their place. Who could not be let pass in time any more is refused now. A bucket that
        becomes smaller is empty at worst, however much was let pass before. What the server said, and a pause, still
        hold. A signal handler that interrupts the limiter may do so too: it is done when that is over.

        >>> from holdfast import RateLimiter, TokenBucket
        >>> limiter = RateLimiter(TokenBucket(rate=10, capacity=20))
        >>> limiter.acquire(15)
        >>> limiter.update(TokenBucket(rate=1, capacity=20))
        >>> limiter.stats.available
        5

        Raises `ConfigurationError` for whatever is no limit.
        """
        given: Any = limit
        if not isinstance(given, RateLimiterConfig):
            given = self.settings.replace(limit=as_limit("update", given))

        def follow(allowance: Allowance, now: float) -> bool:
            allowance.adjust(given.limit, now)
            self.line.places = given.max_queue
            self.was_updated = True
            self.settings = given
            return True

        self.line.change(follow)
        self.tell("adjusted", pause=0.0)

    adjust = update

    def pause_for(self, duration: float | timedelta) -> None:
        """Let nothing pass for so many seconds; a longer pause that was asked for before stays.

        Raises `ConfigurationError` for what is no duration.
        """
        pause = seconds("pause_for", "duration", duration)
        until = self.clock.monotonic() + pause
        self.line.change(lambda allowance, now: allowance.hear([(0, until, False)], now))
        self.tell("adjusted", pause=pause)

    def resume(self) -> None:
        """End all pauses, and forget what the server said: from now on, only the limiter's own limit counts.

        >>> from holdfast import RateLimiter, TokenBucket
        >>> limiter = RateLimiter(TokenBucket(rate=10, capacity=20))
        >>> limiter.pause_for(60)
        >>> limiter.resume()
        >>> limiter.stats.available
        20
        """
        self.line.change(lambda allowance, _: allowance.resume())
        self.tell("adjusted", pause=0.0)

    def learn(
        self,
        headers: Any = None,
        *,
        retry_after: Any = None,
        status: int | None = None,
        at_most: float | timedelta = 3600.0,
    ) -> None:
        """Heed what the server said of its own limits with an answer.

        * `headers`: of the answer, in any kind of mapping. Read are `Retry-After`, `RateLimit`, `RateLimit-Remaining`
          with `RateLimit-Reset`, the same with `X-`, and what else holdfast knows of vendors' forms.
        * `retry_after`: seconds, text as in the header, a date or a `timedelta`.
        * `status`: of the answer; 429 says that the call was refused for its rate.
        * `at_most`: seconds for which it is believed, or a `timedelta`; default an hour. What was to hold for longer
          holds for so long, and only until an answer says that calls may be made.

        >>> from holdfast import RateLimiter, TokenBucket
        >>> limiter = RateLimiter(TokenBucket(rate=10, capacity=20))
        >>> limiter.learn({"RateLimit-Remaining": "3", "RateLimit-Reset": "60"})
        >>> limiter.stats.available
        3
        >>> limiter.learn(retry_after="soon")

        What cannot be read is ignored. All that was said holds until its time is over, so of two answers that
        contradict each other the stricter one counts, in whatever order they come. `resume` ends it before; a change
        of the limit does not.

        Raises `ConfigurationError` if `at_most` is no duration.
        """
        from .told import read_headers, read_seconds

        longest = seconds("learn", "at_most", at_most)
        wall = self.clock.time()
        pauses = [] if retry_after is None else [read_seconds(retry_after, wall)]
        said: list[tuple[int, float]] = []
        if headers is not None:
            pause, said = read_headers(headers, wall, limited=status == 429)
            pauses.append(pause)
        pause = max((pause for pause in pauses if pause is not None), default=0.0)
        if pause > 0:
            said = [*said, (0, pause)]
        if said:
            since = self.clock.monotonic()
            words = [(left, since + min(period, longest), period > longest) for left, period in said]
            self.line.change(lambda allowance, now: allowance.hear(words, now))
        if pause > 0:
            self.tell("adjusted", pause=min(pause, longest))
