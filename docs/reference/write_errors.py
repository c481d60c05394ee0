"""Write errors.md, the list of all errors that are known, from the tables that the classifier itself uses.

python docs/reference/write_errors.py            writes the page
python docs/reference/write_errors.py --check    says whether it is up to date
"""

from __future__ import annotations

import ast
import inspect
import pkgutil
import re
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from holdfast.errors import known
from holdfast.errors.classification import Classification
from holdfast.errors.codes import CODES
from holdfast.errors.http import STATUSES
from holdfast.errors.json_rpc import JSON_RPC
from holdfast.errors.oserrors import BY_EAI, BY_ERRNO
from holdfast.errors.recognition import Otherwise
from holdfast.errors.stdlib import STDLIB

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

PAGE = Path(__file__).parent / "errors.md"

INTRODUCTION = """\
# Errors that are known

What holdfast makes of the errors of the standard library and of the client libraries that people use, by the names of
their classes, the codes that vendors give, and HTTP statuses. [How errors are judged](../explanation/classification.md)
says which of them is asked first; [how to find out how an error is judged](../how-to/errors.md) says how to ask, and
what to do when you disagree.

This page is written from the tables that the classifier uses, by `python docs/reference/write_errors.py`.

*Retry* is the scope in which a retry is safe, and *circuit* what the failure says of the dependency. A class stands for
its subclasses too, unless they have a row of their own. "Unless its cause says more": the error's cause is asked first.
"""


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, *_statuses(), *_libraries(), *_codes(), *_standard_library()]
    return "\n".join(parts).rstrip() + "\n"


def _statuses() -> Iterator[str]:
    yield "## HTTP statuses\n"
    yield "Of any library whose errors carry a status or a response with one.\n"
    yield from _table(
        "status", _grouped((str(status), said) for status, said in STATUSES.items() if _is_listed(status))
    )
    yield "Other statuses from 400 to 499 are judged as 400, those from 500 to 599 as 500, and redirects as 300.\n"


def _is_listed(status: int) -> bool:
    return status in {300, 400, 500} or not _alike(STATUSES[status], STATUSES[status // 100 * 100])


def _libraries() -> Iterator[str]:
    yield "## Client libraries\n"
    for place, packages in known.TABLES.items():
        module = import_module(f"{known.__name__}.{place.partition('.')[0]}")
        yield f"### {', '.join(packages.split())}\n"
        yield f"{_first_sentence(module)}\n"
        yield from _classes(known.table_at(place))


def _codes() -> Iterator[str]:
    yield "## Codes\n"
    yield "### Codes of any library\n"
    yield "Texts named `code`, `error_code` or `type` on an error or in the body that it carries.\n"
    yield from _table("code", _grouped(CODES.items()))
    yield "### JSON-RPC\n"
    yield from _table("number", _grouped((str(number), said) for number, said in JSON_RPC.items()))
    for info in pkgutil.iter_modules(known.__path__):
        module = import_module(f"{known.__name__}.{info.name}")
        found = _grouped(_codes_in(module))
        if found:
            yield f"### {_first_sentence(module).rstrip('.')}\n"
            yield from _table("code or words", found)


def _codes_in(module: ModuleType) -> list[tuple[str, Classification]]:
    """Return the codes that the module's own tables list, each once: rows of several are spread over single codes."""
    own = {
        target.id
        for node in ast.parse(inspect.getsource(module)).body
        for target in (node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)])
        if isinstance(target, ast.Name)
    }
    tables = [value for name, value in vars(module).items() if name in own and _is_of_codes(value)]
    pairs = [(str(code), said) for table in tables for code, said in table.items()]
    single = {code.casefold() for code, _ in pairs if " " not in code}
    spread: dict[str, tuple[str, Classification]] = {}
    for code, said in pairs:
        words = code.split()
        for each in words if single.issuperset(word.casefold() for word in words) else [" ".join(words)]:
            spread.setdefault(each.casefold(), (each, said))
    return list(spread.values())


def _is_of_codes(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(said, Classification) for said in value.values())
        and all(isinstance(code, (str, int)) and ":" not in str(code) for code in value)
    )


def _standard_library() -> Iterator[str]:
    yield "## The standard library\n"
    yield from _classes(STDLIB)
    yield "### errno\n"
    yield from _table("errno", _grouped((said.reason.removeprefix("errno "), said) for said in BY_ERRNO.values()))
    yield "### Name resolution\n"
    by_name = ((said.reason.removeprefix("resolver error "), said) for said in BY_EAI.values())
    yield from _table("error", _grouped(by_name))


def _classes(rows: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, rule in rows.items():
        groups.setdefault(_cells(rule), []).append(_class_name(name))
    yield from _table("class", {cells: list(dict.fromkeys(names)) for cells, names in groups.items()})


def _class_name(name: str) -> str:
    return name.replace(":", ".").removeprefix("builtins.")


def _grouped(pairs: Iterable[tuple[str, Classification]]) -> dict[tuple[str, ...], list[str]]:
    groups: dict[tuple[str, ...], list[str]] = {}
    for name, said in pairs:
        names = groups.setdefault(_cells(said), [])
        if name not in names:
            names.append(name)
    return groups


def _cells(rule: Any) -> tuple[str, ...]:
    if isinstance(rule, Classification):
        circuit = "ignored" if rule.circuit_outcome == "ignore" else rule.circuit_outcome
        return (f"{rule.category} `{rule.code}`", rule.retry_scope if rule.retryable else "never", circuit)
    if isinstance(rule, Otherwise):
        verdict, *rest = _cells(rule.verdict)
        return (f"{verdict}, unless its cause says more", *rest)
    words = " ".join((inspect.getdoc(rule) or "").split("\n\n")[0].split())
    words = re.sub(r"^(Judge|Return the verdict on) ", "", words).rstrip(".")
    return (f"*judged one by one:* {words}" if words else "*judged by what it carries*", "", "")


def _alike(one: Classification, other: Classification) -> bool:
    return _cells(one) == _cells(other)


def _first_sentence(module: ModuleType) -> str:
    return " ".join((module.__doc__ or "").split("\n\n")[0].split())


def _table(heading: str, groups: Mapping[tuple[str, ...], list[str]]) -> Iterator[str]:
    yield f"| {heading} | verdict | retry | circuit |"
    yield "|---|---|---|---|"
    for cells, names in groups.items():
        shown = ", ".join(f"`{name}`" for name in names)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in (shown, *cells))} |"
    yield ""


def main() -> int:
    """Write the page, or check it; the exit code is 1 if it is not up to date."""
    if "--check" not in sys.argv:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    return 0 if PAGE.read_text(encoding="utf-8") == page() else 1


if __name__ == "__main__":
    sys.exit(main())
