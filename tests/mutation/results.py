"""What mutmut has found out, read from the files that it keeps beside the mutated modules."""

from __future__ import annotations

import json
import tomllib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
MUTANTS = ROOT / "mutants"
SURVIVORS = Path(__file__).with_name("survivors.toml")

# By the exit codes of pytest, or of what ended it. A test that does not end has noticed the mutant as well.
OUTCOMES: dict[int | None, str] = {
    None: "not run",
    0: "survived",
    **dict.fromkeys((5, 33), "untested"),
    **dict.fromkeys((1, 3), "killed"),
    **dict.fromkeys((24, 36, 152, 255, -24), "hung"),
    **dict.fromkeys((-6, -9, -11), "crashed"),
}
NOTICED = frozenset({"killed", "hung", "crashed"})


@dataclass
class Module:
    """The mutants of one module, each with its outcome."""

    name: str
    path: Path
    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.outcomes.values())

    @property
    def run(self) -> int:
        return len(self.outcomes) - self.counts["not run"]

    @property
    def noticed(self) -> int:
        return sum(self.counts[outcome] for outcome in NOTICED)

    def survivors(self) -> Iterator[str]:
        """The names of the mutants that no test noticed."""
        return (name for name, outcome in self.outcomes.items() if outcome not in NOTICED and outcome != "not run")


def modules() -> list[Module]:
    """All modules that were mutated."""
    found = []
    for meta in sorted(MUTANTS.rglob("*.py.meta")):
        path = meta.relative_to(MUTANTS).with_suffix("")
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        outcomes = {name: OUTCOMES.get(code, f"exit code {code}") for name, code in codes.items()}
        if outcomes:
            found.append(Module(".".join(path.with_suffix("").parts[2:]), path, outcomes))
    return found


def where(mutant: str) -> str:
    """Return what a mutant changes, as one would write it.

    >>> where("holdfast.retry.budget.xǁRetryBudgetǁ__init____mutmut_3")
    'retry.budget.RetryBudget.__init__'
    >>> where("holdfast.retry.backoff.x__power__mutmut_1")
    'retry.backoff._power'
    """
    module, _, name = mutant.removeprefix("holdfast.").rpartition(".")
    name = name.rpartition("__mutmut_")[0]
    return f"{module}.{name.removeprefix('xǁ').replace('ǁ', '.') if name.startswith('xǁ') else name.removeprefix('x_')}"


def described(module: Module, mutant: str) -> str:
    """Return a mutant in one line that stays the same for as long as the line does that it changes."""
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    lines = get_diff_for_mutant(mutant, path=module.path).splitlines()[2:]
    before = " ".join(line[1:].strip() for line in lines if line.startswith("-"))
    after = " ".join(line[1:].strip() for line in lines if line.startswith("+"))
    return f"{where(mutant)}: {before} -> {after}"


def explained() -> dict[str, str]:
    """Return the survivors that are known, each with why it is let live."""
    entries = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get("survivors", [])
    return {mutant: entry["why"] for entry in entries for mutant in entry["mutants"]}
