"""The tables are right: each promise has tests that are there, each is broken on purpose, and the page tells it all."""

from __future__ import annotations

import ast
import re
import runpy
from functools import cache
from pathlib import Path

import pytest
from tests.schedules.scenarios import SCENARIOS

from . import __main__ as command
from .book import ROOT, Promise, Sabotage, promises, sabotages
from .running import Run

WRITER = ROOT / "docs" / "explanation" / "write_promises.py"
PAGE = ROOT / "docs" / "explanation" / "promises.md"


@cache
def named_in(path: Path) -> frozenset[str]:
    """The names of the tests in a file, found without running it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, kinds) and node.name.startswith("test_"))


def test_there_are_forty_promises_in_their_order_each_with_clauses_and_each_clause_with_tests() -> None:
    table = promises()
    assert [promise.number for promise in table] == list(range(1, 41))
    for promise in table:
        assert promise.says.endswith(".")
        assert promise.clauses
        for clause in promise.clauses:
            assert clause.says.endswith((".", ":"))
            assert clause.tests, f"promise {promise.number}: nothing proves: {clause.says}"


@pytest.mark.parametrize("promise", promises(), ids=lambda promise: str(promise.number))
def test_each_test_that_is_named_exists(promise: Promise) -> None:
    for test in promise.tests:
        path, _, name = test.partition("::")
        assert (ROOT / path).is_file(), f"{path} is not there any more; say in promises.toml where its tests are"
        assert name in named_in(ROOT / path), f"{path} has no {name} any more; say in promises.toml what proves it now"


def test_each_scenario_that_is_named_exists_and_proves_some_promise() -> None:
    named = [name for promise in promises() for clause in promise.clauses for name in clause.schedules]
    assert set(named) <= SCENARIOS.keys(), "promises.toml names scenarios that `python -m tests.schedules` has not"


def test_each_test_that_names_a_promise_is_listed_with_it() -> None:
    listed = {promise.number: promise.tests for promise in promises()}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for name in sorted(named_in(path)):
            found = re.match(r"test_promise_(\d+)_(?:and_(\d+)_)?", name)
            for number in found.groups() if found else ():
                if number is not None:
                    test = f"{path.relative_to(ROOT).as_posix()}::{name}"
                    assert test in listed[int(number)], f"list {test} in promises.toml, with a clause that it proves"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == runpy.run_path(str(WRITER))["page"](), f"run: python {WRITER.name}"


def test_the_page_tells_every_promise_and_leads_to_each_of_its_tests() -> None:
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    for promise, section in zip(promises(), sections, strict=True):
        assert section.startswith(f"{promise.number}. {promise.says}\n")
        assert sorted(re.findall(r"\]\(\.\./\.\./([^)]+)\)", section)) == sorted(
            test.partition("::")[0] for clause in promise.clauses for test in clause.tests
        )


def test_each_promise_is_broken_on_purpose() -> None:
    assert {each.promise for each in sabotages()} == {promise.number for promise in promises()}


@pytest.mark.parametrize("sabotage", sabotages(), ids=lambda each: f"{each.promise}-{each.file}")
def test_each_sabotage_finds_its_text_exactly_once_and_leaves_python_behind(sabotage: Sabotage) -> None:
    text = sabotage.path.read_text(encoding="utf-8")
    assert text.count(sabotage.old) == 1, (
        f"sabotages.toml: this text of {sabotage.file} was changed; say there how promise {sabotage.promise} is broken "
        f"now, and run: python -m tests.promises --only {sabotage.promise}\n{sabotage.old}"
    )
    assert sabotage.new != sabotage.old
    assert not sabotage.why.endswith(".")
    ast.parse(sabotage.of(text))


# The command.


def test_a_sabotage_whose_text_is_gone_is_told_before_anything_is_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = Sabotage(7, "clock.py", "no such text", "other", "clocks that are gone")
    monkeypatch.setattr(command, "sabotages", lambda: [gone])
    monkeypatch.setattr(command, "run_tests", lambda *_: pytest.fail("nothing is to be run"))
    assert command.main([]) == 1
    assert "OUTDATED   7  clocks that are gone: clock.py has the text 0 times" in capsys.readouterr().out


def test_the_exit_code_is_1_if_a_sabotage_survives_and_0_if_all_are_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = [each for each in sabotages() if each.promise == 7]
    broken: list[int] = []
    code: int | None = None
    said = ""

    def run_tests(copy: Path, _tests: tuple[str, ...], _timeout: float) -> Run:
        texts = [(copy / "src" / "holdfast" / each.file).read_text(encoding="utf-8") for each in chosen]
        broken.append(sum(each.new in text for each, text in zip(chosen, texts, strict=True)))
        return Run(code if broken[-1] else 0, said, 0.1)

    def copy_to(place: Path) -> Path:
        for each in chosen:
            copied = place / "src" / "holdfast" / each.file
            copied.parent.mkdir(parents=True, exist_ok=True)
            copied.write_text(each.path.read_text(encoding="utf-8"), encoding="utf-8")
        return place

    monkeypatch.setattr(command, "sabotages", lambda: chosen)
    monkeypatch.setattr(command, "copy_to", copy_to)
    monkeypatch.setattr(command, "run_tests", run_tests)
    for code, said, expected, told in (  # noqa: B007  they are what the tests above seem to say
        (1, "FAILED tests/x.py::test_it[a b] - assert 1 == 2", 0, " test_it[a b] - assert 1 == 2\n"),
        (1, "ERROR tests/x.py - NameError", 1, "BROKEN"),
        (2, "", 1, "BROKEN"),
        (0, "5 passed", 1, "SURVIVED"),
        (None, "", 0, "caught (it hung)"),
    ):
        broken.clear()
        assert command.main(["--only", "7"]) == expected
        assert broken == [0] + [1] * len(chosen), "first all hold, then one is broken at a time"
        assert told in capsys.readouterr().out


def test_a_promise_that_there_is_not_cannot_be_broken(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command.main(["--only", "41"])
    assert "numbered from 1 to 40" in capsys.readouterr().err
