"""The corpus: how to make the exceptions of real client libraries, and the verdict that each should get.

One TOML file per family in `corpus/`, one `[[entry]]` per exception:

    [[entry]]
    module = "httpx httpx2"                # one entry for each; imported, and called LIB in what follows
    setup = "import httpcore"              # optional: lines to run first
    build = "LIB.ConnectTimeout('late')"   # an expression that gives the exception
    verdict = "TRANSIENT CONNECT_TIMEOUT always failure"   # category, code, retry scope, circuit outcome
    after = 7                              # optional: the seconds that `retry_after` should be
    retryable = false                      # optional: if not worth another attempt in spite of its scope
    why = "..."                            # optional: what is surprising about it
    left = "..."                           # only if the classifier says otherwise and stays so: the reason

A retry scope other than "never" means that it is retryable, unless that is denied.
"""

from __future__ import annotations

import importlib
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from holdfast import Classification

HERE = Path(__file__).parent
FIELDS = ("category", "code", "retry_scope", "circuit_outcome")
NOW = 1_800_000_000.0
"""The moment at which dates in the corpus are read: 2027-01-15T08:00:00Z."""


@dataclass(frozen=True)
class Entry:
    family: str
    module: str
    build: str
    verdict: tuple[str, ...]
    setup: str = ""
    after: float | None = None
    retryable: bool = True
    why: str = ""
    left: str = ""

    @property
    def name(self) -> str:
        return f"{self.module}: {self.build}"

    def make(self) -> BaseException:
        """Build the exception from the real classes. Raises whatever says that they are not there."""
        names: dict[str, Any] = {"LIB": importlib.import_module(self.module)}
        exec(self.setup, names)
        error = eval(self.build, names)
        assert isinstance(error, BaseException), f"{self.build} gives no exception but {error!r}"
        return error

    def wrong(self, said: Classification) -> dict[str, str]:
        """What the classifier says otherwise, by field; empty if the verdict is right."""
        found = {}
        for field, wanted in zip(FIELDS, self.verdict, strict=True):
            if getattr(said, field) != wanted:
                found[field] = f"{getattr(said, field)} instead of {wanted}"
        wanted_retry = self.retryable and self.verdict[2] != "never"
        if said.retryable != wanted_retry:
            found["retryable"] = f"{said.retryable} instead of {wanted_retry}"
        if said.trips_circuit != (self.verdict[3] == "failure"):
            found["trips_circuit"] = f"{said.trips_circuit} instead of {not said.trips_circuit}"
        if said.retry_after != self.after and not (
            self.after is not None and said.retry_after is not None and abs(said.retry_after - self.after) < 1e-3
        ):
            found["retry_after"] = f"{said.retry_after} instead of {self.after}"
        return found


def families() -> list[str]:
    return sorted(path.stem for path in (HERE / "corpus").glob("*.toml"))


def entries(family: str) -> Iterator[Entry]:
    rows = tomllib.loads((HERE / "corpus" / f"{family}.toml").read_text(encoding="utf-8"))["entry"]
    for row in rows:
        fields = {key: value for key, value in row.items() if key not in {"module", "verdict"}}
        verdict = tuple(row["verdict"].split())
        for module in row["module"].split():
            yield Entry(family=family, module=module, verdict=verdict, **fields)
