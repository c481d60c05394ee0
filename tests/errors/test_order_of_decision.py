"""Which of several things that an error shows decides: each step comes before the ones after it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from tests.errors.recorded_shapes import Bag, bearing, caused, recorded, while_handling

from holdfast.errors import Classification, ErrorClassifier, declared

OWN_WORD = Classification(category="RESOURCE", code="OWN_WORD", reason="says so itself")


def says(error: BaseException) -> BaseException:
    return bearing(error, __resilience__=OWN_WORD)


def with_known_number(error: BaseException) -> BaseException:
    return bearing(error, error=Bag(code=-32001, message="x"))


def with_code(error: BaseException) -> BaseException:
    return bearing(error, code="insufficient_quota")


def with_status(error: BaseException) -> BaseException:
    return bearing(error, status_code=404)


def with_cause(error: BaseException) -> BaseException:
    return caused(error, OSError(28, "no space"))


# Each step's mark on an error, in the order of decision, with the code of its verdict.
MARKS: list[tuple[Callable[[BaseException], BaseException], str]] = [
    (says, "OWN_WORD"),
    (with_code, "QUOTA_EXHAUSTED"),
    (with_status, "NOT_FOUND"),
    (with_cause, "DISK_FULL"),
]


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(range(len(MARKS)), 2)))
def test_an_earlier_step_decides_over_a_later_one(first: int, second: int) -> None:
    error: BaseException = Exception("x")
    for mark, _ in (MARKS[second], MARKS[first]):
        error = mark(error)
    assert ErrorClassifier().classify(error).code == MARKS[first][1]


def test_the_errors_own_word_outranks_rules_and_even_cancellation() -> None:
    classifier = ErrorClassifier()
    classifier.register(Exception, category="AUTH")
    assert classifier.classify(says(ValueError())) is OWN_WORD
    assert classifier.classify(says(asyncio.CancelledError())) is OWN_WORD


def test_rules_outrank_cancellation_groups_libraries_and_status() -> None:
    classifier = ErrorClassifier()
    classifier.register(lambda error: True, category="AUTH", code="RULE")
    for error in (
        asyncio.CancelledError(),
        ExceptionGroup("x", [TimeoutError()]),
        with_known_number(recorded("mcp.McpError")("x")),
        with_status(Exception()),
        ValueError(),
    ):
        assert classifier.classify(error).code == "RULE"


def test_cancellation_outranks_what_the_error_carries() -> None:
    assert ErrorClassifier().classify(with_status(asyncio.CancelledError())).category == "CANCELLED"


def test_a_known_library_outranks_code_and_status() -> None:
    error = with_status(with_code(with_known_number(recorded("mcp.McpError")("x"))))
    assert ErrorClassifier().classify(error).code == "MCP_TIMEOUT"


def test_the_type_outranks_the_cause() -> None:
    assert ErrorClassifier().classify(with_cause(TimeoutError())).code == "TIMEOUT"


def test_what_nothing_speaks_for_is_unknown_and_not_retried() -> None:
    verdict = ErrorClassifier().classify(Exception("x"))
    assert verdict == Classification(category="UNKNOWN", reason="no rule knows this error")


# -- what an error says of itself ---------------------------------------------------------------------------


class SaysByAttribute(Exception):
    __resilience__ = OWN_WORD


class SaysByMethod(Exception):
    def __resilience__(self) -> Classification:
        return OWN_WORD.waiting(float(self.args[0]))


class SaysByProperty(Exception):
    @property
    def __resilience__(self) -> Classification:
        return OWN_WORD


class SaysByClassMethod(Exception):
    @classmethod
    def __resilience__(cls) -> Classification:
        return OWN_WORD


@pytest.mark.parametrize(
    "error",
    [
        SaysByAttribute(),
        SaysByProperty(),
        SaysByClassMethod(),
        bearing(Exception(), __resilience__=OWN_WORD),
        bearing(Exception(), __resilience__=lambda: OWN_WORD),
    ],
)
def test_an_error_declares_itself_by_attribute_method_or_property(error: BaseException) -> None:
    assert ErrorClassifier().classify(error) is OWN_WORD


def test_a_declaring_method_may_look_at_the_error() -> None:
    assert ErrorClassifier().classify(SaysByMethod(4)).retry_after == 4.0


async def a_coroutine() -> Classification:
    return OWN_WORD


def raising() -> Classification:
    raise RuntimeError


@pytest.mark.parametrize(
    "said", ["TRANSIENT", 7, {"category": "AUTH"}, Classification, lambda: "AUTH", lambda error: OWN_WORD, raising,
             a_coroutine],
)  # fmt: skip
def test_a_declaration_that_is_no_verdict_is_ignored(said: Any) -> None:
    assert ErrorClassifier().classify(bearing(TimeoutError(), __resilience__=said)).code == "TIMEOUT"


def test_a_declaration_that_is_no_verdict_is_told_once_for_each_type(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "_told", set())

    class Said(Exception):
        __resilience__ = "transient"

    class Secret(Exception):
        __resilience__ = "s3cret"

    class Silent(Exception):
        def __resilience__(self) -> None: ...

    for error in (Said(), Said(), Secret(), caused(Exception(), Secret()), Silent()):
        assert ErrorClassifier().classify(error).category == "UNKNOWN"
    where = f"{__name__}.{test_a_declaration_that_is_no_verdict_is_told_once_for_each_type.__name__}.<locals>"
    must = "must be a Classification or give one, not"
    assert caplog.messages == [
        f"{where}.Said.__resilience__ {must} 'transient'; write Classification(category='TRANSIENT')",
        f"{where}.Secret.__resilience__ {must} a str",
    ]
    assert {record.name for record in caplog.records} == {"holdfast.errors"}


def test_a_declaration_that_raises_is_none_and_nothing_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declared, "_told", set())

    class Raises(Exception):
        @property
        def __resilience__(self) -> None:
            raise RuntimeError

    assert ErrorClassifier().classify(Raises()).category == "UNKNOWN"
    assert not caplog.messages


def test_what_is_no_exception_is_told_by_its_type() -> None:
    class Leaving(BaseException): ...

    assert "Leaving, which is no Exception" in ErrorClassifier().classify(Leaving()).reason


def test_types_to_tell_of_are_bounded(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(declared, "_TOLD_AT_MOST", len(declared._told))

    class OneTooMany(Exception):
        __resilience__ = "TRANSIENT"

    assert ErrorClassifier().classify(OneTooMany()).category == "UNKNOWN"
    assert not caplog.records


def test_a_cause_may_declare_itself_too() -> None:
    verdict = ErrorClassifier().classify(caused(Exception(), SaysByAttribute()))
    assert (verdict.code, verdict.category) == ("OWN_WORD", "RESOURCE")


# -- causes -------------------------------------------------------------------------------------------------


def suppressed(error: BaseException, context: BaseException) -> BaseException:
    error.__context__ = context
    error.__suppress_context__ = True
    return error


@pytest.mark.parametrize("link", [caused, while_handling, suppressed])
def test_an_unknown_error_is_judged_by_what_led_to_it(
    link: Callable[[BaseException, BaseException], BaseException],
) -> None:
    verdict = ErrorClassifier().classify(link(Exception("x"), ConnectionRefusedError("secret host")))
    assert (verdict.code, verdict.retry_scope) == ("CONNECTION_REFUSED", "always")
    assert verdict.reason == "caused by ConnectionRefusedError"


def test_the_reason_names_the_rule_that_judged_the_cause() -> None:
    verdict = ErrorClassifier().classify(caused(Exception("x"), OSError(28, "secret path")))
    assert verdict.reason == "caused by OSError (errno ENOSPC)"


def test_a_vendors_code_on_a_cause_is_read() -> None:
    cause = bearing(Exception(), code="SlowDown")
    assert ErrorClassifier().classify(caused(Exception(), cause)).code == "EXTERNAL_RATE_LIMITED"


def test_a_servers_word_on_whether_to_retry_is_told_with_the_reason() -> None:
    def said(word: str, status: int) -> Classification:
        response = Bag(status_code=status, headers={"x-should-retry": word})
        return ErrorClassifier().classify(bearing(Exception(), response=response))

    yes, no = said("true", 404), said("false", 503)
    assert (yes.category, yes.retryable, yes.retry_scope) == ("TRANSIENT", True, "always")
    assert yes.reason == "HTTP status 404, and the server says to retry"
    assert (no.category, no.retryable, no.retry_scope) == ("TRANSIENT", False, "never")
    assert no.reason == "HTTP status 503, and the server says not to retry"
    assert said("true", 503).reason == "HTTP status 503"
    assert said("false", 404).reason == "HTTP status 404"


def test_rules_are_given_the_cause_that_they_judge() -> None:
    asked: list[BaseException] = []

    def look(error: BaseException) -> bool:
        asked.append(error)
        return False

    def wait(error: BaseException) -> float:
        asked.append(error)
        return 3.0

    otherwise = recorded("requests.exceptions.ConnectionError", OSError)()
    for cause in (ConnectionResetError(), otherwise):
        classifier = ErrorClassifier()
        classifier.register(look, category="AUTH")
        classifier.register(type(cause), retry_after=wait)
        asked.clear()
        assert classifier.classify(caused(Exception(), cause)).retry_after == 3.0
        assert asked[-2:] == [cause, cause]
    classifier = ErrorClassifier()
    classifier.register(KeyError, category="TRANSIENT")
    classifier.register(lambda error: error is cause, retry_after=wait)
    cause = KeyError()
    asked.clear()
    assert classifier.classify(caused(Exception(), cause)).retry_after == 3.0
    assert asked == [cause]


def test_a_cause_behind_an_unknown_cause_is_found() -> None:
    chain = caused(Exception("a"), suppressed(Exception("b"), caused(Exception("c"), TimeoutError())))
    assert ErrorClassifier().classify(chain).code == "TIMEOUT"


@pytest.mark.parametrize("name", ["reason", "orig", "inner_exception", "original_error", "cause"])
def test_an_exception_held_as_an_attribute_is_a_cause(name: str) -> None:
    wrapped = bearing(Exception("x"), **{name: ConnectionResetError()})
    assert ErrorClassifier().classify(wrapped).code == "CONNECTION_RESET"
    assert ErrorClassifier().classify(bearing(Exception("x"), **{name: "a text"})).code == "UNKNOWN"


def test_an_exception_held_as_an_argument_is_a_cause() -> None:
    assert ErrorClassifier().classify(Exception("failed", 7, ConnectionResetError())).code == "CONNECTION_RESET"


def test_the_cause_comes_before_the_context_and_what_is_wrapped_before_both() -> None:
    error = while_handling(caused(Exception(), TimeoutError()), OSError(28, "x"))
    assert ErrorClassifier().classify(error).code == "TIMEOUT"
    assert ErrorClassifier().classify(bearing(error, orig=ConnectionResetError())).code == "CONNECTION_RESET"


def test_a_cancellation_among_the_causes_is_none() -> None:
    timed_out = caused(TimeoutError(), asyncio.CancelledError())
    assert ErrorClassifier().classify(timed_out).code == "TIMEOUT"
    for cancelled in (asyncio.CancelledError(), KeyboardInterrupt(), recorded("trio.Cancelled", BaseException)()):
        assert ErrorClassifier().classify(caused(Exception(), cancelled)).category == "UNKNOWN"
        behind = while_handling(caused(Exception(), cancelled), ConnectionResetError())
        assert ErrorClassifier().classify(behind).code == "CONNECTION_RESET"


def test_a_bug_or_wrong_input_is_taken_over_from_a_cause_but_not_from_a_context() -> None:
    classifier = ErrorClassifier()
    for known, category in ((KeyError(), "INTERNAL"), (ValueError(), "VALIDATION")):
        assert classifier.classify(caused(Exception(), known)).category == category
        assert classifier.classify(while_handling(Exception(), known)).category == "UNKNOWN"
    behind = while_handling(Exception(), while_handling(KeyError(), TimeoutError()))
    assert classifier.classify(behind).code == "TIMEOUT"


def test_a_cause_s_waiting_time_is_kept_unless_the_error_has_its_own() -> None:
    limited = bearing(Exception(), status_code=429, retry_after=7)
    assert ErrorClassifier().classify(caused(Exception(), limited)).retry_after == 7.0
    assert ErrorClassifier().classify(caused(bearing(Exception(), retry_after=9), limited)).retry_after == 9.0


def test_the_nearest_fallback_holds_if_no_cause_says_more() -> None:
    failed = recorded("anyio.ConnectionFailed", OSError)("x")
    verdict = ErrorClassifier().classify(caused(Exception(), caused(failed, Exception("?"))))
    assert verdict.code == "CONNECTION_REFUSED"
    assert verdict.reason == "caused by anyio.ConnectionFailed"
    inner = recorded("smtplib.SMTPException", OSError)("x")
    assert ErrorClassifier().classify(caused(Exception(), caused(failed, inner))).code == "CONNECTION_REFUSED"


def test_a_fallback_outranks_the_plain_verdict_on_a_base_class() -> None:
    failed = recorded("anyio.ConnectionFailed", TimeoutError)
    assert ErrorClassifier().classify(failed("x")).code == "CONNECTION_REFUSED"
    assert ErrorClassifier().classify(caused(failed("x"), OSError(28, "x"))).code == "DISK_FULL"
