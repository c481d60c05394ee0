"""What OpenAI and Anthropic say about a failure in words of their own: codes and types in the bodies of errors.

Services that speak the protocol of OpenAI use the same codes, and a few more. Codes are compared in lower case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

CONFLICT = verdict(Category.TRANSIENT, Code.CONFLICT, "always", "ignore", reason="HTTP status 409, a lock in use")
"""Both vendors' clients repeat a 409: another request holds a lock, and this one was not carried out."""

STREAM_FAILED = verdict(
    Category.EXTERNAL, Code.SERVER_ERROR, "idempotent", reason="error in the stream of a reply, without a known code"
)

_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_OVERLOADED = verdict(Category.EXTERNAL, Code.EXTERNAL_UNAVAILABLE, "always")
_NOT_REACHED = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always")
_BROKE = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_HALF_DONE = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_LATE = verdict(Category.TRANSIENT, Code.TIMEOUT, "idempotent")
_SENT_TOO_SLOWLY = verdict(Category.TRANSIENT, Code.REQUEST_TIMEOUT, "always")
_IN_USE = verdict(Category.TRANSIENT, Code.CONFLICT, "always", "ignore")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_THERE_ALREADY = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_MISSING = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_REFUSED = verdict(Category.PERMANENT, Code.FORBIDDEN, "never", "success")
_CUT_OFF = verdict(Category.PERMANENT, Code.INVALID_RESPONSE, "never", "success")
_TOO_LONG = verdict(Category.VALIDATION, Code.PAYLOAD_TOO_LARGE, "never", "success")
_WRONG = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_NO_KEY = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")

# -- codes that say more than the HTTP status beside them ----------------------------------------------------------

_SPECIFIC: dict[str, Classification] = {
    # Money and quotas: they come as 400, 402, 403 or 429, and no waiting brings them back.
    "insufficient_quota billing_hard_limit_reached billing_not_active billing_error credit_balance_exhausted": _USED_UP,
    "usage_limit_exceeded usage_limit_reached organization_usage_limit_exceeded exceeded_current_quota_error": _USED_UP,
    "project_spend_limit_exceeded organization_spend_limit_exceeded insufficient_balance quota_exceeded": _USED_UP,
    "enforced_spend_limit_reached contract_spend_limit_reached linked_organization_spend_limit_reached": _USED_UP,
    "linked_organization_billing_unavailable user_profile_not_billable storage_quota_exceeded": _USED_UP,
    "org_api_key_limit_exceeded workspace_api_key_limit_exceeded org_member_limit_exceeded": _USED_UP,
    "workspace_member_limit_exceeded storage_attach_limit_reached rbac_group_order_limit_exceeded": _USED_UP,
    "settings_history_limit_exceeded settings_document_limit_exceeded": _USED_UP,
    # Limits that let us in again soon
    "rate_limit_exceeded rate_limit_error rate_limit_reached ramp_limit_exceeded slow_down": _RATE_LIMITED,
    "too_many_requests": _RATE_LIMITED,
    # Overload: 429 from flex processing, 503 or 529 otherwise, and after a 200 in a stream
    "overloaded_error server_overloaded server_is_overloaded engine_overloaded engine_overloaded_error": _OVERLOADED,
    "overloaded resource_unavailable flex_unavailable nocapacity compaction_unavailable": _OVERLOADED,
    "service_tier_capacity_exceeded": _OVERLOADED,
    # Too long for the model: not for the moment, so not to be waited out
    "context_length_exceeded context_window_exceeded string_above_max_length": _TOO_LONG,
    "request_body_too_large_after_decoding": _TOO_LONG,
    # Refused by a content policy, which the same words will meet again
    "content_filter content_policy_violation responsibleaipolicyviolation moderation_blocked": _REFUSED,
    "image_content_policy_violation misalignment_policy_violation bio_policy cyber_policy": _REFUSED,
    "invalid_prompt": _WRONG,
    "max_output_tokens": _CUT_OFF,
    # Keys and accounts
    "invalid_api_key incorrect_api_key invalid_authentication invalid_organization": _NO_KEY,
    "organization_on_hold account_deactivated organization_deactivated access_terminated": _NOT_ALLOWED,
    "unsupported_country_region_territory organization_not_eligible organization_not_enrolled_in_beta": _NOT_ALLOWED,
    "organization_type_not_supported claude_code_key_creator_not_member human_review_not_available": _NOT_ALLOWED,
    "approval_required grant_required cmek_not_approved storage_not_approved gcp_project_not_verified": _NOT_ALLOWED,
    "external_storage_not_available provider_not_allowed workspace_policy_violation": _NOT_ALLOWED,
    "gcp_project_controlled_by_another_organization user_profile_billing_not_authorized": _NOT_ALLOWED,
    "spend_limits_admin_api_writes_not_enabled": _NOT_ALLOWED,
    # What the customer's own set-up is to blame for: keys for encryption, storage, an old client
    "cmek_key_disabled cmek_key_network_blocked skill_read_blocked_undecryptable": _WRONG_SETUP,
    "external_key_validation_failed storage_verification_failed claude_code_version_too_old": _WRONG_SETUP,
    "executor_version_incompatible": _WRONG_SETUP,
    # 400 for the moment only
    "external_key_validation_timed_out": _SENT_TOO_SLOWLY,
    "request_body_timeout": _SENT_TOO_SLOWLY,
    "conversation_locked conversation_already_has_active_response": _IN_USE,
    # 409 for good: the vendors' clients repeat it in vain
    "thread_already_continued thread_continue_in_flight storage_attached_during_archive": _IN_THE_WAY,
    "storage_changed_concurrently workspace_changed_concurrently slack_channel_set_up_settings_conflict": _IN_THE_WAY,
    "memory_path_conflict_error active_turn_not_steerable response_cancel_not_active": _IN_THE_WAY,
    "external_storage_in_use": _IN_THE_WAY,
    "skill_name_taken plugin_name_taken storage_already_registered storage_in_use": _THERE_ALREADY,
    "already_member invite_already_exists": _THERE_ALREADY,
    "memory_precondition_failed_error": verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success"),
    # 400 and 404 that say what is missing
    "user_profile_not_found external_key_not_found": _MISSING,
    "file_expired": verdict(Category.PERMANENT, Code.GONE, "never", "success"),
    # 503 after part of the work was done
    "workspace_created_incomplete registration_pending": _HALF_DONE,
    "change_outcome_unknown": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent"),
    # A realtime session that has lasted as long as one may
    "session_expired": verdict(Category.TRANSIENT, Code.CONNECTION_CLOSED, "reconnect", "ignore"),
}

