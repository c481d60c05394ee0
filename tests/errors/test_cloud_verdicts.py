"""AWS and Azure: shapes that no corpus of real exceptions has, and attributes that are not what they should be."""

from __future__ import annotations

from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, recorded, while_handling

from holdfast.errors import ErrorClassifier
from holdfast.errors.known.aws_codes import bare

Wanted = tuple[str, str, str, str]

RATE_LIMITED = ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")
UNAVAILABLE = ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")
NOT_FOUND = ("PERMANENT", "NOT_FOUND", "never", "success")
CONFLICT = ("PERMANENT", "CONFLICT", "never", "success")
BUSY = ("TRANSIENT", "CONFLICT", "always", "failure")
USED_UP = ("RESOURCE", "QUOTA_EXHAUSTED", "never", "success")
REFUSED = ("PERMANENT", "BAD_REQUEST", "never", "success")
WRONG_REQUEST = ("VALIDATION", "BAD_REQUEST", "never", "success")
CONDITION_FAILED = ("PERMANENT", "PRECONDITION_FAILED", "never", "success")
SERVER_ERROR = ("EXTERNAL", "SERVER_ERROR", "idempotent", "failure")
NOT_LET_IN = ("AUTH", "UNAUTHENTICATED", "never", "success")
FORBIDDEN = ("AUTH", "FORBIDDEN", "never", "success")


def judged(error: BaseException) -> Any:
    return ErrorClassifier().classify(error)


