"""What comes out of a guarded call, through every door: its own result or its own last error, and a note."""

from __future__ import annotations

import random
import traceback
from typing import Any

import pytest
from tests.support import Door, Script

from holdfast import (
    CircuitOpenError,
    RetryBudget,
    RetryExhaustedError,
    RetryManager,
    RetryPolicy,
    UnknownPolicyError,
    events,
    register_retry_policy,
    with_retry,
)
from holdfast.testing import VirtualClock


def test_a_call_that_succeeds_is_made_once_with_its_arguments(clock: VirtualClock) -> None:
    def service(*args: int, **kwargs: int) -> tuple[tuple[int, ...], dict[str, int]]:
        return args, kwargs

    guarded = with_retry(clock=clock)(service)
    assert guarded(1, 2, three=3) == ((1, 2), {"three": 3})
    assert guarded() == ((), {})
    assert clock.sleeps == []


def test_a_call_that_fails_for_a_moment_is_made_again(door: Door, clock: VirtualClock) -> None:
    script = Script(ConnectionResetError, TimeoutError, "fine")
    assert door.run(with_retry(clock=clock)(door.function(script)), 1, key=2) == "fine"
    assert script.calls == 3
    assert clock.sleeps == [1, 2]


@pytest.mark.parametrize(
    ("policy", "delays"),
    [
        ("default", [1, 2]),
        ("aggressive", [0.5, 1, 2, 4]),
        ("conservative", [2]),
        ("mcp", [2, 3.5, 5.75]),
        ("agent", [2, 4]),
        ("infrastructure", [5, 15]),
        ("none", []),
        ("llm", [1, 2, 4]),
        ("database", [0.05, 0.1, 0.2]),
        ("network", [0.25, 0.5, 1, 2]),
        ("api_rate_limit", [0.5, 1, 2, 4, 8]),
        ("file", [0.025, 0.05, 0.1]),
    ],
)
def test_the_delays_of_every_named_policy_are_exact(
    door: Door, clock: VirtualClock, policy: str, delays: list[float]
) -> None:
    script = Script(ConnectionResetError)
    with pytest.raises(ConnectionResetError):
        door.run(with_retry(policy, clock=clock)(door.function(script)))
    assert clock.sleeps == delays
    assert script.calls == len(delays) + 1


def test_promise_4_the_last_exception_comes_out_itself_with_its_own_traceback(door: Door, clock: VirtualClock) -> None:
    first, last = ConnectionResetError("first"), TimeoutError("last")
    with pytest.raises(TimeoutError) as caught:
        door.run(with_retry(clock=clock, max_attempts=2)(door.function(Script(first, last))))
    assert caught.value is last
    assert last.__context__ is None
    assert last.__cause__ is None
    assert traceback.extract_tb(last.__traceback__)[-1].name == "next"


def test_the_note_tells_attempts_and_delays(door: Door, clock: VirtualClock) -> None:
    with pytest.raises(ConnectionResetError) as caught:
        door.run(with_retry(clock=clock)(door.function(Script(ConnectionResetError))))
    assert caught.value.__notes__ == ["holdfast: gave up after 3 attempts (policy 'default'; waited 1 s, 2 s)"]
    with pytest.raises(ConnectionResetError) as caught:
        door.run(with_retry(clock=clock, max_attempts=8, backoff="fixed")(door.function(Script(ConnectionResetError))))
    assert "gave up after 8 attempts (policy 'default'; waited 7 times, 7 s in all)" in caught.value.__notes__[0]


def test_the_note_on_a_reused_exception_is_replaced_and_the_users_own_notes_stay(clock: VirtualClock) -> None:
    reused = ConnectionResetError()
    reused.add_note("the user's own")
    for attempts in (2, 3):
        with pytest.raises(ConnectionResetError):
            with_retry(clock=clock, max_attempts=attempts)(Door("sync").function(Script(reused)))()
    assert reused.__notes__ == [
        "the user's own",
        "holdfast: gave up after 3 attempts (policy 'default'; waited 1 s, 2 s)",
    ]
    assert reused.__context__ is None