# -- types that count only where there is no HTTP status: in a stream, after a 200, or over a WebSocket -------------

_GENERAL: dict[str, Classification] = {
    "api_error server_error internal_error internal_server_error model_error sandbox_error": _BROKE,
    "timeout_error timeout vector_store_timeout request_timeout gateway_timeout_error": _LATE,
    "service_unavailable service_unavailable_error unavailable connection_failed": _NOT_REACHED,
    "requests tokens": _RATE_LIMITED,  # OpenAI's types name the limit that was hit
    "conflict_error": _IN_USE,
    "authentication_error authentication_failed token_expired": _NO_KEY,
    "permission_error permission_denied access_denied": _NOT_ALLOWED,
    "not_found not_found_error resource_not_found model_not_found deploymentnotfound response_not_found": _MISSING,
    "previous_response_not_found": _MISSING,
    "request_too_large": _TOO_LONG,
    "invalid_request invalid_request_error unknown_parameter unsupported_parameter unsupported_value": _WRONG,
    "missing_required_parameter image_generation_user_error empty_image_file image_parse_error": _WRONG,
    "image_too_large image_too_small image_file_too_large unsupported_image_media_type": _WRONG,
}

# -- words, where there is no code, or one that says less -----------------------------------------------------------

_WORDS: dict[str, Classification] = {
    # A single request above the limit of a minute: a 429 that never heals
    "request too large for": _TOO_LONG,
    "prompt is too long": _TOO_LONG,
    "maximum context length": _TOO_LONG,
    "output blocked by content filtering": _REFUSED,
    # Anthropic's 400 `invalid_request_error`, and the 429 and 402 of services that speak OpenAI's protocol
    "credit balance is too low": _USED_UP,
    "specified api usage limits": _USED_UP,
    "exceeded your current quota": _USED_UP,
    "insufficient balance": _USED_UP,
    "account is not active": _USED_UP,
    "out of call volume quota": _USED_UP,  # Azure's gateway, a 403
}


def _spread(rows: dict[str, Classification]) -> dict[str, Classification]:
    return {code: meaning.because(f"code {code}") for codes, meaning in rows.items() for code in codes.split()}


SPECIFIC = _spread(_SPECIFIC)
GENERAL = _spread(_GENERAL)
WORDS = {words: meaning.because(f'message "{words}"') for words, meaning in _WORDS.items()}

BY_CLASS: dict[str, Classification] = {code.replace("_", ""): meaning for code, meaning in SPECIFIC.items()}
"""By code without underscores: so Anthropic's generated classes are named, but for "Beta" before and "Error" behind."""

OTHER_SPENDING = _USED_UP.because("code of a spend limit")
OTHER_WRONG_VALUE = _WRONG.because("code of a wrong value")
