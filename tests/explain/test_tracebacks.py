"""A printed traceback, read back: the exception it ends with, what its message tells, and the chain before it."""

from __future__ import annotations

import sqlite3
import traceback
from contextlib import closing

import pytest

from holdfast import get_error_classifier
from holdfast.explain import NamingError, exception_in


def code_of(text: str) -> str:
    return str(get_error_classifier().classify(exception_in(text).error).code)


def printed(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def raised_from(outer: BaseException, inner: BaseException, *, cause: bool) -> str:
    try:
        try:
            raise inner
        except BaseException as first:
            if cause:
                raise outer from first
            raise outer  # noqa: B904
    except BaseException as error:
        return printed(error)


def test_the_last_exception_of_a_printed_traceback_is_found() -> None:
    made = exception_in(raised_from(ValueError("wrong: 7"), KeyError("x"), cause=True))
    assert type(made.error) is ValueError
    assert made.error.args == ("wrong: 7",)
    assert type(made.error.__cause__) is KeyError


def test_an_exception_that_was_being_handled_is_its_context() -> None:
    error = exception_in(raised_from(RuntimeError("x"), ConnectionRefusedError(111, "refused"), cause=False)).error
    assert error.__cause__ is None
    assert isinstance(error.__context__, ConnectionRefusedError)
    assert error.__context__.errno == 111
    assert code_of(raised_from(RuntimeError("x"), OSError(111, "refused"), cause=False)) == "CONNECTION_REFUSED"


def test_a_message_of_several_lines_belongs_to_its_exception() -> None:
    assert exception_in(printed(ValueError("one\ntwo: 2\n  three"))).error.args == ("one\ntwo: 2\n  three",)


def test_an_exception_without_a_message_is_found() -> None:
    assert isinstance(exception_in(printed(TimeoutError())).error, TimeoutError)


def test_a_group_comes_back_with_its_members() -> None:
    try:
        raise ValueError("first")
    except ValueError as raised:
        inner = raised
    try:
        raise ExceptionGroup("several", [inner, ExceptionGroup("nested", [ConnectionResetError(104, "reset")])])
    except ExceptionGroup as group:
        text = printed(group)
    error = exception_in(text).error
    assert isinstance(error, ExceptionGroup)
    assert [type(each) for each in error.exceptions] == [ValueError, ConnectionResetError]
    assert code_of(text) == "INVALID_INPUT"


def test_a_group_of_one_is_its_member() -> None:
    assert code_of(printed(ExceptionGroup("one", [ConnectionResetError(104, "reset")]))) == "CONNECTION_RESET"


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("some_vendor.RateLimited: Error code: 429 - {'error': {}}", "EXTERNAL_RATE_LIMITED"),
        ("some_vendor.HTTPError: 503 Server Error: Service Unavailable for url: http://x/", "EXTERNAL_UNAVAILABLE"),
        ("some_vendor.StatusError: Client error '404 Not Found' for url 'http://x/'", "NOT_FOUND"),
        (
            "botocore.exceptions.ClientError: An error occurred (ThrottlingException) when calling the X operation: no",
            "EXTERNAL_RATE_LIMITED",
        ),
        ("OSError: [Errno 28] No space left on device", "DISK_FULL"),
        ("some_orm.DBError: (sqlite3.OperationalError) database is locked", "LOCK_TIMEOUT"),
        ("some_vendor.Weird: the number 503 means nothing here", "UNKNOWN"),
    ],
)
def test_messages_tell_what_the_attributes_told(line: str, code: str) -> None:
    assert code_of(f"Traceback (most recent call last):\n  File 'x', line 1\n{line}\n") == code


def test_an_original_error_that_is_none_is_passed_over() -> None:
    error = exception_in("some_orm.DBError: (json.dumps) odd").error
    assert not hasattr(error, "orig")


def test_lines_that_only_look_like_exceptions_are_passed_over() -> None:
    text = "starting: the service\nTimeoutError: late\n"
    assert isinstance(exception_in(text).error, TimeoutError)
    assert isinstance(
        exception_in(f"{text}\nThe above exception was the direct cause of the following exception:\n").error,
        TimeoutError,
    )
    text = "TimeoutError: late\n\nDuring handling of the above exception, another exception occurred:\n\nodd: line"
    assert isinstance(exception_in(text).error, TimeoutError)


def test_a_text_without_an_exception_is_refused() -> None:
    for text in ("", "all is well\n", "Traceback (most recent call last):\n  File 'x'\n"):
        with pytest.raises(NamingError, match="no exception was found"):
            exception_in(text)


def test_a_real_error_of_the_standard_library_is_judged_as_itself() -> None:
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(sqlite3.OperationalError) as info:
        connection.execute("select * from nowhere")
    assert isinstance(exception_in(printed(info.value)).error, sqlite3.OperationalError)
