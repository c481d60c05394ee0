"""The runs count what really happened, through both doors, and end cleanly however they end."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from urllib.error import HTTPError, URLError

import pytest

from holdfast import CircuitState, get_breaker_registry
from holdfast.demo.clients import StatusError
from holdfast.demo.guards import BULKHEAD
from holdfast.demo.observed import CALLS, ERRORS, MOVES, NAME, PERMITS, RETRIED, TIMEOUTS, Observed
from holdfast.demo.plan import Plan, Protection, Scenario
from holdfast.demo.result import Outcome, Result
from holdfast.demo.run import DRIVERS, SCENARIOS, Traffic, cause_of, run_demo, run_scenario
from holdfast.demo.script import Behaviour, Phase, Script
from holdfast.demo.server import Server

# Every kind of trouble but a stall, so that the client's timeout can be long enough for a machine that stutters.
SMALL = Plan(
    seed=51, calls=36, gap=0.003, outage=range(30, 34), pace=0.0, timeout=5.0, retry_after=0, retry_after_ms=10
)

LONG = 2.0  # seconds that an attempt may take where that is not what is tested
UNWELL = (Behaviour.BUSY, Behaviour.PAUSE, Behaviour.DOWN, Behaviour.RESET, Behaviour.TRUNCATED)
GUARDED = [scenario for scenario in SCENARIOS if scenario.protection is Protection.POLICY]


class Notes:
    """A watcher that writes down what it is told."""

    def __init__(self, interrupt_at: int | None = None) -> None:
        self.told: list[tuple[str, str]] = []
        self.states: list[Result] = []
        self.interrupt_at = interrupt_at

    def begin(self, plan: Plan) -> None:
        self.told.append(("begin", str(plan.calls)))

    def progress(self, result: Result) -> None:
        self.states.append(result)
        if len(self.states) == self.interrupt_at:
            raise KeyboardInterrupt

    def finished(self, result: Result) -> None:
        self.told.append(("finished", result.scenario.name))


def first_meetings(plan: Plan) -> Counter[Behaviour]:
    script = Script(plan.seed, plan.outage)
    return Counter(
        script.behaviour(call=call, attempt=1, phase=script.phase(call=call, attempt=1, reached=call))
        for call in range(plan.calls)
    )


@pytest.fixture(scope="module")
def played() -> tuple[list[Result], Notes]:
    """The whole demonstration, small: all runs, over real sockets."""
    notes = Notes()
    return run_demo(SMALL, notes), notes


def test_every_scenario_is_played_and_shown_in_order(played: tuple[list[Result], Notes]) -> None:
    results, notes = played
    assert [result.scenario for result in results] == list(SCENARIOS)
    assert notes.told == [("begin", "36"), *(("finished", scenario.name) for scenario in SCENARIOS)]


def test_the_small_demonstration_meets_with_every_kind_of_trouble_but_a_stall() -> None:
    assert first_meetings(SMALL).keys() == set(Behaviour) - {Behaviour.STALL}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_stalled_answer_is_lost_bare_and_recovered_with_holdfast(scenario: Scenario) -> None:
    seed = next(seed for seed in range(1_000) if Script(seed).behaviour(call=0, attempt=1) is Behaviour.STALL)
    result = run_scenario(scenario, Plan(seed=seed, calls=1, outage=range(0), timeout=0.4), Notes())
    if scenario.protection is Protection.BARE:
        assert result.lost_to == {"TimeoutError": 1}
    else:
        assert (result.count(Outcome.RECOVERED), result.lost) == (1, 0)
    assert result.stalled == {0}
    if result.guards is not None:
        assert result.guards.cut_short >= 1
        assert (result.guards.most_left_behind >= 1) is (scenario.door == "threads")
        assert result.guards.left_behind == 0


def test_every_call_comes_to_one_end(played: tuple[list[Result], Notes]) -> None:
    for result in played[0]:
        good = result.count(Outcome.ANSWERED, Outcome.RECOVERED)
        assert good + result.lost == result.calls == SMALL.calls == result.done
        assert result.lost_to.total() == result.lost
        assert result.seconds > 0


def test_bare_calls_are_lost_exactly_as_the_script_has_it(played: tuple[list[Result], Notes]) -> None:
    met = first_meetings(SMALL)
    for result in played[0]:
        if result.scenario.protection is Protection.BARE:
            assert result.attempts == SMALL.calls == sum(result.requests.values())
            assert result.count(Outcome.RECOVERED) == 0
            assert result.count(Outcome.ANSWERED) == met[Behaviour.ANSWER]
            assert result.lost_to["HTTP 503"] == met[Behaviour.BUSY] + met[Behaviour.PAUSE] + met[Behaviour.DOWN]
            assert result.lost_to["HTTP 429"] == met[Behaviour.LIMITED]
            assert result.lost_to["HTTP 404"] == met[Behaviour.MISSING]
            assert result.lost_to["ConnectionResetError"] == met[Behaviour.RESET]


def test_with_a_retry_all_but_the_missing_ones_are_recovered(played: tuple[list[Result], Notes]) -> None:
    met = first_meetings(SMALL)
    script = Script(SMALL.seed)
    missing = sum(1 for call in range(SMALL.calls) if script.behaviour(call=call, attempt=1) is Behaviour.MISSING)
    for result in played[0]:
        if result.scenario.protection is Protection.RETRY:
            assert result.count(Outcome.ANSWERED) == met[Behaviour.ANSWER]
            assert result.lost_to == {"HTTP 404": missing}
            assert result.count(Outcome.RECOVERED) == SMALL.calls - met[Behaviour.ANSWER] - missing
            assert result.attempts > SMALL.calls


def test_what_the_guards_tell_agrees_with_what_the_callers_met(played: tuple[list[Result], Notes]) -> None:
    for result in played[0]:
        if result.scenario.protection is not Protection.POLICY:
            assert result.guards is None
            assert result.count(Outcome.REFUSED) == 0
            continue
        assert result.guards is not None
        assert result.count(Outcome.REFUSED) == result.guards.refused == result.lost_to["CircuitOpenError"]
        assert result.most_at_once <= BULKHEAD.max_concurrent
        assert result.guards.left_behind == 0
        assert len(result.refusals) <= result.guards.refused


@pytest.mark.parametrize("door", ["threads", "tasks"])
def test_an_outage_without_end_costs_the_server_less_when_there_is_a_circuit_breaker(door: str) -> None:
    """Less than the retries alone do; all calls are sent at once, so that many have passed the circuit before it opens."""
    plan = Plan(seed=1, calls=30, gap=0.0, outage=range(30), pace=0.0, timeout=5.0)
    bare, retry, guarded = (run_scenario(scenario, plan, Notes()) for scenario in SCENARIOS if scenario.door == door)
    assert bare.lost == retry.lost == guarded.lost == 30
    assert bare.requests[Phase.OUTAGE] == 30
    assert retry.requests[Phase.OUTAGE] > guarded.requests[Phase.OUTAGE]
    assert guarded.guards is not None
    assert guarded.guards.opened > 0
    assert guarded.count(Outcome.REFUSED) > 0


@pytest.mark.parametrize("scenario", GUARDED, ids=lambda scenario: scenario.name)
def test_a_call_that_an_open_circuit_refuses_never_reaches_the_server(scenario: Scenario) -> None:
    plan = Plan(calls=20, gap=0.0, outage=range(10, 20), timeout=5.0)
    with Server(Script(plan.seed, plan.outage)) as server, Observed(LONG) as guards:
        get_breaker_registry().get(NAME).force_open(hold=True)
        traffic = Traffic(scenario, plan, server, guards, Notes())
        DRIVERS[scenario](traffic)
        result = traffic.result()
        report = guards.report()
    assert not server.acted
    assert result.lost_to == {"CircuitOpenError": 20}
    assert result.guards is None, "nobody gave it what there is to tell"
    assert (report.opened, report.state, report.refused, report.admitted) == (1, CircuitState.OPEN, 20, 0)
    assert report.worst_health in {"unhealthy", "degraded"}
    assert result.most_at_once == 0
    assert len(result.refusals) == 20


@pytest.mark.parametrize("scenario", GUARDED, ids=lambda scenario: scenario.name)
def test_however_many_come_in_a_rush_no_more_are_under_way_at_once_than_there_are_permits(scenario: Scenario) -> None:
    plan = Plan(calls=40, gap=0.0, outage=range(-1, 0), pace=0.02, timeout=6.0)  # the outage is over, all is well
    result = run_scenario(scenario, plan, Notes())
    assert result.requests[Phase.WELL] == result.attempts == 40
    assert 1 <= result.most_at_once <= BULKHEAD.max_concurrent


def test_progress_never_goes_back_and_ends_with_all_calls(played: tuple[list[Result], Notes]) -> None:
    for scenario in SCENARIOS:
        done = [state.done for state in played[1].states if state.scenario is scenario]
        assert done == sorted(done)
        assert len(done) > SMALL.calls
        assert done[-1] == SMALL.calls


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_clients_count_as_many_attempts_as_the_server_saw(scenario: Scenario) -> None:
    plan = Plan(seed=8, calls=20, gap=0.0, outage=range(5, 8), pace=0.0, timeout=5.0, retry_after=0, retry_after_ms=1)
    script = Script(plan.seed, plan.outage)
    with Server(script, stall=0.0, retry_after=0, retry_after_ms=1) as server, Observed(LONG) as guards:
        traffic = Traffic(scenario, plan, server, guards, Notes())
        DRIVERS[scenario](traffic)
        result = traffic.result()
        assert result.attempts == sum(server.acted.values()) == sum(result.requests.values())


@pytest.mark.parametrize("scenario", GUARDED, ids=lambda scenario: scenario.name)
def test_the_metrics_tell_what_the_server_did(scenario: Scenario) -> None:
    """Calls, retries, rejections and errors by category and code: one for one, as the server counted them."""
    script = Script(SMALL.seed, SMALL.outage)
    with Server(script, retry_after=0, retry_after_ms=10) as server, Observed(LONG) as guards:
        traffic = Traffic(scenario, SMALL, server, guards, Notes())
        DRIVERS[scenario](traffic)
        result = traffic.result(guards.report())
    did, told = server.acted, result.guards
    assert told is not None
    assert len(did) >= 5, "there is something to tell"
    assert told.admitted == sum(did.values()) == sum(result.requests.values())
    # What is none is not among the counts, and not in a counter's `+`.
    assert told.counts == {
        CALLS: +Counter(
            {
                ("success",): did[Behaviour.ANSWER] + did[Behaviour.MISSING],
                ("failure",): sum(did[behaviour] for behaviour in UNWELL),
                ("abandoned",): did[Behaviour.LIMITED],  # says nothing of how the server is doing
                ("rejected",): result.count(Outcome.REFUSED),
            }
        ),
        MOVES: Counter(pairwise(["closed", *(state.value.lower() for state in guards.moves)])),
        RETRIED: +Counter(
            {
                ("retried",): did.total() - did[Behaviour.ANSWER] + told.refused - result.lost,
                ("gave_up",): result.lost,
            }
        ),
        TIMEOUTS: {},
        PERMITS: {("completed",): did.total()},
        ERRORS: +Counter(
            {
                ("PERMANENT", "NOT_FOUND"): did[Behaviour.MISSING],
                ("EXTERNAL", "EXTERNAL_RATE_LIMITED"): did[Behaviour.LIMITED],
                ("TRANSIENT", "EXTERNAL_UNAVAILABLE"): did[Behaviour.BUSY] + did[Behaviour.PAUSE] + did[Behaviour.DOWN],
                ("TRANSIENT", "CONNECTION_RESET"): did[Behaviour.RESET],
                ("TRANSIENT", "INCOMPLETE_READ"): did[Behaviour.TRUNCATED],
                ("TRANSIENT", "CIRCUIT_OPEN"): told.refused,
            }
        ),
    }


def threads() -> set[threading.Thread]:
    """The threads there are, but for workers that have nothing to do: those are kept for the next call."""
    return {thread for thread in threading.enumerate() if not re.fullmatch(r"holdfast-worker-\d+", thread.name)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_a_run_that_is_over_leaves_no_thread_behind(scenario: Scenario) -> None:
    before = threads()
    run_scenario(scenario, SMALL, Notes())
    assert threads() == before


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_an_interrupt_ends_the_run_and_leaves_no_thread_behind(scenario: Scenario) -> None:
    before = threads()
    plan = Plan(seed=1, calls=10, gap=0.0, outage=range(10), timeout=5.0)
    with pytest.raises(KeyboardInterrupt):
        run_scenario(scenario, plan, Notes(interrupt_at=6))
    assert threads() == before


def test_the_seconds_between_calls_are_kept() -> None:
    plan = Plan(calls=4, gap=3600.0)
    with Server(Script(seed=1)) as server, Observed(LONG) as guards:
        pauses = [pause for _, pause in Traffic(SCENARIOS[0], plan, server, guards, Notes()).schedule()]
        assert pauses == pytest.approx([0.0, 3600.0, 7200.0, 10800.0], abs=5.0)
        assert server.reached == 3


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: StatusError(503, {}), "HTTP 503"),
        (lambda: URLError(ConnectionRefusedError(111, "refused")), "ConnectionRefusedError"),
        (lambda: URLError("unknown url type"), "URLError"),
        (lambda: TimeoutError(), "TimeoutError"),
    ],
)
def test_a_lost_call_is_told_by_its_cause(make: Callable[[], Exception], cause: str) -> None:
    assert cause_of(make()) == cause


def test_an_http_error_is_told_by_its_status() -> None:
    from email.message import Message

    with HTTPError("http://127.0.0.1/", 429, "Too Many Requests", Message(), None) as error:
        assert cause_of(error) == "HTTP 429"
