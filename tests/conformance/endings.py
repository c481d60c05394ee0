"""How a call ended, and what a scenario says when it did not end as it should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


class NotOfferedError(Exception):
    """The library has neither a setting nor a documented behaviour for what is asked."""


class Unfulfilled(AssertionError):
    """What a scenario expects did not happen."""


def expect(condition: object, seen: str) -> None:
    """Fail with what was seen instead, unless the condition holds."""
    if not condition:
        raise Unfulfilled(seen)


@dataclass(frozen=True)
class Ending:
    """What a call gave back or raised."""

    value: Any = None
    error: BaseException | None = None

    def shown(self) -> str:
        return f"returned {self.value!r}" if self.error is None else f"raised {self.error!r}"
