"""Built-in exceptions in which client libraries speak of themselves, and those in which nobody does."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import ErrorClassifier

MISSING_KEY = "Could not resolve authentication method. Expected one of api_key, auth_token"


def told(error: BaseException) -> tuple[str, str, str]:
    verdict = ErrorClassifier().classify(error)
    return verdict.category.value, verdict.retry_scope, verdict.circuit_outcome


@pytest.mark.parametrize("kind", [ValueError, TypeError, RuntimeError])
def test_a_built_in_exception_is_judged_by_words_of_a_client(kind: type[Exception]) -> None:
    assert told(kind(MISSING_KEY)) == ("CONFIGURATION", "never", "ignore")


class WrongInput(ValueError):
    pass


@pytest.mark.parametrize("error", [WrongInput(MISSING_KEY), LookupError(MISSING_KEY), Exception(MISSING_KEY)])
def test_other_types_with_the_same_words_are_judged_as_ever(error: Exception) -> None:
    assert told(error)[0] != "CONFIGURATION"


@pytest.mark.parametrize(
    "arguments", [(), (None,), (b"the client has been closed",), ("x" * 300 + MISSING_KEY,), ("",)]
)
def test_without_such_words_nothing_changes(arguments: Any) -> None:
    assert told(ValueError(*arguments)) == ("VALIDATION", "never", "failure")
    assert told(TypeError(*arguments)) == ("INTERNAL", "never", "failure")
    assert told(RuntimeError(*arguments)) == ("UNKNOWN", "never", "failure")


def test_a_runtime_error_without_such_words_is_judged_by_its_cause() -> None:
    error = RuntimeError("gave up")
    error.__cause__ = ConnectionRefusedError("refused")
    assert told(error) == ("TRANSIENT", "always", "failure")


def test_a_closed_client_is_no_passing_failure_of_the_server() -> None:
    error = RuntimeError("gave up")
    error.__cause__ = RuntimeError("Cannot send a request, as the client has been closed.")
    assert told(error) == ("INTERNAL", "never", "ignore")
