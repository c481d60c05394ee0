"""The rules that users register, for errors and for results: what they say, whom they match, what they change."""

from __future__ import annotations

import threading
import types
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

from .classification import Classification
from .exceptions import ConfigurationError
from .recognition import classes_of, full_name, module_name
from .retry_after import LONGEST, seconds_of
from .taxonomy import ErrorCategory

if TYPE_CHECKING:
    from .taxonomy import CircuitOutcome, RetryScope

Predicate: TypeAlias = Callable[[Any], object]
Matcher: TypeAlias = "type | tuple[type, ...] | Predicate"

_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, without importing inspect


class Subject(NamedTuple):
    """What rules are about: the classes that they may name, and the words for messages."""

    method: str
    base: type
    a_type: str
    thing: str


ERRORS = Subject("register", BaseException, "an exception type", "the error")
RESULTS = Subject("register_result", object, "a type", "the result")


class UserRule:
    """What a user registered: a whole verdict, or changes to the verdict that an error would otherwise have."""

    __slots__ = ("_changes", "_complained", "_retry_after", "verdict")

    def __init__(
        self,
        name: str,
        *,
        category: ErrorCategory | str | None,
        code: str | None,
        retryable: bool | None,
        retry_scope: RetryScope | None,
        circuit_outcome: CircuitOutcome | None,
        retry_after: Any,
        reason: str | None,
        subject: Subject = ERRORS,
    ) -> None:
        given: dict[str, Any] = {
            "category": category,
            "code": code,
            "retryable": retryable,
            "retry_scope": retry_scope,
            "circuit_outcome": circuit_outcome,
            "reason": reason,
        }
        self._changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
        if not self._changes and retry_after is None:
            raise ConfigurationError(
                f"{subject.method}({name}): no verdict was given; say at least one of category, code, retryable, "
                "retry_scope, circuit_outcome, retry_after or reason, for example category='TRANSIENT'"
            )
        if reason is not None and not isinstance(reason, str):
            raise ConfigurationError(f"{subject.method}({name}): reason must be a text, not {reason!r}")
        self._retry_after = _checked_wait(name, retry_after, subject)
        self._changes.setdefault("reason", f"rule registered for {name}")
        whole = Classification(**{"category": ErrorCategory.UNKNOWN, **self._changes})  # refuses what makes no sense
        self.verdict = None if category is None else whole
        self._complained = False

    @property
    def constant(self) -> bool:
        """Whether the verdict is the same for each error, apart from a waiting time on the error itself."""
        return self.verdict is not None and self._retry_after is None

    def changed(self, base: Classification) -> Classification:
        """Return the verdict with this rule's fields put into it, and with what must follow from them."""
        changes: dict[str, Any] = dict(self._changes)
        if "retryable" in changes:
            if changes["retryable"] != base.retryable:
                changes.setdefault("retry_scope", None)  # what is usual follows
        elif "retry_scope" in changes:
            changes["retryable"] = changes["retry_scope"] != "never"
        return base.replace(**changes)

    def wait_for(self, error: Any, now: Callable[[], float]) -> float | None:
        """Return the waiting time that the user set for this error or result, in seconds, or None."""
        wait = self._retry_after
        if not callable(wait):
            return wait  # type: ignore[no-any-return]
        try:
            told = wait(error)
            seconds = None if told is None else seconds_of(told, now())
        except Exception as problem:
            self.complain("its retry_after function raised", problem)
            return None
        if told is not None and seconds is None:
            self.complain("its retry_after function gave something other than seconds", None)
        return seconds

    def complain(self, what: str, problem: Exception | None) -> None:
        """Log, once for this rule, that it did not work; the message holds nothing of the error's text."""
        if self._complained:
            return
        self._complained = True
        from ..journal import logger

        logger("errors").warning(
            "%s: %s%s; the rule is passed over when this happens",
            self._changes["reason"],
            what,
            "" if problem is None else f" {full_name(type(problem))}",
        )


class Registration:
    """A rule together with what it is for: exception types, other classes, or a predicate."""

    __slots__ = ("classes", "predicate", "rule", "types")

    def __init__(self, matcher: Any, rule: Callable[[str], UserRule], subject: Subject = ERRORS) -> None:
        self.types: tuple[type, ...] = ()
        self.classes: tuple[type, ...] = ()
        self.predicate: Predicate | None = None
        wanted = _as_classes(matcher, subject)
        if wanted is None:
            self.predicate = _checked_predicate(matcher, subject)
            name = getattr(matcher, "__qualname__", None) or full_name(type(matcher))
        else:
            self.types = tuple(kind for kind in wanted if issubclass(kind, subject.base))
            # Classes that may take others in: an ABC or a protocol, and a mixin where the subject has a base.
            self.classes = tuple(
                kind for kind in wanted if not issubclass(kind, subject.base) or _takes_others_in(kind, subject)
            )
            name = ", ".join(map(full_name, wanted))
        self.rule = rule(str(name))

    def asks(self, error: Any) -> bool:
        """Ask the predicate, or whether it is an instance of one of the other classes; an exception means no."""
        try:
            if self.predicate is None:
                return isinstance(error, self.classes)
            answer = self.predicate(error)
            if isinstance(answer, types.CoroutineType):
                answer.close()
                self.rule.complain("the predicate gave a coroutine instead of True or False", None)
                return False
            return bool(answer)
        except Exception as problem:
            self.rule.complain("it raised", problem)
            return False


