"""HTTP clients, WebSockets and DNS: traps that no real exception shows at will, and errors of broken shapes."""

from __future__ import annotations

import ssl
import warnings
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded, while_handling

from holdfast.errors import ErrorClassifier

Wanted = tuple[str, str, str, str]

REFUSED = ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")
RESET_WHILE_CONNECTING = ("TRANSIENT", "CONNECTION_RESET", "always", "failure")
NOT_CONNECTED = ("TRANSIENT", "CONNECTION_ERROR", "always", "failure")
READ_BROKE = ("TRANSIENT", "CONNECTION_RESET", "idempotent", "failure")
NETWORK = ("TRANSIENT", "CONNECTION_ERROR", "idempotent", "failure")
CLOSED = ("TRANSIENT", "CONNECTION_CLOSED", "idempotent", "failure")
SOCKET_LOST = ("TRANSIENT", "CONNECTION_CLOSED", "reconnect", "failure")
BAD_CERTIFICATE = ("CONFIGURATION", "TLS_CERTIFICATE_INVALID", "never", "ignore")
NO_SUCH_NAME = ("CONFIGURATION", "DNS_NAME_NOT_FOUND", "never", "ignore")
NONSENSE = ("EXTERNAL", "INVALID_RESPONSE", "never", "failure")
PROXY_FAILED = ("EXTERNAL", "PROXY_ERROR", "idempotent", "failure")
POOL_CLOSED = ("INTERNAL", "INTERNAL_ERROR", "reconnect", "ignore")


def told(error: BaseException) -> Wanted:
    verdict = ErrorClassifier().classify(error)
    return verdict.category.value, str(verdict.code), verdict.retry_scope, verdict.circuit_outcome


def _raising(self: Any) -> Any:
    raise RuntimeError("no attribute for you")


# -- texts of the operating system ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "wanted"),
    [
        ("[Errno 111] Connect call failed ('127.0.0.1', 1)", REFUSED),
        ("[Errno None] Multiple exceptions: [Errno 111] Connect call failed, [Errno 101] unreachable", REFUSED),
        ("Connection refused", REFUSED),
        ("Connection reset by peer", RESET_WHILE_CONNECTING),
        ("[Errno 104] Connection reset by peer", RESET_WHILE_CONNECTING),
        ("No route to host", NOT_CONNECTED),
        ("[Errno 99999] of another planet", NOT_CONNECTED),
        ("[Errno 9999999] is no number that we look at", NOT_CONNECTED),
        ("[Errno", NOT_CONNECTED),
        ("[Errno 8] nodename nor servname provided, or not known", NO_SUCH_NAME),
        ("[Errno -5] No address associated with hostname", NO_SUCH_NAME),
        ("certificate verify failed: unable to get local issuer certificate", BAD_CERTIFICATE),
        ("[SSL] unknown error (_ssl.c:1006)", ("CONFIGURATION", "TLS_ERROR", "never", "ignore")),
    ],
)
def test_a_connection_that_did_not_come_about_is_judged_by_its_text(message: str, wanted: Wanted) -> None:
    """Nothing was sent, so whatever may pass is safe to repeat."""
    assert told(recorded("httpcore.ConnectError")(message)) == wanted


def test_only_the_beginning_of_a_text_is_looked_at() -> None:
    assert told(recorded("httpx.ConnectError")("x" * 400 + "certificate verify failed")) == NOT_CONNECTED


def test_an_error_whose_text_cannot_be_made_is_judged_by_its_class() -> None:
    assert told(recorded("httpx.ReadError", __str__=_raising)()) == READ_BROKE
    assert told(recorded("urllib3.exceptions.NewConnectionError", __str__=_raising)()) == NOT_CONNECTED


# -- nothing was sent, whatever the causes say ----------------------------------------------------------------


def test_a_cause_of_an_unsent_request_keeps_its_kind_but_not_its_scope() -> None:
    connect_error = recorded("httpx.ConnectError")
    assert told(caused(connect_error(""), ConnectionResetError("reset"))) == RESET_WHILE_CONNECTING
    assert told(caused(connect_error(""), recorded("anyio.BrokenResourceError")())) == (
        "TRANSIENT",
        "CONNECTION_CLOSED",
        "always",
        "failure",
    )
    assert told(while_handling(connect_error(""), ssl.SSLCertVerificationError(1, "bad"))) == BAD_CERTIFICATE
    assert told(caused(connect_error(""), recorded("urllib3.exceptions.ClosedPoolError")())) == POOL_CLOSED


