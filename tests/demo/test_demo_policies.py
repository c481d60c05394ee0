"""The listing of policies says what each named policy does."""

from __future__ import annotations

import json

import pytest

from holdfast import RETRY_POLICIES, BackoffConfig, ErrorCategory, RetryPolicy
from holdfast.demo.policies import as_json, as_text, in_words


def row_of(policy: RetryPolicy) -> list[str]:
    """The cells of the policy's line in the table."""
    return [cell.strip() for cell in as_text([policy]).splitlines()[2].split("  ") if cell]


def test_every_named_policy_has_a_line() -> None:
    lines = as_text(list(RETRY_POLICIES.values())).splitlines()[2:]
    assert [line.split()[0] for line in lines[: len(RETRY_POLICIES)]] == list(RETRY_POLICIES)


def test_a_line_says_how_often_after_how_long_and_what_is_retried() -> None:
    policy = RetryPolicy(
        name="search",
        max_attempts=3,
        backoff=BackoffConfig(initial_delay=1, max_delay=30),
        retryable_categories={ErrorCategory.TRANSIENT, ErrorCategory.EXTERNAL},
        attempt_timeout=5,
        total_timeout=20,
    )
    assert row_of(policy) == [
        "search", "3", "exponential x2", "1, 2", "30 s", "5 s each, 20 s in all", "external, transient"
    ]  # fmt: skip


def test_jittered_waits_are_shown_as_ranges_and_long_rows_of_them_are_cut() -> None:
    policy = RetryPolicy(name="api", max_attempts=6, backoff={"type": "full-jitter", "initial_delay": 0.5})
    assert "0-0.5, 0-1, ..." in as_text([policy])


def test_a_policy_that_never_retries_has_nothing_to_say_about_waits() -> None:
    assert row_of(RetryPolicy(name="once", max_attempts=1)) == ["once", "1", "-", "-", "-", "-", "-"]


def test_a_policy_without_categories_and_limits_shows_dashes() -> None:
    assert row_of(RetryPolicy(name="coded", retryable_categories=()))[-2:] == ["-", "-"]


def test_codes_are_told_below_the_table() -> None:
    policy = RetryPolicy(name="mine", retryable_codes={"B", "A"}, non_retryable_codes={"C"})
    assert as_text([policy]).splitlines()[-2:] == ["mine always retries A, B.", "mine never retries C."]


@pytest.mark.parametrize(
    ("backoff", "words"),
    [
        (BackoffConfig(type="fixed"), "fixed"),
        (BackoffConfig(type="linear", multiplier=0.5), "linear +0.5 s"),
        (BackoffConfig(type="exponential"), "exponential x2"),
        (BackoffConfig(type="decorrelated-jitter", jitter_factor=0.5), "decorrelated jitter"),
        (BackoffConfig(type="full-jitter", multiplier=3), "full jitter x3"),
        (BackoffConfig(type=lambda attempt: 0.1 * attempt), "its own"),
    ],
)
def test_every_type_of_back_off_has_words(backoff: BackoffConfig, words: str) -> None:
    assert in_words(backoff) == words


def test_json_has_every_field_and_the_range_of_every_wait() -> None:
    policies = {told["name"]: told for told in json.loads(as_json(list(RETRY_POLICIES.values())))}
    assert list(policies) == list(RETRY_POLICIES)
    assert policies["conservative"]["total_timeout"] == 10.0
    assert policies["conservative"]["delays"] == [[2.0, 2.0]]
    assert policies["none"]["delays"] == []
    assert all(len(told["delays"]) == told["max_attempts"] - 1 for told in policies.values())
