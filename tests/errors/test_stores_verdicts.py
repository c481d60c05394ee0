"""Redis, MongoDB, search engines and memcached: what the recorded exceptions do not show, and shapes nobody promised."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import Classification, ErrorClassifier

from .recorded_shapes import Bag, bearing, caused, recorded, while_handling

classify = ErrorClassifier().classify


def said(error: BaseException) -> tuple[Any, ...]:
    verdict = classify(error)
    return verdict.category, verdict.code, verdict.retry_scope, verdict.circuit_outcome


# -- Redis ----------------------------------------------------------------------------------------------------

REDIS_ERROR = recorded("redis.exceptions.RedisError")
CONNECTION_ERROR = recorded("redis.exceptions.ConnectionError", REDIS_ERROR)
RESPONSE_ERROR = recorded("redis.exceptions.ResponseError", REDIS_ERROR)
EXEC_ABORT = recorded("redis.exceptions.ExecAbortError", RESPONSE_ERROR)


def test_a_redis_reply_is_judged_by_the_word_that_the_client_took_off_its_text() -> None:
    error = bearing(RESPONSE_ERROR("Link with MASTER is down"), status_code="MASTERDOWN")
    assert said(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")


@pytest.mark.parametrize("code", ["NOTAWORD", 500, None, b"LOADING", ["LOADING"]])
def test_a_status_code_that_is_no_known_word_leaves_it_to_the_text(code: Any) -> None:
    assert said(bearing(RESPONSE_ERROR("LOADING wait"), status_code=code))[1] == "EXTERNAL_UNAVAILABLE"
    assert said(bearing(RESPONSE_ERROR("no such thing"), status_code=code))[0] == "VALIDATION"


@pytest.mark.parametrize("arguments", [(), (None,), (b"LOADING wait",), (object(), "LOADING wait")])
def test_a_reply_without_a_text_refuses_the_command(arguments: tuple[Any, ...]) -> None:
    assert said(RESPONSE_ERROR(*arguments)) == ("VALIDATION", "BAD_REQUEST", "never", "success")
    assert said(EXEC_ABORT(*arguments)) == ("VALIDATION", "BAD_REQUEST", "never", "success")


def test_a_long_command_in_front_does_not_hide_what_the_pipeline_met_with() -> None:
    command = "SET key " + "v" * 500
    error = RESPONSE_ERROR(f"Command # 3 ({command}) of pipeline caused error: NOREPLICAS Not enough good replicas")
    assert said(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")


def test_a_command_that_names_an_error_is_not_taken_for_it() -> None:
    assert said(RESPONSE_ERROR("unknown command 'OOM', with args beginning with: "))[0] == "VALIDATION"


def test_a_new_class_of_redis_errors_is_judged_by_its_base() -> None:
    assert said(recorded("redis.exceptions.NewReplyError", RESPONSE_ERROR)("READONLY no"))[2] == "reconnect"
    assert said(recorded("redis.exceptions.NewError", REDIS_ERROR)("what")) == (
        "EXTERNAL",
        "SERVER_ERROR",
        "never",
        "failure",
    )
    assert said(recorded("redis.exceptions.LostError", CONNECTION_ERROR)("gone"))[2] == "idempotent"


def test_a_redis_connection_that_could_not_be_made_sent_nothing_whatever_the_cause() -> None:
    error = while_handling(CONNECTION_ERROR("Error 0 connecting to r:6379. Odd."), ConnectionAbortedError(103, "odd"))
    assert said(error) == ("TRANSIENT", "CONNECTION_CLOSED", "always", "failure")


def test_what_the_application_was_handling_does_not_decide_on_a_connection_that_tells_its_own_story() -> None:
    missing = recorded("gridfs.errors.NoFile")("no such file")
    error = while_handling(CONNECTION_ERROR("Connection closed by server."), missing)
    assert said(error) == ("TRANSIENT", "CONNECTION_CLOSED", "idempotent", "failure")


@pytest.mark.parametrize("status", [None, "N/A", 9999])
def test_an_answer_of_redis_enterprise_without_a_status_is_unknown(status: Any) -> None:
    assert classify(bearing(recorded("redis.http.http_client.HttpError")("x"), status=status)).category == "UNKNOWN"


# -- MongoDB --------------------------------------------------------------------------------------------------

PYMONGO_ERROR = recorded("pymongo.errors.PyMongoError")
OPERATION_FAILURE = recorded("pymongo.errors.OperationFailure", PYMONGO_ERROR)
BULK_WRITE_ERROR = recorded("pymongo.errors.BulkWriteError", OPERATION_FAILURE)
AUTO_RECONNECT = recorded("pymongo.errors.AutoReconnect", recorded("pymongo.errors.ConnectionFailure", PYMONGO_ERROR))


def labelled(error: BaseException, *labels: str, **attributes: Any) -> BaseException:
    return bearing(error, has_error_label=frozenset(labels).__contains__, **attributes)


def test_a_label_outranks_a_number() -> None:
    conflict = labelled(OPERATION_FAILURE("x"), "TransientTransactionError", code=2)
    assert said(conflict) == ("TRANSIENT", "SERIALIZATION_FAILURE", "new_transaction", "failure")
    commit = labelled(OPERATION_FAILURE("x"), "TransientTransactionError", "UnknownTransactionCommitResult", code=91)
    assert said(commit) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "idempotent", "failure")


def test_labels_count_on_any_error_of_the_driver() -> None:
    assert said(labelled(PYMONGO_ERROR("x"), "TransientTransactionError"))[2] == "new_transaction"
    assert said(labelled(PYMONGO_ERROR("x"), "RetryableWriteError"))[2] == "idempotent"
    assert said(labelled(BULK_WRITE_ERROR("x"), "RetryableWriteError", details={}))[2] == "idempotent"


def test_a_server_selection_within_a_transaction_repeats_the_transaction() -> None:
    selection = recorded("pymongo.errors.ServerSelectionTimeoutError", AUTO_RECONNECT)
    assert said(labelled(selection("No servers found yet"), "TransientTransactionError"))[2] == "new_transaction"


def broken_label(label: str) -> bool:
    raise RuntimeError(label)


@pytest.mark.parametrize("ask", [None, "TransientTransactionError", broken_label, lambda _: "yes", lambda: True])
def test_labels_that_cannot_be_asked_for_are_none(ask: Any) -> None:
    assert said(bearing(OPERATION_FAILURE("x"), has_error_label=ask, code=91))[2] == "reconnect"


@pytest.mark.parametrize("number", [None, True, "11000", 11000.0, 0, [11000]])
def test_what_is_no_number_says_nothing(number: Any) -> None:
    assert said(bearing(OPERATION_FAILURE("x"), code=number)) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")


@pytest.mark.parametrize(
    ("details", "text", "seconds"),
    [
        ({"baseBackoffMS": 250}, "x", 0.25),
        ({"baseBackoffMS": -1}, "x", None),
        ({"baseBackoffMS": True}, "x", None),
        ({"baseBackoffMS": float("nan")}, "x", None),
        ({"baseBackoffMS": 1e300}, "x", None),
        ("details", "x", None),
        ({}, "Error=16500, RetryAfterMs=34", 0.034),
        ({}, "Error=16500, RetryAfterMs= 34 , Details", 0.034),
        ({}, "Error=16500, RetryAfterMs=soon, Details", None),
        ({}, "Error=16500, RetryAfterMs=-5, Details", None),
        ({}, "Error=16500, RetryAfterMs=99999999999999999999, Details", None),
    ],
)
def test_the_server_may_ask_to_wait(details: Any, text: str, seconds: float | None) -> None:
    assert classify(bearing(OPERATION_FAILURE(text), code=16500, details=details)).retry_after == seconds


@pytest.mark.parametrize(
    "details",
    [None, "x", {"writeErrors": "x"}, {"writeErrors": None, "writeConcernErrors": 5}, {"error": "not an exception"}],
)
def test_a_bulk_write_that_tells_nothing_has_failed_for_good(details: Any) -> None:
    error = bearing(BULK_WRITE_ERROR("x"), code=65, details=details)
    assert said(error) == ("PERMANENT", "CONFLICT", "never", "success")


def test_a_bulk_write_is_as_bad_as_its_worst_error() -> None:
    failed = [{"code": 91, "errmsg": "shutting down"}, {"code": 121, "errmsg": b"bytes"}, "not a document"]
    assert said(bearing(BULK_WRITE_ERROR("x"), details={"writeErrors": failed[:2]}))[0] == "VALIDATION"
    assert said(bearing(BULK_WRITE_ERROR("x"), details={"writeErrors": failed[2:]}))[0] == "EXTERNAL"
    keyed = {"writeErrors": {0: {"code": 11000}}}
    assert said(bearing(BULK_WRITE_ERROR("x"), details=keyed))[1] == "UNIQUE_VIOLATION"


def test_a_bulk_write_waits_for_the_longest_of_its_errors() -> None:
    failed = [{"code": 16500, "errmsg": f"RetryAfterMs={ms}, x"} for ms in (10, 80, 40)]
    assert classify(bearing(BULK_WRITE_ERROR("x"), details={"writeErrors": failed})).retry_after == 0.08


def test_a_foreign_error_within_a_bulk_write_is_left_to_the_writes() -> None:
    details = {"error": ValueError("x"), "writeErrors": [{"code": 11000}]}
    assert said(bearing(BULK_WRITE_ERROR("x"), details=details))[1] == "UNIQUE_VIOLATION"


def test_an_error_without_a_verdict_within_a_bulk_write_falls_back() -> None:
    details = {"error": AUTO_RECONNECT("lost")}
    assert said(bearing(BULK_WRITE_ERROR("x"), details=details))[:3] == ("TRANSIENT", "CONNECTION_ERROR", "idempotent")


def test_a_handshake_that_broke_off_sent_nothing() -> None:
    error = caused(AUTO_RECONNECT("SSL handshake failed: m:1: odd"), ConnectionAbortedError(103, "odd"))
    assert said(error) == ("TRANSIENT", "CONNECTION_CLOSED", "always", "failure")


# -- search engines -------------------------------------------------------------------------------------------

API_ERROR = recorded("elasticsearch.ApiError", recorded("elastic_transport.ApiError"))
NOT_FOUND = recorded("elasticsearch.NotFoundError", API_ERROR)
TRANSPORT_ERROR = recorded("opensearchpy.exceptions.TransportError")


def test_an_error_of_a_search_engine_without_a_reply_is_judged_by_its_class() -> None:
    assert said(NOT_FOUND("x")) == ("PERMANENT", "NOT_FOUND", "never", "success")
    assert said(bearing(NOT_FOUND("x"), meta=Bag(), body=None))[1] == "NOT_FOUND"
    assert said(bearing(API_ERROR("x"), meta=Bag(status=200), body={})) == (
        "EXTERNAL",
        "SERVER_ERROR",
        "never",
        "failure",
    )


@pytest.mark.parametrize(
    "detail",
    [
        {"type": 5, "root_cause": "x", "caused_by": []},
        {"type": ["x"], "root_cause": [None], "caused_by": {"type": None}},
        {"type": "validation_exception", "reason": None},
        {"type": "cluster_block_exception", "reason": 5},
        5,
    ],
)
def test_a_body_of_any_shape_leaves_it_to_the_status(detail: Any) -> None:
    error = bearing(API_ERROR("x"), meta=Bag(status=503), body={"error": detail})
    assert said(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")


@pytest.mark.parametrize("arguments", [(), (404,), ("N/A", None), ("N/A", 5, 6), (404.0, "x", None)])
def test_arguments_of_any_shape_leave_it_to_the_base(arguments: tuple[Any, ...]) -> None:
    assert said(TRANSPORT_ERROR(*arguments))[:3] == ("EXTERNAL", "SERVER_ERROR", "never")


def test_the_cause_decides_where_the_client_gives_no_detail() -> None:
    error = caused(TRANSPORT_ERROR("N/A", "x", None), ConnectionRefusedError(111, "no"))
    assert said(error)[1] == "CONNECTION_REFUSED"


BULK_INDEX_ERROR = recorded("elasticsearch.helpers.BulkIndexError")


@pytest.mark.parametrize("items", [None, 5, [], [5], [{"index": 5}], [{"index": {"status": "x", "error": 5}}]])
def test_a_bulk_request_that_tells_nothing_was_wrong(items: Any) -> None:
    assert said(bearing(BULK_INDEX_ERROR("x"), errors=items)) == ("PERMANENT", "CONFLICT", "never", "success")


def test_a_serializer_that_met_with_a_value_of_ours() -> None:
    unreadable = recorded("opensearchpy.exceptions.SerializationError")
    assert said(unreadable({}, ValueError("Object is not JSON serializable")))[1] == "INVALID_INPUT"
    assert said(unreadable({}, ValueError()))[1] == "INVALID_JSON"
    assert said(unreadable())[1] == "INVALID_JSON"


# -- memcached ------------------------------------------------------------------------------------------------


def test_memcached_errors_without_words_are_judged_by_their_class() -> None:
    base = recorded("pymemcache.exceptions.MemcacheError")
    assert said(base()) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")
    assert said(recorded("pymemcache.exceptions.MemcacheServerError", base)())[2] == "idempotent"


def test_attributes_that_raise_do_no_harm() -> None:
    def refuse(_: Any) -> Any:
        raise RuntimeError("no")

    hostile = {name: property(refuse) for name in ("code", "details", "has_error_label", "meta", "body", "errors")}
    for path in ("pymongo.errors.OperationFailure", "pymongo.errors.BulkWriteError", "elasticsearch.NotFoundError"):
        assert isinstance(classify(recorded(path, **hostile)("x")), Classification)
        assert classify(recorded(path, **hostile)("x")).category != "UNKNOWN"
