"""What users give for the fields of a policy, in its normal form; what cannot be meant is refused."""

from __future__ import annotations

from ..errors import ConfigurationError, ErrorCategory, ErrorCode
from ..settings import doubt_code, optional_callable, shown, text
from ..typed import TYPE_CHECKING
from .backoff import BACKOFF_TYPES, BackoffConfig

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_OWNER = "RetryPolicy"
_CODES = frozenset(ErrorCode.__members__)


def as_codes(field: str, value: Any) -> frozenset[str]:
    """Return codes as plain texts; warn of one that is most likely a misspelling of a built-in one."""
    codes = [text(_OWNER, field, code) for code in several(field, value)]
    for code in codes:
        doubt_code(f"{_OWNER}: {field}", code, _CODES)
    return frozenset(codes)


def as_backoff(name: str, value: Any) -> BackoffConfig:
    """Return what the user gave for a back-off as a `BackoffConfig`; raise `ConfigurationError` if it is none."""
    if isinstance(value, BackoffConfig):
        return value
    if isinstance(value, str) or (callable(value) and not isinstance(value, type)):
        return BackoffConfig(type=value)  # type: ignore[arg-type]
    from collections.abc import Mapping

    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return BackoffConfig(**value)
    raise ConfigurationError(
        f"{_OWNER}: {name} must be a BackoffConfig, a mapping of its fields, a function (attempt) -> seconds, "
        f"or one of {', '.join(BACKOFF_TYPES)}; not {shown(value)}"
    )


def as_backoff_table(value: Any) -> Mapping[type[BaseException] | str, BackoffConfig] | None:
    """Return `backoff_for` as a read-only table of back-offs, or None."""
    if value is None:
        return None
    from collections.abc import Mapping

    if not isinstance(value, Mapping):
        raise ConfigurationError(
            f"{_OWNER}: backoff_for must map exception types, categories or codes to back-offs, not {shown(value)}"
        )
    from types import MappingProxyType

    table: dict[type[BaseException] | str, BackoffConfig] = {}
    for key, backoff in value.items():
        if not (isinstance(key, str) or (isinstance(key, type) and issubclass(key, BaseException))):
            raise ConfigurationError(
                f"{_OWNER}: a key of backoff_for must be an exception type, a category or a code, not {shown(key)}"
            )
        if isinstance(key, str):
            key = str.__str__(key)  # noqa: PLW2901
            if key.upper() in ErrorCategory.__members__:
                key = key.upper()  # noqa: PLW2901
            else:
                doubt_code(f"{_OWNER}: backoff_for", key, (*ErrorCode, *ErrorCategory))
        table[key] = as_backoff(f"backoff_for[{key!r}]", backoff)
    return MappingProxyType(table)


def several(field: str, value: Any) -> Iterable[Any]:
    """Return what can be gone through; refuse a single text, of which each letter would be taken."""
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        raise ConfigurationError(
            f"{_OWNER}: {field} must be a set or list, not {shown(value)}; write {{{shown(value)}}}"
        )
    return value  # type: ignore[no-any-return]


def as_kinds(value: Any) -> Any:
    """Return `retry_on` as a tuple of exception types, as the predicate it is, or None."""
    if value is None or (callable(value) and not isinstance(value, type)):
        return optional_callable(_OWNER, "retry_on", value, "(error) -> bool")
    kinds = tuple(value) if isinstance(value, (tuple, list, set, frozenset)) else (value,)
    for kind in kinds:
        if not isinstance(kind, type) or not issubclass(kind, BaseException):
            raise ConfigurationError(
                f"{_OWNER}: retry_on must be exception types or a function (error) -> bool, not {shown(kind)}"
                f"{_instead(kind)}"
            )
        if not issubclass(kind, Exception):
            raise ConfigurationError(
                f"{_OWNER}: retry_on cannot name {kind.__name__}: cancellation and shutdown always pass; "
                f"name {'Exception, or ' if kind is BaseException else ''}subclasses of Exception"
            )
    if not kinds:
        raise ConfigurationError(f"{_OWNER}: retry_on names nothing; use max_attempts=1 to switch retries off")
    return kinds


def _instead(word: object) -> str:
    """Return where to give a text that is no exception type, if it can be told."""
    if not isinstance(word, str):
        return ""
    if word.upper() in ErrorCategory.__members__:
        return f"; write retryable_categories={{{word.upper()!r}}}"
    if word.upper() in ErrorCode.__members__:
        return f"; write retryable_codes={{{word.upper()!r}}}"
    import builtins

    kind = getattr(builtins, word, None)
    is_error = isinstance(kind, type) and issubclass(kind, Exception)
    return f"; write {word}, without quotes" if is_error else ""
