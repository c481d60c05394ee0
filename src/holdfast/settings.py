"""What users set: the base class of all configs, and the checks of single values.

Each check returns the value in its normal form or raises a `ConfigurationError` that says which parameter, which value,
what is allowed, and the likely fix.
"""

from __future__ import annotations

import sys

from .errors.exceptions import ConfigurationError
from .functions import is_async, name_of, refused_by
from .records import Record, likely, nearest
from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any, ClassVar


class Settings(Record):
    """A record that users fill in: a wrong or missing field is a `ConfigurationError`."""

    _error: ClassVar[type[Exception]] = ConfigurationError
    _parts: ClassVar[Mapping[str, tuple[type[Settings], ...]]] = {}
    """The configs that may be given by their fields as a mapping, by the field that each is given in."""

    def _likely(self, name: str, value: object) -> str:
        if not self._parts:
            return likely(name, self._fields)
        from .dialects import fields_for, fields_within, note_on, places_of

        if fields_for(name, self._fields) or note_on(name, self._fields):
            return likely(name, self._fields)
        told = shown(value)
        places = places_of(name, self._parts, told)
        if not places:
            near = nearest(name, (*fields_within(self._parts), *self._fields))
            places = [] if near is None or near in self._fields else places_of(near, self._parts, told)
        return f"did you mean {' or '.join(places)}? " if places else likely(name, self._fields)

    @property
    def own_name(self) -> str | None:
        """The name of a config that has one, if it is not just what all are called that were given none."""
        mine: Any = self
        return None if mine.name == type(mine).name else mine.name


def whole_number(owner: str, name: str, value: Any, *, least: int = 1, hint: str = "") -> int:
    """Return `value` as an int of at least `least`; refuse bools, fractions and what is no number."""
    if not isinstance(value, (bool, float, type)):
        try:
            whole = value.__index__()
        except (AttributeError, TypeError):
            pass
        else:
            if whole >= least:
                return int(whole)
    raise ConfigurationError(
        f"{owner}: {name} must be a whole number of at least {least}, not {shown(value)}{_tail(hint)}"
    )


def number(owner: str, name: str, value: Any, *, least: float = 0, hint: str = "") -> float:
    """Return `value` as a float that is finite and at least `least`; refuse bools and what is no number."""
    as_float = _as_float(value)
    if as_float is None or not least <= as_float < float("inf"):
        raise ConfigurationError(
            f"{owner}: {name} must be a finite number of at least {least:g}, not {shown(value)}{_tail(hint)}"
        )
    return as_float


def seconds(owner: str, name: str, value: Any, *, zero: bool = True, hint: str = "") -> float:
    """Return a duration in seconds: a finite number that is not negative, or a `timedelta`; refuse anything else."""
    # A timedelta can only be here if its module is loaded; another thread may just be at that.
    timedelta: Any = getattr(sys.modules.get("datetime"), "timedelta", None)
    is_timedelta = timedelta is not None and isinstance(value, timedelta)
    duration = value.total_seconds() if is_timedelta else _as_float(value)
    if duration is None:
        raise ConfigurationError(
            f"{owner}: {name} must be seconds as a number, or a timedelta, not {shown(value)}{_tail(hint)}"
        )
    if not (0 < duration < float("inf") or (zero and duration == 0)):
        allowed = "zero or more" if zero else "more than zero"
        raise ConfigurationError(
            f"{owner}: {name} must be finite and {allowed} seconds, not {shown(value)}{_tail(hint)}"
        )
    return float(duration) + 0.0  # -0.0 becomes 0.0


def optional_seconds(owner: str, name: str, value: Any, *, zero: bool = False) -> float | None:
    """Return a duration in seconds, or None for "no limit"."""
    return None if value is None else seconds(owner, name, value, zero=zero, hint="None means: no limit")


def fraction(owner: str, name: str, value: Any, *, hint: str = "") -> float:
    """Return a number between 0 and 1, both included; refuse anything else."""
    share = _as_float(value)
    if share is None or not 0 <= share <= 1:
        if share is not None and 2 <= share <= 100:
            hint = f"a percentage is written as a fraction: {share / 100:g}"
        raise ConfigurationError(f"{owner}: {name} must be a number from 0 to 1, not {shown(value)}{_tail(hint)}")
    return share


