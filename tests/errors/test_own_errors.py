"""The errors that holdfast raises, the record of a verdict, and the verdicts on our own errors."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

import holdfast.errors
from holdfast.errors import (
    BulkheadError,
    BulkheadFullError,
    BulkheadTimeoutError,
    CircuitBreakerError,
    CircuitOpenError,
    Classification,
    ConfigurationError,
    DeadlineExceededError,
    ErrorCategory,
    ErrorClassifier,
    ErrorCode,
    HoldfastError,
    OperationTimeoutError,
    RateLimitExceededError,
    RejectedError,
    RetryExhaustedError,
    UnknownPolicyError,
    WorkerLimitError,
    get_error_classifier,
)

EVERY_ERROR: list[HoldfastError] = [
    HoldfastError("x"),
    RejectedError("x", name="n", retry_after=3.0),
    CircuitBreakerError("x", name="n", state="OPEN", retry_after=3.0),
    CircuitOpenError("x", name="n", state="OPEN", retry_after=3.0),
    BulkheadError("x", name="n"),
    BulkheadFullError("x", name="n"),
    BulkheadTimeoutError("x", name="n"),
    RateLimitExceededError("x", name="n", retry_after=3.0),
    WorkerLimitError("x"),
    OperationTimeoutError("x", duration=2.0),
    DeadlineExceededError("x", duration=2.0),
    RetryExhaustedError("x", last_result={"ok": False}, attempts=3),
    ConfigurationError("x"),
    UnknownPolicyError("x"),
]


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_every_error_of_ours_survives_copying_and_pickling(error: HoldfastError, copied: Any) -> None:
    twin = copied(error)
    assert type(twin) is type(error)
    assert (twin.args, vars(twin), twin.code) == (error.args, vars(error), error.code)


def test_every_error_of_ours_is_a_holdfast_error_with_a_stable_code() -> None:
    assert {type(error).__name__: str(error.code) for error in EVERY_ERROR} == {
        "HoldfastError": "INTERNAL_ERROR",
        "RejectedError": "REJECTED",
        "CircuitBreakerError": "CIRCUIT_OPEN",
        "CircuitOpenError": "CIRCUIT_OPEN",
        "BulkheadError": "BULKHEAD_QUEUE_FULL",
        "BulkheadFullError": "BULKHEAD_QUEUE_FULL",
        "BulkheadTimeoutError": "BULKHEAD_QUEUE_TIMEOUT",
        "RateLimitExceededError": "RATE_LIMIT_EXCEEDED",
        "WorkerLimitError": "WORKER_LIMIT_REACHED",
        "OperationTimeoutError": "TIMEOUT",
        "DeadlineExceededError": "DEADLINE_EXCEEDED",
        "RetryExhaustedError": "RETRY_EXHAUSTED",
        "ConfigurationError": "INVALID_CONFIGURATION",
        "UnknownPolicyError": "UNKNOWN_POLICY",
    }


def test_our_errors_are_also_the_builtin_ones_that_people_catch() -> None:
    assert issubclass(OperationTimeoutError, TimeoutError)
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(UnknownPolicyError, LookupError)


def test_the_guards_names_are_on_the_errors() -> None:
    assert CircuitOpenError("x", name="search").circuit_name == "search"
    assert BulkheadFullError("x", name="search").bulkhead_name == "search"
    assert (BulkheadFullError("x").reason, BulkheadTimeoutError("x").reason) == ("full", "timeout")


@pytest.mark.parametrize(
    ("error", "category", "retryable", "outcome"),
    [
        (CircuitOpenError("x"), "TRANSIENT", False, "ignore"),
        (CircuitBreakerError("x"), "TRANSIENT", False, "ignore"),
        (BulkheadFullError("x"), "RESOURCE", False, "ignore"),
        (BulkheadTimeoutError("x"), "RESOURCE", False, "ignore"),
        (RateLimitExceededError("x"), "RESOURCE", False, "ignore"),
        (WorkerLimitError("x"), "RESOURCE", False, "ignore"),
        (RejectedError("x"), "RESOURCE", False, "ignore"),
        (OperationTimeoutError("x"), "TRANSIENT", True, "failure"),
        (DeadlineExceededError("x"), "TRANSIENT", False, "failure"),
        (RetryExhaustedError("x"), "EXTERNAL", False, "failure"),
        (ConfigurationError("x"), "CONFIGURATION", False, "ignore"),
        (UnknownPolicyError("x"), "CONFIGURATION", False, "ignore"),
    ],
)
def test_each_error_of_ours_has_its_verdict(error: HoldfastError, category: str, retryable: bool, outcome: str) -> None:
    verdict = ErrorClassifier().classify(error)
    assert (verdict.category, verdict.retryable, verdict.circuit_outcome) == (category, retryable, outcome)
    assert verdict.code == error.code
    assert verdict.retry_scope == ("idempotent" if retryable else "never")


def test_a_refusal_keeps_its_waiting_time() -> None:
    verdict = ErrorClassifier().classify(CircuitOpenError("x", retry_after=12.5))
    assert (verdict.retry_after, verdict.retryable) == (12.5, False)
    assert ErrorClassifier().classify(CircuitOpenError("x")).retry_after is None


def test_a_users_subclass_of_our_error_is_judged_as_ours() -> None:
    class Busy(BulkheadFullError):
        pass

    assert ErrorClassifier().classify(Busy("x")).code == "BULKHEAD_QUEUE_FULL"


# -- the record ---------------------------------------------------------------------------------------------


def test_what_is_left_out_follows_from_the_category() -> None:
    verdict = Classification(category="resource")
    assert (verdict.category, verdict.code) == (ErrorCategory.RESOURCE, ErrorCode.UNKNOWN)
    assert (verdict.retryable, verdict.retry_scope, verdict.circuit_outcome) == (True, "always", "ignore")
    assert (verdict.retry_after, verdict.reason, verdict.trips_circuit) == (None, "", False)


def test_scope_and_retryable_follow_from_each_other() -> None:
    assert Classification(category="PERMANENT", retryable=True).retry_scope == "idempotent"
    assert Classification(category="PERMANENT", retry_scope="always").retryable
    assert Classification(category="TRANSIENT", retryable=False).retry_scope == "never"
    assert not Classification(category="TRANSIENT", retry_scope="never").retryable


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"category": "TRANSIENTT"}, "did you mean 'TRANSIENT'"),
        ({"category": 7}, "7 is no error category"),
        ({"category": "AUTH", "code": ""}, "code must be a text"),
        ({"category": "AUTH", "code": 7}, "code must be a text"),
        ({"category": "AUTH", "retryable": 1}, "retryable must be True or False"),
        ({"category": "AUTH", "retry_scope": "idempotant"}, "did you mean 'idempotent'"),
        ({"category": "AUTH", "circuit_outcome": "sucess"}, "did you mean 'success'"),
        ({"category": "AUTH", "retryable": True, "retry_scope": "never"}, "contradicts"),
        ({"category": "AUTH", "retry_after": -1}, "zero or more"),
        ({"category": "AUTH", "retry_after": float("nan")}, "zero or more"),
        ({"category": "AUTH", "retry_after": True}, "zero or more"),
        ({"category": "AUTH", "retry_after": "7"}, "zero or more"),
    ],
)
def test_a_verdict_that_makes_no_sense_is_refused(fields: dict[str, Any], part: str) -> None:
    with pytest.raises(ConfigurationError, match=part):
        Classification(**fields)


def test_a_verdict_can_be_given_a_waiting_time_or_another_reason() -> None:
    verdict = Classification(category="TRANSIENT", reason="first")
    assert verdict.waiting(None) is verdict
    assert verdict.waiting(3.0) == verdict.replace(retry_after=3.0)
    assert verdict.because("second").reason == "second"
    assert verdict.reason == "first"


# -- the front door -----------------------------------------------------------------------------------------


def test_all_is_sorted_and_complete() -> None:
    assert holdfast.errors.__all__ == sorted(holdfast.errors.__all__)
    assert all(hasattr(holdfast.errors, name) for name in holdfast.errors.__all__)


def test_the_process_has_one_classifier() -> None:
    assert get_error_classifier() is get_error_classifier()
    assert isinstance(get_error_classifier(), ErrorClassifier)


def test_a_classifier_without_a_usable_clock_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="now must be a function"):
        ErrorClassifier(now=7.0)  # type: ignore[arg-type]
