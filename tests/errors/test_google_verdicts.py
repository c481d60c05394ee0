"""gRPC and Google: what the recorded corpus cannot express, such as calls that go on and details that are garbage."""

from __future__ import annotations

import enum
from datetime import timedelta
from typing import Any

import pytest

from holdfast import ErrorClassifier
from holdfast.errors.known.rpc_details import NOTHING, Details, asked, delay_in, of_list, of_metadata

from .recorded_shapes import Bag, bearing, caused, recorded

Status = enum.Enum("Status", {"UNAVAILABLE": 14, "RESOURCE_EXHAUSTED": 8, "NOT_FOUND": 5})
RpcError = recorded("grpc.RpcError")
CallError = recorded(
    "google.api_core.exceptions.GoogleAPICallError", recorded("google.api_core.exceptions.GoogleAPIError")
)


def verdict(error: BaseException) -> tuple[str, str, str, float | None]:
    said = ErrorClassifier(now=lambda: 0.0).classify(error)
    return said.category.value, said.code, said.retry_scope, said.retry_after


def rpc(code: Any, text: Any = "", metadata: Any = (), **members: Any) -> BaseException:
    kind = recorded(
        "grpc._channel._InactiveRpcError",
        RpcError,
        code=lambda _: code,
        details=lambda _: text,
        trailing_metadata=lambda _: metadata,
        **members,
    )
    error: BaseException = kind()
    return error


# -- protobuf, by hand ----------------------------------------------------------------------------------------


def varint(value: int) -> bytes:
    value %= 1 << 64
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes | str) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def retry_info(seconds: int, nanos: int = 0) -> bytes:
    return field(1, field(1, seconds) + field(2, nanos))


def status_with(*details: tuple[str, bytes]) -> bytes:
    packed = b"".join(
        field(3, field(1, f"type.googleapis.com/google.rpc.{kind}") + field(2, data)) for kind, data in details
    )
    return field(1, 8) + field(2, "quota") + packed


def wait_in(data: bytes, key: str = "google.rpc.retryinfo-bin") -> float | None:
    return of_metadata(((key, data),)).wait


def test_the_bytes_of_a_retry_info_tell_when_to_come_back() -> None:
    assert wait_in(retry_info(37)) == 37
    assert wait_in(retry_info(0, 250_000_000)) == 0.25
    assert wait_in(retry_info(3_000_000_000)) == 3e9
    assert wait_in(field(1, b"")) == 0


def test_a_negative_or_impossible_delay_is_none() -> None:
    assert wait_in(retry_info(-5)) is None
    assert wait_in(retry_info(1, 2_000_000_000)) is None
    assert wait_in(field(1, 7)) is None
    assert wait_in(field(1, field(1, b"x"))) is None


def test_a_delay_is_bounded() -> None:
    assert wait_in(retry_info((1 << 63) - 1)) == 1e11


def test_unknown_fields_of_every_wire_type_are_skipped() -> None:
    fixed = varint(9 << 3 | 1) + bytes(8) + varint(10 << 3 | 5) + bytes(4)
    assert wait_in(fixed + field(11, 300) + field(12, "x") + retry_info(4)) == 4


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"\xff" * 20,
        b"\x0a",
        b"\x0a\x7f",
        b"\x0a\x02\x08",
        b"\x0b\x0c",
        b"\x09\x01",
        b"\x0d\x01",
        b"\x08",
        bytes(range(256)) * 10,
    ],
)
def test_garbled_bytes_say_nothing(data: bytes) -> None:
    for key in ("google.rpc.retryinfo-bin", "google.rpc.errorinfo-bin", "grpc-status-details-bin", "other-bin"):
        assert of_metadata(((key, data),)).wait in {None, 0.0}


def test_of_endless_fields_only_the_first_are_read() -> None:
    assert wait_in(field(2, 0) * 1000 + retry_info(4)) is None


def test_what_stands_before_the_garbled_end_counts() -> None:
    assert wait_in(retry_info(6) + b"\xff") == 6


