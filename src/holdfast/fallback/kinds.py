"""Which errors are meant: by their type, their category, their code, or as a function of the error says."""

from __future__ import annotations

from ..errors import ConfigurationError, ErrorCategory, ErrorCode
from ..functions import refuse_awaitable
from ..settings import doubt_code, optional_callable, shown
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from typing import Any, TypeAlias, TypeVar

    from ..errors import Classification

    T = TypeVar("T")
    Kind: TypeAlias = type[Exception] | str
    On: TypeAlias = type[Exception] | str | Collection[type[Exception] | str] | Callable[[Exception], object] | None
    Report: TypeAlias = Callable[[str, Callable[..., object]], None]


class Seen:
    """An error, and its verdict, which is asked for when it is first needed."""

    __slots__ = ("_classify", "_verdict", "error")

    def __init__(self, error: Exception, classify: Callable[[Exception], Classification]) -> None:
        self.error = error
        self._classify = classify
        self._verdict: Classification | None = None

    @property
    def verdict(self) -> Classification:
        """What the classifier says of it."""
        if self._verdict is None:
            self._verdict = self._classify(self.error)
        return self._verdict


def as_kind(owner: str, rule: str, value: Any) -> Kind:
    """Return an exception type, or the name of a category or a code as a plain text.

    Raises `ConfigurationError` for the rest; `rule` says what is allowed.
    """
    if isinstance(value, str) and value.strip():
        word = str.__str__(value)
        if word.upper() in ErrorCategory.__members__:
            return word.upper()
        known = (*ErrorCategory.__members__, *ErrorCode.__members__)
        doubt_code(owner, word, known, "no category and none of holdfast's codes")
        return word
    if isinstance(value, type) and issubclass(value, BaseException):
        if issubclass(value, Exception):
            return value
        raise ConfigurationError(
            f"{owner}: a fallback cannot answer for {value.__name__}: cancellation and shutdown always pass; "
            "name subclasses of Exception"
        )
    raise ConfigurationError(f"{owner}: {rule}, not {shown(value)}")


def as_kinds(owner: str, value: Any) -> Any:
    """Return what the user gave for `on` as a tuple of types and words, as the predicate it is, or None."""
    if value is None or (callable(value) and not isinstance(value, type)):
        return optional_callable(owner, "on", value, "(error) -> bool")
    given = tuple(value) if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    if not given:
        raise ConfigurationError(f"{owner}: on names nothing, so nothing would ever be answered; leave it out for all")
    rule = "on must be exception types, categories, codes or a function (error) -> bool"
    return tuple(as_kind(owner, rule, each) for each in given)


def is_meant(on: Any, seen: Seen, report: Report) -> bool:
    """Whether the error is one of those meant by `on`, in its normal form.

    `report(what, function)` is called while the exception of a predicate that raised is being handled; that is a no.
    """
    if on is None:
        return True
    if not isinstance(on, tuple):
        try:
            answer = on(seen.error)
            refuse_awaitable(answer)
            return bool(answer)
        except Exception:
            report("on", on)
            return False
    kind = type(seen.error)  # an error's __class__ may say, or raise, anything
    if any(_is_subclass(kind, each, report) for each in on if isinstance(each, type)):
        return True
    words = [each for each in on if isinstance(each, str)]
    return bool(words) and (str(seen.verdict.code) in words or str(seen.verdict.category) in words)


def _is_subclass(kind: type, meant: type, report: Report) -> bool:
    try:
        return issubclass(kind, meant)
    except Exception:  # an abstract class decides it itself
        report("on", meant)
        return False


def matching(table: Mapping[Any, T], seen: Seen, report: Report) -> T | None:
    """Return what stands for the error under its code, or else its nearest type, or else its category; or None.

    The error is classified only if there is a category or a code in the table. `report` is as in `is_meant`.
    """
    words = any(isinstance(each, str) for each in table)
    if words and (found := table.get(str(seen.verdict.code))) is not None:
        return found
    for kind in type(seen.error).__mro__:
        try:
            return table[kind]
        except (KeyError, TypeError):  # a metaclass may forbid to hash its classes
            continue
        except Exception:
            report("answer", kind)
    return table.get(str(seen.verdict.category)) if words else None
