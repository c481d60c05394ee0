"""The classifier: what users ask and teach. How it judges stands in `judge`, which is imported with the first error."""

from __future__ import annotations

import threading

from ..typed import TYPE_CHECKING
from .exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .classification import Classification
    from .judge import Judge
    from .rules import Matcher
    from .taxonomy import CircuitOutcome, ErrorCategory, ErrorCode, RetryScope


class ErrorClassifier:
    """Judges failures: `classify(error)` gives the `Classification` that retries, circuit breakers and reports read.

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

    __slots__ = ("_judge", "_lock", "_now")

    def __init__(self, *, now: Callable[[], float] | None = None) -> None:
        if now is not None and not callable(now):
            raise ConfigurationError(f"ErrorClassifier: now must be a function giving seconds since 1970, not {now!r}")
        self._now = now
        self._judge: Judge | None = None
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

    def _called(self) -> Judge:
        """Return the judge, who is called when there is something to do."""
        from .judge import Judge

        with self._lock:
            if self._judge is None:
                self._judge = Judge(self._now)
            return self._judge


_process_wide = ErrorClassifier()


def get_error_classifier() -> ErrorClassifier:
    """Return the classifier of this process, which every pattern uses unless it is given another one."""
    return _process_wide
