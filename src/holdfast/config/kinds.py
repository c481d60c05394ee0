"""What the values of a configuration may be: how each kind is written, and what it becomes."""

from __future__ import annotations

from ..durations import ALLOWED, duration_in_seconds
from ..records import did_you_mean
from ..settings import shown
from ..typed import TYPE_CHECKING
from .named_types import Wrong, named_type

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any


MOST = 1_000_000_000
"""No number that a configuration has needs to be larger than this to mean "as good as without end"."""


class Kind:
    """A kind of value. `said` names it in a sentence; `read` returns what a value becomes, or raises `Wrong`.

    `optional`: `false` may stand for "none at all".
    """

    __slots__ = ("_read", "optional", "said")

    def __init__(self, said: str, read: Callable[[Any], Any], *, optional: bool = False) -> None:
        self.said = said
        self._read = read
        self.optional = optional

    def read(self, value: Any) -> Any:
        """Return what the value becomes; raise `Wrong` if it is of another kind."""
        if self.optional and (value is False or value is None):
            return None
        return self._read(value)

    def or_false(self) -> Kind:
        """Return the same kind, or `false`."""
        return Kind(f"{self.said}, or false for none", self._read, optional=True)


def told(value: Any) -> str:
    """Return a value for a message, as it is written in a file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return shown(value).replace("'", '"') if '"' not in value else shown(value)
    if isinstance(value, (dict, list)):
        return "a table" if isinstance(value, dict) else "an array"
    return shown(value)


def refused(said: str, value: Any, hint: str = "") -> Wrong:
    """Return the verdict on a value that is of another kind."""
    return Wrong(f"must be {said}, not {told(value)}{f' ({hint})' if hint else ''}")


def _duration(value: Any) -> Any:
    if isinstance(value, str):
        duration = duration_in_seconds(value)
        if duration is not None:
            return duration
    elif not isinstance(value, (bool, list, dict)) and (isinstance(value, (int, float)) or _is_timedelta(value)):
        return value
    raise refused(ALLOWED, value)


def _is_timedelta(value: Any) -> bool:
    return hasattr(type(value), "total_seconds")  # in a mapping that did not come from a file


def _number(said: str, *kinds: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if isinstance(value, kinds) and not isinstance(value, bool):
            if isinstance(value, int) and value > MOST:
                raise Wrong(f"must be at most {MOST:,}, not {told(value)}")
            return value
        raise refused(said, value, _hint(value))

    return read


def _hint(value: Any) -> str:
    """Return how text that looks like a number is to be written."""
    try:
        float(value if isinstance(value, str) else "")
    except ValueError:
        return ""
    return "without the zeros in front" if value.strip().lstrip("+-")[:1] == "0" != value else "without the quotes"


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    is_quoted = isinstance(value, str) and value in ("true", "false")
    raise refused("true or false", value, "without the quotes" if is_quoted else "")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise refused("text", value)


def _texts(value: Any) -> list[str]:
    if isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value):
        return list(value)
    hint = f"write [{told(value)}]" if isinstance(value, str) else ""
    raise refused("an array of text", value, hint)


def _types(value: Any) -> tuple[type[BaseException], ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(each, str) for each in names):
        raise refused('an array of exception types by name, such as ["ConnectionError", "httpx.ReadTimeout"]', value)
    kinds: list[type[BaseException]] = []
    wrong: list[str] = []
    for name in names:
        try:
            kinds.append(named_type(name))
        except Wrong as said:
            wrong.append(str(said))
    if wrong:
        raise Wrong("; it ".join(wrong))
    return tuple(kinds)


def choice(known: Sequence[str]) -> Kind:
    """Return the kind that has only these values."""

    def read(value: Any) -> str:
        if isinstance(value, str) and value in known:
            return value
        raise Wrong(f"cannot be {told(value)}; {did_you_mean(value, known)}")

    return Kind(" or ".join(f'"{each}"' for each in known), read)


DURATION = Kind("a duration", _duration)
WHOLE = Kind("a whole number", _number("a whole number", int))
NUMBER = Kind("a number", _number("a number", int, float))
YES_NO = Kind("true or false", _boolean)
TEXT = Kind("text", _text)
TEXTS = Kind("an array of text", _texts)
TYPES = Kind("exception types by name", _types)
