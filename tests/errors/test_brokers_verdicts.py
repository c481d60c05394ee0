"""Kafka, RabbitMQ, NATS and task queues: what the recorded corpus cannot say, and attributes that are not as promised."""

from __future__ import annotations

from typing import Any

import pytest

from holdfast import ErrorClassifier
from holdfast.errors.known.amqp_codes import by_reply
from holdfast.errors.known.kafka_codes import KAFKA_CODES

from .recorded_shapes import Bag, bearing, caused, recorded, while_handling


def judged(error: BaseException) -> Any:
    return ErrorClassifier().classify(error)


def told(error: BaseException) -> tuple[str, str, str, str]:
    said = judged(error)
    return said.category, said.code, said.retry_scope, said.circuit_outcome


KafkaException = recorded("cimpl.KafkaException")
SerializationError = recorded("confluent_kafka.serialization.SerializationError", KafkaException)


def kafka(code: Any, **flags: bool) -> BaseException:
    """An error of confluent-kafka, whose flags are methods of its argument."""
    methods = {name: lambda flag=flag: flag for name, flag in flags.items()}
    error: BaseException = KafkaException(Bag(code=lambda: code, **methods))
    return error


@pytest.mark.parametrize("number", KAFKA_CODES)
def test_the_same_number_means_the_same_in_all_kafka_clients(number: int) -> None:
    base = recorded("kafka.errors.BrokerResponseError", recorded("kafka.errors.KafkaError"), errno=None)
    in_python = recorded("kafka.errors.WhateverError", base, errno=number)()
    assert told(in_python) == told(kafka(number))


def test_retryable_and_scope_agree_for_every_kafka_code() -> None:
    assert all(meaning.retryable == (meaning.retry_scope != "never") for meaning in KAFKA_CODES.values())


@pytest.mark.parametrize("code", [None, "6", True, 6.0])
def test_a_kafka_code_that_is_no_number_says_nothing(code: Any) -> None:
    assert told(kafka(code)) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")


def test_an_error_of_kafka_without_arguments_is_judged() -> None:
    assert told(KafkaException()) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")
    assert told(SerializationError()) == ("VALIDATION", "INVALID_INPUT", "never", "ignore")


def test_a_kafka_error_whose_methods_raise_is_no_trouble() -> None:
    def fails() -> int:
        raise RuntimeError("no code today")

    assert judged(KafkaException(Bag(code=fails))).category == "UNKNOWN"


def test_a_fatal_error_ends_the_kafka_client_but_stays_what_it_was_if_no_retry_would_help() -> None:
    assert told(kafka(6, fatal=True)) == ("PERMANENT", "SESSION_TERMINATED", "never", "failure")
    assert told(kafka(29, fatal=True)) == ("AUTH", "FORBIDDEN", "never", "success")
    assert "fatal" in judged(kafka(29, fatal=True)).reason


def test_a_schema_registry_that_failed_is_not_a_bad_message() -> None:
    registry = recorded("confluent_kafka.schema_registry.error.SchemaRegistryError")
    failed = bearing(registry(), http_status_code=503, error_code=-1)
    error = while_handling(SerializationError(Bag(code=lambda: -161)), failed)
    assert told(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")
    kept = bearing(SerializationError(Bag(code=lambda: -161)), exception=failed)
    assert told(kept) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "always", "failure")


def test_what_a_serializer_met_on_the_way_does_not_make_the_message_a_bug() -> None:
    error = bearing(SerializationError(Bag(code=lambda: -159)), exception=KeyError("field"))
    assert told(error) == ("EXTERNAL", "INVALID_RESPONSE", "never", "success")


def test_errno_of_a_kafka_error_is_no_errno() -> None:
    base = recorded("aiokafka.errors.KafkaError", RuntimeError)
    assert told(bearing(base(), errno=13)) == ("TRANSIENT", "CONNECTION_CLOSED", "idempotent", "failure")
    assert told(bearing(base(), errno="13")) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")


@pytest.mark.parametrize(
    ("path", "arguments"),
    [
        ("pika.exceptions.ConnectionWrongStateError", ("closed",)),
        ("pika.exceptions.ChannelWrongStateError", ("Channel is closed.",)),
        ("pika.exceptions.ConnectionClosedByClient", (200, "Normal shutdown")),
        ("pika.exceptions.ChannelClosedByClient", (0, "closed")),
        ("pika.exceptions.ConnectionOpenAborted", ()),
    ],
)
def test_what_we_closed_ourselves_needs_a_new_connection_and_no_retry(path: str, arguments: Any) -> None:
    said = judged(recorded(path)(*arguments))
    assert (said.category, said.retryable, said.retry_scope, said.circuit_outcome) == (
        "INTERNAL",
        False,
        "reconnect",
        "ignore",
    )


