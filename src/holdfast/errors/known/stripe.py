"""Stripe: error classes, the codes of its API, and why banks decline a card."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..attributes import look_up, read
from ..http import STATUSES, as_status
from ..recognition import Answer, Otherwise, Rule, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code
from ..texts import text_of

if TYPE_CHECKING:
    from ..classification import Classification

_LOCKED = verdict(Category.RESOURCE, Code.LOCK_TIMEOUT, "always", "ignore")
_RATE_LIMITED = verdict(Category.EXTERNAL, Code.EXTERNAL_RATE_LIMITED, "always", "ignore")
_STRIPE_FAILED = verdict(Category.EXTERNAL, Code.SERVER_ERROR, "idempotent")
_GARBLED = verdict(Category.EXTERNAL, Code.INVALID_RESPONSE, reason="answer that is not Stripe's")
_BAD_TLS = verdict(
    Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="Stripe's certificate is not trusted"
)
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent")
_USED_UP = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success")
_NOT_LET_IN = verdict(Category.AUTH, Code.UNAUTHENTICATED, "never", "success")
_EXPIRED = verdict(Category.AUTH, Code.TOKEN_EXPIRED, "never", "success")
_FORBIDDEN = verdict(Category.AUTH, Code.FORBIDDEN, "never", "success")
_WRONG_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "success")
_WRONG_INPUT = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "success")
_NOT_FOUND = verdict(Category.PERMANENT, Code.NOT_FOUND, "never", "success")
_EXISTS = verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success")
_IN_THE_WAY = verdict(Category.PERMANENT, Code.CONFLICT, "never", "success")
_NOT_AS_IT_IS = verdict(Category.PERMANENT, Code.PRECONDITION_FAILED, "never", "success")
_DECLINED = verdict(Category.PERMANENT, Code.UNPROCESSABLE, "never", "success")
# The bank could not say yes or no, and did not take the money.
_BANK_NOT_REACHED = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "always", "success")

# https://docs.stripe.com/error-codes; the many codes that are not here are refusals, told by the status.
_CODES: dict[str, Classification] = {
    # come back
    "lock_timeout idempotency_key_in_use": _LOCKED,
    "rate_limit": _RATE_LIMITED,
    "processing_error": _BANK_NOT_REACHED,
    # the account and its keys
    "api_key_expired platform_api_key_expired": _EXPIRED,
    "secret_key_required account_invalid": _NOT_LET_IN,
    "not_allowed_on_standard_account payouts_not_allowed transfers_not_allowed account_closed": _FORBIDDEN,
    "testmode_charges_only livemode_mismatch tls_version_unsupported country_unsupported": _WRONG_SETUP,
    # the object
    "resource_missing": _NOT_FOUND,
    "resource_already_exists bank_account_exists": _EXISTS,
    "token_already_used token_in_use charge_already_captured charge_already_refunded": _IN_THE_WAY,
    "charge_disputed charge_exceeds_source_limit charge_expired_for_capture refund_disputed_payment": _IN_THE_WAY,
    "payment_intent_unexpected_state setup_intent_unexpected_state intent_invalid_state": _IN_THE_WAY,
    "invoice_not_editable invoice_no_customer_line_items status_transition_invalid": _IN_THE_WAY,
    "capture_unauthorized_payment capture_charge_authorization_expired": _NOT_AS_IT_IS,
    "invoice_payment_intent_requires_action subscription_payment_intent_requires_action": _NOT_AS_IT_IS,
    "setup_attempt_failed payment_intent_authentication_failure setup_intent_authentication_failure": _DECLINED,
    "payment_intent_payment_attempt_failed payment_intent_payment_attempt_expired": _DECLINED,
    "payment_method_provider_decline payment_method_customer_decline debit_not_authorized": _DECLINED,
    "payment_method_provider_timeout": _BANK_NOT_REACHED,
    # the card and the money
    "card_declined card_decline_rate_limit_exceeded authentication_required expired_card": _DECLINED,
    "balance_insufficient insufficient_funds payouts_limit_exceeded": _DECLINED,
    "incorrect_address incorrect_cvc incorrect_number incorrect_zip": _WRONG_INPUT,
    "amount_too_large amount_too_small invalid_cvc invalid_number": _WRONG_INPUT,
    "invalid_expiry_month invalid_expiry_year": _WRONG_INPUT,
}
_BY_CODE = {code: meaning.because(f"Stripe code {code}") for codes, meaning in _CODES.items() for code in codes.split()}
# https://docs.stripe.com/declines/codes: of some forty reasons, those after which the same card may be tried again.
_PASSING_DECLINES = frozenset(
    ("approve_with_id", "issuer_not_available", "processing_error", "reenter_transaction", "try_again_later")
)
_MAY_PASS = _BANK_NOT_REACHED.because("Stripe decline code after which the card may be tried again")
_KEY_REUSED = _WRONG_INPUT.because("idempotency key used again with another request")
_NETWORK_FAILED = _STRIPE_FAILED.because("HTTP status 424 of Stripe: what it depends on failed")
_CONFLICTING = _LOCKED.because("HTTP status 409 of Stripe, which asks to come back")


def _by_code_in(error: Any) -> Classification | None:
    body = read(error, "json_body")
    decline = look_up(body, "error", "decline_code")
    if isinstance(decline, str) and decline in _PASSING_DECLINES:
        return _MAY_PASS
    for code in (read(error, "code"), look_up(body, "error", "code")):
        if isinstance(code, str) and code in _BY_CODE:
            return _BY_CODE[code]
    return _CONFLICTING if read(error, "http_status") == 409 else None


def _by_code_or(otherwise: Answer) -> Rule:
    """Judge by the decline code or the code; by what the class stands for if Stripe gives neither."""
    return lambda error: _by_code_in(error) or otherwise


def _by_code_or_status(error: Any) -> Answer:
    """Judge a class that stands for many statuses; one with a good status was an answer that is not Stripe's."""
    found = _by_code_in(error)
    if found is not None:
        return found
    told = read(error, "http_status")
    status = as_status(told)
    if status is not None:
        return _NETWORK_FAILED if status == 424 else STATUSES[status]
    return Otherwise(_STRIPE_FAILED if told is None else _GARBLED)


