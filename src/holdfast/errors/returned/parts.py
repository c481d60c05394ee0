"""Reading the parts of a result, be it an object of a known class or a dict; of lists only the beginning."""

from __future__ import annotations

from typing import Any

from ..attributes import read
from ..codes import CODES

MOST = 1000
"""So many entries of a list are looked at."""

_LONGEST = 64
_get = dict.get


def part(thing: Any, name: str) -> Any:
    """Return a field of an object or an entry of a dict, or None."""
    return _get(thing, name) if issubclass(type(thing), dict) else read(thing, name)


def text(value: Any) -> str:
    """Return a text, or the name of a member of an enum, in lower case and cut short; "" for anything else."""
    if isinstance(value, str):
        return str.__str__(value)[:200].lower()
    name = read(value, "name")
    return name[:200].lower() if isinstance(name, str) else ""


def entries(value: Any) -> list[Any] | None:
    """Return the first entries of a list or tuple, or None if it is neither."""
    return list(value[:MOST]) if type(value) in (list, tuple) else None


def whole(value: Any) -> int | None:
    """Return a whole number, also that of an enum's member, or None."""
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else None


def known_code(value: Any) -> Any:
    """Return the verdict on a code that vendors' errors carry as well, or None."""
    return CODES.get(value.upper()) if isinstance(value, str) and len(value) <= _LONGEST else None


def seconds(value: Any) -> float | None:
    """Return seconds that a reply tells as a plain number, or None; bounded, and never negative."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1e11:
        return float(value)
    return None
