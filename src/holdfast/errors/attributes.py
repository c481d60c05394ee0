"""Reading what hangs on a foreign exception: its status, its response's headers, its waiting time.

Foreign attributes may be missing, of any type, or raise; nothing of that comes out of here. Bodies are never read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from . import retry_after
from .http import as_status
from .retry_after import NO_HINT, Hint

RESPONSES = ("response", "resp", "meta")
STATUS_NAMES = ("status_code", "http_status", "status", "errcode", "code")
CODE_NAMES = frozenset({"code", "error_code", "type", "body", "error"})
WRAPPED_NAMES = (
    "reason",
    "orig",
    "inner_exception",
    "original_exception",
    "original_error",
    "cause",
    "exc",
    "last_exception",
    "exception",
)
ARGUMENTS = "kwargs"
"""Where botocore keeps what an error was made of, such as the `error` that led to it."""

INTERESTING = frozenset({*RESPONSES, *STATUS_NAMES, *CODE_NAMES, *WRAPPED_NAMES, ARGUMENTS, "headers", "retry_after"})
"""The attributes that can change a verdict; an error without any of them is judged by its type and its causes."""

own_attributes: Callable[[BaseException], dict[str, Any]] = BaseException.__dict__["__dict__"].__get__
"""The instance's own attributes, past whatever its class makes of `__dict__`."""


class Facts(NamedTuple):
    """What an error carries: an HTTP status, whether that is a rate limit, the server's hint, AWS's code."""

    status: int | None = None
    limited: bool = False
    hint: Hint = NO_HINT
    code: Any = None


NO_FACTS = Facts()
_NOTHING: dict[str, str] = {}
_JUST_A_STATUS = {status: Facts(status, status == 429) for status in range(300, 600)}


def read(thing: Any, name: str) -> Any:
    """Return the attribute, or None if it is missing or raises."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def look_up(mapping: Any, *path: str) -> Any:
    """Return what nested mappings hold at the path, or None."""
    try:
        for key in path:
            if isinstance(mapping, dict):
                mapping = dict.get(mapping, key)
            elif isinstance(mapping, Mapping):
                mapping = mapping.get(key)
            else:
                return None
    except Exception:
        return None
    return mapping


def facts_of(
    error: BaseException, names: Collection[str], now: Callable[[], float], own_numbers_are_http: bool
) -> Facts:
    """Look at those attributes of the error that are named; the response speaks before the error itself."""
    try:
        status = code = None
        found: dict[str, str] = _NOTHING
        for name in RESPONSES:
            if name in names and (response := read(error, name)) is not None:
                status, found, code = _of_dict(response) if isinstance(response, dict) else _of_response(response)
                if status is not None:
                    break
        if status is None and own_numbers_are_http:
            status = _own_status(error, names)
        if "headers" in names and not found:
            found = _found(read(error, "headers"))
        if not found and code is None and "retry_after" not in names:
            return NO_FACTS if status is None else _JUST_A_STATUS[status]
        limited = status == 429 or (status == 403 and retry_after.is_rate_limit(found))
        hint = _hint(found, now, limited) if found else NO_HINT
        if hint.seconds is None and "retry_after" in names:
            hint = Hint(hint.retry, _own_waiting_time(error, now))
        return Facts(status, limited, hint, code)
    except Exception:  # even asking a value for its type can fail, if its `__class__` is a property that raises
        return NO_FACTS


def _of_response(response: Any) -> tuple[int | None, dict[str, str], Any]:
    """Return the status of a response object, the headers that matter, and no code."""
    try:
        status, headers = getattr(response, "status_code", None), getattr(response, "headers", None)
    except Exception:  # one of the two cannot be read; the other may
        status, headers = read(response, "status_code"), read(response, "headers")
    if type(status) is not int or not 300 <= status <= 599:
        status = as_status(status) or as_status(read(response, "status"))
    return status, _NOTHING if headers is None else _found(headers), None


def _of_dict(response: dict[str, Any]) -> tuple[int | None, dict[str, str], Any]:
    """Return the status, the headers that matter and the code in a dict, as boto3 gives it, or httplib2's headers."""
    code = look_up(response, "Error", "Code")
    status = as_status(look_up(response, "ResponseMetadata", "HTTPStatusCode"))
    if status is not None:
        return status, _found(look_up(response, "ResponseMetadata", "HTTPHeaders")), code
    status = as_status(look_up(response, "status_code")) or as_status(look_up(response, "status"))
    return status, _found(look_up(response, "headers") or response), code


def _own_status(error: BaseException, names: Collection[str]) -> int | None:
    for name in STATUS_NAMES:
        if name in names:
            value = read(error, name)
            status = as_status(value)
            # `code` means eight things in as many libraries; only a number that names a failure is taken for HTTP's.
            if status is not None and (name != "code" or (status >= 400 and not isinstance(value, str))):
                return status
    return None


def _found(headers: Any) -> dict[str, str]:
    try:
        return retry_after.find(headers) if headers else _NOTHING
    except Exception:  # headers of any kind are foreign code; without them we know less, no more
        return _NOTHING


def _hint(found: dict[str, str], now: Callable[[], float], limited: bool) -> Hint:
    try:
        return retry_after.read(found, now(), limited=limited)
    except Exception:
        return NO_HINT


def _own_waiting_time(error: BaseException, now: Callable[[], float]) -> float | None:
    try:
        return retry_after.seconds_of(read(error, "retry_after"), now())
    except Exception:
        return None
