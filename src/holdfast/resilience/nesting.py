"""The configs inside of a policy: as they are given, by their fields, or as changes of what is there."""

from __future__ import annotations

from collections.abc import Mapping

from ..circuit_breaker.bulkhead.config import BulkheadConfig
from ..circuit_breaker.config import CircuitBreakerConfig
from ..errors import ConfigurationError
from ..rate_limit.config import RateLimiterConfig, SlidingWindow, TokenBucket, as_limit
from ..records import did_you_mean
from ..retry.policy import RetryPolicy
from ..retry.presets import get_retry_policy
from ..settings import shown, text
from ..typed import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

OWNER = "ResiliencePolicy"

_KINDS: dict[str, Any] = {
    "retry": RetryPolicy,
    "circuit_breaker": CircuitBreakerConfig,
    "rate_limit": RateLimiterConfig,
    "bulkhead": BulkheadConfig,
}
NESTED = tuple(_KINDS)
PARTS = {
    field: (kind, TokenBucket, SlidingWindow) if kind is RateLimiterConfig else (kind,)
    for field, kind in _KINDS.items()
}
"""The configs whose fields may be given in each of them."""

_NUMBERS = {
    "retry": "{{'max_attempts': {}}}",
    "circuit_breaker": "{{'failure_threshold': {}}}",
    "rate_limit": "{{'limit': {}, 'period': 60}}",
    "bulkhead": "{{'max_concurrent': {}}}",
}
"""What a number in place of each of them is likely to mean."""


def nested(field: str, value: Any) -> Any:
    """Return what was given for one of the fields in `NESTED` as a config, as the name of one, or None."""
    kind = _KINDS[field]
    if value is None or isinstance(value, kind):
        return value
    if field == "retry" and isinstance(value, str):
        return text(OWNER, field, value)
    if field == "rate_limit" and isinstance(value, (TokenBucket, SlidingWindow)):
        return RateLimiterConfig(limit=value)
    if not _has_fields(value):
        further = {"retry": ", the name of one", "rate_limit": ", a TokenBucket, a SlidingWindow"}.get(field, "")
        raise ConfigurationError(
            f"{OWNER}: {field} must be a {kind.__name__}, a mapping of its fields{further}, or None, "
            f"not {shown(value)}{_fix(field, value)}"
        )
    make = _rate_limit if field == "rate_limit" else kind
    return _telling(field, lambda: make(**value))


def merged(field: str, there: Any, value: Any) -> Any:
    """Return what a field is to be after `value` was given for it: fields change the config that is there."""
    if there is None or field not in _KINDS or not _has_fields(value):
        return value
    if isinstance(there, str):
        there = get_retry_policy(there)
    change = _rate_limit if field == "rate_limit" else lambda _there, **changes: there.replace(**changes)
    return _telling(field, lambda: change(there, **value))


def _fix(field: str, value: object) -> str:
    if value is True and field != "rate_limit":
        return f"; write {field}={{}} for the defaults"
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return f"; write {field}={_NUMBERS[field].format(value)}"
    return ""


def _has_fields(value: object) -> bool:
    return isinstance(value, Mapping) and all(isinstance(key, str) for key in value)


def _rate_limit(there: RateLimiterConfig | None = None, /, **fields: Any) -> RateLimiterConfig:
    """Return the config with these fields, be they its own or those of the bucket or window in it."""
    known = dict.fromkeys((*RateLimiterConfig._fields, *TokenBucket._fields, *SlidingWindow._fields))
    for name in fields:
        if name not in known:
            raise ConfigurationError(f"there is no field {name!r}; {did_you_mean(name, known)}")
    own = {name: value for name, value in fields.items() if name in RateLimiterConfig._fields}
    if "limit" in own and not isinstance(own["limit"], (TokenBucket, SlidingWindow, Mapping)):
        del own["limit"]  # it is the number of a window
    of_limit = {name: value for name, value in fields.items() if name not in own}
    if of_limit:
        before = None if there is None else there.limit
        fits = before is not None and of_limit.keys() <= set(before._fields)
        own["limit"] = before.replace(**of_limit) if before is not None and fits else as_limit("rate_limit", of_limit)
    return RateLimiterConfig(**own) if there is None else there.replace(**own)


def _telling(field: str, make: Callable[[], Any]) -> Any:
    """Return what `make` returns; what is wrong with it is wrong with this field."""
    try:
        return make()
    except ConfigurationError as error:
        raise type(error)(f"{OWNER}: {field}: {error}") from None
