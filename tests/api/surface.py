"""The public surface, as lines of text: every public name with its kind, signature, attributes and methods.

    python -m tests.api.surface            prints it
    python -m tests.api.surface --write    keeps it in surface.txt, when a change is meant

Public is what `holdfast` and its public packages list in `__all__`; names that several of them list appear once.
"""

from __future__ import annotations

import enum
import importlib
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

KEPT = Path(__file__).parent / "surface.txt"
PACKAGES = (
    "holdfast",
    "holdfast.errors",
    "holdfast.retry",
    "holdfast.circuit_breaker",
    "holdfast.timeout",
    "holdfast.rate_limit",
    "holdfast.fallback",
    "holdfast.resilience",
    "holdfast.config",
    "holdfast.observability",
    "holdfast.health",
    "holdfast.decorators",
    "holdfast.events",
    "holdfast.testing",
    "holdfast.integrations.prometheus",
    "holdfast.integrations.opentelemetry",
    "holdfast.integrations.structlog",
)
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def public() -> Iterator[tuple[str, str, Any]]:
    """Yield each public name with the package that lists it first."""
    seen: set[int] = set()
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in sorted(getattr(module, "__all__", [])):
            thing = getattr(module, name)
            if id(thing) not in seen or not callable(thing):
                seen.add(id(thing))
                yield package, name, thing


def surface() -> str:
    """Return the whole surface."""
    lines: list[str] = []
    for package, name, thing in public():
        lines += _described(f"{package}.{name}", thing)
    return "\n".join(lines) + "\n"


def _described(path: str, thing: Any) -> Iterator[str]:
    if inspect.isclass(thing):
        bases = ", ".join(base.__name__ for base in thing.__bases__ if base is not object)
        yield f"class {path}({bases})"
        if issubclass(thing, enum.Enum):
            yield from (f"    {member.name} = {member.value!r}" for member in thing)
            return
        if "__init__" in vars(thing) or "__new__" in vars(thing):
            yield f"    {signature(thing)}"
        yield from (f"    {line}" for line in _members(thing))
    elif callable(thing):
        yield f"def {path}{signature(thing)}"
    else:
        yield f"{path}: {type(thing).__name__}"


def _members(kind: type) -> Iterator[str]:
    for name, member in sorted(members(kind).items()):
        function = getattr(member, "__func__", member)
        if isinstance(member, property):
            yield f"{name}: property"
        elif callable(function):
            prefix = {"staticmethod": "static ", "classmethod": "class "}.get(type(member).__name__, "")
            yield f"{prefix}{'async ' if inspect.iscoroutinefunction(function) else ''}def {name}{signature(function)}"
        else:
            yield name


def members(kind: type) -> dict[str, Any]:
    """Return the public members that the class or a base of ours defines, the nearest definition first."""
    found: dict[str, Any] = {}
    for base in kind.__mro__:
        if base.__module__.startswith("holdfast"):
            for name, member in vars(base).items():
                if not name.startswith("_") or name in {"__enter__", "__aenter__", "__call__", "__iter__", "__aiter__"}:
                    found.setdefault(name, member)
    return found


def signature(thing: Any) -> str:
    """Return the signature as text, without addresses."""
    try:
        return _ADDRESS.sub("", str(inspect.signature(thing)))
    except (TypeError, ValueError):
        return "(...)"


if __name__ == "__main__":
    if "--write" in sys.argv:
        KEPT.write_text(surface(), encoding="utf-8")
    else:
        print(surface(), end="")
