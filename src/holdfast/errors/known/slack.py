"""Slack: an answer is HTTP 200 with `ok: false` and a word; what each word means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of

if TYPE_CHECKING:
    from ..classification import Classification

_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_SLACK_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_UNAVAILABLE = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_CUT_SHORT = verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "idempotent")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="answer that is not Slack's")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_WRONG_REQUEST = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_TOO_LARGE = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_GONE = verdict(Category.PERMANENT, Code.GONE, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_REFUSED = verdict(Category.PERMANENT, Code.BAD_REQUEST, "never", "success")
_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect")

# The words that any method may give (https://docs.slack.dev/reference/methods), then those of single methods that
# their form does not tell.
_WORDS: dict[str, Classification] = {
    # come back
    "ratelimited rate_limited rollup_error": _RATE_LIMITED,
    "internal_error fatal_error": _SLACK_FAILED,  # "possibly some aspect of the operation succeeded"
    "service_unavailable team_added_to_org external_channel_migrating": _UNAVAILABLE,
    "request_timeout": _CUT_SHORT,  # the POST was missing or truncated
    # credentials
    "not_authed invalid_auth account_inactive token_revoked two_factor_setup_required": _NOT_LET_IN,
    "invalid_token invalid_refresh_token bad_client_secret invalid_client_id invalid_code": _NOT_LET_IN,
    "code_already_used no_such_app": _NOT_LET_IN,
    "token_expired": _EXPIRED,
    "no_permission missing_scope not_allowed_token_type ekm_access_denied org_login_required": _FORBIDDEN,
    "enterprise_is_restricted access_denied team_access_not_granted accesslimited": _FORBIDDEN,
    "not_in_channel user_is_bot user_is_restricted user_is_ultra_restricted": _FORBIDDEN,
    "cannot_dm_bot paid_only paid_teams_only plan_upgrade_required free_team_not_allowed": _FORBIDDEN,
    "channel_type_not_supported messages_tab_disabled as_user_not_supported": _REFUSED,
    # the request
    "no_text message_not_in_thread must_clear_synced_groups": _WRONG_REQUEST,
    "missing_post_type missing_charset superfluous_charset unknown_method": _WRONG_REQUEST,
    "duplicate_external_id": _IN_THE_WAY,
    "msg_too_long msg_blocks_too_long attachment_payload_limit_exceeded metadata_too_large": _TOO_LARGE,
    # the state of things
    "message_limit_exceeded storage_limit_reached over_limit limit_exceeded push_limit_reached": _USED_UP,
    "is_archived already_archived not_archived is_inactive thread_locked comment_inactive": _IN_THE_WAY,
    "hash_conflict streaming_state_conflict edit_window_closed cant_update_message cant_delete_message": _IN_THE_WAY,
    "message_deleted channel_deleted user_deleted method_deprecated deprecated_endpoint": _GONE,
    "expired_trigger_id trigger_expired exchanged_trigger_id trigger_exchanged expired_url": _GONE,
    "no_reaction no_pin not_pinned not_reacted users_list_not_supplied": _NOT_FOUND,
    "name_taken": _EXISTS,
    "file_uploads_disabled file_uploads_except_images_disabled slack_connect_file_upload_sharing_blocked": _BAD_SETUP,
}
_BY_WORD = {word: meaning.because(f"Slack error {word}") for words, meaning in _WORDS.items() for word in words.split()}

# What the form of any other word tells; Slack has hundreds, and keeps to these habits.
_FORMS: tuple[tuple[tuple[str, ...], tuple[str, ...], Classification], ...] = (
    ((), ("_not_found", "_missing_or_deleted"), _NOT_FOUND),
    (("already_",), ("_already_exists", "_taken", "_exists"), _EXISTS),
    ((), ("_too_long", "_too_large", "_too_big"), _TOO_LARGE),
    (("invalid_", "missing_", "bad_", "too_many_", "no_"), ("_invalid", "_missing"), _WRONG_REQUEST),
    (
        ("restricted_action", "cant_", "cannot_", "not_allowed", "not_authorized", "user_not_"),
        ("_not_allowed", "_not_authorized", "_denied", "_restricted", "_disabled", "_prevents_this", "_blocked"),
        _FORBIDDEN,
    ),
)
_LONGEST_WORD = 80


def by_slack_word(word: Any) -> Classification | None:
    """Judge the word in a reply's `error`; None if it is no word."""
    return (_by_form(word) or _REFUSED.because(f"Slack error {word}")) if _is_word(word) else None


def _is_word(word: Any) -> bool:
    return isinstance(word, str) and 0 < len(word) <= _LONGEST_WORD and " " not in word


def _by_form(word: str) -> Classification | None:
    if word in _BY_WORD:
        return _BY_WORD[word]
    for beginnings, ends, meaning in _FORMS:
        if word.startswith(beginnings) or word.endswith(ends):
            return meaning.because(f"Slack error {word}")
    return None


def _by_slack_response(error: Any) -> Answer:
    """Judge by the word in the reply, whatever the HTTP status; by the status if it says nothing that is known."""
    response = read(error, "response")
    data = response if isinstance(response, dict) else read(response, "data")
    word = look_up(data, "error")
    found = _by_form(word) if _is_word(word) else None
    if found is not None:
        return found
    status = as_status(read(response, "status_code")) or as_status(read(response, "status"))
    if status is None and isinstance(response, dict):
        status = as_status(look_up(response, "status"))
    return (by_slack_word(word) or _GARBLED) if status is None else STATUSES[status]


def _by_token_rotation(error: Any) -> Answer:
    told = read(error, "api_error")
    return Otherwise(_NOT_LET_IN) if told is None else _by_slack_response(told)


def _by_client_text(error: Any) -> Answer:
    return _RTM_CLOSED if "not connected" in text_of(error, 200) else _OTHER


_RTM_CLOSED = _NOT_CONNECTED.because("Slack client that is not connected")
_OTHER = Otherwise(_SLACK_FAILED.because("Slack error of another kind").replace(retryable=False, retry_scope="never"))


def _both(name: str) -> str:
    return f"slack_sdk:{name} slack:{name}"  # the package was called slack, or slackclient, up to version 2


SLACK: Table = table(
    {
        _both("SlackApiError"): _by_slack_response,
        _both("SlackTokenRotationError"): _by_token_rotation,
        _both("BotUserAccessError"): verdict(Category.AUTH, Code.FORBIDDEN, "never", "ignore"),
        _both("SlackRequestError"): _BAD_VALUE,
        _both("SlackObjectFormationError"): _BAD_VALUE,
        _both("SlackClientNotConnectedError"): _NOT_CONNECTED,
        _both("SlackClientConfigurationError"): Otherwise(_BAD_SETUP),
        _both("SlackClientError"): _by_client_text,
    }
)
