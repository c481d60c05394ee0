"""Codes that vendors put on their errors or into the bodies of their replies, and codes of our own on a user's error.

A code says more than the status beside it: AWS sends its throttling as 400, OpenAI a used-up quota as 429, and a
streamed reply fails after a 200. Only codes that mean the same wherever they occur are listed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attributes import look_up, read
from .json_rpc import by_json_rpc_number, is_json_rpc_number
from .recognition import verdict
from .taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from collections.abc import Collection

    from .classification import Classification

_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_CONFLICTING_TRANSACTION = verdict(Category.TRANSIENT, Code.SERIALIZATION_FAILURE, "new_transaction")

_ROWS: dict[str, Classification] = {
    # holdfast's own names, for errors whose `code` is one of them
    "MCP_CONNECTION_FAILED SESSION_TERMINATED": verdict(Category.TRANSIENT, Code.MCP_CONNECTION_FAILED, "reconnect"),
    "MCP_TIMEOUT": verdict(Category.TRANSIENT, Code.MCP_TIMEOUT, "idempotent"),
    "MCP_TOOL_NOT_FOUND": verdict(Category.PERMANENT, Code.MCP_TOOL_NOT_FOUND, "never", "success"),
    "AGENT_NOT_FOUND": verdict(Category.PERMANENT, Code.AGENT_NOT_FOUND, "never", "success"),
    "AGENT_INVALID_INPUT": verdict(Category.VALIDATION, Code.AGENT_INVALID_INPUT, "never", "success"),
    "EXTERNAL_RATE_LIMITED": _RATE_LIMITED,
    "EXTERNAL_UNAVAILABLE": _UNAVAILABLE,
    # rate limits and overload
    "RATE_LIMITED RATE_LIMIT RATE_LIMIT_EXCEEDED RATE_LIMIT_ERROR RATELIMITED TOO_MANY_REQUESTS": _RATE_LIMITED,
    "THROTTLING THROTTLINGEXCEPTION THROTTLEDEXCEPTION REQUESTTHROTTLED REQUESTTHROTTLEDEXCEPTION": _RATE_LIMITED,
    "TOOMANYREQUESTSEXCEPTION PROVISIONEDTHROUGHPUTEXCEEDEDEXCEPTION REQUESTLIMITEXCEEDED": _RATE_LIMITED,
    "EC2THROTTLEDEXCEPTION BANDWIDTHLIMITEXCEEDED SLOWDOWN": _RATE_LIMITED,
    "OVERLOADED OVERLOADED_ERROR": verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always"),
    # quotas, which no waiting refills soon
    "INSUFFICIENT_QUOTA BILLING_HARD_LIMIT_REACHED QUOTA_EXCEEDED QUOTAEXCEEDED": _USED_UP,
    # failures of the moment that come as 400 or 409
    "REQUESTTIMEOUT REQUESTTIMEOUTEXCEPTION": verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "idempotent"),
    "PRIORREQUESTNOTCOMPLETE": verdict(Category.TRANSIENT, Code.CONFLICT, "always"),
    "TRANSACTIONINPROGRESSEXCEPTION TRANSACTIONCONFLICTEXCEPTION": _CONFLICTING_TRANSACTION,
    "LOCK_TIMEOUT": verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore"),
    # what comes as 400, and is not the request's fault or not to be mended by it
    "ACCESSDENIED ACCESSDENIEDEXCEPTION": verdict(Category.AUTH, Code.FORBIDDEN, "never", "success"),
    "UNRECOGNIZEDCLIENTEXCEPTION INVALIDCLIENTTOKENID SIGNATUREDOESNOTMATCH": verdict(
        Category.AUTH, Code.UNAUTHENTICATED, "never", "success"
    ),
    "EXPIREDTOKEN EXPIREDTOKENEXCEPTION TOKEN_EXPIRED": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"),
    "REQUESTTIMETOOSKEWED": verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore"),
    "RESOURCENOTFOUNDEXCEPTION NOSUCHKEY NOSUCHBUCKET NOSUCHENTITY": verdict(
        Category.PERMANENT, Code.NOT_FOUND, "never", "success"
    ),
    "CONDITIONALCHECKFAILEDEXCEPTION": verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
}
CODES: dict[str, Classification] = {
    code: meaning.because(f"code {code}") for codes, meaning in _ROWS.items() for code in codes.split()
}
"""The verdict on each code; codes are compared without regard to case."""

_LONGEST_CODE = 64


def by_code(error: BaseException, names: Collection[str], told: Any) -> Classification | None:
    """Judge an error by the vendor's code on it, in its body, or `told` by its response; None if none is known."""
    try:
        return _on_error(error, names) or _in_body(read(error, "body") if "body" in names else None) or _known(told)
    except Exception:  # even asking a value for its type can fail, if its `__class__` is a property that raises
        return None


def _on_error(error: BaseException, names: Collection[str]) -> Classification | None:
    for name in ("code", "error_code", "type"):
        if name in names:
            value = read(error, name)
            found = _known(value)
            if found is None and is_json_rpc_number(value):
                found = by_json_rpc_number(value)
            if found is not None:
                return found
    if "error" in names:
        detail = read(error, "error")
        number = look_up(detail, "code") if isinstance(detail, dict) else read(detail, "code")
        if is_json_rpc_number(number):
            return by_json_rpc_number(number)
    return None


def _in_body(body: Any) -> Classification | None:
    if not isinstance(body, dict):
        return None
    return (
        _known(look_up(body, "error", "code"))
        or _known(look_up(body, "error", "type"))
        or _known(look_up(body, "code"))
        or _known(look_up(body, "type"))
    )


def _known(value: Any) -> Classification | None:
    return CODES.get(value.upper()) if isinstance(value, str) and len(value) <= _LONGEST_CODE else None
