"""Replies of single services that tell a failure in their body: Slack, Telegram, Kubernetes, model APIs, Google."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..http import STATUSES, as_status
from ..known.genai import by_rpc_status
from ..known.kubernetes import by_reason
from ..known.llm_codes import GENERAL, SPECIFIC
from ..known.slack import by_slack_word
from ..recognition import Table, table
from .parts import known_code, part, seconds, whole
from .replies import GRPC_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..classification import Classification

# -- Slack and Telegram ---------------------------------------------------------------------------------------

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
    return by_slack_word(word)


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
    found = by_reason(part(value, "reason"), part(value, "message")) or STATUSES[code]
    return found.waiting(seconds(wait))


def watch_event(value: Any) -> Classification | None:
    """Judge an event of a watch: of the type ERROR, with a Status as its object."""
    if part(value, "type") != "ERROR":
        return None
    return status_of_kubernetes(part(value, "object")) or status_of_kubernetes(part(value, "raw_object"))


# -- error bodies of APIs -------------------------------------------------------------------------------------


def by_type(kind: Any) -> Classification | None:
    """Judge the type or code of an error of OpenAI's or Anthropic's."""
    if not isinstance(kind, str) or len(kind) > _LONGEST_WORD:
        return None
    return SPECIFIC.get(kind.lower()) or GENERAL.get(kind.lower()) or known_code(kind)


def error_body(value: Any) -> Classification | None:
    """Judge `{"error": {…}}` in the forms of Google, of Anthropic and of OpenAI, each with all of its members."""
    error = part(value, "error")
    if type(error) is not dict or not isinstance(error.get("message"), str):
        return None
    status = as_status(error.get("code"))
    if status is not None and error.get("status") in GRPC_NAMES:
        return by_rpc_status(status, error["status"], error["message"], error.get("details"))
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
