"""A retry around a client that already retries on its own is told of, once for each client, with the way out."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import Door, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from holdfast.testing import VirtualClock

from holdfast import RetryPolicy, with_retry
from holdfast.errors import own_retries
from holdfast.errors.own_retries import retried_by_client
from holdfast.retry import doubled

# What each client's retry loop holds in its frame when it has called twice more than it was asked for.
THREE_CALLS: dict[str, Any] = {
    "_number": 2,
    "_after_the_first": 3,
    "_earlier_failures": [ValueError(), ValueError()],
    "_failures_but_the_last": (1, 2, 3),
    "_azure_history": {"history": [1, 2, 3]},
    "_slack_attempt": ModuleType("state"),
}
THREE_CALLS["_slack_attempt"].current_attempt = 2
ONE_CALL: dict[str, Any] = {
    "_number": 0,
    "_after_the_first": 1,
    "_earlier_failures": [],
    "_failures_but_the_last": (1,),
    "_azure_history": {"history": [1]},
    "_slack_attempt": None,
}
LOOPS = own_retries._LOOPS


def loop(module: str, function: str, counter: str, value: object, error: BaseException) -> Callable[[], Any]:
    """A function of that name in that module which raises with such a local variable, as the client's loop would."""
    names: dict[str, Any] = {"__name__": module, "value": value, "error": error}
    exec(f"def {function}():\n    {counter} = value\n    raise error", names)
    made: Callable[[], Any] = names[function]
    return made


@pytest.fixture(autouse=True)
def _in_use(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for module, _ in LOOPS:
        package = module.partition(".")[0]
        monkeypatch.setitem(sys.modules, package, ModuleType(package))
    doubled.forget()
    yield
    doubled.forget()


class Calling(Script):
    """A service that calls the client each time."""

    def __init__(self, client: Callable[[], Any]) -> None:
        super().__init__()
        self.next = client  # type: ignore[method-assign]


def raised(call: Callable[[], Any]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


@pytest.mark.parametrize("place", LOOPS, ids=".".join)
def test_a_clients_retries_are_read_from_its_retry_loop(place: tuple[str, str]) -> None:
    client, counter, read_as = LOOPS[place]
    found = retried_by_client(raised(loop(*place, counter, THREE_CALLS[read_as.__name__], OSError())))
    assert found == (client, 2)


@pytest.mark.parametrize("place", LOOPS, ids=".".join)
def test_a_client_whose_retries_are_off_or_that_did_not_retry_is_not_accused(place: tuple[str, str]) -> None:
    client, counter, read_as = LOOPS[place]
    for value in (ONE_CALL[read_as.__name__], "of another kind", None):
        assert retried_by_client(raised(loop(*place, counter, value, OSError()))) is None


def test_retries_beneath_a_wrapping_error_are_seen() -> None:
    def call() -> None:
        try:
            loop("redis.retry", "call_with_retry", "failures", 11, OSError())()
        except OSError as error:
            raise LookupError("user") from error

    found = retried_by_client(raised(call))
    assert found is not None
    assert (found.client.name, found.times) == ("redis", 10)


def test_only_the_nearest_causes_are_looked_at() -> None:
    error = raised(loop("redis.retry", "call_with_retry", "failures", 11, OSError()))
    for _ in range(4):
        wrapping = LookupError()
        wrapping.__cause__ = error
        error = wrapping
    assert retried_by_client(error) is None


def test_aws_notes_its_retries_on_the_error() -> None:
    error = Exception()
    error.response = {"ResponseMetadata": {"RetryAttempts": 3}}  # type: ignore[attr-defined]
    found = retried_by_client(error)
    assert found is not None
    assert (found.client.name, found.times) == ("boto3", 3)


def test_without_such_clients_nothing_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, _ in LOOPS:
        monkeypatch.delitem(sys.modules, module.partition(".")[0], raising=False)
    error = raised(loop("redis.retry", "call_with_retry", "failures", 11, OSError()))
    assert retried_by_client(error) is None


def test_frames_that_answer_no_questions_and_long_tracebacks_break_nothing() -> None:
    class Odd(dict[str, Any]):
        def get(self, *_: Any) -> Any:
            raise RuntimeError

    error = raised(loop("azure.core.pipeline.policies._retry", "send", "retry_settings", Odd(), OSError()))
    assert retried_by_client(error) is None

    def deep(left: int) -> Any:
        return deep(left - 1) if left else loop("redis.retry", "call_with_retry", "failures", 5, OSError())()

    assert retried_by_client(raised(lambda: deep(300))) is None

    class Hidden(Exception):
        @property
        def __cause__(self) -> Any:  # type: ignore[override]
            raise RuntimeError

    assert retried_by_client(Hidden()) is None


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


def test_the_warning_comes_once_and_says_how_to_switch_the_clients_retries_off(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    call = loop("openai._base_client", "request", "retries_taken", 2, ConnectionResetError())
    guarded = with_retry(RetryPolicy(name="chat", max_attempts=3), clock=clock)(door.function(Calling(call)))
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            door.run(guarded)
    (message,) = warnings_in(caplog)
    assert "openai already retries on its own (3 calls for this one attempt)" in message
    assert "3 attempts may become 9 calls" in message
    assert "OpenAI(max_retries=0)" in message


def test_no_warning_without_a_retry_of_ours(door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture) -> None:
    call = loop("openai._base_client", "request", "retries_taken", 2, ConnectionResetError())
    with pytest.raises(ConnectionResetError):
        door.run(with_retry(RetryPolicy(max_attempts=1), clock=clock)(door.function(Calling(call))))
    assert warnings_in(caplog) == []


def test_after_many_failures_without_a_trace_nobody_looks_any_more(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(doubled._MOST_LOOKS):
        doubled.warn_of_own_retries("f", OSError(), 3)
    doubled.warn_of_own_retries("f", raised(loop("redis.retry", "call_with_retry", "failures", 5, OSError())), 3)
    assert warnings_in(caplog) == []


def test_a_look_that_fails_does_not_break_the_call(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "holdfast.errors.own_retries", None)
    doubled.warn_of_own_retries("f", OSError(), 3)
    assert warnings_in(caplog) == []