def test_an_error_that_takes_no_notes_comes_out_all_the_same(door: Door, clock: VirtualClock) -> None:
    class FrozenError(ConnectionError):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    error = FrozenError()
    with pytest.raises(FrozenError) as caught:
        door.run(with_retry(clock=clock)(door.function(Script(error))))
    assert caught.value is error


def test_what_a_retry_cannot_help_is_not_tried_again_and_the_note_says_why(door: Door, clock: VirtualClock) -> None:
    class OddError(Exception): ...

    script = Script(OddError)
    with pytest.raises(OddError) as caught:
        door.run(with_retry(clock=clock)(door.function(script)))
    assert script.calls == 1
    assert caught.value.__notes__ == [
        f"holdfast: not retried (policy 'default'): nothing is known of {OddError.__qualname__}; "
        "name it in retry_on to have it retried"
    ]
    script = Script(ConnectionResetError, OddError)
    with pytest.raises(OddError) as caught:
        door.run(with_retry(clock=clock)(door.function(script)))
    assert "gave up after 2 attempts (policy 'default'; waited 1 s): nothing is known" in caught.value.__notes__[0]


def test_retry_on_has_an_unknown_error_retried(door: Door, clock: VirtualClock) -> None:
    class OddError(Exception): ...

    assert door.run(with_retry(retry_on=OddError, clock=clock)(door.function(Script(OddError, "fine")))) == "fine"


def test_promise_39_an_open_circuit_is_not_hammered(door: Door, clock: VirtualClock) -> None:
    script = Script(CircuitOpenError("open", name="db", retry_after=3.0))
    with pytest.raises(CircuitOpenError):
        door.run(with_retry("aggressive", clock=clock)(door.function(script)))
    assert (script.calls, clock.sleeps) == (1, [])


@pytest.mark.parametrize(
    ("asked", "max_retry_after", "sleeps", "calls"),
    [
        (0.5, 120, [1, 2], 3),  # shorter than our own delay: ours counts
        (7, 120, [7, 7], 3),
        (120, 120, [120, 120], 3),
        (121, 120, [], 1),
        (121, None, [121, 121], 3),
        (0.1, 0, [], 1),
    ],
)
def test_promise_13_a_servers_retry_after_is_a_floor_and_too_long_a_wait_fails_now(
    door: Door, clock: VirtualClock, asked: float, max_retry_after: float | None, sleeps: list[float], calls: int
) -> None:
    class BusyError(Exception):
        status_code = 503

        def __init__(self) -> None:
            self.headers = {"Retry-After": str(asked)}

    script = Script(BusyError())
    with pytest.raises(BusyError) as caught:
        door.run(with_retry(clock=clock, max_retry_after=max_retry_after)(door.function(script)))
    assert (clock.sleeps, script.calls) == (sleeps, calls)
    if calls == 1:
        assert f"the server asks to wait {asked:g} s, max_retry_after is" in caught.value.__notes__[0]


def test_promise_13_a_wait_longer_than_the_time_left_fails_now(door: Door, clock: VirtualClock) -> None:
    class BusyError(Exception):
        status_code = 429
        headers = {"retry-after-ms": "4000"}

    script = Script(BusyError())
    with pytest.raises(BusyError) as caught:
        door.run(with_retry(clock=clock, total_timeout=4)(door.function(script)))
    assert (clock.sleeps, script.calls) == ([], 1)
    assert "the next attempt is due in 4 s, total_timeout leaves 4 s" in caught.value.__notes__[0]


