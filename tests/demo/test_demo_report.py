"""What is shown: strips that move on a terminal, still ones elsewhere, tables, honest sentences, and JSON."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import pytest
from hypothesis import given, strategies as st

from holdfast import CircuitState, ErrorCode, disabled
from holdfast.demo import SCENARIOS, Plan, render_json, render_report, screen
from holdfast.demo.clients import POLICY
from holdfast.demo.observed import CALLS, ERRORS, MOVES, PERMITS, RETRIED, TIMEOUTS, GuardsReport
from holdfast.demo.plan import Protection
from holdfast.demo.result import PENDING, Fate, Outcome, Result
from holdfast.demo.script import Phase
from holdfast.demo.strips import cells
from holdfast.demo.tables import table

ESCAPE = "\x1b"
PLAN = Plan(seed=7, calls=100, gap=0.01, outage=range(20, 70))


class Terminal(io.StringIO):
    """A stream that says it is a terminal of some encoding."""

    def __init__(self, encoding: str | None = "utf-8") -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str | None:  # type: ignore[override]
        return self._encoding

    def isatty(self) -> bool:
        return True


def result(
    run: int = 1, *, answered: int = 50, recovered: int = 45, refused: int = 0, pending: int = 0, **lost_to: int
) -> Result:
    """A made-up run: its calls in the order of the arguments, each ended after a millisecond, refusals much faster."""
    fates = [Fate(Outcome.ANSWERED, 1, 0.001)] * answered + [Fate(Outcome.RECOVERED, 2, 0.001)] * recovered
    for cause, count in lost_to.items():
        fates += [Fate(Outcome.LOST, 1, 0.001, cause)] * count
    fates += [Fate(Outcome.REFUSED, 0, 0.00005, "CircuitOpenError")] * refused + [PENDING] * pending
    guards = GuardsReport(
        counts={
            CALLS: {("success",): 50, ("failure",): 7, ("abandoned",): 3, ("rejected",): refused},
            MOVES: {("closed", "open"): 1, ("half_open", "open"): 1, ("half_open", "closed"): 1},
            RETRIED: {("retried",): 20},
            TIMEOUTS: {("timed_out",): 4},
            PERMITS: {("completed",): 60},
            ERRORS: {
                ("TRANSIENT", "TIMEOUT"): 4,
                ("PERMANENT", "NOT_FOUND"): 1,
                ("TRANSIENT", "CONNECTION_RESET" if SCENARIOS[run].door == "threads" else "INCOMPLETE_READ"): 2,
            },
        },
        state=CircuitState.CLOSED,
        queued=9,
        most_left_behind=2 if SCENARIOS[run].door == "threads" else 0,
        left_behind=0,
        worst_health="unhealthy",
        health="healthy",
    )
    return Result(
        scenario=SCENARIOS[run],
        fates=tuple(fates),
        requests={Phase.ROUGH: 20, Phase.OUTAGE: 50 - refused, Phase.WELL: 30},
        most_at_once=6,
        seconds=1.234,
        guards=guards if SCENARIOS[run].protection is Protection.POLICY else None,
        stalled=frozenset({1, 98, 99}),
    )


def shown(stream: io.StringIO, environ: dict[str, str]) -> str:
    """All that is shown of one run that ends in three steps."""
    watcher = screen(stream, environ)
    watcher.begin(PLAN)
    for answered in (10, 60, 80):
        watcher.progress(result(answered=answered, recovered=0, pending=100 - answered))
    watcher.finished(result(2, recovered=40, refused=5, **{"HTTP 404": 5}))
    return stream.getvalue()


def test_no_terminal_gets_one_plain_line_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(io.StringIO(), {})
    assert ESCAPE not in text
    assert "\r" not in text
    assert text.splitlines()[-1].split("  ")[0] == "threads, policy"
    assert text.splitlines()[-1].endswith(" 10 lost")


def test_a_dumb_terminal_gets_plain_lines_too() -> None:
    assert shown(Terminal(), {"TERM": "dumb"}).count("\n") == shown(io.StringIO(), {}).count("\n")
    assert "\r" not in shown(Terminal(), {"TERM": "dumb"})


def test_a_terminal_gets_coloured_strips_drawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"TERM": "xterm", "WT_SESSION": "1"})
    last = text.split("\r")[-1]
    assert text.count("\r") == 4
    assert last.endswith("\n")
    for painted in ("[32m█", "[33m▓", "[31m×", "[36m○"):
        assert f"{ESCAPE}{painted}" in last
    assert "░" not in last
    assert f"{ESCAPE}[2m░" in text


def test_the_signs_are_explained_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"NO_COLOR": "1"})
    legend = "█ answered   ▓ after a retry   × lost   ○ refused, and so lost   ░ under way"
    assert legend in text.split("\r")[0]


def test_no_color_means_strips_without_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"TERM": "xterm", "WT_SESSION": "1", "NO_COLOR": "1"})
    assert ESCAPE not in text
    assert text.count("\r") == 4


def test_an_old_windows_console_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.demo.strips.os.name", "nt")
    assert ESCAPE not in shown(Terminal(), {})


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", None])
def test_a_terminal_that_cannot_show_blocks_gets_ascii_strips(encoding: str | None) -> None:
    text = shown(Terminal(encoding), {"NO_COLOR": "1"})
    assert text.isascii()
    assert "####" in text


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200])
def test_a_strip_fits_in_its_line_so_that_it_is_drawn_in_place(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    strips = shown(Terminal(), {"NO_COLOR": "1"}).split("\r")[1:]
    assert max(len(strip.rstrip("\n")) for strip in strips) < max(columns, 31)


def test_the_ruler_shows_where_in_the_strips_the_outage_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    stream = io.StringIO()
    screen(stream, {}).begin(PLAN)
    ruler = stream.getvalue().splitlines()[-1]
    strip = ruler[len("threads, policy  ") :]
    assert (strip.index("["), strip.index("]")) == (20, 69)
    assert "outage" in strip[20:70]


def test_the_policy_is_shown_as_it_stands_in_the_code_and_as_it_describes_itself() -> None:
    stream = io.StringIO()
    screen(stream, {}).begin(PLAN)
    text = stream.getvalue()
    assert '    @with_resilience("demo", POLICY)\n    def ask(call: Call) -> bytes:\n' in text
    described = POLICY.describe()
    assert " ".join(described.split()) in " ".join(text.split())
    before, _, after = text.partition(described.splitlines()[2])
    assert before
    assert after, "what fits in a line is as it is"


def test_it_says_so_if_holdfast_is_switched_off() -> None:
    on, off = io.StringIO(), io.StringIO()
    screen(on, {}).begin(PLAN)
    with disabled():
        screen(off, {}).begin(PLAN)
    words = "but holdfast is switched off here, so nothing is guarded"
    assert words in " ".join(off.getvalue().split())
    assert words not in " ".join(on.getvalue().split())


@pytest.mark.parametrize("columns", [80, 100])
def test_all_that_is_shown_first_fits_on_a_terminal(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    stream = io.StringIO()
    screen(stream, {}).begin(PLAN)
    assert max(len(line) for line in stream.getvalue().splitlines()) < columns


outcomes = st.lists(st.sampled_from(Outcome), min_size=1, max_size=300)


@given(outcomes, st.integers(1, 60))
def test_a_strip_is_always_of_the_same_length_and_shows_nothing_that_is_not_there(
    happened: list[Outcome], width: int
) -> None:
    width = min(width, len(happened))
    drawn = cells([Fate(outcome) for outcome in happened], width)
    assert len(drawn) == width
    assert set(drawn) <= set(happened)
    if width == len(happened):
        assert drawn == happened


ALL = [
    result(0, answered=30, recovered=0, **{"HTTP 503": 70}),
    result(1, answered=30, recovered=69, **{"HTTP 404": 1}),
    result(2, answered=30, recovered=19, refused=40, **{"HTTP 404": 11}),
    result(3, answered=30, recovered=0, **{"HTTP 503": 70}),
    result(4, answered=30, recovered=67, **{"HTTP 404": 1, "ConnectionResetError": 2}),
    result(5, answered=30, recovered=20, refused=40, **{"HTTP 404": 10}),
]


def test_the_tables_have_a_row_per_run_and_aligned_columns() -> None:
    callers, server = render_report(ALL, PLAN).split("\n\n")[:2]
    for table_of in (callers, server):
        lines = table_of.strip("\n").splitlines()
        assert len(lines) == 6 + 2
        assert len({len(line) for line in lines}) == 1
        assert max(len(line) for line in lines) <= 79
    assert callers.splitlines()[5].split() == ["threads,", "policy", "30", "19", "51", "40", "1", "ms"]
    assert server.splitlines()[-1].split() == ["tasks,", "policy", "60", "10", "6", "9"]
    assert ESCAPE not in render_report(ALL, PLAN)


def test_the_metrics_have_a_column_per_door_and_their_own_names() -> None:
    metrics, health = render_report(ALL, PLAN).split("\n\n")[2:4]
    assert metrics.splitlines() == [
        "the metrics                                              threads  tasks",
        "-----------------------------------  ------------------  -------  -----",
        "circuit_breaker_calls_total          success                  50     50",
        "                                     failure                   7      7",
        "                                     abandoned                 3      3",
        "                                     rejected                 40     40",
        "circuit_breaker_state_changes_total  closed > open             1      1",
        "                                     half_open > open          1      1",
        "                                     half_open > closed        1      1",
        "retry_attempts_total                 retried                  20     20",
        "timeout_operations_total             timed_out                 4      4",
        "bulkhead_executions_total            completed                60     60",
        "errors_total PERMANENT               NOT_FOUND                 1      1",
        "errors_total TRANSIENT               TIMEOUT                   4      4",
        "                                     CONNECTION_RESET          2      0",
        "                                     INCOMPLETE_READ           0      2",
    ]
    assert health == "get_health_status(): unhealthy in the outage, healthy in the end"


def test_metrics_with_the_longest_codes_there_are_fit_on_a_terminal() -> None:
    longest = max(ErrorCode, key=len)
    last = ALL[2]
    assert last.guards is not None
    counts = dict(last.guards.counts)
    counts[ERRORS] = {("CONFIGURATION", longest): 123_456}
    text = render_report([*ALL[:2], replace(last, guards=last.guards._replace(counts=counts)), *ALL[3:]], PLAN)
    assert f"errors_total CONFIGURATION           {longest}" in text
    assert max(len(line) for line in text.splitlines()) <= 90


@pytest.mark.parametrize(
    ("worst", "end", "told"),
    [
        ("degraded", "healthy", "unhealthy (threads) and degraded (tasks) in the outage, healthy in the end"),
        (None, "degraded", "unhealthy (threads) and not looked at (tasks) in the outage, healthy (threads) and degraded (tasks) in the end"),
    ],
)  # fmt: skip
def test_health_is_told_for_each_door_if_it_differs(worst: str | None, end: str, told: str) -> None:
    last = ALL[5]
    assert last.guards is not None
    last = replace(last, guards=last.guards._replace(worst_health=worst, health=end))
    assert render_report([*ALL[:5], last], PLAN).split("\n\n")[3] == f"get_health_status(): {told}"


def test_the_conclusion_gives_the_numbers_of_the_runs() -> None:
    told = render_report(ALL, PLAN).split("\n\n")[4:]
    bare, retry, guarded, stalls, metrics = (" ".join(part.split()) for part in told)
    assert max(len(line) for part in told for line in part.splitlines()) <= 79
    assert bare == "Without holdfast 140 of 200 calls were lost."
    assert retry == (
        "With a retry alone 4 were lost (2 to HTTP 404, never retried, 2 to ConnectionResetError). But in the outage "
        "the server got 100 requests instead of 100, up to 6 at once, and a caller then waited 1 ms (median)."
    )
    assert guarded == (
        "With circuit breaker, bulkhead and timeout besides, all in one policy, it got 20, and never more than 6 at "
        "once. The price: 101 were lost (80 to CircuitOpenError, 21 to HTTP 404, never retried). In return, who was refused knew it in 50 us "
        "(median). The circuits opened 4 times; 2 of 2 were closed in the end, and 0 of the 60 calls after the outage "
        "were answered."
    )
    assert stalls == (
        "Of the calls at which the server stalled, 2 of 6 (median wait 1 ms) were answered without holdfast, 3 of 6 "
        "(median wait 1 ms) with a retry alone, and 2 of 6 (median wait 50 us) under the policy, whose timeout cut 8 "
        "attempts short after 200 ms. By that at most 2 in threads and none in tasks were left behind at the same time, "
        "still running; in the end none. The longest call took 1 ms of the 4.0 s that it may take."
    )
    assert metrics == (
        "By the metrics the circuits let 120 attempts pass; the server counted 120 requests. prometheus_text() gives "
        "Prometheus these metrics, and get_health_status() is for a health endpoint."
    )


@pytest.mark.parametrize(
    ("left_behind", "words"), [(0, "still running; in the end none."), (3, "still running; in the end 3.")]
)
def test_the_conclusion_tells_what_is_left_behind_in_the_end(left_behind: int, words: str) -> None:
    last = result(2)
    assert last.guards is not None
    counts = dict(last.guards.counts)
    counts[TIMEOUTS] = {("timed_out",): 1}
    last = replace(last, guards=last.guards._replace(left_behind=left_behind, counts=counts))
    text = " ".join(render_report([result(0), result(1), last], PLAN).split())
    assert words in text
    assert "whose timeout cut 1 attempt short" in text


@pytest.mark.parametrize(("lost", "words"), [(0, "none was lost."), (1, "1 was lost (1 to TimeoutError).")])
def test_the_conclusion_counts_none_one_and_many(lost: int, words: str) -> None:
    causes = {"TimeoutError": lost} if lost else {}
    text = render_report([result(0), result(1, recovered=50 - lost, **causes), result(2)], PLAN)
    assert f"With a retry alone {words}" in " ".join(text.split())
    assert "In return" not in text, "nobody was refused"


def test_json_has_the_plan_and_a_row_per_run() -> None:
    told = json.loads(render_json(ALL, PLAN))
    assert told["plan"] == {
        "seed": 7,
        "calls": 100,
        "gap": 0.01,
        "outage": [20, 70],
        "pace": 0.03,
        "timeout": 0.4,
        "retry_after": 1,
        "retry_after_ms": 150,
    }
    assert told["runs"][5] == {
        "run": "tasks, policy",
        "door": "tasks",
        "client": "asyncio streams",
        "protection": "policy",
        "calls": 100,
        "attempts": 80,
        "answered": 30,
        "recovered": 20,
        "lost": 50,
        "refused": 40,
        "lost_to": {"HTTP 404": 10, "CircuitOpenError": 40},
        "answered_after_outage": 0,
        "wait_in_outage": 0.001,
        "requests": {"rough": 20, "outage": 10, "well": 30},
        "most_at_once": 6,
        "stalls": {"calls": 3, "answered": 1, "wait": 0.00005},
        "longest_wait": 0.001,
        "guards": {
            "opened": 2,
            "state": "CLOSED",
            "refused": 40,
            "refusal": 0.00005,
            "queued": 9,
            "attempt_timeout": 0.2,
            "cut_short": 4,
            "most_left_behind": 0,
            "left_behind": 0,
            "worst_health": "unhealthy",
            "health": "healthy",
            "metrics": {
                "circuit_breaker_calls_total": {"success": 50, "failure": 7, "abandoned": 3, "rejected": 40},
                "circuit_breaker_state_changes_total": {"closed open": 1, "half_open open": 1, "half_open closed": 1},
                "retry_attempts_total": {"retried": 20},
                "timeout_operations_total": {"timed_out": 4},
                "bulkhead_executions_total": {"completed": 60},
                "errors_total": {"TRANSIENT TIMEOUT": 4, "PERMANENT NOT_FOUND": 1, "TRANSIENT INCOMPLETE_READ": 2},
            },
        },
        "seconds": 1.234,
    }
    assert told["runs"][0]["guards"] is None
    assert [run["run"] for run in told["runs"]] == [scenario.name for scenario in SCENARIOS]


def test_a_table_refuses_a_row_with_a_cell_too_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["1", "2", "3"]])
