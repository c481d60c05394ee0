"""Judging results: failures that a function returns instead of raising them.

A response of 503, a tool's `isError`, a batch of which a part was not taken: nothing was raised, and yet it failed. The
order of decision, first answer wins:

1. what the value says of itself in `__resilience__`
2. the rules that the user registered for results
3. known client libraries, by the names of their classes
4. the shape of a bare dict, which has to be unmistakable; see `returned`
5. an HTTP response of whatever library: a status and headers, of 400 or more

None is a success, or something of which nothing is known. A value is looked at and let go: nothing of it is called (but
for the properties of responses and of known classes), no body is read, and no list is read beyond a bound. Whether a
type can fail at all is found out once; for most types that look-up is all there is to it.
"""

from __future__ import annotations

import threading
from types import GetSetDescriptorType, MemberDescriptorType
from typing import TYPE_CHECKING, Any

from .attributes import NO_FACTS, Facts, facts_of, read
from .declared import verdict_in
from .http import FORBIDDEN_FOR_ITS_RATE, STATUSES
from .judge import hinted, wall_clock
from .recognition import classes_of, members_of, module_name, rules_for
from .returned import KNOWN_RESULTS, by_shape, refused_recipients
from .rules import RESULTS, Matcher, Registration, RuleSet, UserRule
from .taxonomy import ErrorCategory as Category

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from .classification import Classification

_MOST_PLANS = 1024
_DECLARED = "__resilience__"
_STATUSES = ("status_code", "status")
_NOTHING: Mapping[str, Any] = {}


class _Success(UserRule):
    """A rule that says: no failure, whatever else is known of it."""

    __slots__ = ()

    def __init__(self, name: str) -> None:
        fields = ("category", "code", "retryable", "retry_scope", "circuit_outcome", "retry_after")
        super().__init__(name, **dict.fromkeys(fields), reason=f"rule registered for {name}", subject=RESULTS)


class _Plan:
    """What is known of a type: who may answer for its values, and where these may carry something."""

    __slots__ = ("fields", "general", "known", "members", "never", "rules", "shape", "specific", "type")

    def __init__(self, kind: type, rules: RuleSet) -> None:
        classes = classes_of(kind)
        self.type = kind  # kept alive, so that its id cannot become another type's
        self.rules = rules
        self.specific, self.general = rules.of_type(kind)
        self.known: tuple[Any, ...] = rules_for(classes, KNOWN_RESULTS)  # functions, all of them
        self.members = frozenset(
            name
            for each in classes
            if module_name(each) != "builtins"
            for name in members_of(each)
            if name in (_DECLARED, "headers", *_STATUSES)
        )
        self.fields = None if issubclass(kind, type) else _fields_of(classes)
        self.shape = self._shape(kind)
        may_fail = self.fields is not None or self.members or self.known or self.shape is not None
        self.never = not may_fail and not (rules.asked or self.specific or self.general)

    @staticmethod
    def _shape(kind: type) -> Callable[[Any], Classification | None] | None:
        if issubclass(kind, dict):
            return by_shape
        return refused_recipients if issubclass(kind, tuple) else None


def _fields_of(classes: Collection[type]) -> Callable[[Any], Mapping[str, Any]] | None:
    """Return what reads the own attributes of values of this class, past whatever it makes of `__dict__`."""
    for kind in classes:
        member = members_of(kind).get("__dict__")
        if member is not None:
            return member.__get__ if type(member) in (GetSetDescriptorType, MemberDescriptorType) else None
    return None


class ResultJudge:
    """Judges results by the tables and by the rules that the user registered with one classifier."""

    __slots__ = ("_classify", "_lock", "_now", "_rules")

    def __init__(self, now: Callable[[], float] | None, classify: Callable[[BaseException], Classification]) -> None:
        self._now = wall_clock if now is None else now
        self._classify = classify
        self._rules = RuleSet()
        self._lock = threading.Lock()

    def classify(self, value: object) -> Classification | None:
        """Return the verdict on a value that is a failure; None if it is none, or nothing is known of it."""
        try:
            rules = self._rules
            plan: _Plan = rules.plans.get(id(type(value))) or _plan(type(value), rules)
            return None if plan.never else self._decide(value, plan)
        except Exception:
            return None

    def register(self, matcher: Matcher, fields: Mapping[str, Any], *, failure: bool) -> Callable[[], None]:
        """Add a rule with these fields; return a function that takes it back."""

        def rule(name: str) -> UserRule:
            return UserRule(name, **fields, subject=RESULTS) if failure else _Success(name)

        entry = Registration(matcher, rule, RESULTS)
        with self._lock:
            self._rules = RuleSet((entry, *self._rules.newest_first))

        def unregister() -> None:
            with self._lock:
                self._rules = RuleSet(tuple(each for each in self._rules.newest_first if each is not entry))

        return unregister

    def _decide(self, value: Any, plan: _Plan) -> Classification | None:
        own = _NOTHING if plan.fields is None else plan.fields(value)
        if _DECLARED in own or _DECLARED in plan.members:
            told = verdict_in(read(value, _DECLARED))
            if told is not None:
                return told
        if not plan.rules.newest_first:
            return self._by_what_is_known(value, own, plan)
        changes: list[UserRule] = []
        for rule in plan.rules.matching(value, plan.specific, plan.general):
            if type(rule) is _Success:
                return None
            if rule.verdict is not None:
                wait = rule.wait_for(value, self._now)
                if wait is None:
                    wait = self._facts(value, own, plan).hint.seconds
                return self._changed(rule.verdict.waiting(wait), changes, value)
            changes.append(rule)
        found = self._by_what_is_known(value, own, plan)
        return None if found is None else self._changed(found, changes, value)

    def _changed(self, found: Classification, changes: Sequence[UserRule], value: Any) -> Classification:
        for rule in reversed(changes):
            found = rule.changed(found).waiting(rule.wait_for(value, self._now))
        return found

    def _by_what_is_known(self, value: Any, own: Mapping[str, Any], plan: _Plan) -> Classification | None:
        for rule in plan.known:
            answer = rule(value)
            if answer is not None:
                return hinted(answer, self._facts(value, own, plan).hint)
        if plan.shape is not None:
            return plan.shape(value)
        if issubclass(plan.type, BaseException):
            seen = self._classify(value)
            return None if seen.category is Category.UNKNOWN else seen
        status = own.get("status_code")
        if type(status) is int and status < 400:
            return None  # most responses, and no more to be read
        facts = self._facts(value, own, plan)
        if facts.status is None or facts.status < 400:
            return None  # a redirect, too, is what was asked for by who does not follow it
        is_limit = facts.limited and facts.status == 403
        return hinted(FORBIDDEN_FOR_ITS_RATE if is_limit else STATUSES[facts.status], facts.hint)

    def _facts(self, value: Any, own: Mapping[str, Any], plan: _Plan) -> Facts:
        """Read what has both headers and a status, which is an HTTP response of whatever library."""
        if "headers" not in own and "headers" not in plan.members:
            return NO_FACTS
        names = [name for name in _STATUSES if name in own or name in plan.members]
        return facts_of(value, (*names, "headers"), self._now, True) if names or plan.known else NO_FACTS


def _plan(kind: type, rules: RuleSet) -> _Plan:
    """Return the plan for a type, made at its first sight; the oldest goes when there are too many."""
    plans: dict[int, _Plan] = rules.plans
    plan = _Plan(kind, rules)
    with rules.lock:
        while len(plans) >= _MOST_PLANS:
            del plans[next(iter(plans))]
        plans[id(kind)] = plan
    return plan
