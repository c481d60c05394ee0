"""Replies of single services that tell a failure in their body: Slack, Telegram, Kubernetes, model APIs, Google."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..http import STATUSES, as_status
from ..recognition import Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from .parts import known_code, part, seconds, whole
from .replies import GRPC_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification

_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_SERVER_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")

# -- Slack and Telegram ---------------------------------------------------------------------------------------

_SLACK: dict[str, Classification] = {
    code: meaning.because(f"Slack error {code}")
    for codes, meaning in {
        "ratelimited rate_limited message_limit_exceeded": _LIMITED,
        "internal_error fatal_error": _SERVER_BROKE,
        "service_unavailable team_added_to_org": _UNAVAILABLE,
        "request_timeout": verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "idempotent"),
        "invalid_auth not_authed account_inactive token_revoked two_factor_setup_required": _NOT_LET_IN,
        "token_expired": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"),
        "missing_scope no_permission not_allowed_token_type access_denied ekm_access_denied": _NOT_ALLOWED,
        "accesslimited org_login_required enterprise_is_restricted": _NOT_ALLOWED,
        "team_access_not_granted restricted_action": _NOT_ALLOWED,
        "not_in_channel is_archived method_deprecated deprecated_endpoint": verdict(
            Category.PERMANENT, Code.BAD_REQUEST, "never", "success"
        ),
        "already_exists name_taken already_in_channel already_reacted": verdict(
            Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success"
        ),
    }.items()
    for code in codes.split()
}
_NO_SUCH_THING = _NOT_FOUND.because("Slack error of something not found")
_OTHER_SLACK = _WRONG_REQUEST.because("Slack error of another kind")
_LONGEST_WORD = 64


def not_ok(value: Any) -> Classification | None:
    """Judge `{"ok": false, "error": "a_word"}` of Slack, and `{"ok": false, "error_code": 429, …}` of Telegram."""
    if part(value, "ok") is not False:
        return None
    status = as_status(part(value, "error_code"))
    if status is not None and isinstance(part(value, "description"), str):
        return STATUSES[status].waiting(seconds(part(part(value, "parameters"), "retry_after")))
    word = part(value, "error")
    if not isinstance(word, str) or len(word) > _LONGEST_WORD or not word.isidentifier() or not word.islower():
        return None
    return _SLACK.get(word) or (_NO_SUCH_THING if word.endswith("_not_found") else _OTHER_SLACK)


def _slack(value: Any) -> Classification | None:
    """Judge a response of Slack's client, which has the reply as `data`; None where only its status says something."""
    data = part(value, "data")
    return not_ok(data) if type(data) is dict else None


# -- Kubernetes -----------------------------------------------------------------------------------------------


def status_of_kubernetes(value: Any) -> Classification | None:
    """Judge a Status of Kubernetes, as an object or as JSON."""
    code = as_status(part(value, "code"))
    if part(value, "kind") != "Status" or part(value, "status") != "Failure" or code is None:
        return None
    details = part(value, "details")
    wait = part(details, "retryAfterSeconds") or part(details, "retry_after_seconds")
    return STATUSES[code].waiting(seconds(wait))


def watch_event(value: Any) -> Classification | None:
    """Judge an event of a watch: of the type ERROR, with a Status as its object."""
    if part(value, "type") != "ERROR":
        return None
    return status_of_kubernetes(part(value, "object")) or status_of_kubernetes(part(value, "raw_object"))


# -- error bodies of APIs -------------------------------------------------------------------------------------

_TYPES: dict[str, Classification] = {
    kind: meaning.because(f"error of the type {kind}")
    for kinds, meaning in {
        "invalid_request_error invalid_prompt": _WRONG_REQUEST,
        "request_too_large": verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success"),
        "authentication_error": _NOT_LET_IN,
        "permission_error": _NOT_ALLOWED,
        "not_found_error": _NOT_FOUND,
        "billing_error insufficient_quota": verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success"),
        "rate_limit_error rate_limit_exceeded tokens requests": _LIMITED,
        "overloaded_error": verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always"),
        "timeout_error vector_store_timeout": verdict(Category.TRANSIENT, Code.GATEWAY_TIMEOUT, "idempotent"),
        "api_error server_error": _SERVER_BROKE,
    }.items()
    for kind in kinds.split()
}


def by_type(kind: Any) -> Classification | None:
    """Judge the type or code of an error of OpenAI's or Anthropic's."""
    return (_TYPES.get(kind) or known_code(kind)) if isinstance(kind, str) else None


def error_body(value: Any) -> Classification | None:
    """Judge `{"error": {…}}` in the forms of Google, of Anthropic and of OpenAI, each with all of its members."""
    error = part(value, "error")
    if type(error) is not dict or not isinstance(error.get("message"), str):
        return None
    status = as_status(error.get("code"))
    if status is not None and error.get("status") in GRPC_NAMES:
        return STATUSES[status]
    if value.get("type") == "error":
        return by_type(error.get("type"))
    if error.keys() >= {"type", "code", "param"}:
        return by_type(error["code"]) or by_type(error["type"])
    return None


def _by_number(value: Any) -> Classification | None:
    """Judge Tornado's response, whose status is called `code`."""
    status = whole(part(value, "code")) or 0
    return STATUSES[status] if 400 <= status <= 599 else None


SERVICES: Table = table(
    {
        "slack_sdk:SlackResponse slack_sdk:AsyncSlackResponse slack:SlackResponse": _slack,
        "kubernetes:V1Status kubernetes_asyncio:V1Status": status_of_kubernetes,
        "tornado:HTTPResponse": _by_number,
    }
)

SERVICE_SHAPES: tuple[tuple[str, Callable[[Any], Classification | None]], ...] = (
    ("ok", not_ok),
    ("error", error_body),
    ("object", watch_event),
    ("kind", status_of_kubernetes),
)
