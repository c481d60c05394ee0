"""What listeners of fallbacks are told: what kind of thing happened, never arguments, results or texts."""

from __future__ import annotations

from ..events import Event


class FallbackUsed(Event):
    """A call failed and was answered for, by an answer of this `kind`: "value", "function", "instead", "last_good".

    `error_type`, `category` and `code` tell the failure; `age` is how old a last good value was, in seconds, or None.
    """

    kind: str
    error_type: str
    category: str
    code: str
    age: float | None
