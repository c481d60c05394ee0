"""What users give for an answer, as a chain of steps: what is what, and how each function is to be called.

It is imported when the first fallback is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import FunctionType

from ..errors import ConfigurationError
from ..functions import innermost, name_of
from ..settings import shown
from ..typed import TYPE_CHECKING
from .answers import Choice, Instead, LastGood, Step, Value
from .kinds import as_kind

if TYPE_CHECKING:
    from typing import Any

    from .answers import Chain


def chain_of(owner: str, answer: Any) -> Chain:
    """Return what the user gave for an answer as a chain; raise `ConfigurationError` for what cannot answer."""
    if isinstance(answer, (list, tuple)):
        if not answer:
            raise ConfigurationError(
                f"{owner}: there is nothing in the chain of answers; if {shown(answer)} is to be the answer, write "
                f"Value({shown(answer)}), or {type(answer).__name__} for a new one each time"
            )
        return tuple(step for each in answer for step in chain_of(owner, each))
    if isinstance(answer, Mapping):
        return (Choice(_table(owner, answer)),)
    return (_step(owner, answer),)


def _table(owner: str, answers: Mapping[Any, Any]) -> Mapping[Any, Chain]:
    if not answers:
        raise ConfigurationError(
            f"{owner}: there is no kind of error in the mapping of answers; if {shown(answers)} is to be the answer, "
            f"write Value({shown(answers)}), or {type(answers).__name__} for a new one each time"
        )
    return {
        as_kind(owner, f"a key of answer must be {_KEYS}", key): chain_of(owner, each) for key, each in answers.items()
    }


_KEYS = "an exception type, a category or a code"


def _step(owner: str, answer: Any) -> Step:
    if isinstance(answer, Value):
        return Step("value", answer.thing)
    if isinstance(answer, Instead):
        return Step("instead", answer.thing)
    if isinstance(answer, LastGood):
        return Step("last_good", answer)
    if isinstance(answer, type):
        if issubclass(answer, BaseException):
            raise ConfigurationError(
                f"{owner}: {answer.__name__} would be returned, not raised; to have another error raised, give a "
                "function that raises it"
            )
        if answer in {LastGood, Value, Instead}:
            raise ConfigurationError(f"{owner}: {answer.__name__} is a class; write {answer.__name__}(…)")
    if callable(answer):
        return Step("function", answer, takes_error=_takes_error(owner, answer))
    hint = "; a named fallback stands by itself" if isinstance(answer, str) else ""
    raise ConfigurationError(
        f"{owner}: {shown(answer)} cannot answer: give a function, a LastGood, a mapping by kinds of errors, or a list "
        f"of them; a value is given as Value({shown(answer)}), or as value={shown(answer)}{hint}"
    )


def _takes_error(owner: str, function: Any) -> bool:
    """Whether a function is to be called with the error: if it needs a positional argument, or takes any number.

    What it could take but does not need is left to it: in `lambda found=found: found` that is no place for an error.
    """
    needed, optional, any_number = _parameters(owner, function)
    if needed > 1:
        raise ConfigurationError(
            f"{owner}: {name_of(function)} needs {needed} arguments, but a fallback is called with the error or with "
            f"nothing; to call it as the guarded function is called, write Instead({name_of(function)})"
        )
    return bool(needed) or (any_number and not optional)


def _parameters(owner: str, function: Any) -> tuple[int, int, bool]:
    """Return how many positional arguments are needed, how many more could be given, and if there is no end to it."""
    inner = innermost(function)
    if (
        inner is function
        and isinstance(function, FunctionType)
        and not {"__wrapped__", "__signature__"} & vars(function).keys()
    ):
        code = function.__code__
        if not code.co_kwonlyargcount:
            optional = len(function.__defaults__ or ())
            return code.co_argcount - optional, optional, bool(code.co_flags & 0x04)
    import inspect

    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # many builtins cannot tell: `dict`, `str`
        return 0, 0, False
    needed = optional = 0
    any_number = False
    for each in parameters:
        required = each.default is each.empty
        if each.kind in {each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD}:
            needed, optional = needed + required, optional + (not required)
        elif each.kind is each.VAR_POSITIONAL:
            any_number = True
        elif each.kind is each.KEYWORD_ONLY and required:
            raise ConfigurationError(
                f"{owner}: {name_of(function)} needs the keyword {each.name!r}, but a fallback is called with the "
                "error or with nothing; give it by functools.partial"
            )
    return needed, optional, any_number
