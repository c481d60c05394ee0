"""Kubernetes: the official client, kubernetes_asyncio, and the Status that the API server puts into a reply's body."""

from __future__ import annotations

from typing import Any

from ..attributes import look_up, read
from ..chain import together
from ..classification import Classification
from ..http import STATUSES, as_status
from ..json_rpc import is_whole
from ..recognition import Answer, Otherwise, Rule, Table, table, verdict
from ..taxonomy import ErrorCategory as Category, ErrorCode as Code

_BAD_SETUP = verdict(Category.CONFIGURATION, Code.INVALID_CONFIGURATION, "never", "ignore")
_BAD_VALUE = verdict(Category.VALIDATION, Code.INVALID_INPUT, "never", "ignore")
_MISUSE = verdict(Category.INTERNAL, Code.INTERNAL_ERROR, "never", "ignore")
_NOT_CONNECTED = verdict(Category.TRANSIENT, Code.CONNECTION_ERROR, "idempotent", reason="no answer of the API server")
_BAD_TLS = verdict(Category.CONFIGURATION, Code.TLS_ERROR, "never", "ignore", reason="TLS to the API server failed")
_OTHER = verdict(Category.EXTERNAL, Code.SERVER_ERROR)
_QUOTA = verdict(Category.RESOURCE, Code.QUOTA_EXHAUSTED, "never", "success", reason="Kubernetes says: exceeded quota")
_BUSY = verdict(Category.TRANSIENT, Code.EXTERNAL_UNAVAILABLE, "idempotent")

# StatusReason of k8s.io/apimachinery; those that say no more than the status beside them are left to it.
_REASONS: dict[str, Classification] = {
    "AlreadyExists": verdict(Category.PERMANENT, Code.ALREADY_EXISTS, "never", "success"),
    # Somebody changed the object in between: read it again, then write again.
    "Conflict": STATUSES[409],
    "Expired": STATUSES[410],
    "Gone": STATUSES[410],
    # It comes as 500 and as 504; the client is told to come back, and in how many seconds.
    "ServerTimeout": _BUSY,
    "Timeout": STATUSES[504],
    "TooManyRequests": STATUSES[429],
    "Unauthorized": STATUSES[401],
    "Forbidden": STATUSES[403],
    "NotFound": STATUSES[404],
    "Invalid": STATUSES[422],
    "BadRequest": STATUSES[400],
    "RequestEntityTooLarge": STATUSES[413],
    "ServiceUnavailable": STATUSES[503],
    "InternalError": STATUSES[500],
    "StoreReadError": STATUSES[500],
}
_BY_REASON = {reason: meaning.because(f"Kubernetes reason {reason}") for reason, meaning in _REASONS.items()}
_TEXTS: dict[str, Classification] = {
    "exceeded quota": _QUOTA,
    "etcdserver: leader changed": _BUSY.because("Kubernetes says: etcd's leader changed"),
    "etcdserver: request timed out": STATUSES[504].because("Kubernetes says: etcd timed out"),
}
_LONGEST_BODY = 100_000


def _by_api_exception(error: Any) -> Answer:
    """Judge a refusal by the Status in its body, or by its own status."""
    said = _status_in(read(error, "body"))
    found = by_reason(look_up(said, "reason"), look_up(said, "message"))
    number = read(error, "status")
    status = as_status(number) or as_status(look_up(said, "code"))
    if found is None and status is not None:
        found = STATUSES[status]
    if found is None:
        return _without_answer(error) if number == 0 else Otherwise(_OTHER)
    seconds = look_up(said, "details", "retryAfterSeconds")
    return found.waiting(float(seconds)) if is_whole(seconds) and 0 < seconds < 1e9 else found


def by_reason(reason: Any, message: Any) -> Classification | None:
    """Judge what a Status says beside its code; None if that is no more than the code does."""
    if isinstance(message, str):
        words = message[:400].lower()
        for text, meaning in _TEXTS.items():
            if text in words:
                return meaning
    return _BY_REASON.get(reason) if isinstance(reason, str) else None


def _status(number: int) -> Rule:
    """Judge an error whose class stands for a status, if it has none itself."""

    def by_status(error: Any) -> Answer:
        found = _by_api_exception(error)
        return STATUSES[number] if isinstance(found, Otherwise) else found

    return by_status


def _status_in(body: Any) -> Any:
    """Return the Status object that a body is, or None; the client has read the body already."""
    if not isinstance(body, (str, bytes)) or len(body) > _LONGEST_BODY or body[:1] not in {"{", b"{"}:
        return None
    import json

    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _without_answer(error: Any) -> Answer:
    """Judge status 0, which the client writes for TLS failures and for what became of a WebSocket."""
    reason = read(error, "reason")
    words = reason[:300].lower() if isinstance(reason, str) else ""
    if "sslerror" in words or "certificate" in words:
        return Otherwise(_BAD_TLS)
    status = as_status(words.partition("handshake status ")[2][:3])
    return Otherwise(_NOT_CONNECTED) if status is None else STATUSES[status]


def _by_failures(error: Any) -> Answer:
    """Judge the errors that `create_from_yaml` gathered, one for each object that it could not make."""
    failures = read(error, "api_exceptions")
    verdicts = [_answer(failure) for failure in failures[:100]] if isinstance(failures, (list, tuple)) else []
    return together(verdicts) if verdicts else Otherwise(_OTHER)


def _answer(failure: Any) -> Classification:
    found = _by_api_exception(failure)
    return found if isinstance(found, Classification) else _OTHER


def _everywhere(*names: str) -> str:
    return " ".join(f"{package}:{name}" for name in names for package in ("kubernetes", "kubernetes_asyncio"))


KUBERNETES: Table = table(
    {
        _everywhere("BadRequestException", "BadRequestError"): _status(400),
        _everywhere("UnauthorizedException", "UnauthorizedError"): _status(401),
        _everywhere("ForbiddenException", "ForbiddenError"): _status(403),
        _everywhere("NotFoundException", "NotFoundError"): _status(404),
        _everywhere("MethodNotAllowedError"): _status(405),
        _everywhere("ConflictException", "ConflictError"): _status(409),
        _everywhere("GoneError"): _status(410),
        _everywhere("UnprocessableEntityException", "UnprocessibleEntityError"): _status(422),
        _everywhere("TooManyRequestsError"): _status(429),
        _everywhere("ServiceException", "InternalServerError"): _status(500),
        _everywhere("ServiceUnavailableError"): _status(503),
        _everywhere("ServerTimeoutError"): _status(504),
        _everywhere("FailToCreateError"): _by_failures,
        _everywhere("ApiException"): _by_api_exception,
        _everywhere("ApiValueError"): _BAD_VALUE,
        _everywhere("ApiTypeError", "ApiKeyError", "ApiAttributeError", "VersionNotSupportedError"): _MISUSE,
        _everywhere("OpenApiException"): Otherwise(_OTHER),
        _everywhere("ConfigException"): _BAD_SETUP,
        # no API of that kind in this cluster
        _everywhere("ResourceNotFoundError"): verdict(Category.CONFIGURATION, Code.NOT_FOUND, "never", "success"),
        _everywhere("ResourceNotUniqueError"): _BAD_VALUE,
        _everywhere("KubernetesValidateMissing"): verdict(
            Category.CONFIGURATION, Code.MISSING_DEPENDENCY, "never", "ignore"
        ),
    }
)
