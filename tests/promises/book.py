"""The two tables: what is promised and proved, and how it is broken on purpose."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
SOURCE = ROOT / "src" / "holdfast"


@dataclass(frozen=True)
class Clause:
    """One part of a promise, the tests that prove it, and scenarios in which the order of all steps is chosen."""

    says: str
    tests: tuple[str, ...]
    schedules: tuple[str, ...] = ()


@dataclass(frozen=True)
class Promise:
    """What holds, whatever happens; `about` says of which guard."""

    number: int
    about: str
    says: str
    clauses: tuple[Clause, ...]

    @property
    def tests(self) -> tuple[str, ...]:
        """All tests that prove it, each once."""
        return tuple(dict.fromkeys(test for clause in self.clauses for test in clause.tests))


@dataclass(frozen=True)
class Sabotage:
    """A change of the source, as exact text, by which a promise is broken; `why` says who breaks it so."""

    promise: int
    file: str
    old: str
    new: str
    why: str

    @property
    def path(self) -> Path:
        """The file to be changed."""
        return SOURCE / self.file

    def of(self, text: str) -> str:
        """Return the text of the file with the change; raise `LookupError` if what is to be changed is not there."""
        found = text.count(self.old)
        if found != 1:
            raise LookupError(f"{self.file} has the text {found} times, not once:\n{self.old}")
        return text.replace(self.old, self.new)


def promises() -> list[Promise]:
    """Return all promises in their order."""
    entries = tomllib.loads((HERE / "promises.toml").read_text(encoding="utf-8"))["promise"]
    return [
        Promise(
            entry["number"],
            entry["about"],
            entry["says"],
            tuple(
                Clause(clause["says"], tuple(clause["tests"]), tuple(clause.get("schedules", ())))
                for clause in entry["clause"]
            ),
        )
        for entry in entries
    ]


def sabotages() -> list[Sabotage]:
    """Return all sabotages in the order of the promises that they break."""
    entries = tomllib.loads((HERE / "sabotages.toml").read_text(encoding="utf-8"))["sabotage"]
    return sorted((Sabotage(**entry) for entry in entries), key=lambda each: each.promise)