def boolean(owner: str, name: str, value: Any) -> bool:
    """Return `value` if it is a bool; refuse anything else."""
    if not isinstance(value, bool):
        raise ConfigurationError(f"{owner}: {name} must be True or False, not {shown(value)}")
    return value


def optional_callable(owner: str, name: str, value: Any, signature: str) -> Any:
    """Return `value` if it is None or a plain function; `signature` tells the user how it would be called.

    An async function is refused: nobody would await what it returns.
    """
    if value is not None and not callable(value):
        raise ConfigurationError(f"{owner}: {name} must be a function {signature} or None, not {shown(value)}")
    if value is not None and is_async(value):
        raise ConfigurationError(f"{owner}: {name} must be a plain function {signature}, not an async one")
    if value is not None:
        check_takes(owner, name, value, signature)
    return value


def check_takes(owner: str, name: str, function: Any, signature: str) -> None:
    """Refuse a function that cannot be called as `signature` tells, be it that it takes fewer arguments, or needs more.

    A signature that does not begin with the names of all arguments tells nothing of them.
    """
    if not signature.startswith("(") or "*" in signature:
        return
    told = signature[: signature.index(")") + 1]
    names = told[1:-1]
    taken = refused_by(function, names.count(",") + 1 if names else 0)
    if taken:
        raise ConfigurationError(
            f"{owner}: {name} will be called with {told if names else 'no arguments'}, but {name_of(function)} takes "
            f"{taken if taken != '()' else 'none'}"
        )


def text(owner: str, name: str, value: Any) -> str:
    """Return `value` as a plain string if it is one with something in it; refuse anything else.

    The members of a `class Code(str, Enum)` become their values.
    """
    if not isinstance(value, str) or not value.strip():
        raise ConfigurationError(f"{owner}: {name} must be a text that is not empty, not {shown(value)}")
    return str.__str__(value)


def doubt_code(where: str, code: str, known: Collection[str], is_not: str = "none of holdfast's codes") -> None:
    """Warn, once, at the user's line, of a code that is nearly one of the known ones: it may yet be the user's own."""
    if code in known or code in _doubted:
        return
    near = next((each for each in known if _is_slip(code, each)), None)
    if near is None:
        return
    _doubted.add(code)
    from .journal import warn

    warn(
        f"{where}: {code!r} is {is_not}, so it is only met by errors to which you give this code yourself; "
        f"did you mean {str(near)!r}?"
    )


_doubted: set[str] = set()


def _is_slip(word: str, meant: str) -> bool:
    """Whether a word is what was meant but for case, separators, or a slip at one letter after the first."""
    one, other = (each.upper().replace("-", "").replace("_", "").replace(" ", "") for each in (word, meant))
    if one == other:
        return True
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    one, other = one[same:], other[same:]
    is_short = same + len(other) <= _SHORT
    if not same or is_short:
        return False
    swapped = one[2:] == other[2:] and one[:2] == other[1::-1]
    return swapped or one[1:] == other[1:] or one[1:] == other or one == other[1:]


_SHORT = 5  # letters: words that are so short are alike by chance


def refuse_class(name: str, value: object) -> None:
    """Refuse a class where an object of it is meant."""
    if isinstance(value, type):
        raise ConfigurationError(f"{name} must be an object, not the class {value.__name__}; write {value.__name__}()")


def shown(value: object) -> str:
    """Return `repr(value)` for a message, cut if it is long; a value that cannot be shown is told by its type."""
    try:
        full = repr(value)
    except Exception:  # a `__repr__` that raises, or an int of too many digits
        return f"a {type(value).__name__}"
    return full if len(full) <= _LONGEST_SHOWN else f"{full[:_LONGEST_SHOWN]}…"


_LONGEST_SHOWN = 120


def _as_float(value: Any) -> float | None:
    """Return an int or float as a float (too large ones as infinity), or None for anything else, bools included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _tail(hint: str) -> str:
    return f" ({hint})" if hint else ""
