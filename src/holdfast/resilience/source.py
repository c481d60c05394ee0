"""Where a guarded call gets its policy: from what is registered under its name, or from what its user gave."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..registry import Binding
from ..settings import shown, text
from ..typed import TYPE_CHECKING
from .chain import check_names, settle, settle_registered
from .policy import ResiliencePolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol, TypeVar

    from ..registry import NamedRegistry
    from .chain import Surroundings

    T = TypeVar("T")

    class Keeper(Protocol):
        """What a source asks of the manager."""

        surroundings: Surroundings
        policies: NamedRegistry[ResiliencePolicy]
        removed: set[str]

        def get(self, name: str) -> ResiliencePolicy:
            """Return what a name stands for, presets included."""
            ...


def policy_from(policy: object, changes: Mapping[str, Any]) -> ResiliencePolicy:
    """Return the policy with the changes made, or one that is made of them."""
    if policy is None:
        return ResiliencePolicy(**changes)
    if not isinstance(policy, ResiliencePolicy):
        raise ConfigurationError(f"a policy must be a ResiliencePolicy, not {shown(policy)}")
    return policy.replace(**changes) if changes else policy


class ResilienceSource:
    """The policy of what goes by `name`: what is registered under it at the time, else what was given.

    `given` is a policy, the name of one, or None for the preset of that name; `changes` are made to it.
    """

    __slots__ = ("_before", "_changes", "_given", "_keeper", "name")

    def __init__(self, keeper: Keeper, name: str, given: object, changes: Mapping[str, Any]) -> None:
        self.name = text("with_resilience", "name", name)
        self._keeper = keeper
        self._changes = dict(changes)
        self._before: ResiliencePolicy | None = None
        self._given: str | ResiliencePolicy | None = None
        if isinstance(given, str):
            self._given = text("with_resilience", "policy", given)
        elif given is not None:
            self._given = policy_from(given, changes)
            self._changes = {}
        elif changes:
            self._given = self._without_base()
        if self._changes:
            self._check_changes()

    def _check_changes(self) -> None:
        """Refuse now what is wrong with the changes, by itself if the policy is not known yet."""
        try:
            self.policy()
        except LookupError:
            alone: dict[str, Any] = {"retry": "none", "bulkhead": {}, **self._changes}
            ResiliencePolicy(**alone)

    def _without_base(self) -> ResiliencePolicy | None:
        """Return the policy that the changes alone make, if there is no preset of the name for them to change."""
        try:
            self._keeper.get(self.name)
        except LookupError:
            policy = ResiliencePolicy(**self._changes)
            self._changes = {}
            return policy
        return None

    @property
    def is_settled(self) -> bool:
        """Whether the policy is the one that was given, at the moment."""
        return isinstance(self._given, ResiliencePolicy) and self.name not in self._keeper.policies.view

    def policy(self) -> ResiliencePolicy:
        """Return the policy as it is now; raise `UnknownPolicyError` if there is none."""
        registered = self._keeper.policies.view.get(self.name)
        if registered is not None:
            return registered
        given = self._given
        base = given if isinstance(given, ResiliencePolicy) else self._keeper.get(given or self.name)
        return base.replace(**self._changes) if self._changes else base

    @property
    def surroundings(self) -> Surroundings:
        """Where the guards are found."""
        return self._keeper.surroundings

    def prepare(self) -> ResiliencePolicy:
        """Return the policy as it is now, and have the guards that are there do as it says.

        Raises `ConfigurationError` if somebody else has set one of them to something else.
        """
        policy = self.policy()
        before, self._before = self._before, policy
        keeper = self._keeper
        if self.name in keeper.policies.view:
            settle_registered(self.name, keeper.policies.view, keeper.surroundings)
        elif self.name in keeper.removed or (before is not None and before != policy):
            keeper.removed.discard(self.name)
            settle(self.name, policy, keeper.surroundings)
        else:
            check_names(self.name, policy, keeper.surroundings)
        return policy

    def binding(self, find: Callable[[], T]) -> Binding[T]:
        """Return a binding of `find` that is told when another policy counts."""
        binding = Binding(find)
        self._keeper.policies.follow(self.name, binding)
        if isinstance(self._given, str):
            self._keeper.policies.follow(self._given, binding)
        return binding
