"""The classifier: what users ask and teach.

How it judges stands in `judge`, imported with the first error, and in `results`, imported with the first result that
somebody wants to have judged.
"""

from __future__ import annotations

import threading

from ..typed import TYPE_CHECKING
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .classification import Classification
    from .judge import Judge
    from .results import ResultJudge
    from .rules import Matcher
    from .taxonomy import CircuitOutcome, ErrorCategory, ErrorCode, RetryScope


class ErrorClassifier:
    """Judges failures: `classify(error)` gives the `Classification` that retries, circuit breakers and reports read.

    `classify_result(value)` does the same for failures that are returned and not raised.

    `now` gives the seconds since 1970, to read dates that servers send; the wall clock unless a test says otherwise.
    One classifier may be used by any number of threads, and rules may be registered meanwhile.

    >>> classifier = ErrorClassifier()
    >>> classifier.classify(ConnectionRefusedError()).category
    <ErrorCategory.TRANSIENT: 'TRANSIENT'>
    >>> unregister = classifier.register(KeyError, category="TRANSIENT", code="CACHE_MISS")
    >>> classifier.classify(KeyError("user:1")).code
    'CACHE_MISS'
    >>> unregister()
    >>> classifier.classify(KeyError("user:1")).retryable
    False
    """

    __slots__ = ("_judge", "_lock", "_now", "_results")

    def __init__(self, *, now: Callable[[], float] | None = None) -> None:
        if now is not None and not callable(now):
            raise ConfigurationError(f"ErrorClassifier: now must be a function giving seconds since 1970, not {now!r}")
        self._now = now
        self._judge: Judge | None = None
        self._results: ResultJudge | None = None
        self._lock = threading.Lock()

    def classify(self, error: BaseException) -> Classification:
        """Return the verdict on the error. Never raises, whatever the error's attributes or a registered rule do.

        An interrupt (Ctrl-C) that arrives meanwhile passes, as it does anywhere.
        """
        return (self._judge or self._called()).classify(error)

    def register(
        self,
        type_or_predicate: Matcher,
        *,
        category: ErrorCategory | str | None = None,
        code: ErrorCode | str | None = None,
        retryable: bool | None = None,
        retry_scope: RetryScope | None = None,
        circuit_outcome: CircuitOutcome | None = None,
        retry_after: Any = None,
        reason: str | None = None,
    ) -> Callable[[], None]:
        """Add a rule for an exception type (or several in a tuple), or for the errors that a predicate says yes to.

        With a `category`, what is not given follows from it, and the waiting time is still read from the error.
        Without one, only the given fields of the verdict that the error would otherwise have are changed.
        `retry_after` is seconds, a `timedelta`, or a function of the error giving either, or None to read the error.

        Predicates are asked first, the newest first. Among types the most specific class decides, and the newest rule
        for the same class. Classes that are no exception types (an ABC, a mixin, a protocol) match through
        `isinstance`; they come after exception types and before rules for `Exception` itself. A predicate that raises
        is logged once and taken for a no.

        Returns a function that takes the rule back; calling it again does nothing.

        Raises `ConfigurationError` if the first argument is neither, nothing was given, or a value is not possible.

        >>> class Throttled(Exception):
        ...     pass
        >>> classifier = ErrorClassifier()
        >>> _ = classifier.register(Throttled, category="EXTERNAL", code="EXTERNAL_RATE_LIMITED", retry_after=30)
        >>> classifier.classify(Throttled()).retry_after
        30.0
        """
        fields = {
            "category": category,
            "code": code,
            "retryable": retryable,
            "retry_scope": retry_scope,
            "circuit_outcome": circuit_outcome,
            "retry_after": retry_after,
            "reason": reason,
        }
        return self._called().register(type_or_predicate, fields)

    def classify_result(self, value: object) -> Classification | None:
        """Return the verdict on a result that is a failure, such as a response of 503; None for any other value.

        None says that it is a success, or that nothing is known of it. Known are HTTP responses of 400 and more, of
        whatever library; the results of MCP tools; replies of JSON-RPC, GraphQL, Slack and others as dicts; batches of
        which a part was not taken; answers of language models that were cut off or refused; processes that failed; a
        returned exception; and what was registered by `register_result`, or says it itself in `__resilience__`. A bare
        dict is judged only if its shape is unmistakable.

        Never raises, and keeps nothing of the value; the body of a response is not read.

        >>> import subprocess
        >>> classifier = ErrorClassifier()
        >>> classifier.classify_result(subprocess.CompletedProcess("backup", 75)).retryable
        True
        >>> classifier.classify_result(subprocess.CompletedProcess("backup", 0))
        """
        return (self._results or self._called_for_results()).classify(value)

    def register_result(
        self,
        type_or_predicate: Matcher,
        *,
        failure: bool = True,
        category: ErrorCategory | str | None = None,
        code: ErrorCode | str | None = None,
        retryable: bool | None = None,
        retry_scope: RetryScope | None = None,
        circuit_outcome: CircuitOutcome | None = None,
        retry_after: Any = None,
        reason: str | None = None,
    ) -> Callable[[], None]:
        """Add a rule for results of a type (or of several in a tuple), or for those that a predicate says yes to.

        All is as for `register`, but that any class may be named. With a `category`, all such results are failures;
        without one, only those that would be anyway, with the given fields of the verdict changed. `failure=False`,
        given alone, makes them successes, whatever else is known of them.

        A function that is given for `retry_after`, and a predicate, are called with the result.

        Returns a function that takes the rule back; calling it again does nothing.

        Raises `ConfigurationError` if the first argument is neither, nothing was given, or a value is not possible.

        >>> class Job:
        ...     state = "BUSY"
        >>> classifier = ErrorClassifier()
        >>> _ = classifier.register_result(Job, category="TRANSIENT", code="JOB_BUSY")
        >>> classifier.classify_result(Job()).code
        'JOB_BUSY'
        >>> _ = classifier.register_result(lambda result: isinstance(result, Job), failure=False)
        >>> classifier.classify_result(Job())
        """
        fields = {
            "category": category,
            "code": code,
            "retryable": retryable,
            "retry_scope": retry_scope,
            "circuit_outcome": circuit_outcome,
            "retry_after": retry_after,
            "reason": reason,
        }
        said: object = failure
        if said is not True and (said is not False or any(value is not None for value in fields.values())):
            raise ConfigurationError(
                "register_result: failure must be True, or, given alone, False for results that are successes"
            )
        return self._called_for_results().register(type_or_predicate, fields, failure=failure)

    def _called(self) -> Judge:
        """Return the judge, who is called when there is something to do."""
        from .judge import Judge

        with self._lock:
            if self._judge is None:
                self._judge = Judge(self._now)
            return self._judge

    def _called_for_results(self) -> ResultJudge:
        """Do the same for who judges results."""
        from .results import ResultJudge

        with self._lock:
            if self._results is None:
                self._results = ResultJudge(self._now, self.classify)
            return self._results


_process_wide = ErrorClassifier()


def get_error_classifier() -> ErrorClassifier:
    """Return the classifier of this process, which every pattern uses unless it is given another one."""
    return _process_wide


def result_judge(
    classifier: Any, report: Callable[[str, Callable[..., object]], None]
) -> Callable[[Any], Classification | None]:
    """Return what judges the results of a pattern that was given this classifier, which may be of the user's making.

    One that can judge errors only leaves results to the one of this process. If it raises, that is reported by
    `report(what, function)`, while the exception is being handled, and the result is taken for a success.
    """
    if type(classifier) is ErrorClassifier:
        return classifier.classify_result
    judge = getattr(classifier, "classify_result", None)
    if not callable(judge):
        return _process_wide.classify_result

    def safely(value: Any) -> Classification | None:
        from .classification import Classification

        try:
            seen = judge(value)
        except Exception:
            report("classifier", judge)
            return None
        return seen if isinstance(seen, Classification) else None

    return safely
