"""Where a guard gets its policy: from a policy, a name, or nothing ("default"), with overrides on top."""

from __future__ import annotations

from ..errors import ConfigurationError
from ..registry import Binding
from ..settings import shown
from ..switch import is_off
from ..typed import TYPE_CHECKING
from .policy import RetryPolicy
from .presets import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, TypeVar

    T = TypeVar("T")


_OFF = RetryPolicy(name="holdfast is switched off", max_attempts=1)


def as_retry_on(given: object) -> str:
    """Return how to say what is meant by exception types in place of a policy; "" if it is anything else."""
    kinds = tuple(given) if isinstance(given, (tuple, list, set, frozenset)) else (given,)
    if not kinds or not all(isinstance(kind, type) and issubclass(kind, BaseException) for kind in kinds):
        return ""
    names = ", ".join(sorted(kind.__name__ for kind in kinds if isinstance(kind, type)))
    return f"retry_on={names if len(kinds) == 1 else f'({names})'}"


class PolicySource:
    """A policy as its user gave it. A name is looked up whenever the policy is asked for, so it may be set later."""

    __slots__ = ("_given", "_merged", "_overrides")

    def __init__(self, given: object = None, overrides: Mapping[str, Any] | None = None) -> None:
        if given is None:
            given = "default"
        if not isinstance(given, (str, RetryPolicy)) or (isinstance(given, str) and not given.strip()):
            on = as_retry_on(given)
            raise ConfigurationError(
                f"a retry policy is given by its name or as a RetryPolicy, not as {shown(given)}"
                f"{f'; write {on}' if on else ''}"
            )
        self._given = given
        self._overrides = dict(overrides or {})
        self._merged: tuple[RetryPolicy, RetryPolicy] | None = None
        if self.is_known():
            self.policy()
        else:
            RetryPolicy(**self._overrides)  # what is wrong by itself is refused now, though the name is not known yet

    def is_known(self) -> bool:
        """Whether there is a policy to be had now; a name may become known later."""
        return not isinstance(self._given, str) or self._given in registry.view

    @property
    def is_named(self) -> bool:
        """Whether the policy is what a name stands for, which may change."""
        return isinstance(self._given, str)

    def policy(self) -> RetryPolicy:
        """Return the policy as it is now; raise `UnknownPolicyError` if the name stands for nothing."""
        base = registry.get(self._given) if isinstance(self._given, str) else self._given
        if not self._overrides:
            return base
        merged = self._merged
        if merged is None or merged[0] is not base:
            merged = self._merged = (base, base.replace(**self._overrides))
        return merged[1]

    def in_force(self) -> RetryPolicy:
        """Return the policy that a call is to follow now: one that does nothing where holdfast is switched off."""
        policy = self.policy()
        return _OFF if is_off() else policy

    def binding(self, decide: Callable[[RetryPolicy], T]) -> Binding[T]:
        """Return what `decide` concludes from the policy, concluded anew when the policy's name is registered anew."""
        binding = Binding(lambda: decide(self.policy()))
        if isinstance(self._given, str):
            registry.follow(self._given, binding)
        if self.is_known():
            binding.bind()
        return binding

    def derive(self, given: object, overrides: Mapping[str, Any]) -> PolicySource:
        """Return the source for one call: of another policy, or of this one with more overrides."""
        if given is not None:
            return PolicySource(given, overrides)
        if not overrides:
            return self
        return PolicySource(self._given, {**self._overrides, **overrides})
