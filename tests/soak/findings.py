"""What a long run finds: facts, and checks of what was seen against what must be; told as text or as JSON."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import Any

_KEPT = 5
"""Of each kind of mishap so many are told in words."""


@dataclass(frozen=True)
class Check:
    """One thing that must be so."""

    what: str
    seen: Any
    wanted: str
    holds: bool


class Findings:
    """The facts and checks of one run; mishaps may be told of by any thread."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.facts: dict[str, Any] = {}
        self.checks: list[Check] = []
        self._mishaps: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def fact(self, what: str, value: Any) -> None:
        """Note something that is worth knowing and can be neither right nor wrong."""
        self.facts[what] = value

    def equal(self, what: str, seen: Any, wanted: Any) -> None:
        self.checks.append(Check(what, seen, f"= {wanted}", bool(seen == wanted)))

    def at_most(self, what: str, seen: float, most: float) -> None:
        self.checks.append(Check(what, seen, f"<= {most}", bool(seen <= most)))

    def at_least(self, what: str, seen: float, least: float) -> None:
        self.checks.append(Check(what, seen, f">= {least}", bool(seen >= least)))

    def expect(self, what: str) -> None:
        """There is to be no mishap of that kind; to be said before the first one can happen."""
        with self._lock:
            self._counts.setdefault(what, 0)
            self._mishaps.setdefault(what, [])

    def mishap(self, what: str, told: str) -> None:
        """What must never happen has happened."""
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + 1
            known = self._mishaps.setdefault(what, [])
            if len(known) < _KEPT:
                known.append(told)

    @property
    def all_checks(self) -> list[Check]:
        """The checks, and one for each kind of mishap."""
        with self._lock:
            mishaps = [
                Check(what, count if not count else f"{count}: {'; '.join(self._mishaps[what])}", "= 0", not count)
                for what, count in self._counts.items()
            ]
        return [*self.checks, *mishaps]

    @property
    def failed(self) -> list[Check]:
        return [check for check in self.all_checks if not check.holds]

    def text(self) -> str:
        """Return a small report."""
        lines = [self.title, ""]
        lines += [f"  {what:44} {_shown(value)}" for what, value in self.facts.items()]
        lines.append("")
        checks = self.all_checks
        lines += [
            f"  {'ok' if check.holds else 'NO':3} {check.what:58} {_shown(check.seen)} {check.wanted}"
            for check in checks
        ]
        failed = len(self.failed)
        lines += ["", f"{len(checks)} checks, {f'{failed} of them FAILED' if failed else 'all hold'}"]
        return "\n".join(lines)

    def json(self) -> str:
        """Return all of it for a program to read."""
        checks = [{**vars(check), "seen": _plain(check.seen)} for check in self.all_checks]
        facts = {what: _plain(value) for what, value in self.facts.items()}
        return json.dumps({"title": self.title, "facts": facts, "checks": checks, "holds": not self.failed}, indent=2)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}" if isinstance(value, float) else str(value)


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, float, str)) or value is None else str(value)