class RuleSet:
    """All rules at one moment. Never changed: a registration makes a new one, so a running classification sees no half.

    `plans` is the room for what the classifier works out per exception type under just these rules.
    """

    __slots__ = ("_by_type", "asked", "classes", "lock", "newest_first", "plans", "predicates")

    def __init__(self, newest_first: tuple[Registration, ...] = ()) -> None:
        self.newest_first = newest_first
        self.predicates = tuple(entry for entry in newest_first if entry.predicate is not None)
        self.classes = tuple(entry for entry in newest_first if entry.classes)
        self.asked = bool(self.predicates or self.classes)
        # By identity, since a metaclass may have spoilt its classes' hash; the registrations keep the classes alive.
        self._by_type: dict[int, list[UserRule]] = {}
        for entry in newest_first:
            for kind in dict.fromkeys(map(id, entry.types)):
                self._by_type.setdefault(kind, []).append(entry.rule)
        self.plans: dict[int, Any] = {}
        self.lock = threading.Lock()

    def of_type(self, kind: type) -> tuple[tuple[UserRule, ...], tuple[UserRule, ...]]:
        """Return the rules for an exception type, most specific and newest first; apart, those for all exceptions."""
        specific: list[UserRule] = []
        general: list[UserRule] = []
        for each in classes_of(kind):
            is_general = each is Exception or each is BaseException or each is object
            (general if is_general else specific).extend(self._by_type.get(id(each), ()))
        return tuple(specific), tuple(general)

    def matching(self, error: Any, specific: tuple[UserRule, ...], general: tuple[UserRule, ...]) -> Iterator[UserRule]:
        """Yield the rules that match the error or result, the one that decides first."""
        for entry in self.predicates:
            if entry.asks(error):
                yield entry.rule
        yield from specific
        for entry in self.classes:
            if entry.rule not in specific and entry.rule not in general and entry.asks(error):
                yield entry.rule
        yield from general


def _as_classes(matcher: Any, subject: Subject) -> tuple[type, ...] | None:
    """Return the classes meant, or None if the matcher is not made of classes."""
    if isinstance(matcher, type):
        if module_name(matcher) == "builtins" and not issubclass(matcher, subject.base):
            raise ConfigurationError(
                f"{subject.method}: {full_name(matcher)} is no exception type and never matches an error; "
                "give an exception type, a tuple of them, or a function of the error"
            )
        return (matcher,)
    if isinstance(matcher, types.UnionType) or getattr(matcher, "__origin__", None) is Union:
        matcher = matcher.__args__
    if not isinstance(matcher, tuple):
        return None
    if not matcher:
        raise ConfigurationError(f"{subject.method}: the tuple of types is empty; name at least one")
    found: list[type] = []
    for each in matcher:
        classes = _as_classes(each, subject)
        if classes is None:
            raise ConfigurationError(
                f"{subject.method}: a tuple may hold types only, not {each!r}; register a predicate on its own"
            )
        found.extend(classes)
    return tuple(found)


def _takes_others_in(kind: type, subject: Subject) -> bool:
    return subject.base is object and type(kind) is not type


def _checked_predicate(matcher: Any, subject: Subject) -> Predicate:
    if not callable(matcher):
        hint = ""
        if isinstance(matcher, BaseException):
            hint = f"; give its type, {type(matcher).__name__}"
        raise ConfigurationError(
            f"{subject.method}: the first argument must be {subject.a_type}, a tuple of them, or a function of "
            f"{subject.thing}, not {matcher!r}{hint}"
        )
    function = matcher if hasattr(matcher, "__code__") else type(matcher).__dict__.get("__call__")
    code = getattr(function, "__code__", None)
    if getattr(code, "co_flags", 0) & _CO_COROUTINE:
        raise ConfigurationError(
            f"{subject.method}: the predicate {matcher!r} is async; make it a plain function of {subject.thing}"
        )
    return matcher  # type: ignore[no-any-return]


def _checked_wait(name: str, retry_after: Any, subject: Subject) -> Any:
    if retry_after is None or callable(retry_after):
        return retry_after
    value = retry_after.total_seconds() if hasattr(retry_after, "total_seconds") else retry_after
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < float("inf"):
        return float(min(value, LONGEST))
    raise ConfigurationError(
        f"{subject.method}({name}): retry_after must be finite seconds of zero or more, a timedelta, or a function of "
        f"{subject.thing} that gives these or None, not {retry_after!r}"
    )
