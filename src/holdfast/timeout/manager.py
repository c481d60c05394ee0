"""Timeouts by name, calls under them, and how many there were that took too long."""

from __future__ import annotations

from .. import events
from .._runtime.callables import check_guardable, guarded
from .._runtime.system import as_clock
from ..errors import ConfigurationError, UnknownPolicyError
from ..functions import is_async, name_of
from ..journal import logger
from ..registry import Binding, NamedRegistry
from ..settings import shown, text, whole_number
from ..typed import TYPE_CHECKING, overload
from .config import TimeoutConfig, TimeoutMetrics, limit_in_seconds
from .events import TimeoutExceeded
from .guard import TimeGuard, wrap

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from datetime import timedelta
    from typing import Any, ParamSpec, TypeAlias, TypeVar, Unpack

    from .._runtime.leftovers import Ledger
    from ..clock import Clock
    from ..errors import OperationTimeoutError
    from .config import NamelessTimeoutFields

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")
    Timeout: TypeAlias = float | timedelta | str | TimeoutConfig

_NAMES_COUNTED = 1000


class TimeoutManager:
    """Calls operations under time limits; safe to share between threads, tasks and event loops.

    * `max_left_behind`: how many calls of plain functions may be running in their workers after they have timed out,
      before further calls of this manager are refused with `WorkerLimitError`. Default 64.
    * `clock`: time; default the real one. With another one, plain functions run in the caller's thread, and what has
      taken too long by that clock times out when it ends, so that a test need not wait.

    >>> manager = TimeoutManager()
    >>> manager.register("api.weather", 10).seconds
    10.0
    >>> manager.execute(lambda: "sunny", "api.weather")
    'sunny'

    Raises `ConfigurationError` for what cannot work.
    """

    def __init__(self, *, max_left_behind: int = 64, clock: Clock | None = None) -> None:
        self.max_left_behind = whole_number("TimeoutManager", "max_left_behind", max_left_behind)
        self.clock = as_clock(clock)
        self._configs: NamedRegistry[TimeoutConfig] = NamedRegistry(
            "timeout", UnknownPolicyError, "get_timeout_manager().register({name}, seconds) makes one"
        )
        self._timed_out = 0
        self._refused = 0
        self._by_name: dict[str, int] = {}

    # Names.

    def register(self, name: str, seconds: float | timedelta, **fields: Unpack[NamelessTimeoutFields]) -> TimeoutConfig:
        """Let `name` stand for a timeout from now on, also for functions that are decorated with it already.

        Raises `ConfigurationError` as `TimeoutConfig` does.
        """
        config = TimeoutConfig(name=text("TimeoutManager", "name", name), seconds=seconds, **fields)
        self._configs.put(config.name, config)
        return config

    def get(self, name: str) -> TimeoutConfig:
        """Return what `name` stands for; raise `UnknownPolicyError`, with the nearest name, if that is nothing."""
        return self._configs.get(name)

    def remove(self, name: str) -> bool:
        """Let `name` stand for nothing; return whether it stood for something."""
        return self._configs.drop(name)

    @property
    def registered(self) -> Mapping[str, TimeoutConfig]:
        """All registered timeouts by name; read-only."""
        return self._configs.view

    # Calls.

    @overload
    def execute(
        self,
        operation: Callable[[], Coroutine[Any, Any, T]],
        timeout: Timeout,
        **overrides: Unpack[NamelessTimeoutFields],
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(
        self, operation: Callable[[], T], timeout: Timeout, **overrides: Unpack[NamelessTimeoutFields]
    ) -> T: ...
    def execute(
        self, operation: Callable[[], Any], timeout: Timeout, **overrides: Unpack[NamelessTimeoutFields]
    ) -> Any:
        """Call `operation`, which may take `timeout`: seconds, a `timedelta`, a registered name or a `TimeoutConfig`.

        Returns its value or, for an async one, something to await. Raises `OperationTimeoutError` if it takes longer,
        `DeadlineExceededError` if a limit around it is over before, `WorkerLimitError` if no worker can be had for it,
        `UnknownPolicyError` for an unknown name, `TypeError` for what cannot be called.
        """
        check_guardable(operation, "timeout")
        source = TimeoutSource(self, timeout, overrides)
        source.config()  # an unknown name is an error now, not when an async operation is awaited
        guard = TimeGuard(name_of(operation), source.config, self, self.clock)
        if is_async(operation):
            return guard.run_async(operation, (), {})
        return guard.run(operation, (), {})

    def protect(
        self, function: Callable[P, R], /, timeout: Timeout, **overrides: Unpack[NamelessTimeoutFields]
    ) -> Callable[P, R]:
        """Return `function` with a timeout; see `with_timeout`.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called.
        """
        result: Callable[P, R] = self.decorator(timeout, overrides)(function)
        return result

    def decorator(self, timeout: Timeout, overrides: Mapping[str, Any]) -> Callable[[Any], Any]:
        """Return what gives a function a timeout; what is wrong with that is refused now."""
        source = TimeoutSource(self, timeout, overrides)

        def protect(inner: Any) -> Any:
            guard = TimeGuard(name_of(inner), source.config, self, self.clock)
            return wrap(inner, guard, source.binding, is_settled=not source.is_named)

        return lambda function: guarded(function, "timeout", protect)

    # What the guards tell.

    @property
    def ledger(self) -> Ledger:
        """The calls that were left behind."""
        ledger = self.__dict__.get("_ledger")
        if ledger is None:
            from .._runtime.leftovers import Ledger

            ledger = self.__dict__.setdefault("_ledger", Ledger(self.max_left_behind))
        return ledger  # type: ignore[no-any-return]

    def refused(self) -> None:
        """A call was not begun, as no time or no worker was left."""
        with self.ledger.lock:
            self._refused += 1

    def timed_out(
        self, name: str, error: OperationTimeoutError, *, registered: str = "", left_behind: bool = False
    ) -> None:
        """A call took too long, under a limit of that registered name, if it has one."""
        with self.ledger.lock:
            self._timed_out += 1
            if registered and (registered in self._by_name or len(self._by_name) < _NAMES_COUNTED):
                self._by_name[registered] = self._by_name.get(registered, 0) + 1
        logger("timeout").info(
            "%s took longer than %g s (%s)%s",
            name,
            error.duration,
            error.limit,
            "; it goes on in its worker thread" if left_behind else "",
        )
        if events.watchers:
            from ..failures import note

            note("timeout", name, error)
        if events.listeners:
            events.emit(
                TimeoutExceeded(name=name, seconds=error.duration or 0.0, limit=error.limit, left_behind=left_behind)
            )

    @property
    def metrics(self) -> TimeoutMetrics:
        """What the manager has seen so far, and what is left behind now."""
        left_behind: dict[str, int] = {}
        for job in list(self.ledger.jobs):
            left_behind[job.name] = left_behind.get(job.name, 0) + 1
        with self.ledger.lock:
            return TimeoutMetrics(
                timed_out=self._timed_out,
                refused=self._refused,
                left_behind=left_behind,
                max_left_behind=self.max_left_behind,
                by_name=dict(self._by_name),
            )

    def follow(self, name: str, binding: Binding[Any]) -> None:
        """Have `binding` told when `name` means something new."""
        self._configs.follow(name, binding)


class TimeoutSource:
    """A timeout as its user gave it. A name is looked up whenever it is asked for, so it may be registered later."""

    __slots__ = ("_given", "_manager", "_merged", "_overrides")

    def __init__(self, manager: TimeoutManager, given: object, overrides: Mapping[str, Any]) -> None:
        self._manager = manager
        self._overrides = dict(overrides)
        self._merged: tuple[TimeoutConfig, TimeoutConfig] | None = None
        if isinstance(given, str):
            self._given: str | TimeoutConfig = text("with_timeout", "name", given)
            if given[:1].isdecimal() and given not in manager.registered:
                _refuse_duration(given)
            TimeoutConfig(seconds=1, **self._overrides)  # what is wrong by itself is refused now
            return
        if isinstance(given, TimeoutConfig):
            self._given = given
        else:
            self._given = TimeoutConfig(seconds=limit_in_seconds("with_timeout", given))
        self.config()

    def config(self) -> TimeoutConfig:
        """Return what is set now; raise `UnknownPolicyError` if the name stands for nothing."""
        base = self._manager.get(self._given) if isinstance(self._given, str) else self._given
        if not self._overrides:
            return base
        merged = self._merged
        if merged is None or merged[0] is not base:
            merged = self._merged = (base, base.replace(**self._overrides))
        return merged[1]

    @property
    def is_named(self) -> bool:
        """Whether it is what a name stands for, which may change."""
        return isinstance(self._given, str)

    def binding(self, find: Callable[[], Any]) -> Binding[Any]:
        """Return a binding of `find` that is told when the name means something new."""
        binding = Binding(find)
        if isinstance(self._given, str):
            self._manager.follow(self._given, binding)
        return binding


_manager = TimeoutManager()


def get_timeout_manager() -> TimeoutManager:
    """Return the manager of this process, in which `with_timeout` finds its names.

    >>> get_timeout_manager().register("api.weather", 10).name
    'api.weather'
    """
    return _manager


def _refuse_duration(written: str) -> None:
    """Refuse a text that is a duration, with how to write it; others may be names that are registered later."""
    from ..durations import duration_in_seconds

    try:
        duration: float | None = float(written)
    except ValueError:
        duration = duration_in_seconds(written)
    if duration is not None:
        raise ConfigurationError(
            f"with_timeout: a text is the name of a registered timeout, and none is named {shown(written)}; "
            f"for a duration write with_timeout({duration:g})"
        )
