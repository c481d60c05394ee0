"""Calls under one policy each, and the names that policies go by."""

from __future__ import annotations

import threading
from collections import OrderedDict
from weakref import WeakSet

from .._runtime.callables import check_guardable, guarded
from ..errors import UnknownPolicyError
from ..fallback.memory import OperationMemory
from ..functions import is_async, name_of
from ..records import did_you_mean
from ..registry import NamedRegistry
from ..settings import shown, text
from ..typed import TYPE_CHECKING, overload
from .chain import Kept, Surroundings, check_fallback
from .guard import wrap
from .policy import ResiliencePolicy
from .presets import PRESETS
from .settling import Settling
from .source import ResilienceSource, is_same, policy_from

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping
    from typing import Any, ParamSpec, TypeVar, Unpack

    from ..circuit_breaker.bulkhead.registry import BulkheadRegistry
    from ..circuit_breaker.registry import BreakerRegistry
    from ..clock import Clock
    from ..health import HealthStatus
    from ..rate_limit.registry import RateLimiterRegistry
    from .policy import ResilienceFields

    P = ParamSpec("P")
    R = TypeVar("R")
    T = TypeVar("T")

_RUNNERS_KEPT = 1000

_GIVEN = frozenset({"clock", "breakers", "bulkheads", "rate_limiters"})
_FIXED = _GIVEN | {"surroundings", "policies", "settling"}


class _Source(ResilienceSource):
    """One that its manager knows for as long as somebody else holds it."""

    __slots__ = ("__weakref__",)