def test_an_unsent_request_further_down_the_chain_counts_as_well() -> None:
    """requests wraps urllib3's last straw, which wraps the connection that did not come about."""
    not_connected = recorded("urllib3.exceptions.NewConnectionError")("refused")
    gave_up = bearing(recorded("urllib3.exceptions.MaxRetryError")("gave up"), reason=not_connected)
    assert told(gave_up) == NOT_CONNECTED
    assert told(recorded("requests.exceptions.ConnectionError", OSError)(gave_up)) == NOT_CONNECTED
    caused(not_connected, ConnectionResetError("reset"))
    assert told(recorded("requests.exceptions.ConnectionError", OSError)(gave_up)) == RESET_WHILE_CONNECTING


# -- the classes of httpx and of what is below ----------------------------------------------------------------


def test_subclasses_inherit_the_meaning_of_the_nearest_class_that_is_known() -> None:
    network = recorded("httpx.NetworkError", recorded("httpx.TransportError"))
    read = recorded("httpx.ReadError", network)
    assert told(recorded("shop.clients.OurReadError", read)("x")) == READ_BROKE
    assert told(recorded("httpx.SomethingNew", network)("x")) == NETWORK
    assert told(recorded("httpx.SomethingNew", network)("[Errno 111] no")) == REFUSED


def test_a_reset_of_http_2_with_an_unknown_code_is_a_connection_that_closed() -> None:
    assert told(recorded("httpx.RemoteProtocolError")("<StreamReset stream_id:1, error_code:99>")) == CLOSED


def test_httpx_and_its_second_generation_are_no_relatives_but_mean_the_same() -> None:
    for name, wanted in {"ReadError": READ_BROKE, "ConnectError": NOT_CONNECTED, "NetworkError": NETWORK}.items():
        for package in ("httpx", "httpx2", "httpcore", "httpcore2"):
            assert told(recorded(f"{package}._exceptions.{name}")("x")) == wanted
        assert told(recorded(f"shop.{name}")("x"))[0] == "UNKNOWN"


def test_niquests_means_what_requests_means() -> None:
    assert told(recorded("niquests.exceptions.ReadTimeout", OSError)("x")) == (
        "TRANSIENT",
        "READ_TIMEOUT",
        "idempotent",
        "failure",
    )


# -- aiohttp --------------------------------------------------------------------------------------------------


def _aiohttp(name: str, *bases: type[BaseException], **members: Any) -> Any:
    return recorded(f"aiohttp.client_exceptions.{name}", *bases, **members)


def test_the_deprecated_code_of_aiohttp_is_not_asked_for() -> None:
    asked: list[str] = []
    response_error = _aiohttp("ClientResponseError", code=property(lambda _: asked.append("code")))
    for status in (400, 403, 404, 429, 500):
        assert told(bearing(response_error(), status=status, headers=None))[0] != "UNKNOWN"
    assert asked == []


def test_an_invented_400_is_known_by_its_cause_alone() -> None:
    parse_error = recorded("aiohttp.http_exceptions.HttpProcessingError")
    line = recorded(
        "aiohttp.http_exceptions.BadStatusLine", recorded("aiohttp.http_exceptions.BadHttpMessage", parse_error)
    )
    error = bearing(_aiohttp("ClientResponseError")(), status=400, headers=None)
    assert told(error) == ("VALIDATION", "BAD_REQUEST", "never", "success")
    assert told(caused(error, line())) == ("EXTERNAL", "INVALID_RESPONSE", "idempotent", "failure")


@pytest.mark.parametrize("status", [True, "503x", None, 7, 1000, [503]])
def test_a_status_that_is_none_says_only_that_the_answer_was_odd(status: Any) -> None:
    assert told(bearing(_aiohttp("ClientResponseError")(), status=status, headers=None)) == NONSENSE


def test_a_connector_error_without_the_error_inside_is_judged_by_its_own_errno() -> None:
    connector_error = _aiohttp("ClientConnectorError", OSError)
    assert told(connector_error(111, "no")) == REFUSED
    assert told(connector_error(104, "reset")) == RESET_WHILE_CONNECTING
    assert told(connector_error("odd")) == NOT_CONNECTED
    assert told(_aiohttp("ClientConnectorError", OSError, os_error=property(_raising))(111, "no")) == REFUSED


def test_a_resolver_error_whose_number_is_no_number_means_that_the_resolver_failed() -> None:
    lookup = _aiohttp("ClientConnectorDNSError", errno="-2")
    assert told(lookup()) == ("TRANSIENT", "DNS_FAILURE", "always", "failure")


def test_a_proxy_that_cannot_be_reached_is_not_the_service_itself() -> None:
    proxy_error = _aiohttp("ClientProxyConnectionError", OSError)
    assert told(proxy_error("odd")) == ("EXTERNAL", "PROXY_ERROR", "always", "failure")
    bad = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    assert told(bearing(proxy_error(1, "x"), os_error=bad)) == BAD_CERTIFICATE


