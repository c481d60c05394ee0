"""Judging: from any exception to one verdict that every pattern reads.

This and all the tables are imported when the first error is judged, not when holdfast is.

The order of decision, first answer wins:

1. what the error says of itself in `__resilience__`
2. the rules that the user registered
3. cancellation, by the error's own type
4. the members of an `ExceptionGroup`
5. known client libraries, then vendors' codes, then an HTTP status, then the standard library
6. what the error wraps, its `__cause__` and `__context__`, also when suppressed
7. UNKNOWN

Most of it is settled per exception type, once, in a plan; an error without attributes of interest costs a look-up.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, cast

from .attributes import CODE_NAMES, INTERESTING, NO_FACTS, Facts, facts_of, own_attributes, read
from .chain import Chain, has_links, leaves_of, together
from .classification import Classification
from .codes import by_code
from .declared import verdict_of
from .http import FORBIDDEN_FOR_ITS_RATE, STATUSES, has_http_numbers
from .known import CANCELLATIONS, rules_about
from .plain_words import SPOKEN_IN, by_plain_words
from .recognition import (
    Answer,
    Otherwise,
    Rule,
    classes_of,
    full_name,
    members_of,
    module_name,
    never_sent,
    roots_of,
    rules_for,
    verdict,
)
from .retry_after import NO_HINT, Hint
from .rules import Matcher, Registration, RuleSet, UserRule
from .stdlib import STDLIB
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

_UNKNOWN = verdict(Category.UNKNOWN, Code.UNKNOWN, reason="no rule knows this error")
_UNEXAMINED = _UNKNOWN.because("the error could not be examined")
_NO_EXCEPTION = _UNKNOWN.because("not an exception")
_INTERRUPTION = verdict(Category.CANCELLED, Code.CANCELLED, "never", "ignore")

_NO_NAMES: frozenset[str] = frozenset()
_NO_RULES: tuple[None, tuple[UserRule, ...]] = (None, ())
_MOST_PLANS = 1024
_MOST_LINKS = 10_000
"""So many causes are looked at for one verdict, over all members of a group together."""
_DEEPEST_GROUP = 12
_NOT_FROM_CONTEXT = (Category.INTERNAL, Category.VALIDATION)
"""What merely was being handled, such as a KeyError of a cache, does not make the new error a bug or a wrong input."""


def wall_clock() -> float:
    """Return the seconds since 1970, which dates of servers are told in."""
    import time

    return time.time()


class _Plan:
    """What is known of an exception type: who may answer for it, and where its errors may carry more."""

    __slots__ = (
        "constant",
        "fixed",
        "general",
        "group",
        "http_numbers",
        "known",
        "names",
        "rules",
        "specific",
        "stdlib",
        "type",
    )

    def __init__(self, kind: type, rules: RuleSet) -> None:
        classes = classes_of(kind)
        self.type = kind  # kept alive, so that its id cannot become another type's
        self.rules = rules
        self.specific, self.general = rules.of_type(kind)
        self.group = issubclass(kind, BaseExceptionGroup)
        self.fixed = _fixed(kind, classes)
        self.known = rules_about(classes)
        self.stdlib = rules_for(classes, STDLIB)
        if any(kind is plain for plain in SPOKEN_IN):
            self.stdlib = (by_plain_words, *self.stdlib)
        self.names = _names_on(classes) if self.fixed is None else _NO_NAMES
        self.http_numbers = has_http_numbers(roots_of(classes))
        self.constant = self._constant()

    def _constant(self) -> Classification | None:
        """The verdict on errors of this type that carry nothing of interest, if it is always the same.

        It is `UNKNOWN` where nothing speaks for the type, which then holds for errors without a cause only.
        """
        if self.rules.asked or self.names:
            return None
        for rule in self.specific + self.general:
            return rule.verdict if rule.constant else None
        if self.fixed is not None or self.group:
            return self.fixed
        for known in self.known + self.stdlib:
            return known if isinstance(known, Classification) else None
        return _UNKNOWN


def _fixed(kind: type, classes: tuple[type, ...]) -> Classification | None:
    """The verdict on a type whose errors are all alike: cancellations, and what is no exception."""
    if not issubclass(kind, BaseException):
        return _NO_EXCEPTION
    cancelled = rules_for(classes, CANCELLATIONS)
    if cancelled:
        return cast("Classification", cancelled[0])  # that table holds nothing else
    if issubclass(kind, (Exception, BaseExceptionGroup)):
        return None
    return _INTERRUPTION.because(f"type {full_name(kind)}, which is no Exception")


def _names_on(classes: tuple[type, ...]) -> frozenset[str]:
    """The attributes of interest that the classes define, as properties, slots or constants."""
    names: set[str] = set()
    for kind in classes:
        if module_name(kind) != "builtins":
            members = members_of(kind)
            if "__getattr__" in members or "__getattribute__" in members:
                return INTERESTING
            names.update(INTERESTING.intersection(members))
    return frozenset(names)


class _Walk:
    """How far one classification has gone into causes and nested groups."""

    __slots__ = ("groups", "links")

    def __init__(self) -> None:
        self.links = _MOST_LINKS
        self.groups = 0


class Judge:
    """Judges errors by the tables and by the rules that the user registered with one classifier."""

    __slots__ = ("_lock", "_now", "_rules")

    def __init__(self, now: Callable[[], float] | None) -> None:
        self._now = wall_clock if now is None else now
        self._rules = RuleSet()
        self._lock = threading.Lock()

    def classify(self, error: BaseException) -> Classification:
        """Return the verdict on the error, whatever its attributes or a registered rule do."""
        try:
            rules = self._rules
            kind = type(error)
            return self._decide(error, rules.plans.get(id(kind)) or _plan(kind, rules), None)
        except Exception:
            return _UNEXAMINED

    def register(self, matcher: Matcher, fields: Mapping[str, Any]) -> Callable[[], None]:
        """Add a rule with these fields; return a function that takes it back."""
        entry = Registration(matcher, lambda name: UserRule(name, **fields))
        with self._lock:
            self._rules = RuleSet((entry, *self._rules.newest_first))

        def unregister() -> None:
            with self._lock:
                left = tuple(each for each in self._rules.newest_first if each is not entry)
                if len(left) < len(self._rules.newest_first):
                    self._rules = RuleSet(left)

        return unregister

    def _decide(self, error: BaseException, plan: _Plan, walk: _Walk | None) -> Classification:
        """Take all the steps for an error that stands for itself: the one asked about, or a member of a group."""
        try:
            said = getattr(error, "__resilience__", None)
        except Exception:
            said = None
        if said is not None and (told := verdict_of(error, said)) is not None:
            return told
        names: Collection[str] = plan.names
        if plan.fixed is None:
            own = own_attributes(error)
            if own and not INTERESTING.isdisjoint(own):
                names = plan.names.union(own) if names else own
        constant = plan.constant
        if constant is not None and not names and (constant is not _UNKNOWN or not has_links(error)):
            return constant
        facts = facts_of(error, names, self._now, plan.http_numbers) if names else NO_FACTS
        found, changes = self._by_rules(error, plan, facts) if plan.rules.newest_first else _NO_RULES
        if found is None:
            shown = self._by_itself(error, plan, names, facts, walk)
            if not isinstance(shown, Classification):
                shown = self._by_causes(error, plan.rules, names, walk or _Walk(), shown)
            found = shown if facts.hint is NO_HINT else hinted(shown, facts.hint)
        return self._changed(found, changes, error) if changes else found

    def _by_rules(
        self, error: BaseException, plan: _Plan, facts: Facts
    ) -> tuple[Classification | None, Sequence[UserRule]]:
        """Return the verdict of the first rule that gives a whole one, and the rules passed that only change fields."""
        changes: list[UserRule] = []
        for rule in plan.rules.matching(error, plan.specific, plan.general):
            if rule.verdict is not None:
                wait = rule.wait_for(error, self._now)
                return rule.verdict.waiting(facts.hint.seconds if wait is None else wait), changes
            changes.append(rule)
        return None, changes

    def _changed(self, base: Classification, changes: Sequence[UserRule], error: BaseException) -> Classification:
        for rule in reversed(changes):
            base = rule.changed(base).waiting(rule.wait_for(error, self._now))
        return base

    def _by_itself(
        self, error: BaseException, plan: _Plan, names: Collection[str], facts: Facts, walk: _Walk | None
    ) -> Answer:
        """Take the steps 3 to 5: what the error shows without a look at its causes."""
        if plan.fixed is not None:
            return plan.fixed
        if plan.group:
            return self._by_members(error, plan.rules, walk or _Walk())
        known = _ask(plan.known, error) if plan.known else None
        if isinstance(known, Classification):
            return known
        if facts.code is not None or (names and not CODE_NAMES.isdisjoint(names)):
            told = by_code(error, names, facts.code)
            if told is not None:
                return told
        if facts.status is not None:
            return FORBIDDEN_FOR_ITS_RATE if facts.limited and facts.status == 403 else STATUSES[facts.status]
        return _ask(plan.stdlib, error, known)

    def _by_members(self, group: BaseException, rules: RuleSet, walk: _Walk) -> Classification | None:
        if walk.groups >= _DEEPEST_GROUP:
            return None
        walk.groups += 1
        verdicts = [self._decide(leaf, _plan(type(leaf), rules), walk) for leaf in leaves_of(group)]
        walk.groups -= 1
        return together(verdicts)

    def _by_causes(
        self, error: BaseException, rules: RuleSet, names: Collection[str], walk: _Walk, otherwise: Otherwise | None
    ) -> Classification:
        """Take the steps 6 and 7: ask what led to the error, the nearest first, else fall back."""
        chain = Chain(error, names)
        unsent = otherwise is not None and otherwise.unsent
        for link in chain:
            walk.links -= 1
            if walk.links < 0:
                break
            plan = _plan(type(link.error), rules)
            its_names = plan.names.union(own_attributes(link.error)) if plan.fixed is None else _NO_NAMES
            answer = self._by_link(link.error, plan, its_names, walk)
            if isinstance(answer, Classification):
                if answer.category is Category.CANCELLED:
                    continue  # a cancellation that led to an error is none: `asyncio.timeout` works that way
                if not (link.by_context and answer.category in _NOT_FROM_CONTEXT):
                    return (never_sent(answer) if unsent else answer).because(_caused_by(link.error, answer))
            elif answer is not None:
                unsent = unsent or answer.unsent
                if otherwise is None:
                    otherwise = Otherwise(answer.verdict.because(_caused_by(link.error, answer.verdict)))
            chain.follow(link, its_names)
        if otherwise is None:
            return _UNKNOWN
        return never_sent(otherwise.verdict) if unsent else otherwise.verdict

    def _by_link(self, error: BaseException, plan: _Plan, names: Collection[str], walk: _Walk) -> Answer:
        """Take the steps 1 to 5 for an error that led to another one; None if nothing is known of it."""
        told = verdict_of(error, read(error, "__resilience__"))
        if told is not None:
            return told
        facts = facts_of(error, names, self._now, plan.http_numbers) if names else NO_FACTS
        found, changes = self._by_rules(error, plan, facts)
        if found is not None:
            return self._changed(found, changes, error)
        answer = self._by_itself(error, plan, names, facts, walk)
        if isinstance(answer, Otherwise):
            return answer._replace(verdict=self._changed(hinted(answer.verdict, facts.hint), changes, error))
        return None if answer is None else self._changed(hinted(answer, facts.hint), changes, error)


def _plan(kind: type, rules: RuleSet) -> _Plan:
    """Return the plan for a type, made at its first sight; the oldest goes when there are too many."""
    plans: dict[int, _Plan] = rules.plans
    plan = plans.get(id(kind))
    if plan is None:
        plan = _Plan(kind, rules)
        with rules.lock:
            while len(plans) >= _MOST_PLANS:
                del plans[next(iter(plans))]
            plans[id(kind)] = plan
    return plan


def _ask(rules: tuple[Rule, ...], error: BaseException, otherwise: Otherwise | None = None) -> Answer:
    """Return the first answer of these rules.

    An answer to fall back on, found on the way or before, outranks constant verdicts on less specific classes, but not
    what a rule reads from the error itself, such as its errno.
    """
    for rule in rules:
        if isinstance(rule, Classification):
            return rule if otherwise is None else otherwise
        try:
            answer = rule if isinstance(rule, Otherwise) else rule(error)
        except Exception:  # noqa: S112  the error is not of the shape that its class promises
            continue
        if isinstance(answer, Classification):
            return answer
        otherwise = otherwise or answer
    return otherwise


def hinted(found: Classification, hint: Hint) -> Classification:
    """Put the server's hint into the verdict: how long to wait, and whether to come back at all."""
    if hint.retry is not None and hint.retry != found.retryable and found.category is not Category.CANCELLED:
        reason = f"{found.reason}, and the server says {'to retry' if hint.retry else 'not to retry'}"
        if hint.retry:
            found = found.replace(category=Category.TRANSIENT, retryable=True, retry_scope="always", reason=reason)
        else:
            found = found.replace(retryable=False, retry_scope="never", reason=reason)
    return found.waiting(hint.seconds)


def _caused_by(error: BaseException, found: Classification) -> str:
    name = full_name(type(error))
    return f"caused by {name}" if found.reason == f"type {name}" else f"caused by {name} ({found.reason})"
