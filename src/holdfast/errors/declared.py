"""What an error or a value says of itself, in `__resilience__`."""

from __future__ import annotations

from types import CoroutineType
from typing import TYPE_CHECKING, cast

from ..journal import logger
from .classification import Classification
from .recognition import full_name
from .taxonomy import ErrorCategory

if TYPE_CHECKING:
    from typing import Any

_TOLD_AT_MOST = 1000
_told: set[str] = set()


def verdict_in(said: Any) -> Classification | None:
    """Return the verdict that is said by value or by a function; None if it is anything else."""
    return _verdict(_answer(said))


def verdict_of(error: BaseException, said: Any) -> Classification | None:
    """Return the verdict that an error gives of itself; None, which is logged once for its type, if that is none.

    A function may say None where it has nothing to say.
    """
    answer = _answer(said)
    found = _verdict(answer)
    if found is None and answer is not None:
        _complain(full_name(type(error)), answer)
    return found


def _answer(said: Any) -> Any:
    try:
        if not issubclass(type(said), Classification) and callable(said):
            said = said()
            if isinstance(said, CoroutineType):
                said.close()
    except Exception:
        return None
    return said


def _verdict(answer: Any) -> Classification | None:
    return cast("Classification", answer) if issubclass(type(answer), Classification) else None


def _complain(kind: str, answer: object) -> None:
    if kind in _told or len(_told) >= _TOLD_AT_MOST:
        return
    _told.add(kind)
    shown, fix = f"a {type(answer).__name__}", ""  # it may be anything, and secret
    if isinstance(answer, str) and answer.upper() in ErrorCategory.__members__:
        shown, fix = repr(answer), f"; write Classification(category={answer.upper()!r})"
    logger("errors").warning("%s.__resilience__ must be a Classification or give one, not %s%s", kind, shown, fix)
