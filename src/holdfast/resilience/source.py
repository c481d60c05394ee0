"""Where a guarded call gets its policy: from what is registered under its name, or from what its user gave."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..registry import Binding
from ..settings import shown, text
from ..typed import TYPE_CHECKING
from .nesting import NESTED
from .policy import ResiliencePolicy
from .settling import registered_as

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol, TypeVar

    from ..registry import NamedRegistry
    from .chain import Surroundings
    from .settling import Settling, Wanted

    T = TypeVar("T")

    class Keeper(Protocol):
        """What a source asks of the manager."""

        surroundings: Surroundings
        policies: NamedRegistry[ResiliencePolicy]
        settling: Settling

        def get(self, name: str) -> ResiliencePolicy:
            """Return what a name stands for, presets included."""
            ...


def policy_from(policy: object, changes: Mapping[str, Any]) -> ResiliencePolicy:
    """Return the policy with the changes made, or one that is made of them."""
    if policy is None:
        return ResiliencePolicy(**changes)
    if not isinstance(policy, ResiliencePolicy):
        raise ConfigurationError(
            f"a policy must be a ResiliencePolicy, not {shown(policy)}; its fields are given by keyword, such as "
            "timeout=5"
        )
    return policy.replace(**changes) if changes else policy


def is_same(one: object, other: object) -> bool:
    """Whether two policies are equal; there may be anything in them, also what cannot be compared."""
    try:
        return bool(one == other)
    except Exception:
        return False


class ResilienceSource:
    """The policy of what goes by `name`: what is registered under it at the time, else what was given.

    `given` is a policy, the name of one, or None for the preset of that name; `changes` are made to it. `around`: where
    its guards are found; default where all are.
    """

    __slots__ = ("_changes", "_given", "_keeper", "_made", "around", "name")

    def __init__(
        self, keeper: Keeper, name: str, given: object, changes: Mapping[str, Any], around: Surroundings | None = None
    ) -> None:
        self.name = text("with_resilience", "name", name)
        self.around = keeper.surroundings if around is None else around
        self._keeper = keeper
        self._changes = dict(changes)
        self._made: tuple[ResiliencePolicy, ResiliencePolicy] | None = None
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
    def is_given(self) -> bool:
        """Whether the policy is, at the moment, one that the code gave as it is."""
        return isinstance(self._given, ResiliencePolicy) and self.name not in self._keeper.policies.view

    @property
    def version(self) -> int:
        """Changes whenever some policy does."""
        return self._keeper.settling.version

    def policy(self) -> ResiliencePolicy:
        """Return the policy as it is now, the same object while it is the same.

        Raises `UnknownPolicyError` if there is none.
        """
        registered = self._keeper.policies.view.get(self.name)
        if registered is not None:
            return registered
        given = self._given
        base = given if isinstance(given, ResiliencePolicy) else self._keeper.get(given or self.name)
        if not self._changes:
            return base
        made = self._made
        if made is None or made[0] is not base:
            made = self._made = (base, base.replace(**self._changes))
        return made[1]

    def settle(self, *, is_first: bool) -> ResiliencePolicy:
        """Return the policy as it is now, and have its guards do as it says.

        Raises `ConfigurationError` if one of them is set to something else by other code.
        """
        return self._keeper.settling.settle(self.name, self._wanted, self.around, is_first=is_first)

    def _wanted(self) -> Wanted:
        policy = self.policy()
        if self.name in self._keeper.policies.view:
            return policy, registered_as(self.name)
        if isinstance(self._given, ResiliencePolicy):
            return policy, (self,)
        # All that use a policy by its name follow it together.
        of_guards = {name: value for name, value in self._changes.items() if name in NESTED}
        return policy, ("by name", self._given or self.name, of_guards)

    def binding(self, find: Callable[[], T]) -> Binding[T]:
        """Return a binding of `find` that is told when another policy counts."""
        binding = Binding(find)
        self._keeper.policies.follow(self.name, binding)
        if isinstance(self._given, str):
            self._keeper.policies.follow(self._given, binding)
        return binding
