"""The listing of the named retry policies: what each retries, how often, and after how long."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from .tables import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from holdfast import BackoffConfig, RetryPolicy

_SHOWN_WAITS = 2

_IN_WORDS = {
    "fixed": "fixed",
    "linear": "linear +{multiplier:g} s",
    "exponential": "exponential x{multiplier:g}",
    "decorrelated-jitter": "decorrelated jitter",
    "full-jitter": "full jitter x{multiplier:g}",
}


def as_text(policies: Sequence[RetryPolicy]) -> str:
    """Return the policies as a table, and below it what some of them do with certain error codes."""
    headings = ["policy", "attempts", "back-off", "first waits (s)", "cap", "limits", "retries"]
    rows = [_row(policy) for policy in policies]
    notes = [note for policy in policies for note in _notes(policy)]
    return "\n".join([table(headings, rows, right={"attempts", "cap"}), "", *notes])


def as_json(policies: Sequence[RetryPolicy]) -> str:
    """Return all fields of the policies as a JSON list; `delays` holds the shortest and longest of each wait."""
    return json.dumps(
        [{**policy.as_dict(), "delays": policy.backoff.delays(policy.max_attempts - 1)} for policy in policies],
        indent=2,
    )


def _row(policy: RetryPolicy) -> list[str]:
    waits = policy.max_attempts - 1
    if not waits:
        return [policy.name, "1", *["-"] * 5]
    shown = [_span(low, high) for low, high in policy.backoff.delays(min(waits, _SHOWN_WAITS))]
    return [
        policy.name,
        str(policy.max_attempts),
        in_words(policy.backoff),
        ", ".join(shown) + (", ..." if waits > _SHOWN_WAITS else ""),
        f"{policy.backoff.max_delay:g} s",
        ", ".join(_limits(policy)) or "-",
        ", ".join(sorted(policy.retryable_categories)).lower() or "-",
    ]


def in_words(backoff: BackoffConfig) -> str:
    """Return the shape of a back-off in a few words; its jitter shows in the waits, which are ranges then.

    >>> from holdfast import BackoffConfig
    >>> in_words(BackoffConfig(type="exponential", multiplier=3))
    'exponential x3'
    """
    if callable(backoff.type):
        return "its own"
    return _IN_WORDS[backoff.type].format(multiplier=backoff.multiplier)


def _span(low: float, high: float) -> str:
    """Return a wait, or the range it is drawn from, without more digits than it takes.

    >>> _span(1.0, 1.0), _span(0.4, 0.6)
    ('1', '0.4-0.6')
    """
    return f"{low:g}" if low == high else f"{low:g}-{high:g}"


def _limits(policy: RetryPolicy) -> Iterator[str]:
    if policy.attempt_timeout is not None:
        yield f"{policy.attempt_timeout:g} s each"
    if policy.total_timeout is not None:
        yield f"{policy.total_timeout:g} s in all"


def _notes(policy: RetryPolicy) -> Iterator[str]:
    if policy.retryable_codes:
        yield f"{policy.name} always retries {', '.join(sorted(policy.retryable_codes))}."
    if policy.non_retryable_codes:
        yield f"{policy.name} never retries {', '.join(sorted(policy.non_retryable_codes))}."
