"""What the README and the docs show runs: each document's Python blocks, from top to bottom, as a reader would type them."""

from __future__ import annotations

import inspect
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

import holdfast
from holdfast import (
    RETRY_POLICIES,
    BulkheadConfig,
    CircuitBreakerConfig,
    Classification,
    ErrorCategory,
    ErrorCode,
    FallbackConfig,
    HoldfastError,
    RateLimiterConfig,
    ResiliencePolicy,
    RetryPolicy,
    TimeoutConfig,
)
from holdfast.__main__ import main
from holdfast._runtime.system import SystemClock
from holdfast.records import Record
from holdfast.testing import VirtualClock

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_documents_examples_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = VirtualClock()
    monkeypatch.setattr(SystemClock, "sleep", lambda _self, duration: clock.sleep(duration))
    monkeypatch.setattr(SystemClock, "sleep_async", lambda _self, duration: clock.sleep_async(duration))
    document = Sybil(parsers=[PythonCodeBlockParser()]).parse(path)
    examples = list(document.examples())
    for example in examples:
        example.evaluate()
    text = path.read_text(encoding="utf-8")
    assert len(examples) == text.count("```python")
    # What a block prints stands in a text block after it.
    printed = capsys.readouterr().out
    for shown in re.findall(r"```text\n(.*?)```", text, flags=re.DOTALL):
        assert shown in printed


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_within_the_project_lead_somewhere(path: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#]*)#?([^)]*)\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            there = path.parent / target if target else path
            assert there.exists(), f"{path.name} links to {target}"
            assert not heading or heading in headings_of(there), f"{path.name} links to {target}#{heading}"


def headings_of(path: Path) -> list[str]:
    """What links call the headings of a document: in small letters, with hyphens for spaces, without other signs."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_readmes_table_lists_every_named_policy() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").split("## Named policies")[1].split("\n## ")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", table, flags=re.MULTILINE))
    built_in = subprocess.run(
        [sys.executable, "-c", "import holdfast; print(*holdfast.RETRY_POLICIES)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert sorted(rows) == sorted(built_in)
    for name, attempts in rows.items():
        assert RETRY_POLICIES[name].max_attempts == int(attempts)


@pytest.mark.parametrize(
    ("reference", "config"),
    [
        ("retry", RetryPolicy),
        ("circuit-breaker", CircuitBreakerConfig),
        ("bulkhead", BulkheadConfig),
        ("rate-limit", RateLimiterConfig),
        ("timeout", TimeoutConfig),
        ("resilience", ResiliencePolicy),
        ("fallback", FallbackConfig),
    ],
)
def test_the_reference_lists_every_field_and_no_other(reference: str, config: type[Record]) -> None:
    text = (ROOT / "docs" / "reference" / f"{reference}.md").read_text(encoding="utf-8")
    table = text.split("\n## Fields")[1].split("\n## ")[0]
    # A row without a default tells of another way in which a field may be given.
    rows = re.findall(r"^\| (`[^|]+`) \| [^|\s]", table, flags=re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(config._fields)


def rows_of(reference: str, heading: str) -> list[list[str]]:
    """The cells of the table below a heading of a page of the reference."""
    text = (ROOT / "docs" / "reference" / f"{reference}.md").read_text(encoding="utf-8")
    table = text.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (.*) \|$", table, flags=re.MULTILINE)
    return [re.split(r"\s*\|\s*", row) for row in rows]


def test_the_reference_lists_every_category_and_what_is_usual_for_it() -> None:
    told = {row[0]: row[1:] for row in rows_of("classification", "Categories")}
    for category in ErrorCategory:
        usual = Classification(category=category)
        expected = ["yes" if usual.retryable else "no", f"`{usual.retry_scope}`", f"`{usual.circuit_outcome}`"]
        assert told[f"`{category}`"] == expected
    assert len(told) == len(ErrorCategory) + 1  # and what stands above them


def test_the_reference_lists_every_code_once_and_every_field_of_a_classification() -> None:
    codes = re.findall(r"`(\w+)`", " ".join(row[0] for row in rows_of("classification", "Codes")))
    assert sorted(codes) == sorted(ErrorCode)
    fields = [row[0].strip("`") for row in rows_of("classification", "Fields of a classification")[1:]]
    assert fields == list(Classification._fields)


def _kinds_of(base: type[HoldfastError]) -> list[type[HoldfastError]]:
    ours = [kind for kind in base.__subclasses__() if kind.__module__ == base.__module__]
    return [base, *(below for kind in ours for below in _kinds_of(kind))]


def test_the_reference_lists_every_exception_with_what_it_is_and_carries() -> None:
    text = (ROOT / "docs" / "reference" / "exceptions.md").read_text(encoding="utf-8")
    tree = text.split("```")[1]
    kinds = _kinds_of(HoldfastError)
    assert re.findall(r"^[│├└─ ]*(\w+)", tree, flags=re.MULTILINE) == [kind.__name__ for kind in kinds]
    rows = rows_of("exceptions", "All of them")[1:]
    assert [row[0] for row in rows] == [f"`{kind.__name__}`" for kind in kinds]
    above: list[str] = []
    for kind, (_, _, attributes, code) in zip(kinds, rows, strict=True):
        names = re.findall(r"`\.(\w+)`", attributes)
        names = [*above, *names] if attributes.startswith("the same") else names
        error = kind("for the test")
        assert code == f"`{error.code}`"
        assert {*vars(error)} | {"code"} <= {*names, "code"}
        assert all(hasattr(error, name) for name in names)
        above = names


def test_the_reference_lists_every_command_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "reference" / "command-line.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^    (\w+) ", capsys.readouterr().out, flags=re.MULTILINE)
    assert commands == re.findall(r"^## `(\w+)`$", text, flags=re.MULTILINE)
    for command in commands:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        options = {*re.findall(r"--\w+", capsys.readouterr().out)} - {"--help"}
        section = text.split(f"\n## `{command}`\n")[1].split("\n## ")[0]
        assert {*re.findall(r"^\| `(--\w+)", section, flags=re.MULTILINE)} == options


def test_the_reference_says_of_all_that_takes_a_clock_that_it_does() -> None:
    told = " ".join(row[1] for row in rows_of("testing", "How each guard gets a clock"))
    for name in holdfast.__all__:
        thing = getattr(holdfast, name)
        if isinstance(thing, type) and issubclass(thing, Exception):
            continue  # not all of them have a signature
        if callable(thing) and thing is not holdfast.Clock and "clock" in inspect.signature(thing).parameters:
            assert f"`{name}`" in told, name


def test_the_reference_lists_all_of_the_clocks() -> None:
    text = (ROOT / "docs" / "reference" / "testing.md").read_text(encoding="utf-8")
    clock = text.split("\n## `holdfast.testing.VirtualClock`\n")[1].split("\n## ")[0]
    public = {name for name in dir(VirtualClock()) if not name.startswith("_")}
    arguments = set(inspect.signature(VirtualClock).parameters)
    cells = " ".join(row.split("|")[1] for row in clock.splitlines() if row.startswith("| "))
    assert {*re.findall(r"`\.(\w+)", cells)} == public
    assert {*re.findall(r"`(\w+)`", cells)} == arguments
    methods = {row[0].split("(")[0].strip("`") for row in rows_of("testing", "`holdfast.Clock`")[1:]}
    assert methods == {name for name in vars(holdfast.Clock) if not name.startswith("_")}


@pytest.mark.parametrize(
    "script",
    [
        "draw_backoff.py",
        "draw_benchmarks.py",
        "draw_circuit.py",
        "draw_composition.py",
        "draw_deadlines.py",
        "draw_patterns.py",
        "draw_storms.py",
    ],
)
def test_the_pictures_are_drawn_from_the_code_as_it_is(script: str) -> None:
    drawing = runpy.run_path(str(ROOT / "docs" / "pictures" / script))
    assert drawing["PICTURE"].read_text(encoding="utf-8") == drawing["draw"]()


def test_the_list_of_known_errors_is_that_of_the_tables() -> None:
    written = runpy.run_path(str(ROOT / "docs" / "reference" / "write_errors.py"))["page"]()
    page = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert page == written, "run: python docs/reference/write_errors.py"
