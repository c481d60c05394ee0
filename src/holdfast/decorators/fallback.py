"""`with_fallback`."""

from __future__ import annotations

from .._runtime.callables import guarded
from ..errors import ConfigurationError
from ..fallback.answers import NOTHING
from ..fallback.config import FallbackConfig
from ..fallback.guard import wrap as wrap_fallback
from ..fallback.manager import Fallback
from ..fallback.registry import as_name, bind_fallback
from ..functions import name_of
from ..settings import shown
from ..typed import TYPE_CHECKING, Protocol, overload

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, ParamSpec, TypeVar

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from ..fallback.answers import LastGood
    from ..fallback.kinds import On
    from .sharing import Guard

    P = ParamSpec("P")
    R = TypeVar("R")


class OptionalGuard(Protocol):
    """A decorator of functions that then may return None as well."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]], /
    ) -> Callable[P, Coroutine[Any, Any, R | None]]: ...
    @overload
    def __call__(self, function: Callable[P, R], /) -> Callable[P, R | None]: ...


@overload
def with_fallback(  # pyright: ignore[reportOverlappingOverload]  # None is the one value that changes the type
    answer: Any = None,
    /,
    *,
    value: None,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> OptionalGuard: ...
@overload
def with_fallback(
    answer: Any = None,
    /,
    *,
    value: Any = ...,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> Guard: ...
def with_fallback(
    answer: Any = None,
    /,
    *,
    value: Any = NOTHING,
    last_good: LastGood | None = None,
    on: On = None,
    on_fallback: Callable[[Exception], object] | None = None,
    name: str | None = None,
    clock: Clock | None = None,
    classifier: ErrorClassifier | None = None,
) -> Any:
    """Answer for the calls of a function that fail, whatever they fail with: its own errors, rejections, timeouts.

    * `answer`: a function, which is called with the error if it needs an argument, else with nothing, and may be async
      if the guarded one is; an `Instead(function)`, which is called with the arguments of the call that failed; a
      mapping of answers by exception type, category or code; or a list of answers, tried in order. Or the name of a
      registered fallback, a `FallbackConfig` or a `Fallback`.
    * `value`: what is returned if nothing else answers; the very same object each time.
    * `last_good`: a `LastGood`: the value of the last such call that succeeded, which is tried first.
    * `on`: exception types, categories, codes, or a function of the error: answer only for these.
    * `on_fallback(error)`: told of each failure that was answered for. One that raises is logged.
    * `name`: for events, metrics and logs; default the function's.
    * `clock` and `classifier` replace the real time and the process-wide classifier.

    >>> @with_fallback(value="no weather today", on={ConnectionError, "EXTERNAL"})
    ... def weather(city: str) -> str:
    ...     raise ConnectionResetError
    >>> weather("Bergen")
    'no weather today'
    >>> @with_fallback(list)
    ... async def search(query: str) -> list[str]: ...

    Put it above the other guards, so that it answers for what they raise. Cancellation, KeyboardInterrupt and
    SystemExit always pass. If nothing answers, the error comes out as it is; if a fallback raises, its error comes out,
    with the function's as its context. A name is looked up at the first call, so it may be registered later than the
    function is decorated.

    Raises `ConfigurationError` at once for what cannot answer; `TypeError`, when decorating, for what cannot be
    guarded, and for a plain function with an async answer. A call raises `UnknownPolicyError` if nothing is registered
    under the name; `TypeError` if the answer for a plain function turns out to be one to await.
    """
    fields: dict[str, Any] = {
        field: given
        for field, given in (("last_good", last_good), ("on", on), ("on_fallback", on_fallback), ("name", name))
        if given is not None
    }
    if value is not NOTHING:
        fields["value"] = value
    if isinstance(answer, (str, Fallback)):
        if fields or clock is not None or classifier is not None:
            what = f"the fallback {shown(answer)}" if isinstance(answer, str) else "a Fallback"
            raise ConfigurationError(f"with_fallback: {what} has its settings where it is made; give no others here")
        given: Any = (
            answer if isinstance(answer, Fallback) else as_name("with_fallback", "answer", answer, instead=_INSTEAD)
        )
    elif isinstance(answer, FallbackConfig):
        given = answer.replace(**fields)
    else:
        given = FallbackConfig(answer=answer, **fields)

    def protect(function: Any) -> Any:
        if isinstance(given, FallbackConfig):
            own = name_of(function) if given.own_name is None else None
            fallback = Fallback(given, name=own, clock=clock, classifier=classifier)
            return wrap_fallback(bind_fallback(fallback, function), function)
        return wrap_fallback(bind_fallback(given, function, instead=_INSTEAD), function)

    return lambda *given_to_it, **named: _decorated(answer, protect, given_to_it, named)


_INSTEAD = "with_fallback(value=%s)"


def _decorated(answer: Any, protect: Callable[[Any], Any], given: tuple[Any, ...], named: Mapping[str, Any]) -> Any:
    """Return the function that the decorator was given, guarded; or say what went wrong if it was given none.

    That is so where ``@with_fallback`` was written bare: the function became the answer, its name stands for the
    decorator, and its callers give their arguments to that.
    """
    function = given[0] if len(given) == 1 and not named else None
    if callable(function) or hasattr(type(function), "__get__"):
        return guarded(function, "fallback", protect)
    if callable(answer):
        name = name_of(answer)
        raise TypeError(
            f"with_fallback({name}) made a decorator with {name} as the fallback, which takes the function to guard; "
            "write @with_fallback(value=...) or @with_fallback(list) above the function"
        )
    if len(given) == 1 and not named:
        return guarded(function, "fallback", protect)
    raise TypeError("what with_fallback(...) returns is a decorator: it takes the function to guard, and nothing else")