def test_a_status_packs_several_details() -> None:
    unit = field(3, field(1, "quota_unit") + field(2, "1/min/{project}"))
    data = status_with(
        ("ErrorInfo", field(1, "RATE_LIMIT_EXCEEDED") + unit),
        ("Help", b"\x0a\x00"),
        ("RetryInfo", retry_info(9)),
        ("RetryInfo", retry_info(11)),
    )
    assert of_metadata((("grpc-status-details-bin", data),)) == Details(9, "RATE_LIMIT_EXCEEDED")


def test_a_detail_without_a_value_says_nothing() -> None:
    data = field(3, field(1, "type.googleapis.com/google.rpc.RetryInfo")) + field(3, 5)
    assert of_metadata({"grpc-status-details-bin": data}) == NOTHING


def test_an_error_info_of_its_own_tells_of_a_daily_quota() -> None:
    unit = field(3, field(1, "quota_unit") + field(2, "1/d/{project}")) + field(3, 1)
    assert of_metadata({"google.rpc.errorinfo-bin": [field(1, "RATE_LIMIT_EXCEEDED") + unit]}).spent


# -- metadata -------------------------------------------------------------------------------------------------


def test_metadata_may_be_anything() -> None:
    for metadata in (None, 7, "text", {}, [], [1, 2], [("a",)], [("a", None)], {1: 2}, object()):
        assert of_metadata(metadata) == NOTHING


def test_the_pushback_outranks_the_details() -> None:
    pairs = [("google.rpc.retryinfo-bin", retry_info(9)), ("grpc-retry-pushback-ms", "1500")]
    assert verdict(rpc(Status.UNAVAILABLE, metadata=pairs)) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", 1.5)


def test_a_negative_pushback_forbids_a_retry_but_no_cancellation_or_refusal_needs_it() -> None:
    never = [("grpc-retry-pushback-ms", "-1")]
    assert verdict(rpc(Status.UNAVAILABLE, metadata=never)) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "never", None)
    assert verdict(rpc(Status.NOT_FOUND, metadata=never)) == ("PERMANENT", "NOT_FOUND", "never", None)


def test_an_unreadable_pushback_says_nothing() -> None:
    assert verdict(rpc(Status.UNAVAILABLE, metadata=[("grpc-retry-pushback-ms", "soon")]))[2:] == ("always", None)


# -- calls ----------------------------------------------------------------------------------------------------


def test_a_call_that_still_goes_on_is_not_asked_since_that_would_wait_for_its_end() -> None:
    def wait(_: Any) -> None:
        raise AssertionError("asked")

    call = recorded("grpc._channel._MultiThreadedRendezvous", RpcError, _state=Bag(code=None), code=wait)()
    assert verdict(call) == ("EXTERNAL", "SERVER_ERROR", "idempotent", None)


def test_a_call_that_has_ended_is_asked() -> None:
    assert verdict(rpc(Status.NOT_FOUND, _state=Bag(code=Status.NOT_FOUND)))[1] == "NOT_FOUND"


def test_methods_that_raise_or_want_to_be_awaited_say_nothing() -> None:
    async def code(_: Any) -> Any:
        return Status.NOT_FOUND

    def broken(_: Any) -> Any:
        raise RuntimeError("broken")

    assert verdict(recorded("grpc.Mine", RpcError, code=code)())[:2] == ("EXTERNAL", "SERVER_ERROR")
    assert verdict(recorded("grpc.Mine", RpcError, code=broken)())[:2] == ("EXTERNAL", "SERVER_ERROR")
    assert asked(Bag(), "code") is None


@pytest.mark.parametrize("code", [None, True, -1, 17, "NOT_FOUND", 1.5, Bag(name="NO_SUCH"), Bag(name=7), object()])
def test_a_status_that_is_none_of_the_canonical_ones_is_none(code: Any) -> None:
    assert verdict(rpc(code)) == ("EXTERNAL", "SERVER_ERROR", "idempotent", None)


