"""OAuth 2: the error codes of token and authorisation endpoints (RFC 6749, 8628, 8693, 7591 and OpenID Connect)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..recognition import verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

if TYPE_CHECKING:
    from ..classification import Classification

NOT_AUTHENTICATED = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success", reason="OAuth refused")
_NOT_ALLOWED = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_ASKED_WRONGLY = verdict(Category.VALIDATION, Code.BAD_REQUEST, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_NOT_YET = verdict(Category.TRANSIENT, Code.TOO_EARLY, "always", "ignore")

_ROWS: dict[str, Classification] = {
    "invalid_client invalid_grant invalid_token invalid_subject_token invalid_target login_required": NOT_AUTHENTICATED,
    "interaction_required consent_required account_selection_required unmet_authentication_requirements": (
        NOT_AUTHENTICATED
    ),
    "expired_token": verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success"),
    "access_denied unauthorized_client insufficient_scope": _NOT_ALLOWED,
    "invalid_request invalid_scope invalid_request_object invalid_request_uri": _ASKED_WRONGLY,
    "unsupported_grant_type unsupported_response_type unsupported_token_type": _WRONG_SETUP,
    "invalid_redirect_uri invalid_client_metadata": _WRONG_SETUP,
    "invalid_software_statement unapproved_software_statement": _WRONG_SETUP,
    "authorization_pending slow_down": _NOT_YET,  # the user has not answered yet, and we asked again too soon
    "server_error": verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent"),
    "temporarily_unavailable": verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always"),
}
OAUTH_CODES: dict[str, Classification] = {
    code: meaning.because(f"OAuth error {code}") for codes, meaning in _ROWS.items() for code in codes.split()
}


def by_oauth_code(code: Any) -> Classification | None:
    """Judge the `error` of an OAuth endpoint's reply; None if it is none of the registered ones."""
    return OAUTH_CODES.get(code) if isinstance(code, str) else None
