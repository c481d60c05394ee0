"""The verdict on an exception in words: what it is, which rule says so, and what each named policy would do."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import TYPE_CHECKING, Any

from ..errors import Classification, ErrorCategory, get_error_classifier
from ..retry.presets import RETRY_POLICIES
from .named import known_as

if TYPE_CHECKING:
    from collections.abc import Callable

    from .named import Named

_SCOPES = {
    "always": "safe: the request was not executed, or the server asked to come back",
    "idempotent": "safe if the operation may run twice, as it may have been executed",
    "new_transaction": "the whole transaction has to be run again",
    "reconnect": "the session or connection has to be made anew first",
    "never": "no retry is of any use",
}
_OUTCOMES = {
    "failure": "counts as a failure of the dependency",
    "success": "does not count: the dependency answered",
    "ignore": "does not count: it says nothing of the dependency",
}


def explain(named: Named) -> dict[str, Any]:
    """Return the verdict on the exception, and what each named policy would do after a first attempt that failed so."""
    error = named.error
    seen = get_error_classifier().classify(error)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return {
        "exception": name,
        "installed": named.is_real,
        **{name: value for name, value in seen.as_dict().items() if name != "reason"},
        "trips_circuit": seen.trips_circuit,
        "rule": seen.reason if named.is_real or seen.category != ErrorCategory.UNKNOWN else _no_rule(name),
        "policies": {name: _by_policy(name, error, seen) for name in RETRY_POLICIES},
    }


def _no_rule(name: str) -> str:
    near = known_as(name)
    return "no rule names this" + (f"; did you mean {near}?" if near else "")


def _by_policy(name: str, error: BaseException, seen: Classification) -> dict[str, Any]:
    policy = RETRY_POLICIES[name]
    if not isinstance(error, Exception):
        return {"retry": False, "why": "only an Exception is ever retried"}
    if policy.max_attempts == 1:
        return {"retry": False, "why": "it makes one attempt"}
    judgement = policy.judge(error, 1, seen, _no_report)
    longest = policy.max_retry_after
    if judgement.retry and seen.retry_after is not None and longest is not None and seen.retry_after > longest:
        return {
            "retry": False,
            "why": f"the server asks to wait {seen.retry_after:g} s, max_retry_after is {longest:g} s",
        }
    return {"retry": judgement.retry, "why": judgement.why}


def _no_report(_what: str, _function: Callable[..., Any]) -> None:
    """Policies with predicates of the user's own are registered by programs, not here."""


def as_json(told: dict[str, Any]) -> str:
    """Return it as JSON."""
    return json.dumps(told, indent=2, default=str)


def as_text(told: dict[str, Any]) -> str:
    """Return it as lines for people."""
    rows = [
        ("category", told["category"]),
        ("code", told["code"]),
        ("retryable", "yes" if told["retryable"] else "no"),
        ("scope", f"{told['retry_scope']} ({_SCOPES[told['retry_scope']]})"),
        ("circuit", _OUTCOMES[told["circuit_outcome"]]),
        ("wait", "nothing told" if told["retry_after"] is None else f"{told['retry_after']:g} s, as the server asks"),
        ("rule", told["rule"]),
    ]
    lines = [told["exception"], *(f"  {name:<10} {value}" for name, value in rows)]
    if not told["installed"]:
        package = told["exception"].partition(".")[0]
        why = "has no such class" if package in sys.modules else "is not installed"
        lines.append(f"  {'':<10} ({package} {why} here: judged by the name alone, not by base classes)")
    lines += ["", "what the named retry policies do after it:"]
    by_deed: dict[tuple[bool, str], list[str]] = {}
    for name, does in told["policies"].items():
        by_deed.setdefault((does["retry"], does["why"]), []).append(name)
    for (retry, why), names in by_deed.items():
        lines.append(f"  {'retry' if retry else 'stop '}  {why}")
        lines += textwrap.wrap(", ".join(names), 100, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return "\n".join(lines)


_INDENT = " " * 9