def test_a_status_may_be_a_number_or_an_attribute() -> None:
    assert verdict(rpc(5))[1] == "NOT_FOUND"
    assert verdict(bearing(recorded("mine.Fake", RpcError)(), code=Status.NOT_FOUND))[1] == "NOT_FOUND"


def test_whoever_derives_from_the_base_class_is_known() -> None:
    mine = recorded("my_service.errors.StubError", RpcError, code=lambda _: Status.UNAVAILABLE)
    assert verdict(mine())[:3] == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always")


@pytest.mark.parametrize("text", [None, 7, b"Connection refused", "", "x" * 100_000])
def test_details_that_are_no_text_or_endless_do_no_harm(text: Any) -> None:
    assert verdict(rpc(Status.UNAVAILABLE, text))[:3] == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always")


@pytest.mark.parametrize("status", ["", "200", "abc", "99", "²²²"])
def test_an_http_status_that_is_none_leaves_it_to_grpcs(status: str) -> None:
    text = f"Received http2 header with status: {status}"
    assert verdict(rpc(Status.UNAVAILABLE, text))[1] == "EXTERNAL_UNAVAILABLE"


def test_a_grpc_error_is_known_as_a_cause_too() -> None:
    assert verdict(caused(RuntimeError("x"), rpc(Status.UNAVAILABLE, "Socket closed")))[1] == "CONNECTION_CLOSED"


def test_without_a_status_the_cause_is_asked_first() -> None:
    assert verdict(caused(RpcError(), ConnectionRefusedError()))[1] == "CONNECTION_REFUSED"
    assert (
        verdict(caused(recorded("grpclib.exceptions.GRPCError")(), ConnectionRefusedError()))[1] == "CONNECTION_REFUSED"
    )


# -- details of api-core and the discovery client -------------------------------------------------------------


def test_delays_come_in_many_forms() -> None:
    assert delay_in("37s") == 37
    assert delay_in("1.5s") == 1.5
    assert delay_in({"seconds": 2, "nanos": 500_000_000}) == 2.5
    assert delay_in(Bag(seconds=3, nanos=0)) == 3
    assert delay_in(timedelta(minutes=1, milliseconds=500)) == 60.5
    assert delay_in(Bag(total_seconds=lambda: float("nan"))) is None
    for nothing in (
        None,
        "",
        "soon",
        "-3s",
        {"seconds": "2"},
        Bag(seconds=-1),
        Bag(seconds="x", nanos=0),
        timedelta(-1),
    ):
        assert delay_in(nothing) is None


def test_details_may_be_anything() -> None:
    garbage: list[Any] = [None, 7, "text", {}, {"reason": 7}, Bag(reason=7, metadata=3)]
    for details in (*garbage, garbage):
        assert of_list(details) == NOTHING


def test_a_class_stands_for_its_status_where_grpc_is_not_installed() -> None:
    aborted = recorded("google.api_core.exceptions.Aborted", CallError, code=409)
    assert verdict(aborted("x"))[:3] == ("TRANSIENT", "SERIALIZATION_FAILURE", "new_transaction")


