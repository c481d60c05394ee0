"""The clients give back the whole right answer or raise what went wrong; the guarded ones ask again when that helps."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import IncompleteRead
from typing import Any
from urllib.error import HTTPError

import pytest

from holdfast import get_bulkhead_registry
from holdfast.demo import clients as clients_module, server as server_module
from holdfast.demo.clients import (
    IN_CODE,
    Call,
    Crowd,
    Halted,
    Site,
    StatusError,
    WrongAnswerError,
    ask_with_streams,
    ask_with_streams_and_retry,
    ask_with_streams_under_policy,
    ask_with_urllib,
    ask_with_urllib_and_retry,
    ask_with_urllib_under_policy,
)
from holdfast.demo.observed import NAME, Observed
from holdfast.demo.script import Behaviour, Phase, Script, body_of
from holdfast.demo.server import Server

Ask = Callable[[Call], bytes]


class Acts(Script):
    """A script that names what each attempt meets with, one after the other, and answers all that follow."""

    def __init__(self, *acts: Behaviour) -> None:
        super().__init__(seed=0)
        object.__setattr__(self, "acts", acts)

    def behaviour(self, *, call: int, attempt: int, phase: Phase = Phase.ROUGH) -> Behaviour:
        acts: tuple[Behaviour, ...] = self.__dict__["acts"]
        return acts[attempt - 1] if attempt <= len(acts) else Behaviour.ANSWER


@contextmanager
def call_to(*acts: Behaviour, timeout: float = 5.0, retry_after: int = 0) -> Iterator[tuple[Call, Server]]:
    with Server(Acts(*acts), stall=60.0, retry_after=retry_after, retry_after_ms=1) as server:
        yield Call(Site(server.host, server.port, timeout), number=7), server


def through_streams(ask: Callable[[Call], Any]) -> Ask:
    def run(call: Call) -> bytes:
        async def main() -> bytes:
            return await ask(call)  # type: ignore[no-any-return]

        return asyncio.run(main())

    return run


def observed(ask: Ask) -> Ask:
    """The client with guards of its own, which let an attempt take half as long as the client would."""

    def run(call: Call) -> bytes:
        with Observed(call.site.timeout / 2):
            return ask(call)

    return run


def refused(ask: Ask, call: Call) -> HTTPError | StatusError:
    """Make the call, which is answered with a status that says no, and return the error it raises."""
    try:
        ask(call)
    except (HTTPError, StatusError) as error:
        return error
    raise AssertionError("the call went through")


BARE = [
    pytest.param(ask_with_urllib, id="urllib"),
    pytest.param(through_streams(ask_with_streams), id="streams"),
]
GUARDED = [
    pytest.param(ask_with_urllib_and_retry, id="urllib-retry"),
    pytest.param(through_streams(ask_with_streams_and_retry), id="streams-retry"),
    pytest.param(observed(ask_with_urllib_under_policy), id="urllib-policy"),
    pytest.param(observed(through_streams(ask_with_streams_under_policy)), id="streams-policy"),
]


@pytest.mark.parametrize("ask", BARE + GUARDED)
def test_an_answer_is_given_back_whole_and_takes_one_attempt(ask: Ask) -> None:
    with call_to(Behaviour.ANSWER) as (call, server):
        assert ask(call) == body_of(7)
        assert call.attempts == 1
    assert server.acted == {Behaviour.ANSWER: 1}


@pytest.mark.parametrize("ask", BARE)
@pytest.mark.parametrize(
    ("act", "status", "hint"),
    [
        (Behaviour.BUSY, 503, ("retry-after-ms", "1")),
        (Behaviour.PAUSE, 503, ("retry-after", "0")),
        (Behaviour.LIMITED, 429, ("retry-after-ms", "1")),
        (Behaviour.DOWN, 503, None),
        (Behaviour.MISSING, 404, None),
    ],
)
def test_a_status_comes_out_as_an_error_with_its_headers(
    ask: Ask, act: Behaviour, status: int, hint: tuple[str, str] | None
) -> None:
    with call_to(act) as (call, _):
        error = refused(ask, call)
    headers = {name.lower(): value for name, value in error.headers.items()}
    assert error.status == status
    assert headers.keys() - {"content-length", "connection"} == ({hint[0]} if hint else set())
    assert hint is None or headers[hint[0]] == hint[1]
    assert call.attempts == 1


def test_an_http_error_of_urllib_is_an_open_response_and_gets_closed() -> None:
    with call_to(Behaviour.DOWN) as (call, _), pytest.raises(HTTPError) as caught:
        ask_with_urllib(call)
    assert caught.value.closed


@pytest.mark.parametrize("ask", BARE)
def test_a_reset_comes_out_as_a_reset(ask: Ask) -> None:
    with call_to(Behaviour.RESET) as (call, _), pytest.raises(ConnectionResetError):
        ask(call)


@pytest.mark.parametrize("ask", BARE)
def test_a_truncated_body_is_an_error_and_never_an_answer(ask: Ask) -> None:
    with call_to(Behaviour.TRUNCATED) as (call, _):
        try:
            ask(call)
        except (IncompleteRead, asyncio.IncompleteReadError) as error:
            assert error.partial == body_of(7)[: len(body_of(7)) // 2]
        else:
            raise AssertionError("half a body was taken for an answer")


@pytest.mark.parametrize("ask", BARE)
def test_a_stalled_answer_is_cut_by_the_clients_own_timeout(ask: Ask) -> None:
    with call_to(Behaviour.STALL, timeout=0.05) as (call, _), pytest.raises(TimeoutError):
        ask(call)


@pytest.mark.parametrize("ask", BARE)
def test_a_whole_answer_with_the_wrong_content_is_no_answer(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "body_of", lambda call: body_of(call)[::-1])
    with call_to() as (call, _), pytest.raises(WrongAnswerError, match=r"call 7 was answered with \d+ wrong bytes"):
        ask(call)


@pytest.mark.parametrize("ask", GUARDED)
@pytest.mark.parametrize(
    "act", [act for act in Behaviour if act not in (Behaviour.ANSWER, Behaviour.MISSING, Behaviour.STALL)]
)
def test_holdfast_recovers_from_every_kind_of_trouble(ask: Ask, act: Behaviour) -> None:
    with call_to(act) as (call, server):
        assert ask(call) == body_of(7)
        assert call.attempts == 2
    assert server.acted == {act: 1, Behaviour.ANSWER: 1}


@pytest.mark.parametrize("ask", GUARDED)
def test_holdfast_recovers_from_a_stall(ask: Ask) -> None:
    with call_to(Behaviour.STALL, timeout=0.3) as (call, _):
        assert ask(call) == body_of(7)
        assert call.attempts >= 2


def active() -> int:
    return get_bulkhead_registry().get(NAME).stats.active


def test_a_blocking_attempt_that_is_cut_short_counts_and_keeps_its_permit_until_the_client_gives_it_up() -> None:
    with Observed(0.2) as guards:
        with call_to(Behaviour.STALL, timeout=30.0) as (call, _):
            assert ask_with_urllib_under_policy(call) == body_of(7)
            assert call.attempts == 2
            assert (call.site.crowd.now, active()) == (1, 1)
            report = guards.report()
            assert (report.cut_short, report.most_left_behind, report.left_behind) == (1, 1, 1)
        guards.see_out(30.0)  # the server was stopped, so the client has given it up
        report = guards.report()
        assert (report.cut_short, report.most_left_behind, report.left_behind) == (1, 1, 0)
        assert call.site.crowd.now == 0


def test_an_attempt_over_streams_that_is_cut_short_is_over() -> None:
    with Observed(0.2) as guards, call_to(Behaviour.STALL, timeout=5.0) as (call, _):
        assert through_streams(ask_with_streams_under_policy)(call) == body_of(7)
        assert call.attempts == 2
        assert (call.site.crowd.now, active()) == (0, 0)
        report = guards.report()
        assert (report.cut_short, report.most_left_behind, report.left_behind) == (1, 0, 0)


def test_the_lines_that_are_shown_are_those_that_do_it() -> None:
    """But for their layout, and the names and docstrings of the functions."""
    source = "".join(inspect.getsource(clients_module).split())
    policy, decorator, definition, body = (
        "".join(part.split())
        for part in re.fullmatch(r"(POLICY.*?\))\n\n(@.*?)\n(def .*?)\n(.*)", IN_CODE, re.DOTALL).groups()  # type: ignore[union-attr]
    )
    assert policy in source
    function = "".join(inspect.getsource(ask_with_urllib_under_policy).split())
    assert function.startswith(decorator + definition.replace("ask", "ask_with_urllib_under_policy"))
    assert function.endswith(body)


@pytest.mark.parametrize("ask", GUARDED)
def test_holdfast_does_not_ask_again_for_what_is_missing(ask: Ask) -> None:
    with call_to(Behaviour.RESET, Behaviour.MISSING) as (call, _):
        error = refused(ask, call)
    assert error.status == 404
    assert call.attempts == 2


@pytest.mark.parametrize("ask", GUARDED)
def test_holdfast_gives_up_at_once_when_the_server_asks_for_more_patience_than_there_is(ask: Ask) -> None:
    with call_to(Behaviour.PAUSE, retry_after=3600) as (call, _):
        error = refused(ask, call)
    assert error.status == 503
    assert call.attempts == 1


@pytest.mark.parametrize("ask", BARE + GUARDED)
def test_no_attempt_is_made_once_the_demonstration_was_interrupted(ask: Ask) -> None:
    call = Call(Site("127.0.0.1", 9, timeout=5.0), number=1)
    call.site.halted.set()
    with pytest.raises(Halted):
        ask(call)
    assert call.attempts == 0


@pytest.mark.parametrize("ask", BARE + GUARDED)
@pytest.mark.parametrize("act", [Behaviour.ANSWER, Behaviour.MISSING])
def test_an_attempt_is_counted_while_it_is_under_way_and_not_after_it(ask: Ask, act: Behaviour) -> None:
    with call_to(act) as (call, _):
        with suppress(HTTPError, StatusError):
            ask(call)
        assert call.site.crowd.now == 0
        assert call.site.crowd.most == 1


@pytest.mark.parametrize("ask", BARE)
def test_an_attempt_that_the_client_gave_up_is_no_longer_counted(ask: Ask) -> None:
    with call_to(Behaviour.STALL, timeout=0.15) as (call, _):
        with suppress(TimeoutError):
            ask(call)
        assert (call.site.crowd.now, call.site.crowd.most) == (0, 1)


def test_a_crowd_knows_how_many_there_were_at_once() -> None:
    crowd = Crowd()
    with crowd:
        with crowd, crowd:
            assert crowd.now == 3
        with crowd:
            assert (crowd.now, crowd.most) == (2, 3)
    assert (crowd.now, crowd.most) == (0, 3)


def test_urllib_asks_loopback_directly_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with call_to() as (call, _):
        assert ask_with_urllib(call) == body_of(7)
