"""Write promises.md, which leads from each promise to the tests that prove it, from the tables of `tests/promises`.

python docs/explanation/write_promises.py            writes the page
python docs/explanation/write_promises.py --check    says whether it is up to date
"""

from __future__ import annotations

import re
import sys
import textwrap
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent / "promises.md"
TABLES = Path(__file__).parents[2] / "tests" / "promises"

INTRODUCTION = """\
# What is promised, and how it is proved

Each of these promises is broken by at least one library for Python that people use; that was found by running them.
Here each has tests that prove it, clause by clause, through plain and async functions wherever both make sense. What a
test is called says what holds, and leads to its file.

```sh
pytest                        # all of them, with all other tests
python -m tests.promises      # breaks each promise on purpose, in a copy, and sees that its tests notice
```

The second command makes one small change of the source after the other, in the way in which some library goes wrong,
and runs the tests of the promise that it breaks: they have to fail. What it changes is told behind each promise.

Where threads or tasks race, some clauses name scenarios that are "played in thousands of orders". These choose which
step comes next, whichever that may be in the wild, and print the number of an order in which something goes wrong, for
it to be played again: `python -m tests.schedules --scenario breaker-probes`.

This page is written from [`promises.toml`](../../tests/promises/promises.toml) and
[`sabotages.toml`](../../tests/promises/sabotages.toml) by `python docs/explanation/write_promises.py`.
"""


def page() -> str:
    """Return the whole page."""
    promises = _table("promises")["promise"]
    sabotages = _table("sabotages")["sabotage"]
    parts = [INTRODUCTION]
    about = ""
    for promise in promises:
        if promise["about"] != about:
            about = promise["about"]
            parts.append(f"## {about}\n")
        parts += _promise(promise, [each["why"] for each in sabotages if each["promise"] == promise["number"]])
    return "\n".join(parts).rstrip() + "\n"


def _table(name: str) -> dict[str, Any]:
    return tomllib.loads((TABLES / f"{name}.toml").read_text(encoding="utf-8"))


def _promise(promise: dict[str, Any], broken_by: list[str]) -> Iterator[str]:
    yield f"### {promise['number']}. {promise['says']}\n"
    for clause in promise["clause"]:
        links = ",\n  ".join(_link(test) for test in clause["tests"])
        says = textwrap.fill(clause["says"], 118, subsequent_indent="  ")
        yield f"* {says}\n  {links}"
        if clause.get("schedules"):
            played = ", ".join(f"`{name}`" for name in clause["schedules"])
            yield textwrap.fill(f"  Played in thousands of orders: {played}.", 120, subsequent_indent="  ")
    yield "\n" + textwrap.fill(f"Broken on purpose by {'; '.join(broken_by)}.", 120) + "\n"


def _link(test: str) -> str:
    """Return a test's name, as the sentence that it is, with a link to its file."""
    path, _, name = test.partition("::")
    words = re.sub(r"^test_(promise_\d+_(and_\d+_)?)?", "", name).replace("_", " ")
    return f"[{words}](../../{path})"


def main() -> int:
    """Write the page, or check it; the exit code is 1 if it is not up to date."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return 0 if PAGE.read_text(encoding="utf-8") == page() else 1


if __name__ == "__main__":
    sys.exit(main())
