"""The house: every module has its floor and imports only its own or lower ones; decisions are pure; imports are cheap."""

from __future__ import annotations

import ast
import functools
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import holdfast

SOURCE = Path(holdfast.__file__).parent

# The first entry that is a prefix of the module's name counts.
FLOORS = {
    "typed": 1,
    "errors": 1,
    "dialects": 1,
    "records": 1,
    "functions": 1,
    "settings": 1,
    "journal": 1,
    "events": 1,
    "listening": 1,
    "registry": 1,
    "switch": 1,
    "clock": 1,
    "correlation": 1,
    "failures": 1,
    "roll": 1,
    "contexts": 1,
    "durations": 1,
    "retry.backoff": 2,
    "retry.budget": 2,
    "retry.context": 2,
    "retry.given": 2,
    "retry.policy": 2,
    "retry.presets": 2,
    "retry.source": 2,
    "retry.state": 2,
    "circuit_breaker.bulkhead.config": 2,
    "circuit_breaker.bulkhead.events": 2,
    "circuit_breaker.config": 2,
    "circuit_breaker.events": 2,
    "circuit_breaker.ledger": 2,
    "circuit_breaker.state": 2,
    "circuit_breaker.window": 2,
    "timeout.config": 2,
    "timeout.events": 2,
    "timeout.marks": 2,
    "fallback.answers": 2,
    "fallback.config": 2,
    "fallback.events": 2,
    "fallback.kinds": 2,
    "fallback.making": 2,
    "rate_limit.allowance": 2,
    "rate_limit.bucket": 2,
    "rate_limit.config": 2,
    "rate_limit.events": 2,
    "rate_limit.exact": 2,
    "rate_limit.measures": 2,
    "rate_limit.memory": 2,
    "rate_limit.told": 2,
    "rate_limit.window": 2,
    "_runtime": 3,
    "circuit_breaker": 4,
    "fallback": 4,
    "retry": 4,
    "timeout": 4,
    "rate_limit": 4,
    "config": 5,
    "decorators": 5,
    "health": 5,
    "observability": 5,
    "resilience": 5,
    "integrations": 6,
    "testing": 6,
    "demo": 6,
    "explain": 6,
    "__main__": 6,
    "__init__": 6,
}


@functools.cache
def modules() -> list[str]:
    names = []
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts))
    return names


def path_of(module: str) -> Path:
    path = SOURCE.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def floor_of(module: str) -> int:
    for prefix, floor in FLOORS.items():
        if module == prefix or module.startswith(prefix + "."):
            return floor
    raise AssertionError(f"{module} has no floor: say in FLOORS where it belongs")


@functools.cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(path_of(module).read_text(encoding="utf-8"))


def imports_of(module: str, *, types_too: bool = False) -> Iterator[str]:
    """The modules of the house that a module imports when it runs, wherever in the file it does so; or for types too."""
    known = set(modules())
    path = path_of(module)
    package = module if path.name == "__init__.py" and module != "__init__" else module.rpartition(".")[0]
    tree = tree_of(module)
    for node in ast.walk(tree) if types_too else running_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package.split(".") if package else []
            base = base[: len(base) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                inner = ".".join([*base, alias.name])
                yield inner if inner in known else ".".join(base)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "holdfast":
            yield node.module.partition(".")[2] or "__init__"


def running_nodes(node: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and isinstance(child.test, ast.Name) and child.test.id == "TYPE_CHECKING":
            continue
        yield child
        yield from running_nodes(child)


@pytest.mark.parametrize("module", modules())
def test_no_module_imports_from_a_higher_floor(module: str) -> None:
    for imported in imports_of(module):
        assert floor_of(imported) <= floor_of(module), f"{module} reaches up to {imported}"


def test_no_imports_go_in_circles() -> None:
    graph = {module: set(imports_of(module, types_too=True)) - {module} for module in modules()}
    while leaves := [module for module, imported in graph.items() if not imported & graph.keys()]:
        for module in leaves:
            del graph[module]
    assert not graph, f"these import one another in a circle: {sorted(graph)}"


@pytest.mark.parametrize("module", [module for module in modules() if floor_of(module) == 2])
def test_decisions_do_not_sleep_lock_log_or_read_a_clock(module: str) -> None:
    for node in running_nodes(tree_of(module)):
        assert not isinstance(node, (ast.Await, ast.AsyncFunctionDef, ast.AsyncWith)), f"{module} awaits"
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level and node.module:
            names.append(node.module)
        for name in names:
            assert name.split(".")[0] not in {"asyncio", "threading", "time", "logging"}, f"{module} imports {name}"


def packages_of_others(module: str) -> set[str]:
    """The packages that a module imports when it runs, but for the standard library and holdfast."""
    found = set()
    for node in running_nodes(tree_of(module)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.split(".")[0])
    return found - sys.stdlib_module_names - {"holdfast"}


@pytest.mark.parametrize("module", modules())
def test_only_an_integration_imports_a_package_of_others_and_only_one(module: str) -> None:
    if module.startswith("integrations."):
        assert len(packages_of_others(module)) == 1
    else:
        assert packages_of_others(module) == set()


@pytest.mark.parametrize("module", [module for module in modules() if module.startswith("integrations.")])
def test_an_integration_uses_what_is_public_and_nobody_imports_it(module: str) -> None:
    for node in running_nodes(tree_of(module)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "holdfast":
            public = importlib.import_module(node.module).__all__
            assert {alias.name for alias in node.names} <= {*public, "events"}
        assert not (isinstance(node, ast.ImportFrom) and node.level), "an integration stands outside the house"
    for other in modules():
        assert module not in imports_of(other, types_too=True)


@pytest.mark.parametrize("module", modules())
def test_files_are_rooms_not_halls(module: str) -> None:
    lines = path_of(module).read_text(encoding="utf-8").count("\n")
    assert lines <= 450, f"{module} has {lines} lines; is it one idea?"


def test_importing_holdfast_imports_none_of_the_heavy_modules() -> None:
    heavy = {"asyncio", "dataclasses", "inspect", "logging", "random", "json", "email", "ssl", "socket", "datetime"}
    heavy |= {"typing", "re", "contextlib"}
    code = f"import sys; before = set(sys.modules); import holdfast; print(sorted(({heavy!r} - before) & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"


def test_the_front_door_is_sorted_complete_and_documented() -> None:
    assert holdfast.__all__ == sorted(holdfast.__all__, key=lambda name: (not name.isupper(), name.islower(), name))
    assert len(set(holdfast.__all__)) == len(holdfast.__all__)
    for name in holdfast.__all__:
        thing = getattr(holdfast, name)
        if callable(thing):
            assert thing.__doc__, f"{name} has no docstring"
    for package in ("errors", "retry", "testing"):
        module = importlib.import_module(f"holdfast.{package}")
        assert all(hasattr(module, name) for name in module.__all__)
