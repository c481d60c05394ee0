"""What the end of a call tells of the dependency: the classifier's verdict, unless the config says otherwise."""

from __future__ import annotations

from ..errors import Classification, ErrorCategory
from ..errors.classifier import result_judge
from ..journal import report_broken
from ..timeout.scope import cut_around
from ..typed import TYPE_CHECKING
from .ledger import as_text

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ..errors import ErrorClassifier
    from .config import CircuitBreakerConfig

_FAILURE = Classification(category=ErrorCategory.UNKNOWN)


class Outcome:
    """What one call tells of the dependency: "success", "failure" or, to "ignore" it, nothing."""

    __slots__ = ("kind", "retry_after", "told")

    def __init__(self, kind: str, told: str = "", retry_after: float | None = None) -> None:
        self.kind = kind
        self.told = told
        self.retry_after = retry_after


SUCCESS = Outcome("success")
NOTHING = Outcome("ignore")


class ReturnedFailure(BaseException):
    """Stands for a result that is a failure where a call tells how it ended; nobody raises it, and it holds nothing."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


def failure_in(result: object, classifier: ErrorClassifier) -> ReturnedFailure | None:
    """Return what stands for a result that is a failure; None for any other."""
    seen = result_judge(classifier, _report)(result)
    if seen is None:
        return None
    kind = seen.circuit_outcome
    if kind != "failure":
        return ReturnedFailure(SUCCESS if kind == "success" else NOTHING)
    told = f"returned {type(result).__qualname__}: {seen.category} {seen.code}"
    return ReturnedFailure(Outcome(kind, told, seen.retry_after))


def _report(what: str, function: Callable[..., object]) -> None:
    report_broken("circuit_breaker", what, function)


def judge(error: BaseException, settings: CircuitBreakerConfig, classifier: ErrorClassifier) -> Outcome:
    """Say what an error tells of the dependency."""
    if not isinstance(error, Exception):
        if type(error) is ReturnedFailure:
            return error.outcome
        hit = cut_around(error)
        if hit is None:
            return NOTHING
        return Outcome("failure", f"cut short: {hit.whose} of {hit.seconds:g} s is over")
    if _is_one_of("ignore", settings.ignore, error):
        return NOTHING
    try:
        seen: object = classifier.classify(error)
    except Exception:
        report_broken("circuit_breaker", "classifier", classifier.classify)
        seen = None
    verdict = seen if isinstance(seen, Classification) else _FAILURE
    failed = _is_one_of("failure_on", settings.failure_on, error)
    if verdict.circuit_outcome != "failure" and not failed:
        return SUCCESS if verdict.circuit_outcome == "success" else NOTHING
    return Outcome("failure", as_text(error) if settings.history_size else "", verdict.retry_after)


def _is_one_of(what: str, kinds: Any, error: Exception) -> bool:
    if kinds is None:
        return False
    try:
        return isinstance(error, kinds) if isinstance(kinds, tuple) else bool(kinds(error))
    except Exception:
        report_broken("circuit_breaker", what, kinds)
        return False
