"""The named policies, each with the failures of the libraries that it is made for."""

from __future__ import annotations

import json

import pytest

from holdfast import ErrorClassifier, get_retry_policy

from .corpus import HERE, NOW
from .shape import revive

# What a policy leaves although the verdict is "retryable", or the other way round, by category and code.
STOPS: dict[str, set[tuple[str, str]]] = {
    "llm": set(),
    "mcp": {("RESOURCE", "POOL_EXHAUSTED"), ("RESOURCE", "PROCESS_FAILED")},
    "database": {("PERMANENT", "NOT_FOUND")},
    # Credentials and topics that are not there yet: a matter for whoever set them up, not for a few seconds.
    "network": {("AUTH", "UNAUTHENTICATED"), ("CONFIGURATION", "NOT_FOUND")},
    "api_rate_limit": set(),
}


@pytest.mark.parametrize(
    ("policy", "families"),
    [
        ("llm", "llm http_clients"),
        ("mcp", "mcp streams http_clients"),
        ("database", "sql stores"),
        ("network", "http_clients web grpc google aws azure brokers"),
        ("api_rate_limit", "saas llm http_clients"),
    ],
)
def test_a_named_policy_retries_just_what_can_succeed_later(policy: str, families: str) -> None:
    classifier = ErrorClassifier(now=lambda: NOW)
    otherwise = set()
    retried = 0
    for family in families.split():
        for rows in json.loads((HERE / "shapes" / f"{family}.json").read_text(encoding="utf-8")).values():
            error = revive(rows[0]["shape"])
            if not isinstance(error, Exception):
                continue
            seen = classifier.classify(error)
            judgement = get_retry_policy(policy).judge(error, 1, seen, _no_report)
            retried += judgement.retry
            if judgement.retry != seen.retryable:
                otherwise.add((str(seen.category), str(seen.code)))
    assert otherwise <= STOPS[policy]
    assert retried


def _no_report(what: str, function: object) -> None:
    raise AssertionError(what)
