"""The verdict on one failure, and what is usual for each category of failure."""

from __future__ import annotations

from ..records import Record, did_you_mean
from ..typed import TYPE_CHECKING
from .exceptions import ConfigurationError
from .taxonomy import ErrorCategory, ErrorCode

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from .taxonomy import CircuitOutcome, RetryScope

SCOPES: tuple[RetryScope, ...] = ("always", "idempotent", "new_transaction", "reconnect", "never")
OUTCOMES: tuple[CircuitOutcome, ...] = ("failure", "success", "ignore")


USUAL: dict[ErrorCategory, tuple[bool, RetryScope, CircuitOutcome]] = {
    ErrorCategory.TRANSIENT: (True, "idempotent", "failure"),
    ErrorCategory.EXTERNAL: (True, "idempotent", "failure"),
    ErrorCategory.RESOURCE: (True, "always", "ignore"),
    ErrorCategory.VALIDATION: (False, "never", "success"),
    ErrorCategory.PERMANENT: (False, "never", "success"),
    ErrorCategory.AUTH: (False, "never", "success"),
    ErrorCategory.CONFIGURATION: (False, "never", "ignore"),
    ErrorCategory.INTERNAL: (False, "never", "failure"),
    ErrorCategory.CANCELLED: (False, "never", "ignore"),
    ErrorCategory.UNKNOWN: (False, "never", "failure"),
}
"""Whether it is worth another attempt, in what scope, and what it says of the dependency to a circuit breaker."""


class Classification(Record):
    """The verdict on one failure, which every pattern reads: whether to retry, to trip a circuit, how long to wait.

    Only `category` must be given (an `ErrorCategory` or its name); what is left out follows from it. `code` is an
    `ErrorCode` or any text of your own; `retry_after` is in seconds; `reason` is one plain sentence for people.

    >>> Classification(category="TRANSIENT", code="LOCK_BUSY").retryable
    True
    >>> Classification(category=ErrorCategory.PERMANENT).trips_circuit
    False

    Raises `ConfigurationError` for an unknown category, scope or outcome, for a bad `retry_after`, and for a verdict
    that contradicts itself: retryable, but with the scope "never".
    """

    category: ErrorCategory
    code: str
    retryable: bool
    retry_scope: RetryScope
    circuit_outcome: CircuitOutcome
    retry_after: float | None
    reason: str

    def __init__(
        self,
        *,
        category: ErrorCategory | str,
        code: ErrorCode | str = ErrorCode.UNKNOWN,
        retryable: bool | None = None,
        retry_scope: RetryScope | None = None,
        circuit_outcome: CircuitOutcome | None = None,
        retry_after: float | None = None,
        reason: str = "",
    ) -> None:
        category = as_category(category)
        worth, scope, outcome = USUAL[category]
        if retryable is None:
            retryable = worth if retry_scope is None else retry_scope != "never"
        if retry_scope is None:
            retry_scope = (scope if worth else "idempotent") if retryable else "never"
        self._check(code, retryable, retry_scope, circuit_outcome, retry_after)
        self.__dict__.update(
            category=category,
            # The members of a `class Code(str, Enum)` become their values, as they do in policies.
            code=code if type(code) is ErrorCode else str.__str__(code),
            retryable=retryable,
            retry_scope=retry_scope,
            circuit_outcome=circuit_outcome or outcome,
            retry_after=None if retry_after is None else float(retry_after),
            reason=reason,
        )

    @staticmethod
    def _check(code: Any, retryable: Any, scope: Any, outcome: Any, retry_after: Any) -> None:
        if not isinstance(code, str) or not code:
            raise ConfigurationError(f"Classification: code must be a text such as 'LOCK_BUSY', not {code!r}")
        if not isinstance(retryable, bool):
            raise ConfigurationError(f"Classification: retryable must be True or False, not {retryable!r}")
        _one_of("retry_scope", scope, SCOPES)
        if outcome is not None:
            _one_of("circuit_outcome", outcome, OUTCOMES)
        if retryable and scope == "never":
            raise ConfigurationError(
                "Classification: retryable=True contradicts retry_scope='never'; give 'idempotent' or 'always'"
            )
        if retry_after is not None and (
            isinstance(retry_after, bool)
            or not isinstance(retry_after, (int, float))
            or not 0 <= retry_after < float("inf")
        ):
            raise ConfigurationError(
                f"Classification: retry_after must be finite seconds of zero or more, not {retry_after!r}"
            )

    @property
    def trips_circuit(self) -> bool:
        """Whether a circuit breaker counts this as a failure of the dependency."""
        return self.circuit_outcome == "failure"

    def waiting(self, retry_after: float | None) -> Classification:
        """Return the same verdict with this waiting time (seconds, already checked), or itself if there is none."""
        return self if retry_after is None else self._changed(retry_after=retry_after)

    def because(self, reason: str) -> Classification:
        """Return the same verdict with this reason."""
        return self._changed(reason=reason)

    def _changed(self, **fields: Any) -> Classification:
        # Built without the constructor's checks: this runs for each failure of a rate-limited service.
        copy: Classification = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **fields)
        return copy


def as_category(value: ErrorCategory | str, owner: str = "") -> ErrorCategory:
    """Return the category of that name, in whatever case; raise `ConfigurationError` with the nearest for any other.

    `owner` says in the message whose setting it is.
    """
    if type(value) is ErrorCategory:
        return value
    try:
        return ErrorCategory[value.upper()]
    except (AttributeError, KeyError):
        where = f"{owner}: " if owner else ""
        raise ConfigurationError(
            f"{where}{value!r} is no error category; {did_you_mean(value, ErrorCategory)}"
        ) from None


def _one_of(name: str, value: Any, allowed: Iterable[str]) -> None:
    if value not in allowed:
        raise ConfigurationError(f"Classification: {name} cannot be {value!r}; {did_you_mean(value, allowed)}")
