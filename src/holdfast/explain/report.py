"""The verdict on an exception in words: what it is, which rule says so, and what each named policy would do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..errors import Classification, get_error_classifier
from ..retry.presets import RETRY_POLICIES

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
    return {
        "exception": f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins."),
        "installed": named.is_real,
        **{name: value for name, value in seen.as_dict().items() if name != "reason"},
        "trips_circuit": seen.trips_circuit,
        "rule": seen.reason,
        "policies": {name: _by_policy(name, error, seen) for name in RETRY_POLICIES},
    }


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
        lines.append(f"  {'':<10} ({package} is not installed here: judged by the name alone, not by base classes)")
    lines += ["", "what the named retry policies do after it:"]
    width = max(map(len, told["policies"]), default=0)
    lines += [
        f"  {name:<{width}}  {'retry' if does['retry'] else 'stop '}  {does['why']}"
        for name, does in told["policies"].items()
    ]
    return "\n".join(lines)
