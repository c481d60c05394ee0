"""What the reference page says of fields, presets and errors is what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import holdfast
from holdfast import CircuitBreakerConfig, ResilienceManager, ResiliencePolicy, RetryPolicy
from holdfast.resilience import WorstCase
from holdfast.resilience.presets import PRESETS, SERVICES
from holdfast.retry.policy import CAPACITY_TOO

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "resilience.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


def rows(title: str) -> list[list[str]]:
    """The cells of the rows of a section's table, its head left out."""
    lines = [line for line in section(title).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


POLICIES = {
    **{name: ResiliencePolicy(**fields) for name, fields in PRESETS.items()},
    **{f"with_{name}_resilience": ResiliencePolicy(**fields) for name, fields in SERVICES.items()},
}


def numbers(policy: ResiliencePolicy) -> list[str]:
    """A policy as its row of the table shows it."""
    retry, breaker, room = policy.retry_policy, policy.circuit_breaker, policy.bulkhead
    assert retry is not None
    assert room is not None
    waits = retry.backoff.delays(retry.max_attempts - 1)
    return [
        str(retry.max_attempts),
        f"{', '.join(f'{low:g}' if low == high else f'{low:g}-{high:g}' for low, high in waits)} s",
        "none" if breaker is None else f"{breaker.failure_threshold}, {breaker.reset_timeout:g} s",
        f"{room.max_concurrent}, {room.max_queue}",
        f"{policy.timeout:g} s",
        policy.timeout_mode,
    ]


def test_the_page_lists_every_field_and_its_default() -> None:
    listed = {name.strip("`"): default for name, default, _ in rows("Fields of a policy")}
    told = {name: "none" if default is None else f'`"{default}"`' for name, default in _defaults().items()}
    assert listed == told


def _defaults() -> dict[str, object]:
    return {name: getattr(ResiliencePolicy, name) for name in ResiliencePolicy._fields}


def test_the_fields_stand_in_the_order_in_which_a_call_passes_them() -> None:
    everything = ResiliencePolicy.api(
        fallback=list, total_timeout=60, rate_limit={"limit": 1, "period": 1}, timeout_mode="cooperative"
    )
    described = [line.split()[0] for line in everything.describe().splitlines()[:-2]]
    assert [name.strip("`") for name, *_ in rows("Fields of a policy")] == [*described, "timeout_mode"]


def test_the_table_of_presets_has_the_numbers_of_the_code() -> None:
    assert {name.strip("`"): cells for name, *cells in rows("Presets")} == {
        name: numbers(policy) for name, policy in POLICIES.items()
    }


def test_what_a_preset_does_not_show_is_a_guards_own_default_but_for_what_the_page_says() -> None:
    shown = {"max_attempts", "backoff", "name"}
    others = {}
    for name, policy in POLICIES.items():
        retry = policy.retry_policy
        assert retry is not None
        others[name] = {
            field: getattr(retry, field)
            for field in set(RetryPolicy._fields) - shown
            if getattr(retry, field) != getattr(RetryPolicy(), field)
        }
        assert (policy.rate_limit, policy.total_timeout, policy.fallback) == (None, None, None)
        assert policy.bulkhead is not None
        assert policy.bulkhead.queue_timeout == 30
        if policy.circuit_breaker is not None:
            plain = CircuitBreakerConfig(
                failure_threshold=policy.circuit_breaker.failure_threshold,
                reset_timeout=policy.circuit_breaker.reset_timeout,
            )
            assert policy.circuit_breaker == plain
    limited = {"retryable_categories": CAPACITY_TOO, "max_retry_after": 300}
    assert others["ai"] == limited
    assert others["with_llm_resilience"] == {**limited, "non_retryable_codes": frozenset({"QUOTA_EXHAUSTED"})}
    assert others["with_database_resilience"].pop("total_timeout") == 30
    assert others["external"] == {"retryable_categories": CAPACITY_TOO}
    for name in ("api", "database", "critical"):
        assert not others[name]
    for name in ("with_database_resilience", "with_mcp_resilience"):  # the named retry policies say by which errors
        assert set(others[name]) <= {"retryable_categories", "retryable_codes", "non_retryable_codes"}


def test_the_presets_are_names_too() -> None:
    manager = ResilienceManager()
    for name, fields in PRESETS.items():
        assert manager.get(name) == ResiliencePolicy(**fields)


def test_the_worst_case_has_the_fields_that_the_page_lists() -> None:
    assert [name.strip("`") for name, _ in rows("The worst case")] == list(WorstCase._fields)


def test_the_errors_that_the_page_lists_are_public() -> None:
    for cell, _ in rows("Errors"):
        for name in re.findall(r"`(\w+)`", cell):
            assert hasattr(holdfast, name) or name in {"ValueError", "LookupError", "TypeError", "TimeoutError"}


@pytest.mark.parametrize("name", ["ResilienceManager", "ResiliencePolicy"])
def test_the_page_lists_the_methods_that_users_call(name: str) -> None:
    table = PAGE.split("\n## ")[0]
    public = [each for each in vars(getattr(holdfast, name)) if not each.startswith("_")]
    fields = set(ResiliencePolicy._fields)
    told = {word.split("(")[0] for word in re.findall(r"`[\w]*\.(\w+[^`]*)`", table)}
    assert set(public) - fields - {"decorator", "surroundings", "policies"} <= told
