"""Which policy has set which guard. So a policy that has changed is told from two that contradict each other.

A guard belongs to whoever set it: to the name under which a policy is registered, or to the code that gave one. What is
registered may set any guard. What the code gives may set a guard that is new, its own one, and one that belonged to a
name that is not registered any more; if it finds another set otherwise by other code, that is a contradiction. Whatever
somebody does to a guard by hand afterwards stays, until the policy says something new.
"""

from __future__ import annotations

import threading
from weakref import WeakKeyDictionary, WeakSet

from ..errors import ConfigurationError
from ..typed import TYPE_CHECKING
from .chain import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeAlias

    from .chain import Surroundings
    from .policy import ResiliencePolicy

    Origin: TypeAlias = tuple[Any, ...]
    Wanted: TypeAlias = tuple[ResiliencePolicy, Origin]

_REGISTERED = "registered"


def registered_as(name: str) -> Origin:
    """Return the origin of what is registered under a name."""
    return (_REGISTERED, name)


class _ContradictionError(Exception):
    """Other code has set the guard to something else."""


class Settling:
    """Sets the guards that policies share, and remembers by whom each was set.

    `registered` are the policies by name. `version` changes whenever one of them does.
    """

    def __init__(self, registered: Mapping[str, ResiliencePolicy]) -> None:
        self.version = 0
        self._registered = registered
        self._set: WeakKeyDictionary[Any, tuple[Any, Origin]] = WeakKeyDictionary()
        self._unfinished: WeakSet[Any] = WeakSet()  # guards that are being set, or where that was interrupted
        self._lock = threading.RLock()  # re-entrant: a finaliser that runs in here may make a guarded call

    @property
    def is_unfinished(self) -> bool:
        """Whether setting some guard was interrupted."""
        return bool(self._unfinished)

    def changed(self, name: str, put: Callable[[], object], around: Surroundings) -> None:
        """Have `put` change what is registered under a name, and the guards that are there do as it says then."""
        changes = []
        with self._lock:
            put()
            self.version += 1
            policy = self._registered.get(name)
            if policy is not None:
                origin = registered_as(name)
                for registry, config, own in shared(name, policy, around):
                    if not registry.has(own):
                        continue
                    guard = registry.obtain(own)
                    before = self._set.get(guard)
                    if before is None or before[0] != config or guard in self._unfinished:
                        self._unfinished.add(guard)
                        changes.append((guard, config))
                    self._set[guard] = (config, origin)
        for guard, config in changes:
            self._adjust(guard, config)

    def settle(
        self, name: str, find: Callable[[], Wanted], around: Surroundings, *, is_first: bool
    ) -> ResiliencePolicy:
        """Have the guards of a policy do as it says, those made that are not there, and return the policy.

        `find` returns the policy, as it is now, and its origin. `is_first`: the caller has never done this before, so
        a guard that is set otherwise, nobody knows by whom, is a contradiction.
        """
        changes = []
        with self._lock:
            policy, origin = find()
            for registry, config, own in shared(name, policy, around):
                guard = registry.obtain(own, config)
                try:
                    is_to_change = self._is_to_change(guard, config.replace(name=own), origin, is_first=is_first)
                except _ContradictionError:
                    raise ConfigurationError(
                        f"there is a {registry.kind} {own!r} already, with {guard.config!r}, not {config!r}; use one "
                        f"policy under each name, or give the {registry.kind} in it a name of its own"
                    ) from None
                if is_to_change:
                    changes.append((guard, config))
                elif guard not in self._set:
                    self._set[guard] = (config, origin)
            for guard, config in changes:
                self._unfinished.add(guard)
                self._set[guard] = (config, origin)
        for guard, config in changes:
            self._adjust(guard, config)
        return policy

    def _is_to_change(self, guard: Any, config: Any, origin: Origin, *, is_first: bool) -> bool:
        """Whether a guard is to be set to a config that is wanted by that origin; raise if it is not its to set.

        A contradiction that arises later, by a change of a policy, leaves the guard as it is, and fails no call.
        """
        before, is_registered = self._set.get(guard), origin[0] == _REGISTERED
        if before is None:
            is_right, may_change = guard.config == config, is_registered
        else:
            by = before[1]
            is_right = before[0].replace(name=config.name) == config and guard not in self._unfinished
            may_change = is_registered or by == origin
            if by[0] == _REGISTERED and by != origin:
                return not is_right and by[1] not in self._registered
        if not is_right and not may_change and is_first:
            raise _ContradictionError
        return not is_right and may_change

    def _adjust(self, guard: Any, config: Any) -> None:
        """Set a guard, with no lock held as it tells its listeners; should it be set anew meanwhile, that counts."""
        while True:
            guard.adjust(config)
            with self._lock:
                latest = self._set.get(guard)
                if latest is None or latest[0] is config:
                    self._unfinished.discard(guard)
                    return
                config = latest[0]
