"""holdfast keeps what `python -m tests.conformance` asks of all libraries, through both doors; the others are not needed here."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from tests.conformance.adapters import MODULES, adapter
from tests.conformance.asking import REPRODUCTIONS, Cell, complaints, documented, reproduction, scripts, shows
from tests.conformance.labs import Door
from tests.conformance.matrix import BEGIN, END, UNSETTLED, as_json, chapters, markdown, text, write_markdown
from tests.conformance.playing import play
from tests.conformance.scenarios import SCENARIOS

COMPARISON = Path(__file__).parent.parent / "docs" / "explanation" / "comparison.md"

HOLDFAST = adapter("holdfast")
PLAYS = [(name, door) for name, scenario in SCENARIOS.items() for door in scenario.doors_of(HOLDFAST.patterns)]
SCRIPTS = scripts([library for library in MODULES if library != "holdfast"])


@pytest.mark.parametrize(("name", "door"), PLAYS, ids=lambda value: value)
def test_holdfast_keeps_what_is_expected(name: str, door: Door) -> None:
    played = play(SCENARIOS[name], HOLDFAST, door, virtual=True)
    assert played.verdict == "passed", f"{SCENARIOS[name].sentence}\nbut {played.seen}"


def test_holdfast_is_asked_everything_through_every_door_of_the_scenario() -> None:
    assert len(PLAYS) == sum(len(scenario.doors) for scenario in SCENARIOS.values())


def test_every_scenario_stands_in_one_chapter() -> None:
    shown = [scenario.name for _, scenarios in chapters() for scenario in scenarios]
    assert sorted(shown) == sorted(SCENARIOS)


@pytest.mark.parametrize(("library", "scenario", "path"), SCRIPTS, ids=[f"{s[0]}-{s[1]}" for s in SCRIPTS])
def test_a_script_is_short_stands_alone_and_ends_on_what_was_expected(library: str, scenario: str, path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    tree = ast.parse(source)
    assert scenario in SCENARIOS
    assert source.count("\n") <= 45
    assert isinstance(tree.body[-1], ast.Assert)
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert any(f"{word} {library}" in source for word in ("import", "from"))
    assert not imported & {"holdfast", "tests"}
    assert ast.get_docstring(tree)


def test_the_comparison_links_every_script_and_shows_every_sentence() -> None:
    tables = COMPARISON.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    assert {scenario.sentence for scenario in SCENARIOS.values() if scenario.sentence not in tables} == set()
    for library, scenario, path in SCRIPTS:
        assert f"[failed](../../{path.relative_to(COMPARISON.parents[2]).as_posix()})" in tables, (library, scenario)
    assert tables.count("[failed]") == len(SCRIPTS)


def test_a_failure_that_nothing_shows_and_a_script_that_shows_nothing_are_reported() -> None:
    cells = [Cell("tenacity", "own-exception", "failed", ("sync: no",)), Cell("holdfast", "own-exception", "failed")]
    shown: dict[tuple[str, str], str | LookupError] = {
        ("tenacity", "bad-delays"): "accepted",
        ("tenacity", "no-such"): "odd",
        ("tenacity", "own-exception"): LookupError("does not fail"),
    }
    found = complaints(cells[:1], {})
    assert found == ["tenacity fails own-exception, and no script shows it: sync: no"]
    found = complaints(cells, shown)
    assert [line.split(": ")[0].split(" ")[-1] for line in found] == [
        "own-exception", "bad-delays", "no-such", "own-exception",
    ]  # fmt: skip


def test_a_script_must_fail_on_its_assertion(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("assert 1 == 2, 'one is not two'\n")
    assert shows(script) == "one is not two"
    for source in ("", "raise ValueError('x')\n"):
        script.write_text(source)
        with pytest.raises(LookupError, match="does not fail on its assertion"):
            shows(script)


def test_the_matrix_is_written_between_the_marks_of_a_file(tmp_path: Path) -> None:
    library, scenario, path = SCRIPTS[0]
    cells = [Cell("holdfast", scenario, "passed"), Cell(library, scenario, "failed", ("async: x",), "as said")]
    file = tmp_path / "page.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_markdown(file, cells)
    written = file.read_text()
    assert written.startswith("before\n")
    assert written.endswith("after\n")
    assert "\nold\n" not in written
    assert "(1) |" in written
    assert "as said" in markdown(cells, file)
    assert f"| {UNSETTLED} |" in markdown([Cell("tenacity", "own-exception", "failed")], file)
    assert "FAIL" in text(cells, {})
    assert '"verdict": "failed"' in as_json(cells, {})
    assert reproduction(library, scenario) == path
    assert path.is_relative_to(REPRODUCTIONS)


def test_what_a_library_documents_is_read_from_the_script() -> None:
    assert documented("interlock", "hung-probe").startswith('"A circuit breaker without a timeout is unsafe')
    assert documented("holdfast", "hung-probe") == ""
