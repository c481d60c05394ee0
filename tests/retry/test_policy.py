"""Policies: what they refuse, in which order they judge, and the numbers of the named ones."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import math
import warnings
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from holdfast import (
    RETRY_POLICIES,
    BackoffConfig,
    BulkheadFullError,
    CircuitOpenError,
    Classification,
    ConfigurationError,
    ErrorCategory,
    ErrorCode,
    RejectedError,
    RetryBudget,
    RetryPolicy,
    UnknownPolicyError,
    create_retry_policy,
    get_error_classifier,
    get_retry_policy,
    register_retry_policy,
    settings,
)

TRANSIENT = Classification(category="TRANSIENT", code="T")
UNKNOWN = Classification(category="UNKNOWN")
PERMANENT = Classification(category="PERMANENT", code="NOT_FOUND")


class Broken:
    """Collects what is reported of predicates that raised."""

    def __init__(self) -> None:
        self.whats: list[str] = []
        self.functions: list[Callable[..., object]] = []

    def __call__(self, what: str, function: Callable[..., object]) -> None:
        self.whats.append(what)
        self.functions.append(function)


def judge(policy: RetryPolicy, error: Exception, seen: Classification = TRANSIENT, attempt: int = 1) -> bool:
    return policy.judge(error, attempt, seen, Broken()).retry


# What is refused when the policy is made.


@pytest.mark.parametrize("attempts", [0, -1, 2.5, True, "3", None, math.nan])
def test_promise_11_attempts_are_whole_numbers_from_one_on(attempts: Any) -> None:
    with pytest.raises(ConfigurationError, match="max_attempts must be a whole number of at least 1, not") as caught:
        RetryPolicy(max_attempts=attempts)
    assert "1 means: no retry" in str(caught.value)


@pytest.mark.parametrize("field", ["attempt_timeout", "total_timeout"])
@pytest.mark.parametrize("value", [0, -1, math.nan, math.inf, True, "5", timedelta(0)])
def test_promise_11_limits_are_positive_finite_seconds(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"RetryPolicy: {field} must be .*None means: no limit"):
        RetryPolicy(**{field: value})


async def an_async_callback(*args: object) -> None: ...


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"max_atempts": 3}, "RetryPolicy has no field 'max_atempts'; did you mean 'max_attempts'?"),
        ({"initial_delay": 3}, "no field 'initial_delay'; did you mean backoff={'initial_delay': 3}?"),
        ({"max_dely": 3}, "did you mean backoff={'max_delay': 3}?"),
        ({"name": " "}, "name must be a text that is not empty"),
        ({"name": 3}, "name must be a text"),
        ({"backoff": 3}, "backoff must be a BackoffConfig"),
        ({"backoff": int}, "backoff must be a BackoffConfig"),
        ({"backoff": "exponental"}, "did you mean 'exponential'"),
        ({"backoff": {"initial": 1}}, "BackoffConfig has no field 'initial'"),
        ({"backoff_for": [1]}, "backoff_for must map"),
        ({"backoff_for": {3: "fixed"}}, "a key of backoff_for must be an exception type"),
        ({"backoff_for": {"TRANSIENT": 3}}, "backoff_for['TRANSIENT'] must be a BackoffConfig"),
        ({"retryable_categories": "TRANSIENT"}, "retryable_categories must be a set or list"),
        ({"retryable_categories": {"TRANSIANT"}}, "did you mean 'TRANSIENT'"),
        ({"retryable_categories": 3}, "retryable_categories must be a set or list"),
        ({"retryable_codes": "X"}, "retryable_codes must be a set or list, not 'X'; write {'X'}"),
        ({"non_retryable_codes": {3}}, "non_retryable_codes must be a text"),
        ({"retryable_codes": {"A"}, "non_retryable_codes": {"A", "B"}}, "A cannot be both"),
        ({"retry_on": "ValueError"}, "retry_on must be exception types or a function"),
        ({"retry_on": (ValueError, int)}, "retry_on must be exception types or a function"),
        ({"retry_on": asyncio.CancelledError}, "retry_on cannot name CancelledError"),
        ({"retry_on": (ValueError, KeyboardInterrupt)}, "retry_on cannot name KeyboardInterrupt"),
        ({"retry_on": BaseException}, "always pass; name Exception, or subclasses of Exception"),
        ({"retry_on": "TRANSIENT"}, "not 'TRANSIENT'; write retryable_categories={'TRANSIENT'}"),
        ({"retry_on": ["external"]}, "not 'external'; write retryable_categories={'EXTERNAL'}"),
        ({"retry_on": {ValueError, "NOT_FOUND"}}, "not 'NOT_FOUND'; write retryable_codes={'NOT_FOUND'}"),
        ({"retry_on": ("OSError",)}, "not 'OSError'; write OSError, without quotes"),
        ({"retry_on": ()}, "retry_on names nothing"),
        ({"retry_on_result": 3}, "retry_on_result must be a function (value) -> bool or None"),
        ({"should_retry": True}, "should_retry must be a function (error, attempt)"),
        ({"should_retry": an_async_callback}, "should_retry must be a plain function (error, attempt)"),
        ({"on_retry": an_async_callback}, "on_retry must be a plain function"),
        ({"on_final_failure": "log"}, "on_final_failure must be a function"),
        ({"idempotent": None}, "idempotent must be True or False"),
        ({"close_discarded": 1}, "close_discarded must be True or False"),
        ({"max_retry_after": -1}, "max_retry_after must be finite and zero or more"),
        ({"budget": 0.2}, "budget must be a RetryBudget or None"),
        ({"attempt_timeout": 5, "total_timeout": 2}, "attempt_timeout (5 s) cannot be longer than total_timeout (2 s)"),
    ],
)
def test_promise_11_bad_settings_are_refused_when_the_policy_is_made(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**fields)
    assert says in str(caught.value)


@pytest.mark.parametrize("given", ["sum", "int", "no such name", 3])
def test_of_what_is_no_error_in_quotes_nothing_is_offered(given: Any) -> None:
    with pytest.raises(ConfigurationError) as refused:
        RetryPolicy(retry_on=given)
    assert str(refused.value).endswith(f"not {given!r}")


@pytest.mark.parametrize(
    ("fields", "near"),
    [
        ({"retryable_codes": {"NOTFOUND", "MINE"}}, "retryable_codes: 'NOTFOUND' .*; did you mean 'NOT_FOUND'"),
        ({"retryable_codes": {"EXTERNAL_RATE_LIMTED"}}, "did you mean 'EXTERNAL_RATE_LIMITED'"),
        ({"non_retryable_codes": ["QUOTA-EXHAUSTED"]}, "non_retryable_codes: .*; did you mean 'QUOTA_EXHAUSTED'"),
        ({"non_retryable_codes": ["DEADLOCKS"]}, "did you mean 'DEADLOCK'"),
        ({"non_retryable_codes": ["DEADLOKC"]}, "did you mean 'DEADLOCK'"),
        ({"non_retryable_codes": ["DEADLOCK", "TLS_ERRORR"]}, "did you mean 'TLS_ERROR'"),
        ({"backoff_for": {"TRANSIANT": "fixed"}}, "backoff_for: .*; did you mean 'TRANSIENT'"),
        ({"backoff_for": {"DEADLOCK": "fixed", "deadlock": "fixed"}}, "'deadlock' .*; did you mean 'DEADLOCK'"),
    ],
)
def test_a_code_that_is_nearly_a_built_in_one_is_doubted_once_at_the_users_line(
    fields: dict[str, Any], near: str
) -> None:
    settings._doubted.clear()
    with pytest.warns(UserWarning, match=f"RetryPolicy: .*{near}") as caught:
        policy = RetryPolicy(**fields)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        policy.replace(max_attempts=5)


@pytest.mark.parametrize("code", ["MINE", "PAYMENT_NOT_FOUND", "HEAD_TIMEOUT", "T", "NOT", "NOT_FOUND_YET", "TIMER"])
def test_a_code_of_the_users_own_is_not_doubted(code: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert RetryPolicy(retryable_codes={code}).retryable_codes == {code}


def test_settings_are_brought_into_their_normal_form() -> None:
    policy = RetryPolicy(
        retryable_categories=["transient", ErrorCategory.RESOURCE],
        retryable_codes=[ErrorCode.DEADLOCK, "MINE"],
        retry_on=[KeyError],
        attempt_timeout=timedelta(milliseconds=1500),
        backoff="full-jitter",
        backoff_for={ValueError: {"type": "fixed", "initial_delay": 3}},
    )
    assert policy.retryable_categories == {ErrorCategory.TRANSIENT, ErrorCategory.RESOURCE}
    assert policy.retryable_codes == {"DEADLOCK", "MINE"}
    assert policy.retry_on == (KeyError,)
    assert policy.attempt_timeout == 1.5
    assert policy.backoff.type == "full-jitter"
    assert policy.backoff_for is not None
    assert policy.backoff_for[ValueError].initial_delay == 3


def test_a_policy_is_frozen_and_a_changed_copy_is_checked_again() -> None:
    policy = RetryPolicy(max_attempts=3)
    with pytest.raises(AttributeError, match=r"use \.replace\(max_attempts="):
        policy.max_attempts = 4  # type: ignore[misc]
    assert policy.replace(max_attempts=4) == RetryPolicy(max_attempts=4)
    with pytest.raises(ConfigurationError):
        policy.replace(max_attempts=0)


# In which order it judges.


def test_cancellation_is_never_retried_whatever_a_predicate_says() -> None:
    policy = RetryPolicy(should_retry=lambda _error, _attempt: True, retry_on=Exception)
    error = concurrent.futures.CancelledError()  # an Exception, unlike asyncio's
    assert not judge(policy, error, get_error_classifier().classify(error))


def test_a_rejection_is_retried_only_if_retry_on_names_its_class() -> None:
    full, opened = BulkheadFullError("full"), CircuitOpenError("open")
    for policy in (
        RetryPolicy(),
        RetryPolicy(retry_on=Exception),
        RetryPolicy(should_retry=lambda _error, _attempt: True),
        RetryPolicy(retry_on=lambda _error: True),
        RetryPolicy(retryable_codes={full.code, opened.code}),
    ):
        assert not judge(policy, full)
        assert not judge(policy, opened)
    assert judge(RetryPolicy(retry_on=(BulkheadFullError,)), full)
    assert not judge(RetryPolicy(retry_on=(BulkheadFullError,)), opened)
    assert judge(RetryPolicy(retry_on=RejectedError), opened)


def test_should_retry_is_asked_first_and_none_leaves_it_to_the_rest() -> None:
    asked: list[tuple[Exception, int]] = []

    def undecided(error: Exception, attempt: int) -> None:
        asked.append((error, attempt))

    error = ValueError()
    assert judge(RetryPolicy(should_retry=lambda _e, _a: True, non_retryable_codes={"NOT_FOUND"}), error, PERMANENT)
    assert not judge(RetryPolicy(should_retry=lambda _e, _a: False, retryable_codes={"T"}), error, TRANSIENT)
    assert judge(RetryPolicy(should_retry=undecided), error, TRANSIENT, attempt=2)
    assert not judge(RetryPolicy(should_retry=undecided), error, PERMANENT)
    assert asked == [(error, 2), (error, 1)]


def test_codes_come_before_retry_on_and_that_before_the_categories() -> None:
    error = ValueError()
    assert not judge(RetryPolicy(non_retryable_codes={"T"}, retry_on=ValueError), error, TRANSIENT)
    assert judge(RetryPolicy(retryable_codes={"NOT_FOUND"}, retry_on=KeyError), error, PERMANENT)
    assert judge(RetryPolicy(retry_on=ValueError), error, UNKNOWN)
    assert not judge(RetryPolicy(retry_on=KeyError), error, TRANSIENT), "retry_on replaces the categories"
    assert judge(RetryPolicy(retry_on=lambda e: isinstance(e, ValueError)), error, UNKNOWN)
    assert not judge(RetryPolicy(retry_on=lambda _error: None), error, TRANSIENT)
    assert judge(RetryPolicy(), error, TRANSIENT)
    assert not judge(RetryPolicy(retryable_categories={"EXTERNAL"}), error, TRANSIENT)
    assert not judge(RetryPolicy(retryable_categories=set(ErrorCategory)), error, PERMANENT)


def test_promise_6_a_predicate_that_raises_has_no_opinion() -> None:
    def broken(*_args: object) -> bool:
        raise RuntimeError

    reports = Broken()
    policy = RetryPolicy(should_retry=broken, retry_on=broken)
    assert policy.judge(ValueError(), 1, TRANSIENT, reports).retry
    assert not policy.judge(ValueError(), 1, PERMANENT, reports).retry
    assert reports.whats == ["should_retry", "retry_on"] * 2
    assert reports.functions == [broken] * 4


@pytest.mark.parametrize("scope", ["always", "idempotent", "new_transaction", "reconnect"])
def test_an_operation_that_must_not_run_twice_is_retried_only_if_it_did_not_run(scope: Any) -> None:
    seen = Classification(category="TRANSIENT", code="T", retry_scope=scope)
    assert judge(RetryPolicy(), ValueError(), seen)
    for policy in (
        RetryPolicy(idempotent=False),
        RetryPolicy(idempotent=False, retry_on=ValueError),
        RetryPolicy(idempotent=False, retryable_codes={"T"}),
    ):
        assert judge(policy, ValueError(), seen) is (scope == "always")
    assert judge(RetryPolicy(idempotent=False, should_retry=lambda _e, _a: True), ValueError(), seen)


def test_the_reason_names_the_rule_and_an_unknown_error_names_retry_on() -> None:
    class OddError(Exception): ...

    def why(policy: RetryPolicy, error: Exception, seen: Classification) -> str:
        return policy.judge(error, 1, seen, Broken()).why

    assert "OddError; name it in retry_on" in why(RetryPolicy(), OddError(), UNKNOWN)
    assert why(RetryPolicy(), OddError(), PERMANENT) == "PERMANENT NOT_FOUND is not helped by a retry"
    assert (
        why(RetryPolicy(retryable_categories=()), OddError(), TRANSIENT) == "TRANSIENT is not in retryable_categories"
    )
    assert why(RetryPolicy(), OddError(), TRANSIENT) == "TRANSIENT is in retryable_categories"


def test_an_error_may_have_a_back_off_of_its_own_by_code_type_or_category() -> None:
    first, second, third = (BackoffConfig(type="fixed", initial_delay=n) for n in (1, 2, 3))
    policy = RetryPolicy(backoff_for={"T": first, OSError: second, ErrorCategory.EXTERNAL: third})
    external = Classification(category="EXTERNAL", code="E")
    assert policy.backoff_of(ConnectionResetError(), TRANSIENT) is first
    assert policy.backoff_of(ConnectionResetError(), external) is second
    assert policy.backoff_of(ValueError(), external) is third
    assert policy.backoff_of(ValueError(), UNKNOWN) is policy.backoff
    assert RetryPolicy().backoff_of(ValueError(), UNKNOWN) == RetryPolicy().backoff


# The named ones.

T, E, R = ErrorCategory.TRANSIENT, ErrorCategory.EXTERNAL, ErrorCategory.RESOURCE


@pytest.mark.parametrize(
    ("name", "attempts", "delays", "categories", "attempt_timeout", "total_timeout"),
    [
        ("default", 3, [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (30, 30)], {T, E}, None, None),
        ("aggressive", 5, [(0.4, 0.6), (0.8, 1.2), (1.6, 2.4), (3.2, 4.8)], {T, E, R}, 30, None),
        ("conservative", 2, [(2, 2), (2, 2)], {T}, None, 10),
        ("mcp", 4, [(1, 3), (1, 9), (1, 27), (1, 30)], {T, E}, None, None),
        ("agent", 3, [(2, 2), (4, 4), (8, 8), (16, 16), (30, 30)], {T}, 60, None),
        ("infrastructure", 3, [(5, 5), (15, 15), (45, 45), (120, 120)], {T, E}, None, 600),
        ("none", 1, [], set(), None, None),
    ],
)
def test_the_named_policies_have_their_numbers(
    name: str,
    attempts: int,
    delays: list[tuple[float, float]],
    categories: set[ErrorCategory],
    attempt_timeout: float | None,
    total_timeout: float | None,
) -> None:
    policy = get_retry_policy(name)
    assert policy.name == name
    assert policy.max_attempts == attempts
    assert policy.backoff.delays(len(delays)) == tuple(pytest.approx(pair) for pair in delays)
    assert policy.retryable_categories == categories
    assert (policy.attempt_timeout, policy.total_timeout) == (attempt_timeout, total_timeout)


def test_the_named_policies_have_their_codes() -> None:
    assert get_retry_policy("mcp").retryable_codes == {"MCP_CONNECTION_FAILED", "MCP_TIMEOUT"}
    assert get_retry_policy("mcp").non_retryable_codes == {"MCP_TOOL_NOT_FOUND"}
    assert get_retry_policy("agent").non_retryable_codes == {"AGENT_NOT_FOUND", "AGENT_INVALID_INPUT"}
    assert get_retry_policy("infrastructure").retryable_codes == {"EXTERNAL_RATE_LIMITED", "EXTERNAL_UNAVAILABLE"}


def test_policies_for_networks_and_services_spread_their_retries() -> None:
    for name in ("llm", "database", "network", "api_rate_limit", "file"):
        assert get_retry_policy(name).backoff.type == "full-jitter"
        assert get_retry_policy(name).max_attempts > 1


def test_every_policy_can_be_told_as_json() -> None:
    told = {name: json.loads(json.dumps(policy.as_dict())) for name, policy in RETRY_POLICIES.items()}
    assert told["mcp"]["backoff"]["type"] == "decorrelated-jitter"
    assert told["aggressive"]["retryable_categories"] == ["EXTERNAL", "RESOURCE", "TRANSIENT"]
    assert RetryPolicy(should_retry=an_plain).as_dict()["should_retry"] == "an_plain"


def an_plain(error: Exception, attempt: int) -> None: ...


def test_an_unknown_name_is_refused_with_the_nearest_right_one() -> None:
    with pytest.raises(UnknownPolicyError, match="no retry policy named 'agressive'; did you mean 'aggressive'?"):
        get_retry_policy("agressive")
    with pytest.raises(LookupError, match="known: agent, aggressive"):
        get_retry_policy("zzzzz")
    with pytest.raises(UnknownPolicyError):
        get_retry_policy(["default"])  # type: ignore[arg-type]


def test_the_named_policies_can_be_added_to_but_not_written_to() -> None:
    added = register_retry_policy(RetryPolicy(name="test-added", max_attempts=9))
    assert RETRY_POLICIES["test-added"] is added is get_retry_policy("test-added")
    renamed = register_retry_policy("test-renamed", added)
    assert (renamed.name, renamed.max_attempts) == ("test-renamed", 9)
    with pytest.raises(TypeError):
        RETRY_POLICIES["x"] = added  # type: ignore[index]
    with pytest.raises(ConfigurationError, match="the policy has no name"):
        register_retry_policy(RetryPolicy())
    with pytest.raises(ConfigurationError, match="takes a RetryPolicy"):
        register_retry_policy("test-nothing", 3)  # type: ignore[call-overload]


def test_factories_take_every_field() -> None:
    assert RetryPolicy.fixed(3, max_attempts=7).max_attempts == 7
    assert RetryPolicy.exponential(max_delay=9).backoff.max_delay == 9
    assert RetryPolicy.network(name="mine", max_attempts=2).name == "mine"
    assert RetryPolicy.api_rate_limit(max_retry_after=5).max_retry_after == 5
    assert create_retry_policy(budget=RetryBudget()).name == "custom"
    assert create_retry_policy() == RetryPolicy()


def test_factories_have_their_numbers() -> None:
    spread = BackoffConfig(type="full-jitter", initial_delay=0.5, max_delay=30)
    assert RetryPolicy.network() == RetryPolicy(
        name="network", max_attempts=5, backoff=spread, retryable_categories={T, E, R}
    )
    patient = BackoffConfig(type="full-jitter", initial_delay=1, max_delay=60)
    assert RetryPolicy.api_rate_limit() == RetryPolicy(
        name="api_rate_limit",
        max_attempts=6,
        backoff=patient,
        retryable_categories={T, E, R},
        max_retry_after=300,
    )
    assert RetryPolicy.fixed() == RetryPolicy(name="fixed", backoff=BackoffConfig(type="fixed", initial_delay=1))
    assert RetryPolicy.fixed(3).backoff == BackoffConfig(type="fixed", initial_delay=3)
    assert RetryPolicy.exponential() == RetryPolicy(
        name="exponential", backoff=BackoffConfig(initial_delay=1, max_delay=60, multiplier=2)
    )
    grown = BackoffConfig(initial_delay=2, max_delay=9, multiplier=3)
    assert RetryPolicy.exponential(2, 9, 3).backoff == grown


@pytest.mark.parametrize("factory", ["fixed", "exponential", "network", "api_rate_limit"])
def test_factories_take_no_second_back_off(factory: str) -> None:
    with pytest.raises(
        ConfigurationError, match=rf"RetryPolicy\.{factory}\(\) sets the back-off; give RetryPolicy\(ba"
    ):
        getattr(RetryPolicy, factory)(backoff="fixed")


def test_a_returned_cancellation_is_not_retried_and_the_reason_says_so() -> None:
    seen = Classification(category="CANCELLED", code="CANCELLED")
    policy = RetryPolicy(retryable_codes={"CANCELLED"}, retryable_categories=set(ErrorCategory))
    for judgement in (policy.judge_result(seen), policy.judge(ValueError(), 1, seen, Broken())):
        assert judgement.retry is False
        assert judgement.why == "it is a cancellation"


def test_the_first_limit_is_that_of_an_attempt_or_else_of_the_whole_call() -> None:
    assert RetryPolicy().first_limit("fetch") is None
    whole = RetryPolicy(total_timeout=9).first_limit("fetch")
    assert whole is not None
    assert (whole.seconds, whole.whose, whole.final) == (9, "the total_timeout of fetch", True)
    assert str(whole.exceeded()) == "fetch took longer than its total_timeout of 9 s"
    attempt = RetryPolicy(attempt_timeout=2, total_timeout=9).first_limit("fetch")
    assert attempt is not None
    assert (attempt.seconds, attempt.whose, attempt.final) == (2, "the attempt_timeout of fetch", False)
    assert str(attempt.exceeded()) == "an attempt of fetch took longer than its attempt_timeout of 2 s"


async def an_async_rule(*args: object) -> bool:
    return True


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": " "}, "name must be a text that is not empty, not ' '"),
        ({"max_attempts": 0}, "max_attempts must be a whole number of at least 1, not 0 (1 means: no retry)"),
        ({"retryable_codes": {3}}, "retryable_codes must be a text that is not empty, not 3"),
        ({"non_retryable_codes": {3}}, "non_retryable_codes must be a text that is not empty, not 3"),
        ({"retry_on": an_async_rule}, "retry_on must be a plain function (error) -> bool, not an async one"),
        (
            {"should_retry": an_async_rule},
            "should_retry must be a plain function (error, attempt) -> bool | None, not an async one",
        ),
        (
            {"retry_on_result": an_async_rule},
            "retry_on_result must be a plain function (value) -> bool, not an async one",
        ),
        ({"on_retry": an_async_rule}, "on_retry must be a plain function (error, attempt, delay), not an async one"),
        ({"on_final_failure": 3}, "on_final_failure must be a function (error, attempts) or None, not 3"),
        ({"classify_results": 1}, "classify_results must be True or False, not 1"),
        ({"close_discarded": 1}, "close_discarded must be True or False, not 1"),
        ({"idempotent": 1}, "idempotent must be True or False, not 1"),
        (
            {"attempt_timeout": 0},
            "attempt_timeout must be finite and more than zero seconds, not 0 (None means: no limit)",
        ),
        ({"total_timeout": 0}, "total_timeout must be finite and more than zero seconds, not 0 (None means: no limit)"),
        (
            {"max_retry_after": -1},
            "max_retry_after must be finite and zero or more seconds, not -1 (None means: no limit)",
        ),
        (
            {"timeout_mode": "thread"},
            "timeout_mode='thread' has no limit to hold calls to; give attempt_timeout or total_",
        ),
    ],
)
def test_a_refusal_is_told_in_full(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        RetryPolicy(**fields)
    assert str(caught.value).startswith(f"RetryPolicy: {says}")


def test_a_mode_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"^RetryPolicy: timeout_mode cannot be 'threads'; did you"):
        RetryPolicy(timeout_mode="threads", attempt_timeout=1)  # type: ignore[arg-type]


def test_threads_are_used_if_that_is_the_mode() -> None:
    assert not RetryPolicy(attempt_timeout=1).uses_workers
    for limit in ("attempt_timeout", "total_timeout"):
        policy = RetryPolicy(timeout_mode="thread", **{limit: 1})  # type: ignore[arg-type]
        assert (policy.timeout_mode, policy.uses_workers) == ("thread", True)


def test_an_attempt_may_take_as_long_as_the_whole_call() -> None:
    assert RetryPolicy(attempt_timeout=2, total_timeout=2).attempt_timeout == 2


def test_codes_of_a_table_of_back_offs_are_kept_as_they_are_and_categories_are_found_in_any_case() -> None:
    policy = RetryPolicy(backoff_for={"transient": "fixed", "my-Code": "linear"})
    assert policy.backoff_for is not None
    assert set(policy.backoff_for) == {"TRANSIENT", "my-Code"}


YES, NO = True, False


@pytest.mark.parametrize(
    ("fields", "error", "seen", "retry", "why"),
    [
        (
            {},
            BulkheadFullError("full"),
            TRANSIENT,
            NO,
            "BulkheadFullError is a rejection; name it in retry_on to wait for",
        ),
        ({"retry_on": BulkheadFullError}, BulkheadFullError("full"), TRANSIENT, YES, "retry_on names it"),
        ({"should_retry": lambda _e, _a: True}, ValueError(), PERMANENT, YES, "should_retry said yes"),
        ({"should_retry": lambda _e, _a: 0}, ValueError(), TRANSIENT, NO, "should_retry said no"),
        ({"retry_on": ValueError}, ValueError(), PERMANENT, YES, "retry_on includes it"),
        ({"retry_on": KeyError}, ValueError(), TRANSIENT, NO, "retry_on does not include it"),
        ({"retry_on": lambda _e: None}, ValueError(), TRANSIENT, NO, "retry_on does not include it"),
        ({}, ValueError(), PERMANENT, NO, "PERMANENT NOT_FOUND is not helped by a retry"),
        ({}, ValueError(), UNKNOWN, NO, "nothing is known of ValueError; name it in retry_on to have it retried"),
        ({"retryable_codes": {"NOT_FOUND"}}, ValueError(), PERMANENT, YES, "NOT_FOUND is in retryable_codes"),
        ({"non_retryable_codes": {"T"}}, ValueError(), TRANSIENT, NO, "T is in non_retryable_codes"),
        (
            {"idempotent": False},
            ValueError(),
            TRANSIENT,
            NO,
            "the operation is not idempotent and may have been executed",
        ),
    ],
)
def test_each_verdict_has_its_reason(
    fields: dict[str, Any], error: Exception, seen: Classification, retry: bool, why: str
) -> None:
    judgement = RetryPolicy(**fields).judge(error, 1, seen, Broken())
    assert judgement.retry is retry
    assert judgement.why.startswith(why)
