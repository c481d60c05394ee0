"""Asks each library everything, and runs the scripts that show what fails."""

from __future__ import annotations

import ast
import dataclasses
import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from .adapters import MODULES, version
from .playing import Played
from .scenarios import SCENARIOS

REPRODUCTIONS = Path(__file__).parent / "reproductions"

LONGEST = 25.0
"""Seconds after which a scenario is ended: its library hangs."""


@dataclasses.dataclass(frozen=True)
class Cell:
    """What is known of one library in one scenario."""

    library: str
    scenario: str
    verdict: str
    """"passed", "failed" or "not offered"."""
    seen: tuple[str, ...] = ()
    """What was seen instead of what is expected, with the door."""
    documented: str = ""
    """What the library's documentation says of it."""


def ask(library: str) -> list[Cell]:
    """Play all scenarios with a library, in a process of its own."""
    played: dict[str, dict[str, Played]] = {}
    done = 0
    while True:
        count, finished = 0, False
        for scenario, door, outcome in _answers(library, done):
            if scenario is None:
                finished = True
                break
            played.setdefault(scenario, {})[door] = outcome
            count += 1
        done += count
        if finished:
            return [_cell(library, scenario, doors) for scenario, doors in played.items()]
        if not count:
            raise RuntimeError(f"the process that asks {library} ends without an answer")


def _answers(library: str, skipped: int) -> Iterator[tuple[str | None, str, Played]]:
    """What a worker says, until it is through (None), hangs or dies; the last answer says so then."""
    command = [sys.executable, "-m", f"{__package__}.worker", library, str(skipped)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    def read(stream: Iterator[str]) -> None:
        for line in stream:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
    asked: dict[str, str] | None = None
    try:
        while True:
            try:
                line = lines.get(timeout=LONGEST)
            except queue.Empty:
                line, hung = "", True
            else:
                hung = False
            if not line:
                if asked is not None:
                    seen = "it hangs" if hung else "the process died"
                    yield asked["scenario"], asked["door"], Played("failed", seen)
                elif process.wait() == 0:
                    yield None, "", Played("passed")
                return
            answer = json.loads(line)
            if asked is None:
                asked = answer
                continue
            yield asked["scenario"], asked["door"], Played(**answer)
            asked = None
    finally:
        process.kill()
        process.wait()


def _cell(library: str, scenario: str, doors: dict[str, Played]) -> Cell:
    verdicts = [played.verdict for played in doors.values()]
    seen = tuple(f"{door}: {played.seen}" for door, played in doors.items() if played.verdict == "failed")
    verdict = next((verdict for verdict in ("failed", "passed") if verdict in verdicts), "not offered")
    return Cell(library, scenario, verdict, seen, documented(library, scenario))


def reproduction(library: str, scenario: str) -> Path:
    """Where the script is, or would be, that shows a failure."""
    return REPRODUCTIONS / library / f"{scenario.replace('-', '_')}.py"


def documented(library: str, scenario: str) -> str:
    """What the script's docstring quotes from the library's documentation."""
    path = reproduction(library, scenario)
    if not path.exists():
        return ""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    _, found, quoted = text.partition("Documented: ")
    return " ".join(quoted.split()) if found else ""


def shows(path: Path) -> str:
    """Run a script; returns what its assertion says, or raises `LookupError` if it does not fail as it should."""
    try:
        ended = subprocess.run(
            [sys.executable, "-I", "-W", "ignore", str(path)],
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LookupError(f"does not end within {LONGEST:g} s") from None
    lines = [line for line in ended.stderr.splitlines() if line.startswith("AssertionError: ")]
    if ended.returncode != 1 or not lines:
        last = ended.stderr.strip().splitlines()[-1:] or ["no error"]
        raise LookupError(f"does not fail on its assertion (exit code {ended.returncode}, {last[0]})")
    return lines[-1].removeprefix("AssertionError: ")


def scripts(libraries: list[str]) -> list[tuple[str, str, Path]]:
    """All scripts of these libraries: the library, the scenario, and where it is."""
    found = []
    for library in libraries:
        for path in sorted((REPRODUCTIONS / library).glob("*.py")):
            found.append((library, path.stem.replace("_", "-"), path))
    return found


def complaints(cells: list[Cell], shown: dict[tuple[str, str], str | LookupError]) -> list[str]:
    """What does not fit together: failures that nothing shows, and scripts that show nothing (any more)."""
    found = []
    by_name = {(cell.library, cell.scenario): cell for cell in cells}
    for (library, scenario), cell in by_name.items():
        if cell.verdict != "failed":
            continue
        if library == "holdfast":
            found.append(f"holdfast fails {scenario}: {'; '.join(cell.seen)}")
        elif (library, scenario) not in shown:
            found.append(f"{library} fails {scenario}, and no script shows it: {'; '.join(cell.seen)}")
    for (library, scenario), said in shown.items():
        at = f"{library} {version(library)}, {scenario}"
        if isinstance(said, LookupError):
            found.append(f"{at}: the script {said}")
        elif scenario not in SCENARIOS:
            found.append(f"{at}: there is a script, but no such scenario")
        elif (library, scenario) not in by_name or by_name[library, scenario].verdict != "failed":
            found.append(f"{at}: the script fails, but the scenario does not")
    return found


__all__ = ["MODULES", "Cell", "ask", "complaints", "reproduction", "scripts", "shows"]