def _by_connection(error: Any) -> Answer:
    """Judge by the cause; `should_retry` is False for want of knowledge too, so it says nothing."""
    return _UNTRUSTED if "ssl certificate" in text_of(error, 200) else _UNREACHED


_UNREACHED, _UNTRUSTED = Otherwise(_NOT_CONNECTED), Otherwise(_BAD_TLS)


def _by_invalid_request(error: Any) -> Answer:
    return _by_code_or_status(error) if read(error, "http_status") else _by_code_in(error) or _INVALID


_INVALID = STATUSES[400].because("type stripe.InvalidRequestError")

STRIPE: Table = table(
    {
        "stripe:APIConnectionError": _by_connection,
        "stripe:RateLimitError": _by_code_or(_RATE_LIMITED.because("type stripe.RateLimitError")),
        "stripe:AuthenticationError": _by_code_or(_NOT_LET_IN.because("type stripe.AuthenticationError")),
        "stripe:PermissionError": _by_code_or(_FORBIDDEN.because("type stripe.PermissionError")),
        "stripe:CardError": _by_code_or(_DECLINED.because("type stripe.CardError")),
        "stripe:IdempotencyError": _by_code_or(_KEY_REUSED),
        "stripe:InvalidRequestError": _by_invalid_request,
        "stripe:SignatureVerificationError": _NOT_LET_IN,
        # -- of the second version of the API ------------------------------------------------------------------
        "stripe:QuotaExceededError": _USED_UP,
        "stripe:TemporarySessionExpiredError": _EXPIRED,
        "stripe:BlockedByStripeError stripe:RecipientNotNotifiableError": _FORBIDDEN,
        "stripe:CapabilityNotEnabledError stripe:FeatureNotEnabledError": _WRONG_SETUP,
        "stripe:InvalidPaymentMethodError stripe:InvalidPayoutMethodError": _WRONG_INPUT,
        "stripe:InvalidVaultedCredentialError": _WRONG_INPUT,
        "stripe:AlreadyCanceledError stripe:NotCancelableError stripe:CannotProceedError": _IN_THE_WAY,
        "stripe:ControlledByAlternateResourceError": _IN_THE_WAY,
        "stripe:FinancialAccountNotOpenError stripe:FxQuoteNeedsRefreshError": _NOT_AS_IT_IS,
        "stripe:VerificationAttemptFailedError stripe:VerificationExpiredError": _NOT_AS_IT_IS,
        "stripe:VerificationNotInitiatedError": _NOT_AS_IT_IS,
        "stripe:InsufficientFundsError": _DECLINED,
        # -- OAuth of connected accounts -----------------------------------------------------------------------
        "stripe:InvalidClientError stripe:InvalidGrantError": _NOT_LET_IN,
        "stripe:InvalidScopeError": _WRONG_INPUT,
        "stripe:UnsupportedGrantTypeError stripe:UnsupportedResponseTypeError": _WRONG_SETUP,
        "stripe:StripeError": _by_code_or_status,
    }
)