def told(error: BaseException) -> Wanted:
    verdict = judged(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


class Raising:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what pytest asks for to name the case
            raise AttributeError(name)
        raise RuntimeError(name)


# -- AWS ------------------------------------------------------------------------------------------------------------


def client_error(response: Any, path: str = "botocore.exceptions.ClientError", *bases: Any) -> BaseException:
    return bearing(recorded(path, *bases)("An error occurred"), response=response)


def answer(code: Any, status: Any = None, **more: Any) -> dict[str, Any]:
    return {"Error": {"Code": code, **more}, "ResponseMetadata": {"HTTPStatusCode": status}}


def aws(code: Any, status: Any = None, **more: Any) -> Wanted:
    return told(client_error(answer(code, status, **more)))


@pytest.mark.parametrize("response", [None, {}, [], "text", 7, {"Error": None}, {"Error": []}, Raising(), answer(None)])
def test_a_client_error_without_a_code_was_refused_for_a_reason_unknown(response: Any) -> None:
    assert told(client_error(response)) == REFUSED


@pytest.mark.parametrize("code", [0, 404, b"NoSuchKey", ["NoSuchKey"], True])
def test_a_code_that_is_no_text_leaves_the_status(code: Any) -> None:
    assert aws(code, 503) == UNAVAILABLE


def test_an_endless_code_is_cut_short() -> None:
    assert aws("x" * 1_000_000, 503) == UNAVAILABLE
    assert len(bare("x" * 1_000_000)) == 120


@pytest.mark.parametrize(
    "spelling", ["Throttling", "ThrottlingException", "throttlingException", "com.amazonaws.x#ThrottlingException"]
)
def test_protocols_spell_the_same_code_differently(spelling: str) -> None:
    assert aws(spelling, 400) == RATE_LIMITED


def test_what_follows_a_colon_is_no_part_of_the_code() -> None:
    assert aws("ResourceNotFoundException:http://internal.amazon.com/coral/", 400) == NOT_FOUND


def test_a_class_made_of_a_model_speaks_when_the_response_does_not() -> None:
    base = recorded("botocore.exceptions.ClientError")
    assert told(client_error({}, "botocore.errorfactory.NoSuchKey", base)) == NOT_FOUND


def test_a_users_own_subclass_is_not_taken_for_a_code() -> None:
    base = recorded("botocore.exceptions.ClientError")
    assert told(client_error({}, "app.errors.ThrottlingException", base)) == REFUSED


@pytest.mark.parametrize(
    ("code", "status", "wanted"),
    [
        ("InvalidGatewayRequest", 404, NOT_FOUND),
        ("InvalidWidget", 403, FORBIDDEN),
        ("InvalidWidget", 500, SERVER_ERROR),
        ("InvalidWidget", 400, WRONG_REQUEST),
        ("InvalidWidgetState", 404, CONFLICT),
        ("WidgetLimitReached", 400, USED_UP),
        ("WidgetLimitReached", 429, RATE_LIMITED),
        ("WidgetThrottled", 500, RATE_LIMITED),
        ("WidgetNotFoundFault", 400, NOT_FOUND),
        ("WidgetBusy", 429, UNAVAILABLE),
    ],
)
def test_an_unlisted_code_is_read_by_its_words_unless_the_status_tells_more(
    code: str, status: int, wanted: Wanted
) -> None:
    assert aws(code, status) == wanted


def test_the_quota_of_iam_and_the_rate_of_kinesis_have_the_same_code() -> None:
    assert aws("LimitExceededException", 409) == USED_UP
    assert aws("LimitExceededException", 400) == RATE_LIMITED
    assert aws("LimitExceededException", 400, Message="This request would exceed the shard limit") == USED_UP


@pytest.mark.parametrize("message", [None, 7, b"bytes", ["daily"]])
def test_a_message_that_is_no_text_is_not_read(message: Any) -> None:
    assert aws("Throttling", 400, Message=message) == RATE_LIMITED


@pytest.mark.parametrize(
    "reasons", [None, "None", 7, [], [None], [{"Code": None}], [{"Code": 7}], [Raising()], {"Code": "x"}]
)
def test_a_cancelled_transaction_with_unreadable_reasons_is_not_retried(reasons: Any) -> None:
    response = {**answer("TransactionCanceledException", 400), "CancellationReasons": reasons}
    assert told(client_error(response)) == CONFLICT


def test_reasons_in_the_message_count_if_the_list_names_none() -> None:
    message = (
        "Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]"
    )
    response = {
        **answer("TransactionCanceledException", 400, Message=message),
        "CancellationReasons": [{"Code": "None"}],
    }
    assert told(client_error(response)) == CONDITION_FAILED


@pytest.mark.parametrize(
    ("name", "value", "seconds"),
    [
        ("retryAfterSeconds", 3, 3.0),
        ("RetryAfterSeconds", "10", 10.0),
        ("retryAfterSeconds", "soon", None),
        ("retryAfterSeconds", -1, None),
        ("retryAfterSeconds", True, None),
        ("retryAfterSeconds", "9" * 40, None),
        ("retryAfterSeconds", 10**12, None),
        ("retryAfterSeconds", 1.5, None),
    ],
)
def test_some_services_say_in_the_body_when_to_come_back(name: str, value: Any, seconds: float | None) -> None:
    verdict = judged(client_error({**answer("ThrottlingException", 400), name: value}))
    assert verdict.retry_after == seconds


def test_a_header_outranks_the_body_and_is_in_milliseconds() -> None:
    response = {**answer("ThrottlingException", 400), "retryAfterSeconds": 3}
    response["ResponseMetadata"]["HTTPHeaders"] = {"x-amz-retry-after": "250"}
    assert judged(client_error(response)).retry_after == 0.25


@pytest.mark.parametrize(("attempts", "words"), [(2, "after 2 retries by botocore"), (0, ""), (True, ""), ("2", "")])
def test_the_reason_says_that_botocore_retried_already(attempts: Any, words: str) -> None:
    response = answer("ThrottlingException", 400)
    response["ResponseMetadata"]["RetryAttempts"] = attempts
    reason = judged(client_error(response)).reason
    assert ("retries" in reason) is bool(words)
    assert words in reason


def test_what_botocore_keeps_of_the_cause_is_asked_when_the_context_is_lost() -> None:
    error = recorded("botocore.exceptions.EndpointConnectionError")("Could not connect")
    assert told(bearing(error, kwargs={"error": ConnectionRefusedError()}))[1] == "CONNECTION_REFUSED"
    assert told(bearing(error, kwargs={"error": "text"}))[1] == "CONNECTION_ERROR"
    assert told(bearing(error, kwargs=None))[1] == "CONNECTION_ERROR"


@pytest.mark.parametrize("words", [(), (7,), ("",)])
def test_a_tls_failure_without_words_is_a_matter_of_configuration(words: tuple[Any, ...]) -> None:
    assert told(recorded("botocore.exceptions.SSLError")(*words)) == ("CONFIGURATION", "TLS_ERROR", "never", "ignore")


def test_a_waiter_is_judged_by_its_text_if_its_arguments_are_gone() -> None:
    kind = recorded("botocore.exceptions.WaiterError")
    assert told(kind("Waiter x failed: Max attempts exceeded"))[1] == "TIMEOUT"
    assert told(kind("Waiter x failed: something else")) == CONFLICT


def test_a_failed_upload_that_quotes_no_code_may_be_tried_again_if_that_is_harmless() -> None:
    assert told(recorded("boto3.exceptions.S3UploadFailedError")("An error occurred (")) == SERVER_ERROR


def test_a_failed_upload_is_judged_by_the_error_it_was_raised_for() -> None:
    upload = recorded("boto3.exceptions.S3UploadFailedError")("Failed to upload")
    assert told(while_handling(upload, client_error(answer("SlowDown", 503)))) == RATE_LIMITED


def test_a_bad_request_in_the_context_is_told_by_the_message() -> None:
    """What was being handled makes nothing a wrong input, but here the text quotes it."""
    text = "Failed to upload f to b/k: An error occurred (InvalidPart) when calling the UploadPart operation: x"
    upload = recorded("boto3.exceptions.S3UploadFailedError")(text)
    assert told(while_handling(upload, client_error(answer("InvalidPart", 400)))) == WRONG_REQUEST


@pytest.mark.parametrize("seconds", ["1", None, -1, True, 1e9])
def test_an_odd_time_of_the_bandwidth_limit_is_not_taken(seconds: Any) -> None:
    error = bearing(recorded("s3transfer.bandwidth.RequestExceededException")("x"), retry_time=seconds)
    assert judged(error).retry_after is None


# -- Azure ----------------------------------------------------------------------------------------------------------


def azure(kind: str, **attributes: Any) -> BaseException:
    base = recorded("azure.core.exceptions.HttpResponseError", recorded("azure.core.exceptions.AzureError"))
    made = base if kind == "HttpResponseError" else recorded(f"azure.core.exceptions.{kind}", base)
    return bearing(made("x"), **attributes)


@pytest.mark.parametrize("odd", [None, 7, b"ServerBusy", ["ServerBusy"], Raising(), Bag(code=7), "x" * 10_000])
def test_an_odd_code_leaves_the_status(odd: Any) -> None:
    error = azure("HttpResponseError", error=odd, error_code=odd, code=odd, status_code=503)
    assert told(error) == UNAVAILABLE


@pytest.mark.parametrize(
    "attributes",
    [
        {"error_code": "ContainerBeingDeleted"},
        {"error_code": "containerbeingdeleted"},
        {"error_code": Bag(value="ContainerBeingDeleted")},
        {"error": Bag(code="ContainerBeingDeleted")},
        {"error": Bag(code=None, error=Bag(code="ContainerBeingDeleted"))},
        {"error": Bag(code="Conflict", innererror={"code": "ObjectIsBeingDeleted"})},
        {"code": "ContainerBeingDeleted"},
        {"response": Bag(status_code=409, headers={"x-ms-error-code": "ContainerBeingDeleted"})},
        {"response": Bag(status_code=409, headers={"X-Ms-Error-Code": "ContainerBeingDeleted"})},
    ],
)
def test_a_code_is_found_wherever_a_client_puts_it(attributes: dict[str, Any]) -> None:
    assert told(azure("ResourceExistsError", **{"status_code": 409, **attributes})) == BUSY


def test_the_status_of_the_response_counts_if_the_error_has_none() -> None:
    assert told(azure("HttpResponseError", status_code=None, response=Bag(status_code=449, headers={}))) == BUSY


def test_a_login_that_is_refused_with_400_is_no_bad_request() -> None:
    assert told(azure("ClientAuthenticationError", status_code=400, message="invalid_client")) == NOT_LET_IN
    assert told(azure("ClientAuthenticationError", status_code=400, message=None)) == NOT_LET_IN
    assert told(azure("ClientAuthenticationError", status_code=None)) == NOT_LET_IN


@pytest.mark.parametrize(
    ("sub_status", "wanted"),
    [(1002, ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "ignore")), ("1002", NOT_FOUND), (True, NOT_FOUND)],
)
def test_a_sub_status_of_cosmos_is_a_number(sub_status: Any, wanted: Wanted) -> None:
    error = recorded("azure.cosmos.exceptions.CosmosHttpResponseError")("x")
    assert told(bearing(error, status_code=404, sub_status=sub_status)) == wanted