class ResilienceManager:
    """Makes calls under a `ResiliencePolicy` each, and knows the policies that have a name; safe to share.

    * `clock`: time and chance; default the real ones.
    * `breakers`, `bulkheads`, `rate_limiters`: the registries in which guards are shared by name. Default: those of the
      process, or, with a clock, ones of its own.

    >>> manager = ResilienceManager()
    >>> manager.register("search", retry="network", timeout=5).timeout
    5.0
    >>> manager.execute("search", lambda: "found")
    'found'

    Raises `ConfigurationError` for what cannot work.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        breakers: BreakerRegistry | None = None,
        bulkheads: BulkheadRegistry | None = None,
        rate_limiters: RateLimiterRegistry | None = None,
    ) -> None:
        self._sources: WeakSet[_Source] = WeakSet()
        self.surroundings = Surroundings(clock, breakers, bulkheads, rate_limiters)
        self.policies: NamedRegistry[ResiliencePolicy] = NamedRegistry("resilience policy", UnknownPolicyError)
        self.settling = Settling(self.policies.view)
        self._presets = {name: ResiliencePolicy(**fields) for name, fields in PRESETS.items()}
        self._runners: OrderedDict[tuple[str, bool], tuple[object, Callable[..., Any]]] = OrderedDict()
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may use the manager

    def __setattr__(self, name: str, value: object) -> None:
        """Refuse what would change nothing; methods may be patched in tests, and subclasses have what they like."""
        is_unknown = type(self) is ResilienceManager and not hasattr(ResilienceManager, name)
        if "_lock" in self.__dict__ and (name in _FIXED or is_unknown):
            meant = name if name in _GIVEN else "clock"
            raise AttributeError(
                f"a ResilienceManager's {name} cannot be set: what it goes by is given when it is made, as in "
                f"manager = ResilienceManager({meant}=...), and used by with_resilience(..., manager=manager)"
            )
        super().__setattr__(name, value)

    @property
    def breakers(self) -> BreakerRegistry:
        """The circuit breakers by name."""
        return self.surroundings.circuit_breaker

    @property
    def bulkheads(self) -> BulkheadRegistry:
        """The bulkheads by name."""
        return self.surroundings.bulkhead

    @property
    def rate_limiters(self) -> RateLimiterRegistry:
        """The rate limiters by name."""
        return self.surroundings.rate_limit

    # Names.

    def register(
        self, name: str, policy: ResiliencePolicy | None = None, **fields: Unpack[ResilienceFields]
    ) -> ResiliencePolicy:
        """Let `name` stand for a policy from now on, also for functions that are decorated with it already.

        Give a policy, or its fields, or both. Breakers, limiters and bulkheads that go by the name do as it says from
        now on; those that it does not change keep their state, so an open circuit stays open.

        Raises `ConfigurationError` as `ResiliencePolicy` does.
        """
        name = text("ResilienceManager", "name", name)
        new = policy_from(policy, fields)
        before = self.policies.view.get(name)
        if before is None or not is_same(before, new) or self.settling.is_unfinished:
            self.settling.changed(name, lambda: self.policies.put(name, new), self.surroundings)
        return new

    def get(self, name: str) -> ResiliencePolicy:
        """Return what `name` stands for: what is registered, else what is there from the start.

        That is "api", "ai", "database", "external" and "critical".

        Raises `UnknownPolicyError`, with the nearest name, if that is nothing.
        """
        asked: object = name
        there = None
        if isinstance(asked, str):
            there = self.policies.view.get(asked) or self._presets.get(asked)
        if there is None:
            known = did_you_mean(name, {**self._presets, **self.policies.view})
            raise UnknownPolicyError(
                f"there is no resilience policy named {name!r}; {known}; to make one, give a policy to the decorator, "
                f"or call resilience_manager.register({shown(name)}, ...) or load_config()"
            )
        return there

    def remove(self, name: str) -> bool:
        """Let `name` stand for nothing of its own; return whether it stood for something."""
        asked: object = name
        if not isinstance(asked, str) or asked not in self.policies.view:
            return False
        self.settling.changed(asked, lambda: self.policies.drop(asked), self.surroundings)
        return True

    @property
    def registered(self) -> Mapping[str, ResiliencePolicy]:
        """All registered policies by name; read-only."""
        return self.policies.view

    # Calls.

    @overload
    def execute(
        self,
        name: str,
        operation: Callable[[], Coroutine[Any, Any, T]],
        policy: ResiliencePolicy | str | None = None,
    ) -> Coroutine[Any, Any, T]: ...
    @overload
    def execute(self, name: str, operation: Callable[[], T], policy: ResiliencePolicy | str | None = None) -> T: ...
    def execute(self, name: str, operation: Callable[[], Any], policy: ResiliencePolicy | str | None = None) -> Any:
        """Call `operation` under a policy; return its value or, for an async one, something to await.

        `name` says whose breaker, limiter and bulkhead are used. The policy is what is registered under the name, else
        `policy`, itself or by its name, else the preset of that name.

        >>> ResilienceManager().execute("archive", lambda: "found", ResiliencePolicy.api())
        'found'

        With last good values, an operation is the same if it is the same object, and a `functools.partial` if it has
        the same function and equal arguments. So give the policy's `LastGood` a key, a function of the operation, if
        you make a new one for each call.

        Raises what the operation or one of the guards raises, `UnknownPolicyError` if there is no policy to be had,
        `TypeError` for what cannot be called.
        """
        check_guardable(operation, "resilience")
        return self._runner(text("execute", "name", name), policy, asynchronous=is_async(operation))(operation)

    def _runner(self, name: str, policy: object, *, asynchronous: bool) -> Callable[..., Any]:
        """Return a guarded function that calls what it is given."""
        key = (name, asynchronous)
        known = self._runners.get(key)
        if known is not None and (known[0] is policy or is_same(known[0], policy)):
            return known[1]
        caller = _caller(name, asynchronous=asynchronous)
        runner = wrap(caller, self._source(name, policy, {}), Kept(caller, OperationMemory))
        with self._lock:
            self._runners[key] = (policy, runner)
            self._runners.move_to_end(key)
            if len(self._runners) > _RUNNERS_KEPT:
                self._runners.popitem(last=False)
        return runner  # type: ignore[no-any-return]

    def protect(
        self,
        function: Callable[P, R],
        /,
        name: str | None = None,
        policy: ResiliencePolicy | str | None = None,
        **changes: Unpack[ResilienceFields],
    ) -> Callable[P, R]:
        """Return `function` guarded by a policy; see `with_resilience`.

        Raises `TypeError` for what cannot be guarded: classes, generator functions, what cannot be called.
        """
        result: Callable[P, R] = self.decorator(name, policy, changes)(function)
        return result

    def decorator(
        self, name: str | None, policy: ResiliencePolicy | str | None, changes: Mapping[str, Any]
    ) -> Callable[[Any], Any]:
        """Return what guards a function by a policy; what is wrong with that is refused now."""
        source = None if name is None else self._source(name, policy, changes)

        def protect(inner: Any) -> Any:
            own = source
            if own is None:
                label = f"{getattr(inner, '__module__', None) or type(inner).__module__}.{name_of(inner)}"
                own = self._source(label, policy, changes, self.surroundings.apart())
            if own.is_given:
                own.settle(is_first=True)
                check_fallback(own.policy(), inner)
            return wrap(inner, own)

        if source is None and policy is None:
            policy_from(None, changes)  # there is no name by which it could be found later
        return lambda function: guarded(function, "resilience", protect)

    def _source(self, name: str, given: object, changes: Mapping[str, Any], around: Any = None) -> _Source:
        source = _Source(self, name, given, changes, around)
        with self._lock:
            self._sources.add(source)
        return source

    # Showing.

    def describe(self, name: str) -> str:
        """Return in words what a call under that name passes.

        If nothing is registered under it, that is what functions with the name were decorated with; if they differ, one
        description after the other.

        >>> print(ResilienceManager().describe("external"))
        retry            3 attempts, 0-0.5, 0-1 s apart, after errors that are EXTERNAL, RESOURCE, TRANSIENT
        circuit_breaker  opens after 5 failures in 60 s, for 60 s
        bulkhead         20 at once, 50 waiting, 30 s at most
        timeout          15 s for each attempt; a plain function runs in a worker thread
        the call
        At worst: 3 attempts, 136.5 s; 375 s if a server asks for longer waits.

        Raises `UnknownPolicyError` if the name stands for nothing.
        """
        try:
            return self.get(name).describe()
        except UnknownPolicyError:
            with self._lock:
                sources = [source for source in self._sources if source.name == name]
            told = set()
            for source in sources:
                try:
                    told.add(source.policy().describe())
                except UnknownPolicyError:  # it has a name only, be it this one or another
                    continue
            if not told:
                raise
            return "\n\n".join(sorted(told))

    def get_health_status(self) -> HealthStatus:
        """Return how the guards of the process are; see `holdfast.get_health_status`."""
        from ..health import get_health_status

        return get_health_status()


def _caller(name: str, *, asynchronous: bool) -> Callable[..., Any]:
    """Return a function of that name which calls what it is given."""

    def call(operation: Callable[[], Any]) -> Any:
        return operation()

    async def call_async(operation: Callable[[], Any]) -> Any:
        return await operation()

    caller: Any = call_async if asynchronous else call
    caller.__name__ = caller.__qualname__ = name
    return caller  # type: ignore[no-any-return]


resilience_manager = ResilienceManager()
"""The manager of this process, in which `with_resilience` finds its names."""
