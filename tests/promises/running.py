"""Runs tests of a copy of the project, in a process of their own that is given only so much time."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .book import ROOT, Sabotage

COPIED = ("src", "tests", "pyproject.toml")

_LONGEST = 200

PASSED, FAILED = 0, 1
"""What pytest says if all tests have passed, or some have failed; anything else says that they could not be run."""


@dataclass(frozen=True)
class Run:
    """How a run of tests went: what pytest returned, None if it was ended as it hung, and what it said."""

    code: int | None
    output: str
    seconds: float

    @property
    def verdict(self) -> str:
        """What that means for a sabotage."""
        if self.code is None:
            return "caught (it hung)"
        if self.code == FAILED and self.first_failure:
            return "caught"
        return "SURVIVED" if self.code == PASSED else "BROKEN"

    @property
    def is_caught(self) -> bool:
        """Whether the tests have noticed."""
        return self.verdict.startswith("caught")

    @property
    def first_failure(self) -> str:
        """The first test that failed, and how, in one line; an empty text if none did."""
        failures = [line for line in self.output.splitlines() if line.startswith("FAILED ")]
        return failures[0].split("::", 1)[-1][:_LONGEST] if failures else ""


def copy_to(place: Path) -> Path:
    """Copy what tests need into a new directory there, and return it."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
        else:
            shutil.copy(ROOT / name, place / name)
    return place


@contextmanager
def sabotaged(copy: Path, sabotage: Sabotage) -> Iterator[None]:
    """Break the copy for the time of the block."""
    path = copy / "src" / "holdfast" / sabotage.file
    text = path.read_text(encoding="utf-8")
    path.write_text(sabotage.of(text), encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(text, encoding="utf-8")


def run_tests(copy: Path, tests: Sequence[str], timeout: float) -> Run:
    """Run these tests of the copy up to the first one that fails."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "--tb=line", "-p", "no:cacheprovider", *tests]
    # No compiled files: Python tells an old one by its time and size, and a sabotage may change neither.
    surroundings = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "300"}
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        cwd=copy,
        env=surroundings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,  # so that what the tests have started is ended with them
    )
    code: int | None
    try:
        output, _ = process.communicate(timeout=timeout)
        code = process.returncode
    except subprocess.TimeoutExpired:
        code, output = None, ""
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    return Run(code, output, time.monotonic() - began)