def test_a_cosmos_error_without_a_status_is_not_judged_by_one() -> None:
    base = recorded("azure.core.exceptions.AzureError")
    error = recorded("azure.cosmos.exceptions.CosmosHttpResponseError", base)("x")
    assert told(bearing(error, status_code=0, sub_status=3)) == SERVER_ERROR


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("Request rate is large. RetryAfterMs=34, Details=...", 0.034),
        ("RetryAfterMs=1500;", 1.5),
        ("RetryAfterMs=soon", None),
        ("too many", None),
        (None, None),
    ],
)
def test_cosmos_says_in_its_message_when_to_come_back(message: Any, seconds: float | None) -> None:
    error = recorded("azure.cosmos.exceptions.CosmosHttpResponseError")("x")
    verdict = judged(bearing(error, status_code=429, message=message))
    assert verdict.retry_after == seconds


def test_the_header_outranks_the_message() -> None:
    error = recorded("azure.cosmos.exceptions.CosmosHttpResponseError")("x")
    headers = {"x-ms-retry-after-ms": "20"}
    assert judged(bearing(error, status_code=429, message="RetryAfterMs=34", headers=headers)).retry_after == 0.02


@pytest.mark.parametrize("condition", [None, 7, "com.microsoft:own", b"\xff\xfe", Bag(value=3), Raising()])
def test_an_odd_condition_leaves_the_class(condition: Any) -> None:
    error = bearing(recorded("azure.eventhub.exceptions.EventHubError")("x"), error=condition)
    assert told(error) == SERVER_ERROR


@pytest.mark.parametrize("condition", ["server-busy", "com.microsoft:server-busy", b"com.microsoft:server-busy"])
def test_a_condition_may_be_text_or_bytes_with_or_without_its_namespace(condition: Any) -> None:
    error = bearing(recorded("azure.servicebus.exceptions.ServiceBusError")("x"), _condition=condition)
    assert told(error) == ("EXTERNAL", "EXTERNAL_UNAVAILABLE", "always", "failure")
