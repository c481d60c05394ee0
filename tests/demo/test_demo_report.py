"""What is shown: bars on a terminal, plain lines elsewhere, a table, an honest sentence, and JSON."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from holdfast.demo import SCENARIOS, Plan, Result, render_json, render_report, screen
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
    run: int = 1, *, answered: int = 50, recovered: int = 45, lost: int = 5, calls: int = 100, **lost_to: int
) -> Result:
    return Result(
        scenario=SCENARIOS[run],
        calls=calls,
        attempts=answered + 2 * recovered + lost,
        answered=answered,
        recovered=recovered,
        lost=lost,
        lost_to=lost_to,
        seconds=1.234,
    )


def shown(stream: io.StringIO, environ: dict[str, str]) -> str:
    """All that is shown of one run that ends in three steps."""
    watcher = screen(stream, environ)
    watcher.begin(PLAN)
    for answered in (10, 60, 80):
        watcher.progress(result(answered=answered, recovered=0, lost=0))
    watcher.finished(result())
    return stream.getvalue()


def test_no_terminal_gets_plain_lines_without_escape_codes() -> None:
    text = shown(io.StringIO(), {})
    assert ESCAPE not in text
    assert "\r" not in text
    assert text.splitlines()[-2:] == [
        "threads, holdfast   60/100    0 recovered    0 lost   1.2 s",
        "threads, holdfast  100/100   45 recovered    5 lost   1.2 s",
    ]


def test_every_run_is_told_at_half_time_and_at_its_end() -> None:
    stream = io.StringIO()
    watcher = screen(stream, {})
    for _ in range(2):
        for answered in (49, 50, 51):
            watcher.progress(result(answered=answered, recovered=0, lost=0))
        watcher.finished(result())
    assert [line.split()[2] for line in stream.getvalue().splitlines()] == ["50/100", "100/100"] * 2


def test_a_dumb_terminal_gets_plain_lines_too() -> None:
    assert shown(Terminal(), {"TERM": "dumb"}) == shown(io.StringIO(), {})


def test_a_terminal_gets_coloured_bars_drawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"TERM": "xterm", "WT_SESSION": "1"})
    last = text.split("\r")[-1]
    assert text.count("\r") == 4
    assert last.endswith("\n")
    assert f"{ESCAPE}[32m█" in last
    assert f"{ESCAPE}[33m▓" in last
    assert f"{ESCAPE}[31m×" in last
    assert "░" not in last
    assert last.count(f"{ESCAPE}[0m") == 3


def test_the_signs_are_explained_before_they_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"NO_COLOR": "1"})
    assert "█ answered at once   ▓ recovered by a retry   × lost   ░ under way" in text.split("\r")[0]


def test_no_color_means_bars_without_escape_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = shown(Terminal(), {"TERM": "xterm", "WT_SESSION": "1", "NO_COLOR": "1"})
    assert ESCAPE not in text
    assert text.count("\r") == 4


def test_an_old_windows_console_gets_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("holdfast.demo.report.os.name", "nt")
    assert ESCAPE not in shown(Terminal(), {})


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", None])
def test_a_terminal_that_cannot_show_blocks_gets_ascii_bars(encoding: str | None) -> None:
    text = shown(Terminal(encoding), {"NO_COLOR": "1"})
    assert text.isascii()
    assert "####" in text


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 100, 200])
def test_a_bar_fits_in_its_line_so_that_it_is_drawn_in_place(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    bars = shown(Terminal(), {"NO_COLOR": "1"}).split("\r")[1:]
    assert max(len(bar.rstrip("\n")) for bar in bars) < max(columns, 30)


counts = st.integers(min_value=0, max_value=500)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # the machine may stutter
@given(counts, counts, counts, counts)
def test_a_bar_is_always_of_the_same_length_and_shows_whatever_there_is(
    answered: int, recovered: int, lost: int, pending: int
) -> None:
    from holdfast.demo.report import _lengths

    calls = answered + recovered + lost + pending or 1
    state = result(answered=answered, recovered=recovered, lost=lost, calls=calls)
    lengths = _lengths(state, 20)
    assert sum(lengths) == 20
    assert [length > 0 for length in lengths] == [part > 0 for part in (answered, recovered, lost, calls - state.done)]


ALL = [
    result(0, answered=30, recovered=0, lost=70, **{"HTTP 503": 70}),
    result(1, answered=30, recovered=69, lost=1, **{"HTTP 404": 1}),
    result(2, answered=30, recovered=0, lost=70, **{"HTTP 503": 70}),
    result(3, answered=30, recovered=67, lost=3, **{"HTTP 404": 1, "ConnectionResetError": 2}),
]


def test_the_table_has_a_row_per_run_and_aligned_columns() -> None:
    lines = render_report(ALL).splitlines()
    assert lines[1].split() == ["run", "client", "calls", "attempts", "recovered", "lost", "time"]
    assert lines[3] == "threads, bare      urllib             100       100          0    70  1.2 s"
    assert [line.split(",")[0] for line in lines[3:7]] == ["threads", "threads", "tasks", "tasks"]
    assert len({len(line) for line in lines[1:7]}) == 1
    assert ESCAPE not in render_report(ALL)


def test_the_conclusion_gives_the_numbers_of_the_runs() -> None:
    assert " ".join(render_report(ALL).split("\n\n")[-1].split()) == (
        "Without holdfast 140 of 200 calls were lost. With it 136 of the 140 calls that failed at first were recovered "
        "and 4 were lost (2 to HTTP 404, never retried, 2 to ConnectionResetError)."
    )


@pytest.mark.parametrize(
    ("lost", "words"), [(0, "recovered and none was lost."), (1, "recovered and 1 was lost (1 to TimeoutError).")]
)
def test_the_conclusion_counts_none_one_and_many(lost: int, words: str) -> None:
    causes = {"TimeoutError": lost} if lost else {}
    text = render_report([result(0), result(1, recovered=50 - lost, lost=lost, **causes)])
    assert " ".join(text.split()).endswith(words)


def test_json_has_the_plan_and_a_row_per_run() -> None:
    told = json.loads(render_json(ALL, PLAN))
    assert told["plan"] == {
        "seed": 7,
        "calls": 100,
        "gap": 0.01,
        "outage": [20, 70],
        "timeout": 0.4,
        "retry_after": 1,
        "retry_after_ms": 150,
    }
    assert told["runs"][3] == {
        "run": "tasks, holdfast",
        "door": "tasks",
        "client": "asyncio streams",
        "holdfast": True,
        "calls": 100,
        "attempts": 167,
        "answered": 30,
        "recovered": 67,
        "lost": 3,
        "lost_to": {"HTTP 404": 1, "ConnectionResetError": 2},
        "seconds": 1.234,
    }
    assert [run["run"] for run in told["runs"]] == [scenario.name for scenario in SCENARIOS]


def test_a_table_refuses_a_row_with_a_cell_too_many() -> None:
    with pytest.raises(ValueError, match="zip"):
        table(["a", "b"], [["1", "2", "3"]])