def test_a_daily_quota_is_not_waited_out_even_if_it_tells_of_seconds() -> None:
    details: list[dict[str, Any]] = [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_unit": "1/d/{project}"}}]
    error = bearing(CallError("x"), code=429, details=details)
    assert verdict(error) == ("RESOURCE", "QUOTA_EXHAUSTED", "never", None)
    details.append({"retryDelay": "60s"})
    assert verdict(error) == ("RESOURCE", "QUOTA_EXHAUSTED", "never", None)


SPENT = {"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier", "quotaValue": "50"}
FOR_NOW = {"quotaId": "GenerateRequestsPerMinutePerProjectPerModel", "quotaValue": "15"}


@pytest.mark.parametrize(
    ("violations", "spent"),
    [
        ([SPENT], True),
        ([FOR_NOW, SPENT], True),
        ([{"quotaId": 7, "quotaValue": 0}], True),
        ([{"quotaValue": "0"}], True),
        ([FOR_NOW], False),
        ([{"quotaValue": False}, "PerDay", None], False),
        ("PerDay", False),
        (7, False),
    ],
)
def test_the_quota_that_was_exceeded_says_whether_a_wait_helps(violations: Any, spent: bool) -> None:
    assert of_list([{"violations": violations}]).spent is spent


def test_a_quota_that_was_exceeded_may_come_as_a_message_or_as_bytes() -> None:
    message = Bag(violations=[Bag(quota_id="RequestsPerDayPerProject", quota_value=0)])
    assert of_list([message]).spent
    assert not of_list([Bag(violations=[Bag(quota_id="RequestsPerMinute", quota_value=0)])]).spent
    data = status_with(("QuotaFailure", field(1, field(5, "RequestsPerDayPerProject")) + field(1, 7)))
    assert of_metadata((("grpc-status-details-bin", data),)).spent


def test_a_daily_quota_without_a_reason_is_one_too() -> None:
    error = bearing(CallError("x"), code=429, details=[{"metadata": {"quota_unit": "1/d/{project}"}}])
    assert verdict(error)[1] == "QUOTA_EXHAUSTED"


@pytest.mark.parametrize("text", [None, 7, b"rate limit exceeded", "no access"])
def test_a_refusal_that_tells_of_no_limit_is_a_refusal(text: Any) -> None:
    assert verdict(bearing(CallError("x"), code=403, message=text))[:3] == ("AUTH", "FORBIDDEN", "never")


def test_a_header_outranks_the_details() -> None:
    response = Bag(status_code=503, headers={"Retry-After": "2"})
    error = bearing(CallError("x"), code=503, details=[{"retryDelay": "60s"}], response=response)
    assert verdict(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", 2)


def test_an_error_of_another_package_named_google_is_not_taken_for_api_cores() -> None:
    other = recorded("google.genai.errors.ClientError")
    assert ErrorClassifier().classify(other("x")).reason != "type google.api_core.exceptions.ClientError"


def test_a_discovery_error_without_a_response_or_text_does_no_harm() -> None:
    http_error = recorded("googleapiclient.errors.HttpError", recorded("googleapiclient.errors.Error"))
    assert verdict(http_error())[1] == "INVALID_RESPONSE"
    assert verdict(bearing(http_error(), resp={"status": "403"}, reason=7))[1] == "FORBIDDEN"
    assert verdict(bearing(http_error(), resp=Bag(status=403), reason="User Rate Limit Exceeded"))[2] == "always"
    limits = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"
    assert verdict(bearing(http_error(), resp={"status": "403"}, reason=limits))[1] == "EXTERNAL_RATE_LIMITED"
    daily = limits.replace("minute", "day")
    assert verdict(bearing(http_error(), resp={"status": "403"}, reason=daily))[1] == "QUOTA_EXHAUSTED"


def test_a_transfer_without_a_response_does_no_harm() -> None:
    assert verdict(recorded("google.resumable_media.common.InvalidResponse")())[1] == "INVALID_RESPONSE"


def test_an_acknowledgement_without_a_known_code_may_be_repeated() -> None:
    error = recorded("google.cloud.pubsub_v1.subscriber.exceptions.AcknowledgeError", CallError)
    assert verdict(bearing(error("x"), error_code=7)) == ("EXTERNAL", "SERVER_ERROR", "idempotent", None)


def test_a_token_that_was_not_got_is_judged_whatever_its_arguments_are() -> None:
    refresh = recorded("google.auth.exceptions.RefreshError")
    assert verdict(refresh())[:3] == ("AUTH", "UNAUTHENTICATED", "never")
    assert verdict(refresh(7))[:3] == ("AUTH", "UNAUTHENTICATED", "never")
    assert verdict(bearing(refresh("x"), retryable="yes"))[:3] == ("AUTH", "UNAUTHENTICATED", "never")
    assert verdict(bearing(refresh("x"), retryable=True))[:3] == ("AUTH", "UNAUTHENTICATED", "always")
    transport = recorded("google.auth.exceptions.TransportError")
    assert verdict(caused(refresh("x"), transport("y")))[:3] == ("TRANSIENT", "CONNECTION_ERROR", "always")
