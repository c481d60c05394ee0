"""What the README and the docs show runs: each document's Python blocks, from top to bottom, as a reader would type them."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Sybil
from sybil.parsers.markdown import PythonCodeBlockParser

from holdfast import (
    RETRY_POLICIES,
    BulkheadConfig,
    CircuitBreakerConfig,
    FallbackConfig,
    RateLimiterConfig,
    ResiliencePolicy,
    RetryPolicy,
    TimeoutConfig,
)
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
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


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
    rows = re.findall(r"^\| (`[^|]+`) \|", table, flags=re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(config._fields)


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
