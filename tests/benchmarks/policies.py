"""What one policy for the whole call adds to an async call that succeeds: retry, breaker, bulkhead and time limit in one.

Beside `ResiliencePolicy.api()` stand the libraries that offer the same four patterns in one decorator, set up as for
the stacks. With a rate limit, a total time and a fallback on top, holdfast stands alone.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .contenders import BARE, Contender, Decorator, Situation, measure, plain, plain_async
from .report import Fact, Result
from .stacks import interlock_stack, pyresilience_stack

POLICY_PROMISE = 8.0
"""An async call under `ResiliencePolicy.api()` costs at most this many times one bare wrapper."""

SHARE_PROMISE = 1 / 3
"""And at most this share of the nearest library's four patterns in one decorator."""


_PLENTY = {"rate": 1e8, "capacity": 100_000_000}


def _policy(**changes: Any) -> Decorator:
    holdfast = importlib.import_module("holdfast")
    number = next(_numbers)
    decorator: Decorator = holdfast.with_resilience(f"policy {number}", holdfast.ResiliencePolicy.api(**changes))
    return decorator


_numbers = iter(range(1_000_000))

CONTENDERS = (
    BARE,
    Contender("holdfast", _policy, "holdfast"),
    Contender("interlock", lambda: interlock_stack(limited=True), "interlock-cb"),
    Contender("pyresilience", lambda: pyresilience_stack(limited=True), "pyresilience"),
)

FULLER = (
    BARE,
    Contender("holdfast, api", _policy, "holdfast"),
    Contender("holdfast, with a fallback", lambda: _policy(fallback=list), "holdfast"),
    Contender("holdfast, with a rate limit", lambda: _policy(rate_limit=_PLENTY), "holdfast"),
    Contender("holdfast, with a total timeout", lambda: _policy(total_timeout=200), "holdfast"),
    Contender("holdfast, with all", lambda: _policy(fallback=list, rate_limit=_PLENTY, total_timeout=200), "holdfast"),
)

SITUATION = Situation(
    "async-policy",
    "ResiliencePolicy.api() around an async function that succeeds",
    plain_async,
    asynchronous=True,
    promised=POLICY_PROMISE,
)
FULLER_SITUATION = Situation("async-policy-fuller", "the same policy with more in it", plain_async, asynchronous=True)
COOPERATIVE = Situation(
    "policy", "ResiliencePolicy.api(timeout_mode='cooperative') around a plain function that succeeds", plain
)


def _compared(*, rounds: int, seed: int) -> Result:
    """Measure, and say how holdfast stands to the nearest of the others."""
    result = measure(CONTENDERS, SITUATION, rounds=rounds, seed=seed)
    times = {row.library: row.timing.nanoseconds for row in result.rows if row.timing is not None}
    others = [times[contender.name] for contender in CONTENDERS[2:] if contender.name in times]
    if not others:
        return result
    share = times["holdfast"] / min(others)
    text = f"holdfast takes {share:.2f} of the time of the nearest other, at most {SHARE_PROMISE:.2f} promised"
    return replace(result, facts=(*result.facts, Fact(text, share <= SHARE_PROMISE)))


BENCHMARKS: dict[str, Callable[..., Result]] = {
    SITUATION.name: _compared,
    FULLER_SITUATION.name: functools.partial(measure, FULLER, FULLER_SITUATION),
    COOPERATIVE.name: functools.partial(
        measure, (BARE, Contender("holdfast", lambda: _policy(timeout_mode="cooperative"), "holdfast")), COOPERATIVE
    ),
}
