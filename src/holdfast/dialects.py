"""What other libraries call what is set here, for those who come from them. Looked at only when a word is not known.

The words are those of tenacity, stamina, backoff, pybreaker, circuitbreaker, aiobreaker and aiolimiter, and some that
people are likely to guess. A word leads to the names that stand beside it, wherever those are known.
"""

from __future__ import annotations

from .typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from typing import Any

_ROWS: dict[str, str] = {
    # retries
    "tries max_tries attempts retries max_retries num_retries retry_count": "max_attempts",
    "stop": "max_attempts total_timeout",
    "max_time": "total_timeout",
    "wait wait_gen delay interval": "backoff",
    "wait_initial min_delay base_delay factor": "initial_delay",
    "wait_max max_value max_wait max_backoff": "max_delay",
    "wait_exp_base base exp_base": "multiplier",
    "jitter wait_jitter": "jitter_factor",
    "on exception exceptions exc retry_on_exceptions expected_exceptions": "retry_on",
    "retry giveup predicate": "should_retry retry_on",
    "before_sleep on_backoff": "on_retry",
    "on_giveup": "on_final_failure",
    # circuit breakers
    "fail_max failure_limit max_failures failures threshold": "failure_threshold",
    "recovery_timeout timeout_duration recovery_time ttl": "reset_timeout",
    "recovery_threshold": "success_threshold",
    "exclude excluded_exceptions ignored_exceptions": "ignore",
    "expected_exception": "failure_on",
    "listeners listener": "on_state_change",
    "fallback_function fallback_func": "fallback",
    # bulkheads, rate limits, time limits
    "max_calls max_concurrency max_concurrent_calls max_workers concurrency limit": "max_concurrent",
    "max_waiting queue_size": "max_queue",
    "max_wait max_waiting_time acquire_timeout": "queue_timeout",
    "max_rate calls": "limit",
    "time_period per window": "period",
    "burst max_burst": "capacity",
    "timeout": "seconds attempt_timeout total_timeout queue_timeout",
    "duration": "seconds",
    "seconds": "timeout",
}

_NOTES: dict[str, tuple[str, str]] = {
    "reraise raise_on_giveup retry_error_cls": (
        "retry_on",
        "leave it out: in the end the function's own exception always comes out",
    ),
    "retry_error_callback": ("retry_on", "what answers in the end is given by with_fallback, above the retry"),
    "name": ("circuit_breaker", "its name is the one that it is registered or used under"),
    "enabled": ("retry_on", "holdfast is switched off by set_enabled(False), or in a `with disabled():` block"),
}
"""Words for what is not set by any field, the field where people look for it, and what to do instead."""


def fields_for(word: str, known: Collection[str]) -> list[str]:
    """Return those of the known names that other libraries call by this word.

    >>> fields_for("fail_max", {"name", "failure_threshold"})
    ['failure_threshold']
    """
    asked = word.casefold()
    return [name for words, names in _ROWS.items() if asked in words.split() for name in names.split() if name in known]


def note_on(word: str, known: Collection[str]) -> str:
    """Return what is to be said of a word that has no field at all, or ""."""
    asked = word.casefold()
    return next((note for words, (near, note) in _NOTES.items() if near in known and asked in words.split()), "")


def places_of(word: str, parts: Mapping[str, tuple[Any, ...]], value: str) -> list[str]:
    """Return how to give a field of one of the parts of a config, if that is what the word is or is called elsewhere.

    `parts` says by its field which configs a part may be; `value` is what the field is to be set to.
    """
    own = [_written(path, value) for path in _paths(parts, lambda fields: [word] if word in fields else [])]
    return own or [_written(path, "...") for path in _paths(parts, lambda fields: fields_for(word, fields))]


def fields_within(parts: Mapping[str, tuple[Any, ...]]) -> list[str]:
    """Return the fields of all parts, and of theirs."""
    return [path[-1] for path in _paths(parts, lambda fields: fields)]


def _paths(
    parts: Mapping[str, tuple[Any, ...]], choose: Callable[[Collection[str]], Iterable[str]]
) -> Iterator[tuple[str, ...]]:
    """Go through the fields that are chosen, each with the fields that lead to it, each once."""
    seen: dict[tuple[str, ...], None] = {}
    for part, configs in parts.items():
        for config in configs:
            fields = [name for name in config._fields if name != "name"]
            seen.update(((part, name), None) for name in choose(fields))
            inner = _paths(getattr(config, "_parts", {}), choose)
            seen.update(((part, *path), None) for path in inner)
    yield from seen


def _written(path: tuple[str, ...], value: str) -> str:
    for name in reversed(path[1:]):
        value = f"{{{name!r}: {value}}}"
    return f"{path[0]}={value}"