def test_a_broken_connection_without_errno_is_judged_by_its_text() -> None:
    assert told(_aiohttp("ClientOSError", OSError)("Connection reset by peer")) == READ_BROKE


# -- WebSockets -----------------------------------------------------------------------------------------------


def _closed(**attributes: Any) -> BaseException:
    return bearing(recorded("websockets.exceptions.ConnectionClosed")(), **attributes)


def test_the_deprecated_code_and_reason_of_websockets_are_not_asked_for() -> None:
    def warn(_: Any) -> Any:
        warnings.warn("deprecated", DeprecationWarning, stacklevel=2)

    kind = recorded("websockets.exceptions.ConnectionClosed", code=property(warn), reason=property(warn))
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        assert told(bearing(kind(), rcvd=Bag(code=1011), sent=None, rcvd_then_sent=None))[1] == "SERVER_ERROR"
        assert told(kind()) == SOCKET_LOST
    assert given == []


@pytest.mark.parametrize("code", [None, True, "1011", 1011.0, [1011]])
def test_a_close_code_that_is_no_number_is_none(code: Any) -> None:
    assert told(_closed(rcvd=Bag(code=code), sent=None)) == SOCKET_LOST


@pytest.mark.parametrize(
    ("code", "wanted"), [(0, SOCKET_LOST), (2999, SOCKET_LOST), (5000, SOCKET_LOST), (-1, SOCKET_LOST)]
)
def test_a_close_code_outside_the_registry_is_a_lost_connection(code: int, wanted: Wanted) -> None:
    assert told(_closed(rcvd=Bag(code=code), sent=None)) == wanted


def test_an_error_that_should_have_a_close_code_and_has_none_is_judged_by_its_class() -> None:
    assert told(recorded("httpx_ws._exceptions.WebSocketDisconnect")()) == SOCKET_LOST
    assert told(recorded("aiohttp._websocket.models.WebSocketError")()) == NONSENSE


def test_of_two_close_frames_the_first_counts() -> None:
    ours_first = _closed(rcvd=Bag(code=1000), sent=Bag(code=1011), rcvd_then_sent=False)
    assert told(ours_first) == ("TRANSIENT", "TIMEOUT", "reconnect", "failure")
    theirs_first = _closed(rcvd=Bag(code=1012), sent=Bag(code=1000), rcvd_then_sent=True)
    assert told(theirs_first) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "reconnect", "failure")


def test_a_number_of_websockets_is_no_http_status() -> None:
    assert told(_closed(rcvd=Bag(code=503), sent=None, status=503)) == SOCKET_LOST


def test_each_close_code_from_4400_reads_as_the_http_status_it_copies() -> None:
    assert told(_closed(rcvd=Bag(code=4404), sent=None)) == ("PERMANENT", "NOT_FOUND", "never", "success")
    assert told(_closed(rcvd=Bag(code=4503), sent=None)) == (
        "TRANSIENT",
        "EXTERNAL_UNAVAILABLE",
        "reconnect",
        "failure",
    )


# -- others ---------------------------------------------------------------------------------------------------


def test_a_proxy_that_answers_with_a_rate_limit_asks_to_come_back() -> None:
    error = bearing(recorded("websockets.exceptions.InvalidProxyStatus")(), response=Bag(status_code=429))
    assert told(error) == ("EXTERNAL", "EXTERNAL_RATE_LIMITED", "always", "ignore")
    assert told(recorded("websockets.exceptions.InvalidProxyStatus")()) == PROXY_FAILED


@pytest.mark.parametrize("rcode", [None, True, "5", 99])
def test_a_response_code_of_dns_that_is_unknown_is_a_failed_answer(rcode: Any) -> None:
    assert told(bearing(recorded("dns.xfr.TransferError")(), rcode=rcode)) == NONSENSE


def test_a_header_error_of_requests_is_ours_unless_it_wraps_what_was_received() -> None:
    header_error = recorded("requests.exceptions.InvalidHeader", OSError, ValueError)
    assert told(header_error()) == ("VALIDATION", "INVALID_INPUT", "never", "ignore")
    assert told(header_error(recorded("urllib3.exceptions.InvalidHeader")("x"))) == NONSENSE


def test_fastapi_keeps_the_status_of_starlettes_exception() -> None:
    error = recorded("fastapi.exceptions.HTTPException", recorded("starlette.exceptions.HTTPException"))()
    assert told(bearing(error, status_code=404)) == ("PERMANENT", "NOT_FOUND", "never", "success")