@pytest.mark.parametrize("number", [None, True, "404", 404.0, 999, -1, 0])
def test_what_is_no_reply_code_of_amqp_has_no_meaning(number: Any) -> None:
    assert by_reply(number, "NOT_FOUND") is None


@pytest.mark.parametrize("text", [None, 7, b"vhost not found", "", "of another broker"])
def test_a_reply_code_is_judged_without_its_text(text: Any) -> None:
    found = by_reply(530, text)
    assert found is not None
    assert found.category == "AUTH"


def test_a_virtual_host_that_is_down_is_worth_waiting_for() -> None:
    text = "INTERNAL_ERROR - access to vhost '/' refused for user 'guest': vhost '/' is down"
    error = bearing(recorded("pika.exceptions.ConnectionClosed")(541, text), reply_code=541, reply_text=text)
    assert told(error) == ("TRANSIENT", "EXTERNAL_UNAVAILABLE", "reconnect", "failure")


def test_the_errno_of_an_aiormq_error_may_be_one_of_the_resolver() -> None:
    kind = recorded("aiormq.exceptions.AMQPConnectionError", recorded("aiormq.exceptions.AMQPError"), ConnectionError)
    assert told(kind(-2, "Name or service not known"))[:2] == ("TRANSIENT", "CONNECTION_ERROR")
    assert told(kind(111, "refused")) == ("TRANSIENT", "CONNECTION_REFUSED", "always", "failure")


def test_what_pika_was_handling_is_the_answer_however_deep_it_wraps_it() -> None:
    phase = recorded("pika.adapters.utils.connection_workflow.AMQPConnectorException")
    inner = bearing(phase(), exception=ConnectionRefusedError(111, "refused"))
    assert told(recorded("pika.exceptions.AMQPConnectionError")(inner))[:3] == (
        "TRANSIENT",
        "CONNECTION_REFUSED",
        "always",
    )


@pytest.mark.parametrize("text", ["Server unexpectedly closed connection", "Socket closed", "Socket is closed"])
def test_an_oserror_without_number_may_tell_of_a_closed_connection(text: str) -> None:
    assert told(OSError(text)) == ("TRANSIENT", "CONNECTION_CLOSED", "idempotent", "failure")


@pytest.mark.parametrize(
    "error", [OSError("closed for lunch"), OSError("no idea"), OSError(), OSError(b"Socket closed")]
)
def test_an_oserror_without_number_mostly_says_nothing(error: OSError) -> None:
    assert judged(error).category == "UNKNOWN"


@pytest.mark.parametrize("text", ["Local: Queue full", "queue full"])
def test_a_full_queue_of_a_kafka_producer_is_a_buffer_error(text: str) -> None:
    assert told(BufferError(text)) == ("RESOURCE", "POOL_EXHAUSTED", "always", "ignore")


def test_kombu_wraps_what_it_calls_recoverable() -> None:
    operational = recorded("kombu.exceptions.OperationalError")
    assert told(operational("x")) == ("TRANSIENT", "CONNECTION_ERROR", "always", "failure")
    assert told(caused(operational("x"), TimeoutError("timed out")))[:3] == ("TRANSIENT", "TIMEOUT", "idempotent")


@pytest.mark.parametrize("code", [None, "x", 1000])
def test_an_http_error_of_kombu_without_a_status_is_judged(code: Any) -> None:
    assert told(bearing(recorded("kombu.exceptions.HttpError")(), code=code))[:3] == (
        "EXTERNAL",
        "SERVER_ERROR",
        "never",
    )


def jetstream(name: str = "APIError", **attributes: Any) -> BaseException:
    base = recorded("nats.js.errors.APIError", recorded("nats.errors.Error"))
    return bearing(recorded(f"nats.js.errors.{name}", base)() if name != "APIError" else base(), **attributes)


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [
        ({"code": "503", "err_code": "10071"}, "EXTERNAL"),
        ({"code": True, "err_code": False}, "EXTERNAL"),
        ({"code": 400, "err_code": 10071, "description": 7}, "PERMANENT"),
        ({"code": 503, "err_code": 19999}, "TRANSIENT"),
        ({"code": 200, "err_code": None}, "EXTERNAL"),
    ],
)
def test_numbers_of_jetstream_are_checked(attributes: dict[str, Any], wanted: str) -> None:
    assert judged(jetstream(**attributes)).category == wanted


def test_an_error_of_nats_that_cannot_be_written_out_is_judged() -> None:
    def fails(_: BaseException) -> str:
        raise AttributeError("description")

    error = recorded("nats.js.errors.Error", recorded("nats.errors.Error"), __str__=fails)()
    assert told(error) == ("EXTERNAL", "SERVER_ERROR", "never", "failure")
