"""What listeners of timeouts are told: what kind of thing happened, never arguments, results or texts."""

from __future__ import annotations

from ..events import Event


class TimeoutExceeded(Event):
    """A call took longer than `seconds`, which was `limit`, as "the timeout of fetch".

    `left_behind`: it goes on in its worker thread.
    """

    seconds: float
    limit: str
    left_behind: bool
