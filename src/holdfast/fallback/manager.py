"""A fallback: what answers in place of calls that failed, and what it has answered so far."""

from __future__ import annotations

from .._runtime.callables import check_guardable, guarded
from .._runtime.system import as_clock
from ..errors import Classification, ConfigurationError, ErrorCategory, get_error_classifier
from ..functions import is_async
from ..journal import report_broken
from ..registry import Binding
from ..settings import shown, text
from ..switch import is_off
from ..typed import TYPE_CHECKING, overload
from .answers import NOTHING, gives_awaitables
from .config import FallbackConfig
from .guard import call, call_async, check_fits, wrap
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable
    from typing import Any, NoReturn, ParamSpec, TypeVar

    from ..clock import Clock
    from ..errors import ErrorClassifier
    from .config import FallbackMetrics
    from .shelf import Shelf

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")


class Fallback:
    """Answers in place of calls that fail; safe to share between threads, tasks and event loops.

    * `config`: a `FallbackConfig`.
    * `name`: default the config's.
    * `clock`: tells how old last good values are; default the real one.
    * `classifier`: default the one of this process.

    >>> fallback = Fallback(FallbackConfig(name="search", value=[]))
    >>> fallback.execute(lambda: 1 / 0)
    []
    >>> fallback.metrics.by_kind
    {'value': 1}

    Raises `ConfigurationError` if `config` is none.
    """

    __slots__ = (
        "__weakref__",
        "_shelf",
        "chain",
        "classifier",
        "clock",
        "goes_by_arguments",
        "last_good",
        "name",
        "read",
        "renewed",
        "settings",
        "tally",
    )

    settings: FallbackConfig
    """The config, which other fallbacks may share, whatever its name."""

    def __init__(
        self,
        config: FallbackConfig,
        *,
        name: str | None = None,
        clock: Clock | None = None,
        classifier: ErrorClassifier | None = None,
    ) -> None:
        given: Any = config
        if not isinstance(given, FallbackConfig):
            raise ConfigurationError(f"Fallback: config must be a FallbackConfig, not {shown(given)}")
        self.settings = given
        self.name = given.name if name is None else text("Fallback", "name", name)
        self.clock = as_clock(clock)
        self.read = self.clock.monotonic
        self.classifier = get_error_classifier() if classifier is None else classifier
        self.chain = given.chain()
        self.last_good = given.remembers
        self.renewed = None if self.last_good is None or self.last_good.refresh_after is None else self.last_good
        self.goes_by_arguments = self.last_good is not None and self.last_good.key is None
        self.tally = Tally()
        self._shelf: Shelf | None = None

    @property
    def config(self) -> FallbackConfig:
        """What the fallback is set to, under its own name."""
        return self.settings if self.settings.name == self.name else self.settings.replace(name=self.name)

    @overload
    def execute(
        self, operation: Callable[[], Coroutine[Any, Any, T]], *, key: Hashable = ...
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(self, operation: Callable[[], T], *, key: Hashable = ...) -> T: ...
    def execute(self, operation: Callable[[], Any], *, key: Hashable = NOTHING) -> Any:
        """Call `operation`, and answer for it if it fails; return its value or, for an async one, something to await.

        `key` tells the calls with different last good values apart. By default an operation is the same if it is the
        same object, and a `functools.partial` if it has the same function and equal arguments. So a lambda that is made
        anew for each call has no last good value without a key. (It is not kept alive either, as a function is known by
        a weak reference.)

        Raises what the operation raises if nothing answers; what the fallback raises, with that as its context;
        `TypeError` for what cannot be called, and for a plain function with an async fallback.
        """
        check_guardable(operation, "fallback")
        check_fits(self, operation)
        asynchronous = is_async(operation)
        if is_off():
            return operation()
        from .memory import CallMemory, key_of
        from .shelf import Shelf

        if self._shelf is None:
            self._shelf = Shelf()
        memory = CallMemory(
            self._shelf, key_of(operation, self.last_good, key), gives_awaitables=gives_awaitables(operation)
        )
        return (call_async if asynchronous else call)(self, memory, operation, (), {})

    def protect(self, function: Callable[P, R], /) -> Callable[P, R]:
        """Return `function` guarded by this fallback; works as a decorator. Each function has its own last good values.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called, and a plain
        function with an async fallback.
        """
        result: Callable[P, R] = guarded(function, "fallback", lambda inner: wrap(Binding.to(self), inner))
        return result

    def classify(self, error: Exception) -> Classification:
        """Return the verdict on a failure; a classifier that raises knows nothing of it."""
        try:
            seen: object = self.classifier.classify(error)
        except Exception:
            report_broken("fallback", "classifier", self.classifier.classify)
            seen = None
        if isinstance(seen, Classification):
            return seen
        return Classification(category=ErrorCategory.UNKNOWN, reason="the classifier itself failed")

    @property
    def metrics(self) -> FallbackMetrics:
        """What the fallback has seen so far; calls that succeed are not counted."""
        return self.tally.metrics(self.name)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a fallback cannot be copied or pickled: what it counts is shared by all who hold it")

    def __repr__(self) -> str:
        return f"Fallback({self.name!r}, answered={self.metrics.answered})"
