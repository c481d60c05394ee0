"""What a fallback is set to, and what it tells of itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ..errors import ConfigurationError
from ..records import Record
from ..settings import Settings, optional_callable, shown, text
from ..typed import TYPE_CHECKING
from .answers import NOTHING, LastGood, Value, all_steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypedDict, Unpack

    from .answers import Chain
    from .kinds import On

    class FurtherFields(TypedDict, total=False):
        """All that may be said of a fallback but its name and its answer; `FallbackConfig` tells what each means."""

        value: Any
        last_good: LastGood | None
        on: On
        on_fallback: Callable[[Exception], object] | None

    class FallbackFields(FurtherFields, total=False):
        """All that may be said of a fallback."""

        name: str
        answer: Any


class FallbackConfig(Settings):
    """What answers in place of a call that failed, and for which failures. Frozen; `replace()` makes a changed copy.

    What answers; of several, the first that can, in this order:

    * `last_good`: a `LastGood`: the value that the same call gave when it last succeeded.
    * `answer`: a function, plain or async; an `Instead(function)`, which is called as the guarded function was; a
      `Value`; a `LastGood`; a mapping of any of these by exception type, category or code; or a list of all that, tried
      in order. A function is called with the error if it needs an argument (or takes any number), else with nothing.
    * `value`: this very object.

    And the rest:

    * `on`: answer only for these: exception types, categories, codes, several of them, or a function of the error. A
      function that raises is logged, and means no. Default None: for every `Exception`.
    * `on_fallback(error)`: told of each failure that was answered for. One that raises is logged.
    * `name`: for events, metrics and logs. Default "fallback".

    >>> FallbackConfig(name="search", answer=list, on={TimeoutError, "EXTERNAL"}).name
    'search'

    Raises `ConfigurationError` for whatever cannot work.
    """

    name: str = "fallback"
    answer: Any = None
    value: Any = NOTHING
    last_good: LastGood | None = None
    on: Any = None
    on_fallback: Callable[[Exception], object] | None = None

    if TYPE_CHECKING:

        def __init__(self, **fields: Unpack[FallbackFields]) -> None: ...

        def replace(self, **changes: Unpack[FallbackFields]) -> FallbackConfig:  # type: ignore[override]
            """Return a copy with these fields changed, checked as a new one would be."""

    def _validate(self) -> None:
        from .kinds import as_kinds

        mine = self.__dict__
        owner = "FallbackConfig"
        mine["name"] = text(owner, "name", self.name)
        if not isinstance(self.last_good, (LastGood, type(None))):
            raise ConfigurationError(
                f"{owner}: last_good must be a LastGood, not {shown(self.last_good)}; write LastGood(max_age=…)"
            )
        if callable(self.value):
            raise ConfigurationError(
                f"{owner}: value={shown(self.value)} could be called; give it as the answer to have that done, or as "
                "Value(…) if it is to be returned as it is"
            )
        if self.value is not NOTHING:
            Value(self.value)
        mine["on"] = as_kinds(owner, self.on)
        optional_callable(owner, "on_fallback", self.on_fallback, "(error)")
        kept = [step for step in all_steps(self.chain()) if step.kind == "last_good"]
        if isinstance(self.answer, list):
            mine["answer"] = tuple(self.answer)
        elif isinstance(self.answer, Mapping):
            mine["answer"] = MappingProxyType(dict(self.answer))
        if len(kept) > 1:
            raise ConfigurationError(
                f"{owner}: one LastGood is enough, as there is one last good value; not {len(kept)}"
            )

    def chain(self) -> Chain:
        """Return the answers in the order in which they are tried."""
        from .making import chain_of

        owner = "FallbackConfig"
        chain: Chain = ()
        if self.last_good is not None:
            chain += chain_of(owner, self.last_good)
        if self.answer is not None:
            chain += chain_of(owner, self.answer)
        if self.value is not NOTHING:
            chain += chain_of(owner, self.value if isinstance(self.value, Value) else Value(self.value))
        if not chain:
            raise ConfigurationError(
                f"{owner}: nothing answers; give an answer, a value (None is one too, as value=None) or a last_good"
            )
        return chain

    @property
    def remembers(self) -> LastGood | None:
        """The `LastGood`, wherever it was given; None if there is none."""
        return next((step.thing for step in all_steps(self.chain()) if step.kind == "last_good"), None)


class FallbackMetrics(Record):
    """What a fallback has seen so far. Calls that succeed are not counted.

    Of the calls that failed, `answered` were answered for (`by_kind` tells by what: "value", "function", "instead",
    "last_good"), `failed` ended in an error of the fallback itself, `unanswered` in their own, as no answer was meant
    for it, and `abandoned` were cancelled or interrupted meanwhile.

    With a `refresh_after`, `served_fresh` were answered without a call, `served_stale` as one was under way.
    """

    name: str
    answered: int
    by_kind: Mapping[str, int]
    failed: int
    unanswered: int
    abandoned: int
    served_fresh: int
    served_stale: int
