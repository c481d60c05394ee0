"""What users set: the base class of all configs, and the checks of single values.

Each check returns the value in its normal form or raises a `ConfigurationError` that says which parameter, which value,
what is allowed, and the likely fix.
"""

from __future__ import annotations

import sys
from typing import Any, ClassVar

from .errors.exceptions import ConfigurationError
from .records import Record


class Settings(Record):
    """A record that users fill in: a wrong or missing field is a `ConfigurationError`."""

    _error: ClassVar[type[Exception]] = ConfigurationError


def whole_number(owner: str, name: str, value: Any, *, least: int = 1, hint: str = "") -> int:
    """Return `value` as an int of at least `least`; refuse bools, fractions and what is no number."""
    if not isinstance(value, (bool, float)):
        try:
            number = value.__index__()
        except AttributeError:
            pass
        else:
            if number >= least:
                return int(number)
    raise ConfigurationError(f"{owner}: {name} must be a whole number of at least {least}, not {value!r}{_tail(hint)}")


def number(owner: str, name: str, value: Any, *, least: float = 0, hint: str = "") -> float:
    """Return `value` as a float that is finite and at least `least`; refuse bools and what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not least <= value < float("inf"):
        raise ConfigurationError(
            f"{owner}: {name} must be a finite number of at least {least:g}, not {value!r}{_tail(hint)}"
        )
    return float(value)


def seconds(owner: str, name: str, value: Any, *, zero: bool = True, hint: str = "") -> float:
    """Return a duration in seconds: a finite number that is not negative, or a `timedelta`; refuse anything else."""
    datetime = sys.modules.get("datetime")  # a timedelta can only be here if its module is loaded
    if datetime is not None and isinstance(value, datetime.timedelta):
        value = value.total_seconds()
    elif isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(
            f"{owner}: {name} must be seconds as a number, or a timedelta, not {value!r}{_tail(hint)}"
        )
    try:
        number = float(value)
    except OverflowError:
        number = float("inf")
    if not (0 < number < float("inf") or (zero and number == 0)):
        allowed = "zero or more" if zero else "more than zero"
        raise ConfigurationError(f"{owner}: {name} must be finite and {allowed} seconds, not {value!r}{_tail(hint)}")
    return number + 0.0  # -0.0 becomes 0.0


def optional_seconds(owner: str, name: str, value: Any, *, zero: bool = False) -> float | None:
    """Return a duration in seconds, or None for "no limit"."""
    return None if value is None else seconds(owner, name, value, zero=zero, hint="None means: no limit")


def fraction(owner: str, name: str, value: Any) -> float:
    """Return a number between 0 and 1, both included; refuse anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        hint = ""
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 2 <= value <= 100:
            hint = f"a percentage is written as a fraction: {value / 100}"
        raise ConfigurationError(f"{owner}: {name} must be a number from 0 to 1, not {value!r}{_tail(hint)}")
    return float(value)


def boolean(owner: str, name: str, value: Any) -> bool:
    """Return `value` if it is a bool; refuse anything else."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{owner}: {name} must be True or False, not {value!r}")
    return value


_CO_COROUTINE = 0x80  # the bit of `code.co_flags` that marks an `async def`, as documented in the `inspect` module


def optional_callable(owner: str, name: str, value: Any, signature: str) -> Any:
    """Return `value` if it is None or a plain function; `signature` tells the user how it would be called.

    An async function is refused: nobody would await what it returns.
    """
    if value is not None and not callable(value):
        raise ConfigurationError(f"{owner}: {name} must be a function {signature} or None, not {value!r}")
    if getattr(getattr(value, "__code__", None), "co_flags", 0) & _CO_COROUTINE:
        raise ConfigurationError(f"{owner}: {name} must be a plain function {signature}, not an async one")
    return value


def text(owner: str, name: str, value: Any) -> str:
    """Return `value` if it is a string with something in it; refuse anything else."""
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{owner}: {name} must be a text that is not empty, not {value!r}")
    return value


def _tail(hint: str) -> str:
    return f" ({hint})" if hint else ""