def test_promise_14_a_bad_result_at_the_end_is_an_error_that_holds_it(door: Door, clock: VirtualClock) -> None:
    bad = {"status": "pending"}
    final: list[tuple[Exception, int]] = []
    policy = RetryPolicy(
        name="poll",
        retry_on_result=lambda value: value["status"] == "pending",
        on_final_failure=lambda error, attempts: final.append((error, attempts)),
    )
    script = Script(bad)
    with pytest.raises(RetryExhaustedError, match=r"\(attempt 3\) is one that retry_on_result calls bad") as caught:
        door.run(with_retry(policy, clock=clock)(door.function(script)))
    assert caught.value.last_result is bad
    assert caught.value.attempts == 3
    assert final == [(caught.value, 3)]
    assert clock.sleeps == [1, 2]
    good = {"status": "done"}
    assert door.run(with_retry(policy, clock=clock)(door.function(Script(bad, ConnectionError, good)))) is good


def test_promise_6_a_result_predicate_that_raises_finds_nothing_bad(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_value: Any) -> bool:
        raise RuntimeError

    assert door.run(with_retry(retry_on_result=broken, clock=clock)(door.function(Script("value")))) == "value"
    assert "retry_on_result" in caplog.text


class Response:
    """A result that has to be given back."""

    def __init__(self, status: int, how: str) -> None:
        self.status = status
        self.closed = 0
        if how == "close":
            self.close = self._close
        elif how == "aclose":
            self.aclose = self._aclose
        elif how == "broken":
            self.close = self._broken

    def _close(self) -> None:
        self.closed += 1

    async def _aclose(self) -> None:
        self.closed += 1

    def _broken(self) -> None:
        self.closed += 1
        raise RuntimeError


