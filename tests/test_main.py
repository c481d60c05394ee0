"""The command line: what each command prints, where, and with which exit code."""

from __future__ import annotations

import functools
import io
import json
import logging
import os
import runpy
import subprocess
import sys
from importlib import metadata

import pytest

import holdfast.__main__
import holdfast.demo
from holdfast import RETRY_POLICIES
from holdfast.__main__ import main
from holdfast.demo import SCENARIOS, Plan
from holdfast.demo.result import Fate, Outcome, Result
from holdfast.demo.script import Phase


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demonstration that is over in a moment."""
    small_plan = functools.partial(
        Plan, calls=5, gap=0.0, outage=range(2, 4), pace=0.0, timeout=5.0, retry_after=0, retry_after_ms=1
    )
    monkeypatch.setattr(holdfast.demo, "Plan", small_plan)
    monkeypatch.setattr(logging.getLogger("holdfast"), "handlers", [])


@pytest.mark.usefixtures("small")
def test_demo_shows_the_runs_and_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo"]) == 0
    out, err = capsys.readouterr()
    assert "(seed 1)" in out
    assert "threads, policy" in out
    assert "Without holdfast " in out
    assert "\x1b" not in out
    assert err == ""
    assert logging.getLogger("holdfast").handlers, "else what is logged would stand between the lines"


@pytest.mark.usefixtures("small")
def test_demo_takes_a_seed_and_prints_nothing_but_json_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--json", "--seed", "5"]) == 0
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["plan"]["seed"] == 5
    assert [run["calls"] for run in told["runs"]] == [5] * len(SCENARIOS)
    assert "(seed 5)" in err


@pytest.mark.parametrize(("options", "begins"), [([], "\nthe callers "), (["--json"], "{\n")])
def test_demo_ends_with_what_came_of_the_runs(
    options: list[str], begins: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The runs are made up, so that nothing but the end is printed."""

    def ended(*_: object) -> list[Result]:
        return [
            Result(
                scenario=scenario,
                fates=(Fate(Outcome.ANSWERED, 1, 0.1), Fate(Outcome.LOST, 1, 0.1, "E")),
                requests=dict.fromkeys(Phase, 1),
                most_at_once=1,
                seconds=1.0,
            )
            for scenario in SCENARIOS
        ]

    monkeypatch.setattr(holdfast.demo, "run_demo", ended)
    assert main(["demo", *options]) == 0
    out, err = capsys.readouterr()
    assert out.startswith(begins)
    assert all(scenario.name in out for scenario in SCENARIOS)
    assert err == ""


def test_demo_that_cannot_listen_on_loopback_says_so_and_exits_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(holdfast.demo, "run_demo", refused)
    assert main(["demo"]) == 1
    assert capsys.readouterr().err == (
        "the demonstration cannot run its server on loopback: [Errno 13] Permission denied\n"
    )


def test_ctrl_c_ends_with_exit_code_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(holdfast.demo, "run_demo", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "\ninterrupted\n"


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("command", [["demo"], ["demo", "--json"], ["policies"]])
def test_a_reader_that_leaves_early_ends_the_command_quietly(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w", encoding="utf-8") as nobody:
        monkeypatch.setattr(sys, "stdout", nobody)
        assert main(command) == 1
    assert "Error" not in capsys.readouterr().err


def test_policies_lists_every_named_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()[2:] if line]
    assert listed[: len(RETRY_POLICIES)] == list(RETRY_POLICIES)


def test_policies_lists_them_as_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policies", "--json"]) == 0
    assert [told["name"] for told in json.loads(capsys.readouterr().out)] == list(RETRY_POLICIES)


def test_no_command_is_wrong_usage_and_prints_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "demo" in err
    assert "policies" in err


@pytest.mark.parametrize("wrong", [["dmo"], ["demo", "--seed", "x"], ["policies", "--sed"]])
def test_wrong_usage_exits_with_2(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(wrong)
    assert ended.value.code == 2
    assert "usage: python -m holdfast" in capsys.readouterr().err


@pytest.mark.parametrize("asked", [["--help"], ["demo", "--help"], ["policies", "--help"]])
def test_help_is_printed_and_exits_with_0(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code == 0
    assert "usage: python -m holdfast" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("installed", "shown"), [("9.8.7", "holdfast 9.8.7\n"), (None, "holdfast (not installed: version unknown)\n")]
)
def test_the_version_is_that_of_the_installed_package(
    installed: str | None, shown: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        if installed is None:
            raise metadata.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == shown


def test_importing_the_package_imports_neither_the_demonstration_nor_the_command_line() -> None:
    code = "import sys, holdfast; print([name for name in sys.modules if 'demo' in name or 'argparse' in name])"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.strip() == "[]"


def test_the_package_runs_as_a_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["holdfast", "policies"])
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(holdfast.__main__.__file__), run_name="__main__")
    assert ended.value.code == 0