@pytest.mark.parametrize("how", ["close", "aclose", "broken", "nothing"])
def test_promise_14_discarded_results_can_be_released(
    door: Door, clock: VirtualClock, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    if how == "aclose" and door.name == "sync":
        how = "close"
    responses = [Response(503, how), Response(503, how), Response(200, how)]
    policy = RetryPolicy(retry_on_result=lambda response: response.status == 503, close_discarded=True)
    result = door.run(with_retry(policy, clock=clock)(door.function(Script(*responses))))
    assert result is responses[2]
    released = int(how != "nothing")
    assert [response.closed for response in responses] == [released, released, 0]
    assert ("closing a discarded result" in caplog.text) is (how == "broken")
    left = [Response(503, how) for _ in range(3)]
    with pytest.raises(RetryExhaustedError) as caught:
        door.run(with_retry(policy.replace(close_discarded=False), clock=clock)(door.function(Script(*left))))
    assert caught.value.last_result is left[2]
    assert [response.closed for response in left] == [0, 0, 0]


def test_callbacks_are_told_every_retry_and_the_end(door: Door, clock: VirtualClock) -> None:
    told: list[Any] = []
    error = ConnectionResetError()
    guarded = with_retry(
        clock=clock,
        on_retry=lambda *args: told.append(args),
        on_final_failure=lambda *args: told.append(args),
    )(door.function(Script(error)))
    with pytest.raises(ConnectionResetError):
        door.run(guarded)
    assert told == [(error, 1, 1.0), (error, 2, 2.0), (error, 3)]


def test_promise_6_callbacks_that_raise_change_nothing_and_are_logged(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("broken callback")

    class BrokenClassifier:
        def classify(self, error: BaseException) -> Any:
            raise RuntimeError("broken classifier")

    error = ConnectionResetError()
    unsubscribe = events.subscribe(broken)
    try:
        guarded = with_retry(clock=clock, on_retry=broken, on_final_failure=broken)(door.function(Script(error)))
        with pytest.raises(ConnectionResetError) as caught:
            door.run(guarded)
        assert caught.value is error
        assert clock.sleeps == [1, 2]
        for what in ("on_retry", "on_final_failure", "listener"):
            assert what in caplog.text
        classifier: Any = BrokenClassifier()
        guarded = with_retry(clock=clock, classifier=classifier)(door.function(Script(error)))
        with pytest.raises(ConnectionResetError) as caught:
            door.run(guarded)
        assert caught.value is error
    finally:
        unsubscribe()


def test_a_classifier_that_answers_nonsense_makes_the_error_unknown(clock: VirtualClock) -> None:
    class Nonsense:
        def classify(self, error: BaseException) -> Any:
            return "transient"

    manager = RetryManager(clock=clock, classifier=Nonsense())  # type: ignore[arg-type]
    result = manager.execute(Door("sync").function(Script(ConnectionResetError)))
    assert result.context.attempt == 1


def test_a_back_off_function_that_raises_is_replaced_by_the_initial_delay(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(attempt: int) -> float:
        return 1 / attempt  # the first wait has the number 0

    guarded = with_retry(clock=clock, backoff={"type": broken, "initial_delay": 0.5})
    with pytest.raises(ConnectionResetError):
        door.run(guarded(door.function(Script(ConnectionResetError))))
    assert clock.sleeps == [0.5, 1.0]
    assert "backoff" in caplog.text


def test_each_kind_of_error_goes_through_its_own_back_off(door: Door, clock: VirtualClock) -> None:
    policy = RetryPolicy(
        max_attempts=6,
        backoff={"initial_delay": 1},
        backoff_for={TimeoutError: {"type": "linear", "initial_delay": 10, "multiplier": 10, "max_delay": 90}},
    )
    script = Script(TimeoutError, ConnectionResetError, TimeoutError, ConnectionResetError, TimeoutError, "fine")
    assert door.run(with_retry(policy, clock=clock)(door.function(script))) == "fine"
    assert clock.sleeps == [10, 1, 20, 2, 30]


def test_a_budget_is_shared_and_its_refusal_gives_the_original_error(door: Door, clock: VirtualClock) -> None:
    policy = RetryPolicy(max_attempts=9, budget=RetryBudget(ratio=0.5, min_per_second=0), backoff="fixed")
    healthy = with_retry(policy, clock=clock)(door.function(Script("fine")))
    for _ in range(3):
        door.run(healthy)
    script = Script(ConnectionResetError)
    with pytest.raises(ConnectionResetError) as caught:
        door.run(with_retry(policy, clock=clock)(door.function(script)))
    assert script.calls == 3, "four calls allow two retries"
    assert clock.sleeps == [1, 1]
    assert caught.value.__notes__ == [
        "holdfast: gave up after 3 attempts (policy 'custom'; waited 1 s, 1 s): the retry budget is used up"
    ]


def test_a_refusal_of_the_budget_is_an_event(door: Door, clock: VirtualClock) -> None:
    heard: list[Any] = []
    policy = RetryPolicy(name="broke", budget=RetryBudget(ratio=0, min_per_second=0))
    unsubscribe = events.subscribe(heard.append)
    try:
        with pytest.raises(ConnectionResetError):
            door.run(with_retry(policy, clock=clock)(door.function(Script(ConnectionResetError))))
    finally:
        unsubscribe()
    refused, stopped = heard
    assert isinstance(refused, events.RetryBudgetRefused)
    assert (refused.policy, refused.attempt) == ("broke", 1)
    assert isinstance(stopped, events.RetryStopped)
    assert stopped.reason == "the retry budget is used up"


def test_events_tell_the_kind_of_the_error_never_its_text(door: Door, clock: VirtualClock) -> None:
    heard: list[Any] = []
    unsubscribe = events.subscribe(heard.append)
    try:
        guarded = with_retry(clock=clock, max_attempts=2)(door.function(Script(ConnectionResetError("s3cret"))))
        with pytest.raises(ConnectionResetError):
            door.run(guarded, "s3cret", token="s3cret")
    finally:
        unsubscribe()
    scheduled, stopped = heard
    assert (scheduled.attempt, scheduled.delay, scheduled.error_type) == (1, 1.0, "ConnectionResetError")
    assert (scheduled.category, scheduled.code, scheduled.policy) == ("TRANSIENT", "CONNECTION_RESET", "default")
    assert (stopped.attempts, stopped.reason) == (2, "no attempt is left")
    assert "s3cret" not in repr(heard)


def test_nothing_that_is_logged_holds_arguments_results_or_the_text_of_errors(
    door: Door, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", logger="holdfast")
    guarded = with_retry(clock=clock, retry_on_result=lambda value: value == "s3cret")(
        door.function(Script(ConnectionResetError("s3cret"), "s3cret", "fine"))
    )
    assert door.run(guarded, "s3cret") == "fine"
    assert [record.name for record in caplog.records] == ["holdfast.retry"] * 2
    assert "attempt 1 of 3 failed (ConnectionResetError, CONNECTION_RESET), next in 1 s" in caplog.text
    assert "s3cret" not in caplog.text


def test_promise_40_with_30_percent_failures_and_4_attempts_more_than_98_percent_succeed(clock: VirtualClock) -> None:
    chance = random.Random(2026)

    def flaky() -> str:
        if chance.random() < 0.3:
            raise ConnectionResetError
        return "fine"

    guarded = with_retry(RetryPolicy(max_attempts=4), clock=clock)(flaky)
    succeeded = 0
    for _ in range(10_000):
        try:
            succeeded += guarded() == "fine"
        except ConnectionResetError:
            pass
    assert succeeded > 9_800
    assert succeeded < 10_000, "0.3 ** 4 of the calls have no luck in four attempts"


def test_a_name_is_bound_at_the_first_call_and_again_when_it_is_registered(door: Door, clock: VirtualClock) -> None:
    script = Script("fine")
    guarded = with_retry(f"late-{door.name}", clock=clock)(door.function(script))
    with pytest.raises(UnknownPolicyError, match="no retry policy named 'late-"):
        door.run(guarded)
    assert script.calls == 0, "nothing runs unguarded"
    register_retry_policy(RetryPolicy(name=f"late-{door.name}", max_attempts=2))
    assert door.run(guarded) == "fine"
    assert door.run(guarded) == "fine"

    def calls_made() -> int:
        failing = Script(ConnectionResetError)
        with pytest.raises(ConnectionResetError):
            door.run(again(failing))
        return failing.calls

    current: list[Script] = []

    def again(failing: Script) -> Any:
        current[:] = [failing]
        return guarded_late

    guarded_late = with_retry(f"late-{door.name}", clock=clock)(
        door.function(type("Current", (), {"next": lambda self: current[0].next()})())
    )
    assert calls_made() == 2
    register_retry_policy(RetryPolicy(name=f"late-{door.name}", max_attempts=4))
    assert calls_made() == 4
    register_retry_policy(RetryPolicy(name=f"late-{door.name}", max_attempts=9, total_timeout=3.5))
    assert calls_made() == 3, "waits of 1 and 2 seconds fit into 3.5, one of 4 does not"
    register_retry_policy(RetryPolicy(name=f"late-{door.name}", max_attempts=1))
    assert calls_made() == 1


def test_overrides_stay_on_top_of_a_name_that_changes(door: Door, clock: VirtualClock) -> None:
    name = f"overridden-{door.name}"
    register_retry_policy(RetryPolicy(name=name, max_attempts=5, backoff="fixed"))
    guarded = with_retry(name, max_attempts=2, clock=clock)
    script = Script(ConnectionResetError)
    function = guarded(door.function(script))
    with pytest.raises(ConnectionResetError):
        door.run(function)
    assert (script.calls, clock.sleeps) == (2, [1])
    register_retry_policy(RetryPolicy(name=name, max_attempts=5, backoff={"initial_delay": 7}))
    with pytest.raises(ConnectionResetError):
        door.run(function)
    assert (script.calls, clock.sleeps) == (4, [1, 7])
